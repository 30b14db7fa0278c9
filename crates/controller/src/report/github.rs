//! Owns GitHub's form: groups and annotations that are ours, and text that can never become one.
//!
//! The runner of GitHub Actions takes lines for commands (`::error::…`, `##[…]`) wherever they come
//! from. So all text runs between `::stop-commands::TOKEN` and `::TOKEN::` with a token that
//! nobody can guess.

use super::actions;
use super::checklist::Checklist;
use super::checkout::{self, Place};
use super::clean::clean;
use super::cut::cut;
use super::event::Event;
use super::human::{self, Human};
use super::line::push_line;
use super::writer::Rendered;
use super::{changes, image, release, review, rows, setup};
use crate::check::Review;
use crate::task::{Conclusion, LogLine};
use std::path::PathBuf;

/// The renderer.
#[derive(Debug, Default)]
pub(super) struct Github {
    pub(super) text: Human,
    /// The token that ends the fence, while one is open.
    fence: Option<String>,
    group: Option<Group>,
    launched: bool,
    annotations: usize,
    /// Where the repository is checked out.
    workspace: Option<PathBuf>,
}

/// A group that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Start,
    Log,
}

/// Annotations of one kind that GitHub shows of a step (actions/toolkit, docs/problem-matchers.md).
const ANNOTATIONS: usize = 10;

/// Characters of an annotation that GitHub keeps (the runner cuts at 4,096 since 2.305.0).
const MESSAGE: usize = 4_000;

impl Github {
    /// `workspace` is the checkout's root, where there is one.
    pub(super) fn new(workspace: Option<PathBuf>) -> Self {
        Self { workspace, ..Self::default() }
    }

    pub(super) fn render(&mut self, event: &Event) -> Rendered {
        let mut out = String::new();
        match event {
            Event::Note(_) | Event::Definition { .. } if !self.launched => {
                return Rendered { out, err: format!("{}\n", human::progress(event)) };
            }
            Event::Launched { .. } => {
                self.launched = true;
                self.open_group(&mut out, Group::Start, "starting the task");
                self.text(&mut out, &format!("{}\n", human::progress(event)));
            }
            Event::Service { .. }
            | Event::Note(_)
            | Event::Definition { .. }
            | Event::Progress(_)
            | Event::Status { .. }
            | Event::StopRequested(_) => {
                self.text(&mut out, &format!("{}\n", human::progress(event)));
            }
            Event::Warning { text, hint } => self.warn(&mut out, text, hint.as_deref()),
            Event::Phase { .. } => {}
            Event::Secrets(secrets) => {
                self.plain(&mut out, &actions::masks(&secrets.0));
            }
            Event::Image(packed) => return image::rendered(packed),
            Event::Data(text) => self.plain(&mut out, &format!("{text}\n")),
            Event::Plan(plan) => self.text(&mut out, &setup::plan(plan)),
            Event::Question(question) | Event::NameAsked(question) => {
                self.text(&mut out, &format!("{question}\n"));
            }
            Event::Variables { variables, place } => {
                self.text(&mut out, &setup::variables(variables, place.as_ref()));
            }
            Event::Differences(changes) => self.text(&mut out, &human::differences(changes)),
            Event::Log(lines) => self.log(&mut out, lines),
            Event::Changes(answer) | Event::ChangesShown(answer) => {
                self.text(&mut out, &changes::text(answer));
            }
            // Nothing of ours may follow to end the fence.
            Event::OnCall(told) => {
                self.close_group(&mut out);
                let text = told.text();
                if !text.is_empty() {
                    self.text(&mut out, &text);
                }
                self.plain(&mut out, "");
            }
            Event::Concluded(conclusion) | Event::Migrated(conclusion) => {
                self.conclude(&mut out, conclusion);
            }
            Event::Released(released) => {
                self.text(&mut out, &release::text(released));
                for (kind, title, text) in release::annotations(released) {
                    self.command(&mut out, &annotation(kind, &title, &text));
                }
            }
            Event::Checked(list) => self.checked(&mut out, list),
            Event::Reviewed(found) => self.reviewed(&mut out, found),
            Event::Failed(error) => {
                self.close_group(&mut out);
                self.text(&mut out, &human::failure(error));
                let mut whole = error.to_string();
                for line in error.causes().iter().map(String::as_str).chain(error.hint()) {
                    whole.push('\n');
                    whole.push_str(line);
                }
                self.command(&mut out, &annotation("error", "ecs-migrate", &whole));
            }
        }
        Rendered { out, err: String::new() }
    }

    fn warn(&mut self, out: &mut String, text: &str, hint: Option<&str>) {
        let whole = hint.map_or_else(|| text.to_owned(), |hint| format!("{text}\n{hint}"));
        self.annotations += 1;
        if self.annotations <= ANNOTATIONS {
            self.command(out, &annotation("warning", "ecs-migrate", &whole));
        } else {
            self.text(out, &format!("warning: {}\n", clean(&whole)));
        }
    }

    fn log(&mut self, out: &mut String, lines: &[LogLine]) {
        if self.group != Some(Group::Log)
            && let Some(line) = lines.first()
        {
            let name = data(&clean(&line.container));
            self.open_group(out, Group::Log, &format!("log of {name}"));
        }
        let text = self.text.log(lines);
        self.text(out, &text);
    }

    fn checked(&mut self, out: &mut String, list: &Checklist) {
        self.text(out, &list.text());
        for finding in list.blocking().take(ANNOTATIONS) {
            let fix = finding.fix.as_deref().unwrap_or_default();
            let whole = format!("{}\n{fix}", finding.sentence);
            let title = format!("ecs-migrate: {}", clean(&finding.name));
            self.command(out, &annotation("error", &title, &whole));
        }
        if list.blocking().next().is_none() {
            self.command(out, &annotation("notice", "ecs-migrate", &list.sentence()));
        }
    }

    fn conclude(&mut self, out: &mut String, conclusion: &Conclusion) {
        self.close_group(out);
        self.text(out, &human::ending(conclusion));
        if conclusion.is_green() {
            self.command(out, &annotation("notice", "ecs-migrate", &conclusion.sentence));
            return;
        }
        let place = match (&self.workspace, &conclusion.failure) {
            (Some(root), Some(failure)) => checkout::find(root, failure),
            (None, _) | (_, None) => None,
        };
        self.command(out, &red(conclusion, place.as_ref()));
    }

    /// Every finding on its line, as many as GitHub shows of a step.
    fn reviewed(&mut self, out: &mut String, found: &Review) {
        self.text(out, &review::text(found));
        let workspace = self.workspace.clone();
        for level in ["error", "warning"] {
            let of_level = review::annotations(found, workspace.as_deref());
            for found in of_level.filter(|found| found.level == level).take(ANNOTATIONS) {
                let review::Annotation { level, file, line, column, title, text } = found;
                let file = property(&clean(&file));
                let kind = format!("{level} file={file},line={line},col={column},");
                self.command(out, &annotation(&kind, &clean(&title), &text));
            }
        }
        // Nothing of ours may follow to end the fence.
        self.plain(out, "");
    }

    fn open_group(&mut self, out: &mut String, group: Group, title: &str) {
        self.close_group(out);
        self.group = Some(group);
        self.command(out, &format!("::group::{title}"));
    }

    fn close_group(&mut self, out: &mut String) {
        if self.group.take().is_some() {
            self.command(out, "::endgroup::");
        }
    }

    /// Text inside a fence.
    fn text(&mut self, out: &mut String, text: &str) {
        if self.fence.is_none() {
            let token = uuid::Uuid::new_v4().simple().to_string();
            push_line(out, &format!("::stop-commands::{token}"));
            self.fence = Some(token);
        }
        out.push_str(text);
    }

    /// A line that is a command of ours, outside any fence.
    fn command(&mut self, out: &mut String, line: &str) {
        self.plain(out, &format!("{line}\n"));
    }

    fn plain(&mut self, out: &mut String, text: &str) {
        if let Some(token) = self.fence.take() {
            push_line(out, &format!("::{token}::"));
        }
        out.push_str(text);
    }
}

/// The one annotation of a red ending, on the line that failed where it is known.
fn red(conclusion: &Conclusion, place: Option<&Place>) -> String {
    let mut whole = format!("{}\n", conclusion.sentence);
    let known = [
        "cause",
        "fix",
        "database",
        "way back",
        "migration",
        "statement",
        "SQLSTATE",
        "detail",
        "stopped reason",
        "explain",
        "see all",
    ];
    let rows = rows::rows(conclusion);
    for (name, text) in rows.iter().filter(|(name, _)| known.contains(&name.as_str())) {
        push_line(&mut whole, &format!("{name}: {}", cut(text, MESSAGE / 4)));
    }
    let title = title(conclusion);
    let Some(place) = place else {
        return annotation("error", &title, &whole);
    };
    let line = place.line.map(|line| format!(",line={line}")).unwrap_or_default();
    let file = property(&clean(&place.file));
    annotation(&format!("error file={file}{line},"), &title, &whole)
}

fn title(conclusion: &Conclusion) -> String {
    let Some((failure, migration)) = conclusion
        .failure
        .as_ref()
        .and_then(|failure| Some((failure, failure.migration.as_ref()?)))
    else {
        return format!("ecs-migrate: {}, exit {}", conclusion.class, conclusion.exit_code);
    };
    let migration = cut(&clean(migration), 100).into_owned();
    let statement = failure
        .statement
        .as_ref()
        .map(|statement| format!(", statement {} of {}", statement.number, statement.of));
    let state = failure.sqlstate.as_ref().map(|state| format!(", SQLSTATE {}", clean(state)));
    let (statement, state) = (statement.unwrap_or_default(), state.unwrap_or_default());
    format!("ecs-migrate: {migration}{statement}{state}")
}

/// `kind` may have properties, and then ends with a comma.
fn annotation(kind: &str, title: &str, text: &str) -> String {
    let lines: Vec<_> = text.lines().map(clean).collect();
    let separator = if kind.ends_with(',') { "" } else { " " };
    format!(
        "::{kind}{separator}title={}::{}",
        property(title),
        data(&cut(&lines.join("\n"), MESSAGE))
    )
}

/// A command's text (actions/toolkit, `escapeData`).
pub(super) fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A command's property (actions/toolkit, `escapeProperty`).
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{LogLine, LogText};
    use proptest::prelude::*;

    fn line(text: &str) -> Event {
        Event::Log(vec![LogLine {
            container: "migrate".to_owned(),
            at: 0,
            text: LogText::Plain(text.to_owned()),
            raw: text.to_owned(),
        }])
    }

    proptest! {
        #[test]
        fn no_log_text_is_ever_outside_a_fence(texts in prop::collection::vec(any::<String>(), 1..5)) {
            let mut github = Github::default();
            let mut out = String::new();
            for text in &texts {
                out.push_str(&github.render(&line(text)).out);
                out.push_str(&github.render(&Event::Warning { text: "w".to_owned(), hint: None }).out);
            }
            let mut fence: Option<String> = None;
            for line in out.lines() {
                if let Some(token) = &fence {
                    if line == format!("::{token}::") {
                        fence = None;
                    }
                } else if let Some(token) = line.strip_prefix("::stop-commands::") {
                    fence = Some(token.to_owned());
                } else {
                    prop_assert!(
                        line == "::group::log of migrate" || line == "::warning title=ecs-migrate::w",
                        "{line}"
                    );
                }
            }
            prop_assert!(fence.is_none());
        }
    }

    #[test]
    fn annotations_are_one_line_and_escaped() {
        assert_eq!(
            annotation("error", "a: b, c", "100 %\nnext\r\n::error::x"),
            "::error title=a%3A b%2C c::100 %25%0Anext%0A::error::x"
        );
    }
}
