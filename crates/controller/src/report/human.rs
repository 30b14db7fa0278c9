//! Owns the form for people: readable without colour, and at three in the morning.

use super::clean::clean;
use super::event::{Arrival, Event, Registration};
use super::line::push_line;
use super::writer::Rendered;
use super::{changes, image, release, review, rows, setup};
use crate::error::Error;
use crate::task::{Conclusion, LogLine, LogText};
use crate::task_definition::Change;
use crate::words;
use anstyle::{AnsiColor, Style};

pub(super) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(super) const CARE: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default();
pub(super) const QUIET: Style = Style::new().dimmed();

/// The renderer.
#[derive(Debug, Default)]
pub(super) struct Human {
    /// Of several, each line names its container.
    pub(super) containers: usize,
}

impl Human {
    pub(super) fn render(&self, event: &Event) -> Rendered {
        match event {
            Event::Note(_)
            | Event::Definition { .. }
            | Event::Progress(_)
            | Event::Launched { .. }
            | Event::Status { .. }
            | Event::Service { .. }
            | Event::StopRequested(_) => to_err(format!("{QUIET}{}{QUIET:#}\n", progress(event))),
            Event::Warning { text, hint } => {
                let mut lines = format!("{CARE}warning:{CARE:#} {}\n", clean(text));
                push_hint(&mut lines, hint.as_deref());
                to_err(lines)
            }
            Event::Image(packed) => image::rendered(packed),
            Event::Secrets(_) | Event::Phase { .. } => Rendered::default(),
            Event::Plan(plan) => to_out(setup::plan(plan)),
            Event::Question(question) => to_err(format!("{CARE}{question}{CARE:#} [y/N] ")),
            Event::NameAsked(question) => to_err(format!("{CARE}{question}{CARE:#} ")),
            Event::Variables { variables, place } => {
                to_out(setup::variables(variables, place.as_ref()))
            }
            Event::Failed(error) => to_err(failure(error)),
            Event::Data(text) => to_out(format!("{text}\n")),
            Event::Differences(changes) => to_out(differences(changes)),
            Event::Changes(answer) => Rendered {
                out: changes::lines(answer),
                err: format!("{QUIET}{}{QUIET:#}\n", changes::sentence(answer)),
            },
            Event::ChangesShown(answer) => to_out(changes::text(answer)),
            Event::Checked(list) => to_out(list.text()),
            Event::Reviewed(found) => to_out(review::text(found)),
            Event::Log(lines) => to_out(self.log(lines)),
            Event::OnCall(told) => to_out(told.text()),
            Event::Concluded(conclusion) | Event::Migrated(conclusion) => {
                to_out(ending(conclusion))
            }
            Event::Released(released) => to_out(release::text(released)),
        }
    }

    /// Log lines with their time in UTC.
    pub(super) fn log(&self, lines: &[LogLine]) -> String {
        let mut text = String::new();
        for line in lines {
            let time = time(line);
            let said = clean(readable(line));
            let head = if self.containers > 1 {
                format!("{QUIET}{time} {} |{QUIET:#}", clean(&line.container))
            } else {
                format!("{QUIET}{time}{QUIET:#}")
            };
            push_line(&mut text, &format!("{head} {said}"));
        }
        text
    }
}

fn to_out(out: String) -> Rendered {
    Rendered { out, err: String::new() }
}

fn to_err(err: String) -> Rendered {
    Rendered { out: String::new(), err }
}

/// One line for a step.
pub(super) fn progress(event: &Event) -> String {
    match event {
        Event::Note(text) => clean(text).into_owned(),
        Event::Definition { name, registration, .. } => match registration {
            Registration::AsGiven => format!("task definition {name}"),
            Registration::Unchanged => format!("task definition unchanged, {name} is used"),
            Registration::New => format!("task definition registered: {name}"),
        },
        Event::Launched { task, cluster, definition, container, arrival } => {
            let how = match arrival {
                Arrival::Started => "started",
                Arrival::Found => "this run has a task already, following",
                Arrival::Attached => "following",
            };
            format!("{how} container {container} of {definition} in cluster {cluster}: {task}")
        }
        Event::Status { status, elapsed } => {
            format!("task is {} after {}", clean(&status.to_lowercase()), words::duration(*elapsed))
        }
        Event::Service { service, text } => format!("{}: {}", clean(service), clean(text)),
        Event::Progress(progress) => setup::progress(progress),
        Event::StopRequested(why) => format!("{}: asking ECS to stop the task", clean(why)),
        Event::Image(_)
        | Event::Warning { .. }
        | Event::Secrets(_)
        | Event::Phase { .. }
        | Event::Plan(_)
        | Event::Question(_)
        | Event::NameAsked(_)
        | Event::Variables { .. }
        | Event::Data(_)
        | Event::Differences(_)
        | Event::Log(_)
        | Event::Changes(_)
        | Event::ChangesShown(_)
        | Event::Checked(_)
        | Event::Reviewed(_)
        | Event::Migrated(_)
        | Event::Released(_)
        | Event::OnCall(_)
        | Event::Concluded(_)
        | Event::Failed(_) => String::new(),
    }
}

/// `03:08:34.123Z`.
pub(super) fn time(line: &LogLine) -> String {
    let written = match &line.text {
        LogText::Event(event) => event.at.parse().ok(),
        LogText::Plain(_) => None,
    };
    written
        .or_else(|| jiff::Timestamp::from_millisecond(line.at).ok())
        .map(|at: jiff::Timestamp| at.strftime("%H:%M:%S.%3fZ").to_string())
        .unwrap_or_default()
}

pub(super) fn readable(line: &LogLine) -> &str {
    match &line.text {
        LogText::Event(event) if event.msg.is_empty() => "(an event without a sentence)",
        LogText::Event(_) | LogText::Plain(_) => line.text.readable(),
    }
}

/// The block at the end.
pub(super) fn ending(conclusion: &Conclusion) -> String {
    let style = if conclusion.is_green() { GOOD } else { BAD };
    let mut text = format!("\n{style}{}{style:#}\n", rows::headline(conclusion));
    let rows = rows::rows(conclusion);
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, said) in &rows {
        push_line(&mut text, &format!("  {name:<width$}  {said}"));
    }
    if !conclusion.is_green() && !conclusion.last_lines.is_empty() {
        push_line(
            &mut text,
            &format!("  last {}", words::count(conclusion.last_lines.len() as u64, "line")),
        );
        for line in &conclusion.last_lines {
            push_line(&mut text, &format!("    {}", clean(line)));
        }
    }
    text
}

/// A failure with its causes and what to do.
pub(super) fn failure(error: &Error) -> String {
    let mut text = format!("{BAD}error:{BAD:#} {}\n", clean(&error.to_string()));
    for cause in error.causes() {
        push_line(&mut text, &format!("  caused by: {}", clean(&cause)));
    }
    if let Some(meaning) = error.database_meaning() {
        push_line(&mut text, &format!("  database: {}", meaning.sentence()));
    }
    push_hint(&mut text, error.hint());
    text
}

fn push_hint(text: &mut String, hint: Option<&str>) {
    if let Some(hint) = hint {
        push_line(text, &format!("{HINT}hint:{HINT:#} {}", clean(hint)));
    }
}

/// What would change.
pub(super) fn differences(changes: &[Change]) -> String {
    let mut text = String::new();
    for change in changes {
        push_line(
            &mut text,
            &format!(
                "{}: {} -> {}",
                clean(&change.path),
                clean(&change.before),
                clean(&change.after)
            ),
        );
    }
    if changes.is_empty() {
        text.push_str("no change\n");
    }
    text
}
