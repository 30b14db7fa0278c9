//! Owns what a step of GitHub Actions takes for a command of its own in the forms that have no fence.
//! PURE.
//!
//! The runner of GitHub Actions looks into every line of both streams, whatever form was asked for: a
//! line that begins with `::` (`ActionCommand.TryParseV2`: after blanks), and `##[` anywhere in a line
//! (`TryParse`). A fence would stand between the lines that a program reads, and the two streams reach
//! the runner in no order; so what could be a command is broken up where it stands.

use super::github::data;
use super::line::push_line;
use std::borrow::Cow;

/// Text of which no line is a command.
pub(super) fn tamed_text(text: &str) -> Cow<'_, str> {
    let begins = |line: &str| line.trim_start().starts_with("::");
    if !text.contains("##[") && !text.lines().any(begins) {
        return Cow::Borrowed(text);
    }
    let tame = |line: &str| {
        let line = line.replace("##[", "#\\#[");
        if begins(&line) { line.replacen("::", ":\\:", 1) } else { line }
    };
    Cow::Owned(text.split_inclusive('\n').map(tame).collect())
}

/// JSON with the same meaning, of which no line is a command: an object begins with a brace, and
/// `##[` only stands in its texts.
pub(super) fn tamed_json(lines: &str) -> Cow<'_, str> {
    if lines.contains("##[") {
        Cow::Owned(lines.replace("##[", "#\\u0023["))
    } else {
        Cow::Borrowed(lines)
    }
}

/// The commands that take secrets out of the log.
pub(super) fn masks(secrets: &[String]) -> String {
    let mut commands = String::new();
    for secret in secrets {
        push_line(&mut commands, &format!("::add-mask::{}", data(secret)));
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the runner of GitHub Actions does with a line.
    fn is_command(line: &str) -> bool {
        line.trim_start().starts_with("::") || line.contains("##[")
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        for text in ["", "a::b\n", "12:00 ::error::x\n", "# [x]\n## [y]\n"] {
            assert!(matches!(tamed_text(text), Cow::Borrowed(_)), "{text:?}");
        }
        assert_eq!(tamed_text("  ::error::x\n"), "  :\\:error::x\n");
        assert_eq!(tamed_text("a ##[error]x"), "a #\\#[error]x");
    }

    #[test]
    fn a_mask_is_one_line() {
        assert_eq!(masks(&["a\nb%".to_owned()]), "::add-mask::a%0Ab%25\n");
    }

    proptest! {
        #[test]
        fn no_text_is_a_command(text in "([ \t\n:#\\[a]|\\PC){0,40}") {
            let tamed = tamed_text(&text);
            prop_assert!(!tamed.lines().any(is_command), "{tamed}");
            prop_assert_eq!(tamed.lines().count(), text.lines().count());
        }

        #[test]
        fn json_keeps_its_meaning(text in "([ \n:#\\[a\"]|\\PC){0,40}") {
            let value = serde_json::json!({"##[a": [text, "##[group]x"]});
            let line = format!("{value}\n");
            let tamed = tamed_json(&line);
            prop_assert!(!tamed.lines().any(is_command), "{tamed}");
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&tamed).unwrap(), value);
        }
    }
}
