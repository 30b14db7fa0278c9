//! Owns making text short enough, and saying so. PURE.

use std::borrow::Cow;

/// How a cut text ends.
const CUT: &str = "… [cut]";

/// At most `most` characters, which must be more than the mark has.
pub(super) fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if text.chars().nth(most).is_none() {
        return Cow::Borrowed(text);
    }
    let kept = text.chars().take(most.saturating_sub(CUT.chars().count()));
    Cow::Owned(kept.chain(CUT.chars()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_fits_and_says_so() {
        assert_eq!(cut("short", 10), "short");
        assert_eq!(cut("exactly 10", 10), "exactly 10");
        assert_eq!(cut("ä long text indeed", 10), "ä l… [cut]");
        assert_eq!(cut(&"x".repeat(9000), 4096).chars().count(), 4096);
    }
}
