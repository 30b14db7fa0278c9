//! Owns which lines of a log are shown, and in which form. PURE.

use super::clean::clean;
use super::event::Event;
use super::on_call::OnCall;
use crate::task::{LogLine, LogText};
use protocol::Event as RunnerEvent;

/// What somebody wants to see of a log.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogView {
    /// Milliseconds since 1970: nothing older.
    pub(crate) since: Option<i64>,
    /// Only lines with this text.
    pub(crate) grep: Option<String>,
    pub(crate) form: LogForm,
}

/// How a line is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum LogForm {
    /// Time and sentence.
    #[default]
    Rendered,
    /// As CloudWatch has it.
    Raw,
    /// Rendered, but what `status` says of each migration comes as a table.
    BesideTable,
}

impl LogView {
    /// What is shown of these lines, and how many that are.
    pub(super) fn of(&self, lines: &[LogLine]) -> (Event, u64) {
        let shown: Vec<&LogLine> = lines.iter().filter(|line| self.shows(line)).collect();
        let count = shown.len() as u64;
        let event = match self.form {
            LogForm::Raw => {
                let texts = shown.iter().map(|line| line.raw.trim_end().to_owned());
                Event::OnCall(Box::new(OnCall::Raw(texts.collect())))
            }
            LogForm::Rendered | LogForm::BesideTable => {
                Event::Log(shown.into_iter().cloned().collect())
            }
        };
        (event, count)
    }

    fn shows(&self, line: &LogLine) -> bool {
        let in_table = self.form == LogForm::BesideTable
            && matches!(&line.text, LogText::Event(line) if matches!(line.event, RunnerEvent::MigrationStatus(_)));
        let old = self.since.is_some_and(|since| line.at < since);
        let found = self.grep.as_ref().is_none_or(|wanted| match self.form {
            LogForm::Raw => line.raw.contains(wanted.as_str()),
            LogForm::Rendered | LogForm::BesideTable => {
                clean(line.text.readable()).contains(wanted.as_str())
            }
        });
        found && !old && !in_table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(view: &LogView) -> u64 {
        let line = |at, text: &str| LogLine {
            container: "migrate".to_owned(),
            at,
            text: LogText::Plain(text.to_owned()),
            raw: format!("{{\"x\":\"{text}\"}}"),
        };
        view.of(&[line(1, "one"), line(2, "two"), line(3, "\u{1b}[31mone two")]).1
    }

    #[test]
    fn lines_are_chosen_by_time_and_text() {
        let all = LogView::default();
        let grep = |text: &str| Some(text.to_owned());
        for (view, expected) in [
            (all.clone(), 3),
            (LogView { since: Some(2), ..all.clone() }, 2),
            (LogView { grep: grep("two"), ..all.clone() }, 2),
            (LogView { grep: grep("[31m"), ..all.clone() }, 0),
            (LogView { grep: grep("\"x\""), ..all.clone() }, 0),
            (LogView { grep: grep("\"x\""), form: LogForm::Raw, ..all.clone() }, 3),
            (LogView { since: Some(9), ..all }, 0),
        ] {
            assert_eq!(count(&view), expected, "{view:?}");
        }
    }
}
