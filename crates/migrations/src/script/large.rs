//! Scripts too large for a syntax tree: data, most likely.
//!
//! A tree takes about fifty times the text. The lexer needs no memory, knows strings, comments and
//! dollar quotes, and finds every semicolon that ends a statement; only what is no plain data is
//! then parsed, one statement at a time. Data statements that follow each other are sent together,
//! so a failure in them names the line, but counts them as one.

use super::parse::{Parsed, parse_one};
use super::{Class, Statement, line_at};
use squawk_lexer::{TokenKind, tokenize};
use std::ops::Range;

/// From this many bytes on a script is large.
pub(crate) const LIMIT: usize = 4 * 1024 * 1024;

/// How many bytes of data are sent together.
const TOGETHER: usize = 256 * 1024;

/// Takes a large script apart.
pub(super) fn parse(text: &str) -> Parsed {
    let mut statements: Vec<Statement> = Vec::new();
    let (mut line, mut seen, mut data) = (1, 0, false);
    for range in split(text) {
        line += line_at(&text[seen..range.start], range.start - seen) - 1;
        seen = range.start;
        let plain = is_data(&text[range.clone()]);
        if let Some(last) = statements.last_mut()
            && plain
            && data
            && range.end - last.range.start <= TOGETHER
        {
            last.range.end = range.end;
            continue;
        }
        let class = if plain { Class::Data } else { parse_one(&text[range.clone()]) };
        statements.push(Statement { range, line, class });
        data = plain;
    }
    Parsed { statements, unparsable: None }
}

fn is_data(statement: &str) -> bool {
    let word = statement.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    ["insert", "update", "delete"].iter().any(|data| word.eq_ignore_ascii_case(data))
}

/// The statements without their semicolons, and without comments around them.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other token is part of a statement")]
fn split(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let (mut at, mut depth, mut atomic) = (0_usize, 0_usize, Atomic::No);
    let mut open: Option<Range<usize>> = None;
    for token in tokenize(text) {
        let start = at;
        at += usize::try_from(token.len).unwrap_or(0);
        match token.kind {
            TokenKind::Whitespace
            | TokenKind::LineComment
            | TokenKind::BlockComment { .. }
            | TokenKind::Eof => continue,
            TokenKind::OpenParen => depth += 1,
            TokenKind::CloseParen => depth = depth.saturating_sub(1),
            TokenKind::Ident => atomic = atomic.next(&text[start..at]),
            TokenKind::Semi if depth == 0 && !matches!(atomic, Atomic::Body(_)) => {
                ranges.extend(open.take());
                atomic = Atomic::No;
                continue;
            }
            _ => {}
        }
        open = Some(open.map_or(start, |range| range.start)..at);
    }
    ranges.extend(open);
    ranges
}

/// Whether we are in the body of a function in standard SQL, `BEGIN ATOMIC … END`.
#[derive(Clone, Copy)]
enum Atomic {
    No,
    Begin,
    /// How many ENDs are missing: a CASE has one of its own.
    Body(usize),
}

impl Atomic {
    fn next(self, word: &str) -> Self {
        let is = |other: &str| word.eq_ignore_ascii_case(other);
        match self {
            Self::Body(1) if is("end") => Self::No,
            Self::Body(depth) if is("end") => Self::Body(depth - 1),
            Self::Body(depth) if is("case") => Self::Body(depth + 1),
            Self::Body(depth) => Self::Body(depth),
            Self::Begin if is("atomic") => Self::Body(1),
            Self::No | Self::Begin if is("begin") => Self::Begin,
            Self::No | Self::Begin => Self::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lexer_splits_as_the_parser_does() {
        let text = "-- a; b\nCREATE TABLE t(a int, b text DEFAULT ';');\n\
            INSERT INTO t VALUES (1, 'it''s; x'), (2, $q$;$q$);;\n/* ; */ SELECT \"a;b\" FROM t;\n\
            DO $$ BEGIN PERFORM 1; END $$;\n\
            CREATE FUNCTION f(x int) RETURNS int BEGIN ATOMIC SELECT CASE WHEN x > 1 THEN 1 ELSE 2 END; SELECT 2; END;\n\
            CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2);\nSELECT E'\\\\;', ';'; SELECT 1 -- end";
        let lexed: Vec<&str> = split(text).into_iter().map(|range| &text[range]).collect();
        let parsed = super::super::Script::parse(text);
        assert_eq!(parsed.unparsable, None);
        let parsed: Vec<&str> =
            parsed.statements.iter().map(|statement| parsed.text_of(statement)).collect();
        assert_eq!(lexed, parsed);
    }

    #[test]
    fn data_goes_together_and_the_rest_is_classified() {
        let rows = "INSERT INTO t VALUES (1);\n".repeat(LIMIT / 25);
        let text = format!("CREATE TABLE t(a int);\n{rows}CREATE INDEX CONCURRENTLY i ON t(a);\n");
        let script = super::super::Script::parse(text);
        assert!(script.statements.len() < 40, "{}", script.statements.len());
        assert_eq!(script.statements[1].line, 2);
        let last = script.statements.last().unwrap();
        assert!(matches!(last.class, Class::ConcurrentIndex { .. }));
        assert_eq!(usize::try_from(last.line).unwrap(), LIMIT / 25 + 2);
    }
}
