//! Owns a child's output: bytes as lines, in parts that fit into an event line. PURE but for
//! [`copy`].

use super::mask::Mask;
use crate::emit::Emitter;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// A line without an end is passed on in parts from this size, in bytes.
const LONGEST_WAIT: usize = 16 * 1024;

/// The most JSON that a part may take, in bytes: an event line has 8 KiB for it, its sentence of up
/// to 1.5 KiB and its envelope.
const LONGEST_PART: usize = 5 * 1024;

/// Reads a stream to its end and passes on its lines.
pub(super) async fn copy(
    mut stream: impl AsyncRead + Unpin,
    name: &str,
    mask: &Mask,
    emitter: &Emitter,
) {
    let mut emit = |text: String, partial| emitter.output(name, text, partial);
    let mut lines = Lines::default();
    let mut chunk = vec![0; 32 * 1024];
    loop {
        // A pipe that cannot be read is at its end.
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(count) => lines.feed(&chunk[..count], mask, &mut emit),
        }
    }
    lines.end(mask, &mut emit);
}

/// What has come without its line end yet.
#[derive(Debug, Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn feed(&mut self, bytes: &[u8], mask: &Mask, emit: &mut impl FnMut(String, bool)) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.0.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            let line = std::mem::take(&mut self.0);
            pass(line.strip_suffix(b"\r").unwrap_or(&line), mask, (emit, false));
        }
        self.0.extend_from_slice(rest);
        if self.0.len() >= LONGEST_WAIT {
            let unsure = mask.unsure(&self.0).max(last_character(&self.0));
            let tail = self.0.split_off(self.0.len() - unsure);
            pass(&std::mem::replace(&mut self.0, tail), mask, (emit, true));
        }
    }

    /// What is left when the stream ends is a line too.
    fn end(&mut self, mask: &Mask, emit: &mut impl FnMut(String, bool)) {
        if !self.0.is_empty() {
            pass(&std::mem::take(&mut self.0), mask, (emit, false));
        }
    }
}

/// How many bytes the last character has, be it whole or not. It waits: it may be half a character,
/// and when the stream ends there must be a part left to say that the line does not go on.
fn last_character(bytes: &[u8]) -> usize {
    let begins = |byte: &u8| byte & 0b1100_0000 != 0b1000_0000;
    bytes.iter().rev().take(4).position(begins).map_or(1, |before| before + 1)
}

/// Passes on one line in as many parts as it needs; `goes_on` says whether more of it is to come.
fn pass(line: &[u8], mask: &Mask, (emit, goes_on): (&mut impl FnMut(String, bool), bool)) {
    let text = String::from_utf8_lossy(&mask.apply(line)).into_owned();
    let mut rest = text.as_str();
    loop {
        let (part, after) = rest.split_at(part(rest));
        rest = after;
        let last = rest.is_empty();
        emit(part.to_owned(), goes_on || !last);
        if last {
            return;
        }
    }
}

/// How many bytes of the text fit into one event.
fn part(text: &str) -> usize {
    let mut size = 0;
    for (at, character) in text.char_indices() {
        size += match character {
            '"' | '\\' => 2,
            '\0'..='\x1f' => 6,
            other => other.len_utf8(),
        };
        if size > LONGEST_PART {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::Secret;

    fn lines(chunks: &[&[u8]]) -> Vec<(String, bool)> {
        let mask = Mask::new([Secret::new("hunter2")]);
        let mut seen = Vec::new();
        let mut emit = |text, partial| seen.push((text, partial));
        let mut lines = Lines::default();
        for chunk in chunks {
            lines.feed(chunk, &mask, &mut emit);
        }
        lines.end(&mask, &mut emit);
        seen
    }

    #[test]
    fn lines_are_found_in_any_chunks() {
        let whole = |texts: &[&str]| -> Vec<(String, bool)> {
            texts.iter().map(|text| ((*text).to_owned(), false)).collect()
        };
        assert_eq!(lines(&[b"a\nb\r\n\nc"]), whole(&["a", "b", "", "c"]));
        assert_eq!(lines(&[b"a", b"b\n", b"c"]), whole(&["ab", "c"]));
        assert_eq!(lines(&[]), whole(&[]));
        assert_eq!(lines(&[b"x\xff\xfey\xc3\n"]), whole(&["x\u{fffd}\u{fffd}y\u{fffd}"]));
        assert_eq!(lines(&[b"pass hun", b"ter2!\n"]), whole(&["pass ***!"]));
    }

    #[test]
    fn long_lines_are_parts_that_make_the_whole_and_hide_what_is_on_the_seam() {
        let mut text = "é\u{1b}\"".repeat(20_000);
        text.insert_str(LONGEST_WAIT - 4, "hunter2");
        let chunks: Vec<&[u8]> = text.as_bytes().chunks(1_000).collect();
        let parts = lines(&chunks);
        let joined: String = parts.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(joined, text.replace("hunter2", "***"));
        let (last, before) = parts.split_last().unwrap();
        assert!(!last.1 && before.iter().all(|(_, partial)| *partial));
        // Also when it ends where a part ends.
        let parts = lines(&[&[b'x'; LONGEST_WAIT], &[b'y'; LONGEST_WAIT]]);
        assert!(!parts.last().unwrap().1);
        for (text, _) in &parts {
            assert!(serde_json::to_string(text).unwrap().len() <= LONGEST_PART + 2);
        }
    }
}
