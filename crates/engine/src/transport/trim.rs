//! Owns what is cut from a server's messages, where they are received. A script can make its server
//! say as much as it likes: `RAISE` of 200 MB, a literal that is repeated in the error, a row of a
//! gigabyte. The driver takes a message whole, and several times over; a sentence needs none of that.
//! PURE.
//!
//! Formats: PostgreSQL documentation, "Message Formats".

use std::io;

/// Errors and notices up to this size pass as they are, in bytes.
const SHORT: usize = 8 * 1024;
/// What is kept of a field of a longer one.
const FIELD: usize = 4 * 1024;
/// And of all of its fields: there are about twenty kinds of them.
const FIELDS: usize = 64 * 1024;

/// Rows up to this size pass as they are.
const ROW: usize = 8 * 1024 * 1024;
/// What is kept of a column of a larger one.
const COLUMN: usize = 256 * 1024;
/// And of all of its columns; those beyond are empty.
const COLUMNS: usize = ROW;

/// PostgreSQL allocates no message of more (`PQ_LARGE_MESSAGE_LIMIT`, `MaxAllocSize`).
const LONGEST: usize = 1 << 30;

/// Cuts a stream of messages; bytes may come in any pieces.
#[derive(Debug, Default)]
pub(super) struct Trim {
    /// What has come of the next message's tag and length.
    head: Vec<u8>,
    message: Option<Message>,
}

/// The message that is being received.
#[derive(Debug)]
struct Message {
    tag: u8,
    /// How many bytes of it are still to come.
    left: usize,
    body: Body,
}

#[derive(Debug)]
enum Body {
    /// Is passed on.
    Whole,
    /// Is let go of.
    Nothing,
    Fields(Fields),
    Columns(Columns),
}

impl Trim {
    /// Takes what has come, and gives what is left of it.
    pub(super) fn feed(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        while !bytes.is_empty() {
            let Some(message) = &mut self.message else {
                let (now, rest) = bytes.split_at((5 - self.head.len()).min(bytes.len()));
                self.head.extend_from_slice(now);
                bytes = rest;
                if let [tag, length @ ..] = self.head.as_slice()
                    && let Ok(length) = <[u8; 4]>::try_from(length)
                {
                    self.message = begin(*tag, length, out)?;
                    self.head.clear();
                }
                continue;
            };
            let (now, rest) = bytes.split_at(message.left.min(bytes.len()));
            message.left -= now.len();
            bytes = rest;
            match &mut message.body {
                Body::Whole => out.extend_from_slice(now),
                Body::Nothing => {}
                Body::Fields(fields) => fields.take(now),
                Body::Columns(columns) => columns.take(now)?,
            }
            if message.left == 0 {
                let body = match &mut message.body {
                    Body::Whole | Body::Nothing => None,
                    Body::Fields(fields) => Some(fields.finish()),
                    Body::Columns(columns) => Some(columns.finish()?),
                };
                if let Some(body) = body {
                    write_head(message.tag, body.len(), out)?;
                    out.extend_from_slice(&body);
                }
                self.message = None;
            }
        }
        Ok(())
    }
}

/// What a message begins as; none, if it has no body.
fn begin(tag: u8, length: [u8; 4], out: &mut Vec<u8>) -> io::Result<Option<Message>> {
    // The length counts itself.
    let left = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX).checked_sub(4);
    let left = left.filter(|left| *left <= LONGEST).ok_or_else(not_postgres)?;
    let body = match tag {
        b'E' | b'N' if left > SHORT => Body::Fields(Fields::default()),
        b'D' if left > ROW => Body::Columns(Columns::default()),
        // Rows that a script copies to nobody, whatever asked for them. The driver takes the beginning of
        // a copy for a broken connection; what is said of its end is the statement's own.
        b'H' | b'd' | b'c' => Body::Nothing,
        // A script can set an `application_name` as long as it likes, and nobody here asks for such.
        b'S' | b'A' if left > SHORT => Body::Nothing,
        _ => Body::Whole,
    };
    if let Body::Whole = body {
        out.push(tag);
        out.extend_from_slice(&length);
    }
    Ok((left > 0).then_some(Message { tag, left, body }))
}

fn write_head(tag: u8, body: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let length = u32::try_from(body + 4).map_err(|_too_long| not_postgres())?;
    out.push(tag);
    out.extend_from_slice(&length.to_be_bytes());
    Ok(())
}

/// Whoever is there speaks another protocol.
pub(super) fn not_postgres() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "what answers there does not speak PostgreSQL's protocol",
    )
}

/// The fields of an error or a notice: each a letter and a text that ends with a zero.
#[derive(Debug, Default)]
struct Fields {
    kept: Vec<u8>,
    /// Where in `kept` the text of the field begins that is being received.
    begun: Option<usize>,
    /// How long that text is.
    length: usize,
    ended: bool,
}

impl Fields {
    fn take(&mut self, mut bytes: &[u8]) {
        while let Some((first, rest)) = bytes.split_first() {
            let Some(begun) = self.begun else {
                bytes = rest;
                // The last field has no letter; what follows it is nothing.
                self.ended |= *first == 0;
                if !self.ended {
                    self.kept.push(*first);
                    self.begun = Some(self.kept.len());
                    self.length = 0;
                }
                continue;
            };
            let end = bytes.iter().position(|byte| *byte == 0);
            let (text, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            let room = FIELD.saturating_sub(self.kept.len() - begun);
            self.kept.extend_from_slice(text.get(..room).unwrap_or(text));
            self.length += text.len();
            bytes = rest.get(1..).unwrap_or_default();
            if end.is_some() {
                self.end_field(begun);
            }
        }
    }

    fn end_field(&mut self, begun: usize) {
        if begun > FIELDS {
            self.kept.truncate(begun - 1);
        } else if self.length > FIELD {
            cut_to_characters(&mut self.kept, begun);
            self.kept.extend_from_slice(format!("… ({} bytes)", self.length).as_bytes());
            self.kept.push(0);
        } else {
            self.kept.push(0);
        }
        self.begun = None;
    }

    fn finish(&mut self) -> Vec<u8> {
        if let Some(begun) = self.begun {
            self.end_field(begun);
        }
        let mut body = std::mem::take(&mut self.kept);
        body.push(0);
        body
    }
}

/// Takes away the last character, which may be half of one.
fn cut_to_characters(text: &mut Vec<u8>, begun: usize) {
    while text.len() > begun && text.last().is_some_and(|byte| byte & 0xc0 == 0x80) {
        text.pop();
    }
    if text.len() > begun && text.last().is_some_and(|byte| *byte >= 0xc0) {
        text.pop();
    }
}

/// The columns of a row: their number, and each a length, or -1 for NULL, and so many bytes.
#[derive(Debug, Default)]
struct Columns {
    kept: Vec<u8>,
    /// What has come of the number, or of a column's length.
    part: Vec<u8>,
    /// How many columns are still to come, if that is known.
    count: Option<u16>,
    /// How many bytes of this column are still to come, and how many of them are kept.
    left: usize,
    keep: usize,
    /// Where in `kept` this column begins, if a part of it is cut away.
    cut: Option<usize>,
}

impl Columns {
    fn take(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.left > 0 {
                let (now, rest) = bytes.split_at(self.left.min(bytes.len()));
                let kept = now.get(..self.keep).unwrap_or(now);
                self.kept.extend_from_slice(kept);
                self.keep -= kept.len();
                self.left -= now.len();
                bytes = rest;
                if let Some(begun) = self.cut.take_if(|_begun| self.left == 0) {
                    self.end_cut(begun)?;
                }
                continue;
            }
            let wanted = if self.count.is_none() { 2 } else { 4 };
            let (now, rest) = bytes.split_at((wanted - self.part.len()).min(bytes.len()));
            self.part.extend_from_slice(now);
            bytes = rest;
            if let Ok(count) = <[u8; 2]>::try_from(self.part.as_slice())
                && self.count.is_none()
            {
                self.count = Some(u16::from_be_bytes(count));
                self.kept.append(&mut self.part);
            } else if let Ok(length) = <[u8; 4]>::try_from(self.part.as_slice()) {
                self.part.clear();
                self.begin(i32::from_be_bytes(length))?;
            }
        }
        Ok(())
    }

    fn begin(&mut self, length: i32) -> io::Result<()> {
        self.count = Some(self.count.unwrap_or_default().checked_sub(1).ok_or_else(not_postgres)?);
        let Ok(length) = usize::try_from(length) else {
            self.kept.extend_from_slice(&(-1_i32).to_be_bytes());
            return Ok(());
        };
        let room = COLUMNS.saturating_sub(self.kept.len());
        (self.left, self.keep) = (length, length.min(COLUMN).min(room));
        let keep = u32::try_from(self.keep).map_err(|_too_long| not_postgres())?;
        self.kept.extend_from_slice(&keep.to_be_bytes());
        self.cut = (self.keep < length).then_some(self.kept.len());
        Ok(())
    }

    /// A text ends with a whole character, and its length says so.
    fn end_cut(&mut self, begun: usize) -> io::Result<()> {
        cut_to_characters(&mut self.kept, begun);
        let length = u32::try_from(self.kept.len() - begun).map_err(|_too_long| not_postgres())?;
        let place = self.kept.get_mut(begun - 4..begun).ok_or_else(not_postgres)?;
        place.copy_from_slice(&length.to_be_bytes());
        Ok(())
    }

    fn finish(&mut self) -> io::Result<Vec<u8>> {
        if self.left > 0 || !self.part.is_empty() || self.count != Some(0) {
            return Err(not_postgres());
        }
        Ok(std::mem::take(&mut self.kept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let mut whole = Vec::new();
        write_head(tag, body.len(), &mut whole).unwrap();
        whole.extend_from_slice(body);
        whole
    }

    fn trimmed(bytes: &[u8], piece: usize) -> Vec<u8> {
        let (mut trim, mut out) = (Trim::default(), Vec::new());
        for piece in bytes.chunks(piece) {
            trim.feed(piece, &mut out).unwrap();
        }
        out
    }

    #[test]
    fn what_is_short_passes_as_it_is() {
        let all = [
            message(b'R', &[0; 4]),
            message(b'1', b""),
            message(b'E', b"SERROR\0Mno\0\0"),
            message(b'D', b"\0\x01\0\0\0\x01x"),
            message(b'S', b"a\0b\0"),
            message(b'Z', b"I"),
        ]
        .concat();
        for piece in [1, 2, 7, all.len()] {
            assert_eq!(trimmed(&all, piece), all, "{piece}");
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters_and_say_so() {
        let long = "é".repeat(SHORT);
        let body = format!("SERROR\0C22P02\0Mx{long}\0D{long}\0P7\0\0");
        let rest = message(b'Z', b"I");
        for tag in [b'E', b'N'] {
            let whole = [message(tag, body.as_bytes()), rest.clone()].concat();
            let out = trimmed(&whole, 1);
            for piece in [3, 100, 4_096, whole.len()] {
                assert_eq!(trimmed(&whole, piece), out, "{piece}");
            }
            assert!(out.len() < 3 * FIELD && out.ends_with(&rest));
            let text = std::str::from_utf8(&out[5..out.len() - rest.len()]).unwrap();
            let fields: Vec<&str> = text.split('\0').collect();
            assert_eq!((fields[0], fields[1], fields[4]), ("SERROR", "C22P02", "P7"));
            assert!(fields[2].starts_with("Mxéé"), "{}", &fields[2][..20]);
            assert!(fields[2].ends_with(&format!("é… ({} bytes)", long.len() + 1)));
        }
    }

    #[test]
    fn what_nobody_asks_for_is_let_go_of() {
        let all = [
            message(b'H', b"\0\0\x01\0\0"),
            message(b'd', &[7; SHORT * 2]),
            message(b'c', b""),
            message(b'S', &vec![b'x'; SHORT + 1]),
            message(b'C', b"COPY 1\0"),
        ]
        .concat();
        for piece in [1, 7, all.len()] {
            assert_eq!(trimmed(&all, piece), message(b'C', b"COPY 1\0"), "{piece}");
        }
    }

    #[test]
    fn a_column_is_cut_between_characters() {
        for at_front in ["", "x"] {
            let text = format!("{at_front}{}", "é".repeat(ROW / 2));
            let length = u32::try_from(text.len()).unwrap().to_be_bytes();
            let body = [&[0, 1], length.as_slice(), text.as_bytes()].concat();
            let out = trimmed(&message(b'D', &body), 4_096);
            let kept = std::str::from_utf8(&out[11..]).unwrap();
            assert!(text.starts_with(kept) && kept.len() > COLUMN - 4, "{}", kept.len());
            assert_eq!(out[7..11], u32::try_from(kept.len()).unwrap().to_be_bytes());
        }
    }

    #[test]
    fn a_message_of_endless_fields_is_bounded() {
        let body = "Mabcdefgh\0".repeat(1_000_000) + "\0";
        assert!(trimmed(&message(b'E', body.as_bytes()), 4_096).len() < FIELDS + FIELD);
        // One that is broken off in a field, and one whose end comes early.
        for body in ["Mx".to_owned() + &"y".repeat(SHORT), "\0".repeat(SHORT * 2)] {
            let out = trimmed(&message(b'E', body.as_bytes()), 4_096);
            assert!(out.ends_with(&[0]) && out.len() < 2 * FIELD);
        }
    }

    #[test]
    fn large_rows_keep_their_columns() {
        let column = |bytes: &[u8]| {
            [i32::try_from(bytes.len()).unwrap().to_be_bytes().as_slice(), bytes].concat()
        };
        let large = vec![b'x'; ROW];
        let body = [
            3_u16.to_be_bytes().to_vec(),
            column(b"abc"),
            (-1_i32).to_be_bytes().to_vec(),
            column(&large),
        ]
        .concat();
        let wanted = [
            3_u16.to_be_bytes().to_vec(),
            column(b"abc"),
            (-1_i32).to_be_bytes().to_vec(),
            column(&large[..COLUMN]),
        ]
        .concat();
        for piece in [1_000, 4_096, body.len() + 5] {
            assert_eq!(trimmed(&message(b'D', &body), piece), message(b'D', &wanted), "{piece}");
        }
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        let mut short = vec![0; ROW + 1];
        short[1] = 9;
        for bytes in [
            b"HTTP/1.1 400 Bad Request".to_vec(),
            b"SSH-2.0-OpenSSH_9.6".to_vec(),
            b"R\0\0\0\x03".to_vec(),
            b"R\xff\xff\xff\xff".to_vec(),
            message(b'D', &vec![0; ROW + 1]),
            message(b'D', &short),
        ] {
            let mut out = Vec::new();
            assert!(Trim::default().feed(&bytes, &mut out).is_err(), "{:?}", &bytes[..5]);
        }
    }
}
