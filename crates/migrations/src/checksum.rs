//! The digest by which an edited script is noticed: SHA-256 of the file as read, in lower-case hex.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// What Prisma writes into `checksum`: no normalisation of line ends or of a byte order mark.
pub fn checksum(script: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(script.as_bytes()))
}

/// The digests of a script with its own line ends and with either other kind: a checkout with
/// `core.autocrlf` is no edit (prisma-engines `checksum.rs`, #7101). They are all that is kept of a
/// script until it is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digests {
    as_read: String,
    unix: String,
    windows: String,
}

impl Digests {
    /// The digests of `script`.
    pub fn of(script: &str) -> Self {
        Self {
            as_read: checksum(script),
            unix: with_line_ends(script, "\n"),
            windows: with_line_ends(script, "\r\n"),
        }
    }

    /// What the history records.
    pub fn recorded(&self) -> &str {
        &self.as_read
    }

    /// Whether the history's digest is of this script, whatever its line ends.
    pub fn match_any(&self, recorded: &str) -> bool {
        [&self.as_read, &self.unix, &self.windows].into_iter().any(|digest| digest == recorded)
    }
}

/// Hashes line by line: a script may be large, and a copy of it would be as large.
fn with_line_ends(script: &str, line_end: &str) -> String {
    let mut digest = Sha256::new();
    let mut lines = script.split('\n').peekable();
    while let Some(line) = lines.next() {
        match lines.peek() {
            Some(_) => {
                digest.update(line.strip_suffix('\r').unwrap_or(line));
                digest.update(line_end);
            }
            None => digest.update(line),
        }
    }
    HEXLOWER.encode(&digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_script_has_the_digest_of_nothing() {
        assert_eq!(
            checksum(""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn line_ends_are_no_edit_but_a_blank_is() {
        let stored = checksum("SELECT 1;\nSELECT 2;\n");
        let matches = |stored: &str, script: &str| Digests::of(script).match_any(stored);
        assert!(matches(&stored, "SELECT 1;\nSELECT 2;\n"));
        assert!(matches(&stored, "SELECT 1;\r\nSELECT 2;\r\n"));
        assert!(!matches(&stored, "SELECT 1; \nSELECT 2;\n"));
        let stored = checksum("SELECT 1;\r\nSELECT 2;\r\n");
        assert!(matches(&stored, "SELECT 1;\nSELECT 2;\n"));
        assert!(!matches("", "SELECT 1;"));
    }

    #[test]
    fn a_byte_order_mark_counts() {
        assert_ne!(checksum("\u{feff}SELECT 1;"), checksum("SELECT 1;"));
    }
}
