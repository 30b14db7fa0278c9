//! Owns a statement as the server reads it: without what it ignores. PURE.

use squawk_lexer::{TokenKind, tokenize};

/// Whether comments count. For the server they do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comments {
    /// They are left out.
    Ignored,
    /// They stay, for whoever says something by one.
    Kept,
}

/// The tokens, separated by one blank; literals stay as they are.
pub fn as_read(statement: &str, comments: Comments) -> String {
    let mut at = 0;
    let mut words: Vec<String> = Vec::new();
    for token in tokenize(statement) {
        let start = at;
        at += usize::try_from(token.len).unwrap_or(0);
        let text = &statement[start..at];
        if matches!(token.kind, TokenKind::Whitespace | TokenKind::Eof) {
            continue;
        }
        if !matches!(token.kind, TokenKind::LineComment | TokenKind::BlockComment { .. }) {
            words.push(text.to_owned());
        } else if comments == Comments::Kept {
            words.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_ignores_is_ignored() {
        let plain = |text: &str| as_read(text, Comments::Ignored);
        assert_eq!(
            plain("INSERT  INTO t\r\n VALUES ('a\r\n b') -- c\r\n"),
            "INSERT INTO t VALUES ( 'a\r\n b' )"
        );
        assert_eq!(plain("SELECT /* again */ 1"), plain("SELECT 1"));
        assert_ne!(plain("SELECT 'a  b'"), plain("SELECT 'a b'"));
        assert_ne!(plain("SELECT $$a\n$$"), plain("SELECT $$a$$"));
        assert_ne!(as_read("SELECT /* again */ 1", Comments::Kept), plain("SELECT 1"));
        assert_eq!(
            as_read("SELECT --x\r\n 1", Comments::Kept),
            as_read("SELECT --x\n1", Comments::Kept)
        );
    }
}
