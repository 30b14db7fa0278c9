//! Owns what a script says of itself in comments: how it runs, and when.

use super::TRANSACTION_OFF;
use squawk_lexer::{TokenKind, tokenize};

const NAME: &str = "ecs-migrate";

const AFTER_DEPLOY: &str = "ecs-migrate: phase=after-deploy";

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
        if token.kind != TokenKind::LineComment {
            head &= matches!(token.kind, TokenKind::Whitespace | TokenKind::BlockComment { .. });
            continue;
        }
        match text[start..at].trim_start_matches('-').trim() {
            TRANSACTION_OFF if head => said.transaction_off = true,
            AFTER_DEPLOY if head && said.phase.is_ok() => said.phase = Ok(Phase::AfterDeploy),
            comment @ (TRANSACTION_OFF | AFTER_DEPLOY) if !head => {
                said.phase = Err(format!("`{comment}` stands behind the first statement"));
            }
            comment if is_meant(comment) => {
                said.phase = Err(format!("`{comment}` is not understood"));
            }
            _ => {}
        }
    }
    said
}

/// Without a copy: a script may have hundreds of megabytes.
fn mentions_us(text: &str) -> bool {
    text.as_bytes().windows(NAME.len()).any(|part| part.eq_ignore_ascii_case(NAME.as_bytes()))
}

/// `ecs-migrate`, perhaps a colon, and a word with `=`: no prose. Exceptions are not ours.
fn is_meant(comment: &str) -> bool {
    let ours = comment.get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME));
    let rest = if ours { comment[NAME.len()..].trim_start() } else { "" };
    let rest = rest.strip_prefix(':').unwrap_or(rest).trim_start();
    let Some((word, _value)) = rest.split_once('=') else { return false };
    let word = word.trim_end();
    let is_word = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let allows = word == "allow" && comment.starts_with("ecs-migrate:");
    is_word && !allows && comment != AFTER_DEPLOY
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
        ] {
            assert!(of(&format!("{wrong}\nSELECT 1;")).is_err(), "{wrong}");
        }
        for prose in [
            "-- ecs-migrate applies this when x = 1",
            "-- ecs-migrate: see the handbook",
            "-- ecs-migrate: allow=drop-column:a.b reason=\"x\"",
            "--ecs-migrate:allow=drop-column:a.b reason=\"x\"",
        ] {
            assert_eq!(of(&format!("{prose}\nSELECT 1;")), Ok(Phase::BeforeDeploy), "{prose}");
        }
    }
}
