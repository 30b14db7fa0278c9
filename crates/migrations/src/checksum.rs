//! The digest by which an edited script is noticed: SHA-256 of the file as read, in lower-case hex.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// What Prisma writes into `checksum`: no normalisation of line ends or of a byte order mark.
pub fn checksum(script: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(script.as_bytes()))
}

/// A digest that grows with what is read: a script may be larger than the memory.
#[derive(Debug, Default)]
pub(crate) struct Growing(Sha256);

impl Growing {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> String {
        HEXLOWER.encode(&self.0.finalize())
    }
}

/// The digests that a script has with either kind of line ends: a checkout with `core.autocrlf` is
/// no edit (prisma-engines `checksum.rs`, #7101).
#[derive(Debug, Default)]
pub(crate) struct OtherLineEnds {
    unix: Growing,
    windows: Growing,
    /// A carriage return at the end of what came so far: what follows it decides.
    held: bool,
}

impl OtherLineEnds {
    /// Takes in the next bytes, wherever they were cut.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let (text, end) = match part.split_last() {
                Some((end @ (b'\n' | b'\r'), text)) => (text, Some(*end)),
                Some(_) | None => (part, None),
            };
            if !text.is_empty() {
                self.both(self.held.then_some(b"\r"), text);
                self.held = false;
            }
            match end {
                Some(b'\n') => {
                    self.held = false;
                    self.unix.update(b"\n");
                    self.windows.update(b"\r\n");
                }
                Some(_) => {
                    let another = std::mem::replace(&mut self.held, true);
                    if another {
                        self.both(None, b"\r");
                    }
                }
                None => {}
            }
        }
    }

    fn both(&mut self, first: Option<&[u8; 1]>, then: &[u8]) {
        for digest in [&mut self.unix, &mut self.windows] {
            if let Some(first) = first {
                digest.update(first);
            }
            digest.update(then);
        }
    }

    /// With line feeds, and with carriage returns before them.
    pub(crate) fn finish(mut self) -> [String; 2] {
        if self.held {
            self.both(None, b"\r");
        }
        [self.unix.finish(), self.windows.finish()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_empty_script_has_the_digest_of_nothing() {
        assert_eq!(
            checksum(""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn a_byte_order_mark_counts() {
        assert_ne!(checksum("\u{feff}SELECT 1;"), checksum("SELECT 1;"));
    }

    proptest! {
        #[test]
        fn line_ends_are_the_same_wherever_the_text_is_cut(text in "[ab\\r\\n]{0,24}", cuts in prop::collection::vec(0_usize..24, 0..4)) {
            let unix = text.replace("\r\n", "\n");
            let windows = unix.replace('\n', "\r\n");
            let mut places: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            places.extend([0, text.len()]);
            places.sort_unstable();
            let mut digests = OtherLineEnds::default();
            for pair in places.windows(2) {
                digests.update(&text.as_bytes()[pair[0]..pair[1]]);
            }
            prop_assert_eq!(digests.finish(), [checksum(&unix), checksum(&windows)]);
        }
    }
}
