//! Owns what a script says of itself in comments: how it runs, and when.

use super::TRANSACTION_OFF;
use squawk_lexer::{TokenKind, tokenize};

const AFTER_DEPLOY: &str = "ecs-migrate: phase=after-deploy";

/// An exception, which has a reader of its own.
const ALLOW: &str = "ecs-migrate:allow=";

/// When a script may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// While the old code runs: it only adds.
    BeforeDeploy,
    /// When the old code is gone: `-- ecs-migrate: phase=after-deploy`.
    AfterDeploy,
}

/// What the comments say.
pub(super) struct Said {
    /// Whether it runs statement by statement.
    pub(super) transaction_off: bool,
    /// When it runs, or the sentence about a comment that is not understood: whoever misspells one
    /// must not get the opposite of what was asked for.
    pub(super) phase: Result<Phase, String>,
}

/// Reads the comments of `text`; those that allow a finding have a reader of their own.
pub(super) fn read(text: &str) -> Said {
    let mut said = Said { transaction_off: false, phase: Ok(Phase::BeforeDeploy) };
    if !mentions_us(text) {
        return said;
    }
    // A byte order mark is no statement.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut at, mut head) = (0, true);
    for token in tokenize(text) {
        let start = at;
        at += usize::try_from(token.len).unwrap_or(0);
        let comment = &text[start..at];
        if token.kind == TokenKind::LineComment {
            read_line(comment, head, &mut said);
        } else if let TokenKind::BlockComment { .. } = token.kind {
            if let Some(line) = comment.lines().map(inside).find(|line| is_meant(line)) {
                said.phase = Err(format!("`{line}` stands in a block comment, not behind `--`"));
            }
        } else {
            head &= token.kind == TokenKind::Whitespace;
        }
    }
    said
}

fn read_line(comment: &str, head: bool, said: &mut Said) {
    match comment.trim_start_matches('-').trim() {
        TRANSACTION_OFF if head => said.transaction_off = true,
        AFTER_DEPLOY if head && said.phase.is_ok() => said.phase = Ok(Phase::AfterDeploy),
        AFTER_DEPLOY if head => {}
        comment @ (TRANSACTION_OFF | AFTER_DEPLOY) => {
            said.phase = Err(format!("`{comment}` stands behind the first statement"));
        }
        comment if comment.replacen(": ", ":", 1).starts_with(ALLOW) => {}
        comment if is_meant(inside(comment)) => {
            said.phase = Err(format!("`{}` is not understood", inside(comment)));
        }
        _ => {}
    }
}

/// A comment's words without what stands around them.
fn inside(comment: &str) -> &str {
    comment
        .trim_start_matches(|c: char| !c.is_alphanumeric())
        .trim_end_matches(['*', '/', ' ', '\t', '\r'])
}

/// Without a copy: a script may have hundreds of megabytes.
fn mentions_us(text: &str) -> bool {
    let (name, bytes) = (b"migrate", text.as_bytes());
    bytes.windows(name.len()).enumerate().any(|(at, part)| {
        // Whatever joins the two, it is short.
        part.eq_ignore_ascii_case(name)
            && bytes[at.saturating_sub(7)..at]
                .windows(3)
                .any(|part| part.eq_ignore_ascii_case(b"ecs"))
    })
}

/// Whether a comment begins like one of ours: the name, in any spelling, and a colon, or a word with
/// `=`. Anything else is prose.
fn is_meant(comment: &str) -> bool {
    let Some(rest) = without_name(comment) else { return false };
    let rest = rest.trim_start();
    if rest.starts_with([':', '：']) {
        return true;
    }
    let Some((word, _value)) = rest.split_once('=') else { return false };
    let word = word.trim_end();
    !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
}

/// What stands behind `ecs-migrate`, `ecs_migrate`, `ECS Migrate`.
fn without_name(comment: &str) -> Option<&str> {
    let rest = without_word(comment, "ecs")?;
    let joined = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
    if rest.len() - joined.len() > 4 {
        return None;
    }
    let rest = without_word(joined, "migrate")?;
    let goes_on = rest.starts_with(|c: char| c.is_alphanumeric() || ['-', '_', '\''].contains(&c));
    (!goes_on).then_some(rest)
}

fn without_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.get(..word.len()).filter(|start| start.eq_ignore_ascii_case(word))?;
    text.get(word.len()..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Phase, String> {
        read(text).phase
    }

    #[test]
    fn the_head_of_the_file_says_it() {
        let line = "-- ecs-migrate: phase=after-deploy\n";
        assert_eq!(of(""), Ok(Phase::BeforeDeploy));
        assert_eq!(of(&format!("-- why\n\n{line}SELECT 1;")), Ok(Phase::AfterDeploy));
        assert_eq!(of(&format!("/* why\nand how */\n{line}SELECT 1;")), Ok(Phase::AfterDeploy));
        assert_eq!(of(&format!("\u{feff}{line}SELECT 1;")), Ok(Phase::AfterDeploy));
        assert!(of(&format!("SELECT 1;\n{line}")).unwrap_err().contains("behind the first"));
        assert_eq!(of("SELECT '\n-- ecs-migrate: phase=x';"), Ok(Phase::BeforeDeploy));
        let both =
            "--ecs-migrate: transaction=off\r\n-- ecs-migrate: phase=after-deploy\r\nSELECT 1";
        assert_eq!((read(both).transaction_off, of(both)), (true, Ok(Phase::AfterDeploy)));
    }

    #[test]
    fn what_is_misspelt_is_not_taken_for_prose() {
        for wrong in [
            "-- ecs-migrate: phase=later",
            "-- ecs-migrate: phase=after_deploy",
            "-- ecs-migrate: Phase=after-deploy",
            "-- ecs-migrate: phase = after-deploy",
            "-- ecs-migrate phase=after-deploy",
            "-- ECS-migrate: phase=after-deploy",
            "-- ecs-migrate: phase=after-deploy -- drop it later",
            "-- ecs-migrate: transacton=off",
            "-- ecs-migrate: transaction=off, phase=after-deploy",
            "-- ecs_migrate: phase=after-deploy",
            "-- ecs migrate: phase=after-deploy",
            "-- ecsmigrate: phase=after-deploy",
            "-- ecs\u{2010}migrate: phase=after-deploy",
            "-- \u{feff}ecs-migrate: phase=after-deploy",
            "-- ecs-migrate : phase=after-deploy",
            "-- ecs-migrate: after-deploy",
            "-- ecs-migrate:",
            "-- ecs-migrate: see the handbook",
            "-- !ecs-migrate phase=after-deploy",
            "--# ecs-migrate: phase=after-deploy",
            "-- ecs-migrate:  alow=drop-column:a.b",
            "-- ecs_migrate: allow=drop-column:a.b",
            "/* ecs-migrate: phase=after-deploy */",
            "/*\n * why\n * ecs-migrate: transaction=off\n */",
            "/* ecs-migrate: allow=drop-column:a.b reason=\"x\" */",
        ] {
            assert!(of(&format!("{wrong}\nSELECT 1;")).is_err(), "{wrong}");
        }
        for prose in [
            "-- ecs-migrate applies this when x = 1",
            "-- ecs-migrate sees to it; see the handbook",
            "-- ecs-migrate-runner: see the handbook",
            "-- the ecs-migrate: phase=after-deploy of the last one",
            "/* ecs-migrate applies this */",
            "-- ecs-migrate: allow=drop-column:a.b reason=\"x\"",
            "--ecs-migrate:allow=drop-column:a.b reason=\"x\"",
        ] {
            assert_eq!(of(&format!("{prose}\nSELECT 1;")), Ok(Phase::BeforeDeploy), "{prose}");
        }
    }
}
