//! Owns the rows of an ending, the same in text, in GitHub's summary and in its annotation. PURE.

use super::clean::clean;
use crate::task::{Conclusion, LogState};
use crate::words;

/// Name and text of each row, in reading order. A green ending has few, a red one says everything
/// that the person at the other end needs.
pub(super) fn rows(conclusion: &Conclusion) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let mut add = |name: &str, text: &str| rows.push((name.to_owned(), clean(text).into_owned()));
    if let Some(cause) = &conclusion.cause {
        add(if conclusion.is_green() { "warning" } else { "cause" }, cause);
    }
    if let Some(fix) = &conclusion.fix {
        add("fix", fix);
    }
    add("database", conclusion.database.sentence());
    if let Some(way_back) = &conclusion.way_back {
        add("way back", way_back);
    }
    if !conclusion.is_green() {
        for (name, text) in &conclusion.evidence {
            add(name, text);
        }
    }
    add("task", conclusion.task.as_str());
    add("log", &log(conclusion));
    if !conclusion.is_green() {
        if let Some(explain) = &conclusion.explain {
            add("explain", explain);
        }
        if conclusion.log_may_exist() {
            add("see all", conclusion.log.command.as_deref().unwrap_or_default());
            add("console", conclusion.log.url.as_deref().unwrap_or_default());
        }
        if let Some(attach) = &conclusion.attach {
            add("follow", attach);
        }
    }
    rows
}

/// What became of the log, in a phrase.
pub(super) fn log(conclusion: &Conclusion) -> String {
    let log = &conclusion.log;
    let lines = words::count(log.lines, "line");
    match log.state {
        // A container without a word has a stream all the same; a stream that never came has none.
        LogState::Complete if log.lines == 0 => "no line was seen".to_owned(),
        LogState::Complete => format!("{lines}, complete"),
        LogState::Unreadable => format!("{lines}, the log could not be read"),
        LogState::NotProved if log.gaps.is_empty() => {
            format!("{lines}, the tail is not proved complete")
        }
        LogState::NotProved => format!(
            "{lines}, not complete: missing {} {}",
            if log.gaps.len() == 1 { "number" } else { "numbers" },
            log.gaps.join(", ")
        ),
    }
}

/// `OK`, `FAILED`, … with the exit code of a red ending.
pub(super) fn headline(conclusion: &Conclusion) -> String {
    let sentence = clean(&conclusion.sentence);
    if conclusion.is_green() {
        format!("OK: {sentence}")
    } else {
        format!("NOT GREEN: {sentence} [exit {}, {}]", conclusion.exit_code, conclusion.class)
    }
}
