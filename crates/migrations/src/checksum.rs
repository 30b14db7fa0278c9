//! The digest by which an edited script is noticed: SHA-256 of the file as read, in lower-case hex.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// What Prisma writes into `checksum`: no normalisation of line ends or of a byte order mark.
pub fn checksum(script: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(script.as_bytes()))
}

/// Whether `stored` is the digest of `script`, or of the same script with other line ends: a
/// checkout with `core.autocrlf` is no edit (prisma-engines `checksum.rs`, #7101).
pub fn matches(stored: &str, script: &str) -> bool {
    let unix = || script.replace("\r\n", "\n");
    stored == checksum(script)
        || stored == checksum(&unix())
        || stored == checksum(&unix().replace('\n', "\r\n"))
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
