//! Owns how the log driver turns a line of output into events. Pure.

/// 256 KiB less the 26 bytes CloudWatch counts for every event (aws-facts 3.1).
pub(crate) const MAXIMUM_EVENT_BYTES: usize = 262_118;

/// Splits a line without its newline. Empty lines are no event. What is not UTF-8 becomes U+FFFD, one for
/// each byte, as Go does it; that happens before the split, so a broken line may make more events.
pub(crate) fn messages(line: Vec<u8>) -> Vec<String> {
    let mut rest = text(line);
    let mut messages = Vec::new();
    while rest.len() > MAXIMUM_EVENT_BYTES {
        let after = rest.split_off(rest.floor_char_boundary(MAXIMUM_EVENT_BYTES));
        messages.push(std::mem::replace(&mut rest, after));
    }
    if !rest.is_empty() {
        messages.push(rest);
    }
    messages
}

/// Takes the bytes over when they are text, as nearly all are.
fn text(line: Vec<u8>) -> String {
    String::from_utf8(line).unwrap_or_else(|error| {
        let mut text = String::new();
        for chunk in error.as_bytes().utf8_chunks() {
            text.push_str(chunk.valid());
            text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(line: &str) -> Vec<usize> {
        messages(line.as_bytes().to_vec()).iter().map(String::len).collect()
    }

    #[test]
    fn lines_become_events() {
        assert!(messages(Vec::new()).is_empty());
        for (line, message) in [
            (&b"plain"[..], "plain"),
            (b"a\xffb", "a\u{fffd}b"),
            (b"\xe2\x82", "\u{fffd}\u{fffd}"),
            (b"\x1b[31mred\0", "\u{1b}[31mred\0"),
        ] {
            assert_eq!(messages(line.to_vec()), [message]);
        }
    }

    #[test]
    fn long_lines_are_split_between_characters() {
        let most = "x".repeat(MAXIMUM_EVENT_BYTES);
        assert_eq!(lengths(&most), [MAXIMUM_EVENT_BYTES]);
        assert_eq!(lengths(&format!("{most}x")), [MAXIMUM_EVENT_BYTES, 1]);
        assert_eq!(
            lengths(&format!("{most}{most}x")),
            [MAXIMUM_EVENT_BYTES, MAXIMUM_EVENT_BYTES, 1]
        );
        assert_eq!(lengths(&format!("{}\u{e9}", &most[1..])), [MAXIMUM_EVENT_BYTES - 1, 2]);
    }
}
