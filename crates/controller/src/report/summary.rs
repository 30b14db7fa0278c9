//! Owns what a step leaves on the summary page of GitHub Actions. PURE.
//!
//! Everything foreign is escaped: no name and no log line becomes markup. Every part has a bound, so
//! that the whole stays far below the 1 MiB that GitHub takes of a step.

use super::clean::clean;
use super::cut::cut;
use super::line::push_line;
use super::{mermaid, rows};
use crate::error::Error;
use crate::task::{Conclusion, PhaseState, class_name};
use crate::words;
use std::fmt::Write;

/// Migrations in the table.
const MIGRATIONS: usize = 200;

/// Characters of a cell.
const CELL: usize = 2_000;

/// Characters of a line of the log.
const LINE: usize = 2_000;

/// The whole page of an ending: the verdict comes first.
pub(super) fn of_conclusion(conclusion: &Conclusion) -> String {
    let mut text = headline(conclusion);
    text.push_str("| | |\n|---|---|\n");
    for (name, said) in rows::rows(conclusion) {
        push_line(&mut text, &format!("| {} | {} |", cell(&name), value(&name, &said)));
    }
    if let Some(failed) = conclusion.timeline.failed() {
        let after = failed.duration().map(|took| format!(", after {}", words::duration(took)));
        let name = failed.kind.word();
        push_line(&mut text, &format!("| failed in | {name}{} |", after.unwrap_or_default()));
    }
    migrations(&mut text, conclusion);
    if let Some(chart) = mermaid::chart(&conclusion.timeline) {
        push_line(&mut text, &format!("\n{chart}"));
    }
    if !conclusion.is_green() && !conclusion.last_lines.is_empty() {
        let lines: Vec<String> =
            conclusion.last_lines.iter().map(|line| cut(&clean(line), LINE).into_owned()).collect();
        push_line(&mut text, &fenced(&lines.join("\n")));
    }
    text
}

/// The verdict alone, for a page that is nearly full.
pub(super) fn headline(conclusion: &Conclusion) -> String {
    format!("### Migration: {}\n\n", escaped(&cut(&rows::headline(conclusion), CELL)))
}

/// The page of a run without a task.
pub(super) fn of_error(error: &Error) -> String {
    let mut text = format!(
        "### Migration: NOT GREEN: {} [exit {}, {}]\n\n| | |\n|---|---|\n",
        cell(&clean(&error.to_string())),
        error.exit_code(),
        cell(&class_name(error.class()))
    );
    let causes = error.causes().into_iter().map(|cause| ("caused by", cause));
    let database =
        error.database_meaning().map(|meaning| ("database", meaning.sentence().to_owned()));
    let fix = error.hint().map(|hint| ("fix", hint.to_owned()));
    for (name, said) in causes.chain(database).chain(fix) {
        push_line(&mut text, &format!("| {name} | {} |", cell(&clean(&said))));
    }
    text
}

fn migrations(text: &mut String, conclusion: &Conclusion) {
    let timeline = &conclusion.timeline;
    let all = timeline.phases.iter().filter_map(|phase| Some((phase.kind.migration()?, phase)));
    let count = all.clone().count();
    if count == 0 {
        return;
    }
    text.push_str("\n| migration | duration | |\n|---|--:|---|\n");
    // The last ones are where it ended.
    let hidden = count.saturating_sub(MIGRATIONS);
    if hidden > 0 {
        push_line(text, &format!("| {} before | | |", words::count(hidden as u64, "migration")));
    }
    for (name, phase) in all.skip(hidden) {
        let took = phase.duration().map(words::duration).unwrap_or_default();
        let state = match phase.state {
            PhaseState::Done => "applied",
            PhaseState::Failed => "**failed**",
            PhaseState::Interrupted => "**interrupted**",
            PhaseState::Open | PhaseState::Unknown => "how it ended is not known",
        };
        push_line(text, &format!("| {} | {took} | {state} |", cell(&clean(name))));
    }
}

/// A block that nothing in the text can end.
pub(super) fn fenced(text: &str) -> String {
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("\n{fence}text\n{text}\n{fence}")
}

/// A value, as what it is: a link, a command, or a text.
fn value(name: &str, text: &str) -> String {
    let is_link = text.starts_with("https://")
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "-._~:/?#@!$&'*+,;=%".contains(letter));
    match name {
        "console" if is_link => format!("[the log in the console]({text})"),
        "explain" | "see all" | "follow" => format!("<code>{}</code>", cell(text)),
        _other => cell(text),
    }
}

pub(super) fn cell(text: &str) -> String {
    escaped(&cut(text, CELL)).replace(['\n', '\r'], " ")
}

/// Text in which no letter means anything to Markdown or HTML.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '@' => safe.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                let _infallible = write!(safe, "\\{letter}");
            }
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_foreign_is_markup() {
        assert_eq!(
            cell("a|b `c` <script> @team\n[x](http://y) **z**"),
            "a\\|b \\`c\\` &lt;script&gt; &#64;team \\[x\\](http://y) \\*\\*z\\*\\*"
        );
        assert_eq!(
            value("console", "https://a/b#c$252Fd"),
            "[the log in the console](https://a/b#c$252Fd)"
        );
        assert_eq!(value("console", "https://a/)b"), "https://a/)b");
    }

    proptest! {
        #[test]
        fn no_line_ends_the_block(text in "[`a\n ~]{0,80}") {
            let block = fenced(&text);
            let fence = block.lines().nth(1).unwrap().trim_end_matches("text");
            let inside = block.lines().skip(2).take(block.lines().count() - 3);
            for line in inside {
                let run = line.trim_start().chars().take_while(|letter| *letter == '`').count();
                prop_assert!(run < fence.len(), "{block}");
            }
            prop_assert_eq!(block.lines().last(), Some(fence));
        }
    }
}
