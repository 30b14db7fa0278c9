//! Owns foreign text on the page: masked, cleaned and short enough. There is no other way to make
//! one, and the template escapes it. PURE.

use super::super::clean::clean;
use super::super::cut::cut;
use crate::report::Secrets;
use std::borrow::Cow;

/// The longest text in characters.
const LONGEST: usize = 10_000;

/// What stands for a secret, as in GitHub's log.
const MASK: &str = "***";

/// A shorter line of a secret is a word that would be blackened everywhere.
const SHORTEST: usize = 6;

/// Text that may be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Text(String);

/// What must not be seen.
#[derive(Debug, Default)]
pub(super) struct Scrub {
    /// The longest first: one may be a part of another.
    secrets: Vec<String>,
}

impl Scrub {
    /// From here on these are masked; of several lines each by itself, as GitHub does it.
    pub(super) fn hide(&mut self, secrets: &Secrets) {
        let lines = secrets.0.iter().flat_map(|secret| secret.lines());
        let lines = lines.filter(|line| line.len() >= SHORTEST).map(str::to_owned);
        self.secrets.extend(lines);
        self.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    }

    /// One line.
    pub(super) fn text(&self, raw: &str) -> Text {
        let masked = self.masked(raw);
        // Escapes in the middle of a secret would have hidden it.
        Text(cut(&self.masked(&clean(&masked)), LONGEST).into_owned())
    }

    /// Text whose line breaks stay.
    pub(super) fn block(&self, raw: &str) -> Text {
        let lines: Vec<String> = raw.lines().map(|line| self.text(line).0).collect();
        Text(cut(&lines.join("\n"), LONGEST).into_owned())
    }

    fn masked<'a>(&self, raw: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(raw);
        for secret in &self.secrets {
            if text.contains(secret.as_str()) {
                text = Cow::Owned(text.replace(secret.as_str(), MASK));
            }
        }
        text
    }
}

impl Text {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl maud::Render for Text {
    fn render_to(&self, buffer: &mut String) {
        self.0.render_to(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use maud::html;
    use proptest::prelude::*;

    fn scrub() -> Scrub {
        let mut scrub = Scrub::default();
        scrub.hide(&Secrets(vec![
            "hunter22".to_owned(),
            "first line\nab\nhunter22-long".to_owned(),
        ]));
        scrub
    }

    #[test]
    fn nothing_foreign_is_markup_an_escape_or_a_secret() {
        for (raw, expected) in [
            (
                "</pre><script>alert(1)</script>",
                "&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt;",
            ),
            ("\" onload=\"x", "&quot; onload=&quot;x"),
            ("a & b", "a &amp; b"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{202e}abc", "\\u{202e}abc"),
            ("two\nlines", "two\\nlines"),
            ("password=hunter22!", "password=***!"),
            ("hunter22-long", "***"),
            ("hun\u{1b}[0mter22", "***"),
            ("the first line, ab", "the ***, ab"),
        ] {
            assert_eq!(html! { (scrub().text(raw)) }.into_string(), expected, "{raw:?}");
        }
        assert_eq!(scrub().block("a\nhunter22\n").as_str(), "a\n***");
        assert_eq!(scrub().text(&"x".repeat(20_000)).as_str().chars().count(), LONGEST);
    }

    proptest! {
        #[test]
        fn whatever_it_is_it_is_text(raw in "[<>&\"'a/\u{1b}\u{202e}\n-]{0,40}") {
            let shown = html! { (scrub().text(&raw)) }.into_string();
            prop_assert!(!shown.contains(['<', '>', '"', '\u{1b}', '\u{202e}', '\n']), "{}", shown);
        }
    }
}
