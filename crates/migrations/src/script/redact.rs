//! Owns how another session's query may be shown: without the values in it.
//!
//! A query that blocks us may hold a password, a token or a person's data, and log lines are kept
//! for long. What stays is its shape, as `pg_stat_statements` keeps it.

use squawk_lexer::{TokenKind, tokenize};

/// The statement on one line, its comments left out and every literal replaced by `?`. What the
/// server cut in the middle of a literal is a literal to its end.
pub fn without_literals(statement: &str) -> String {
    let mut shown = String::new();
    let mut at = 0_usize;
    let mut gap = false;
    for token in tokenize(statement) {
        let start = at;
        at += usize::try_from(token.len).unwrap_or(0);
        match shape(token.kind) {
            Shape::Nothing => gap = true,
            shape @ (Shape::Value | Shape::Word) => {
                if gap && !shown.is_empty() {
                    shown.push(' ');
                }
                gap = false;
                shown.push_str(if shape == Shape::Value { "?" } else { &statement[start..at] });
            }
        }
    }
    shown
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Nothing,
    Value,
    Word,
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other token is shown as it is")]
fn shape(kind: TokenKind) -> Shape {
    match kind {
        TokenKind::Whitespace
        | TokenKind::LineComment
        | TokenKind::BlockComment { .. }
        | TokenKind::Eof => Shape::Nothing,
        TokenKind::Literal { .. } | TokenKind::Unknown => Shape::Value,
        TokenKind::QuotedIdent { terminated: false, .. } => Shape::Value,
        _ => Shape::Word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_stays_and_the_values_go() {
        for (statement, shown) in [
            (
                "SELECT  *\nFROM t -- secret\nWHERE a = 'x''y' AND b=12.5",
                "SELECT * FROM t WHERE a = ? AND b=?",
            ),
            ("ALTER ROLE app PASSWORD 'hunter2'", "ALTER ROLE app PASSWORD ?"),
            ("SELECT $tag$a 'b' $c$ d$tag$, E'\\'x', U&'y', $1", "SELECT ?, ?, ?, $1"),
            ("INSERT INTO \"T 1\" VALUES ('cut in the mid", "INSERT INTO \"T 1\" VALUES (?"),
            ("SELECT 1 /* token=abc */", "SELECT ?"),
            ("DO $$ cut", "DO ?"),
            ("COPY t FROM '/x' \"cut", "COPY t FROM ? ?"),
            ("", ""),
        ] {
            assert_eq!(without_literals(statement), shown, "{statement}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_quoted_value_is_ever_shown(before in "[a-z =(,]{0,20}", value in "[a-z]{6,12}") {
            let shown = without_literals(&format!("{before} 'zz{value}zz'"));
            proptest::prop_assert!(!shown.contains(&format!("zz{value}zz")), "{shown}");
        }
    }
}
