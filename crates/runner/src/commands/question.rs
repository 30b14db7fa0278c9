//! Owns asking a person: before a session is ended, and before a laptop changes a database.

use super::Context;
use crate::words::plural;
use engine::{Error, Interrupt, Kind, Progress, Sink, Status};
use migrations::Directory;
use protocol::Event;
use protocol::env;
use protocol::event::Notice;
use std::io::IsTerminal as _;

/// The most names of migrations in a question.
const NAMES: usize = 5;

/// The answer that lets a deployment from a laptop begin.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Yes,
    /// The database bears this name.
    Name(String),
}

impl Context<'_> {
    /// On a terminal: says which database is about to be changed, and asks. A task, a container and
    /// a pipe have nobody to ask, and go on; so does Prisma, which asks nothing.
    pub(super) async fn ask_before_deploying(
        &self,
        found: &crate::source::Found,
        directory: &Directory,
        mut interrupt: Interrupt,
    ) -> Result<(), Error> {
        let in_task = [env::RUN, env::ECS_METADATA];
        let nobody = !std::io::stdin().is_terminal()
            || in_task.iter().any(|name| self.environment.get(name).is_some());
        if nobody || self.prisma() {
            return Ok(());
        }
        let mut all = self.sink(found.source.clone());
        let mut sink = |progress: Progress| {
            // The deployment says it.
            if !matches!(progress, Progress::Connected { .. }) {
                all.emit(progress);
            }
        };
        let allowances = self.allowances();
        let looked = engine::status(&found.settings, directory, &allowances, &mut sink);
        let status = tokio::select! {
            status = looked => status,
            () = interrupt.wait() => return Err(interrupted()),
        };
        let status = match status {
            Ok(status) => Some(status),
            // It is about to be made, and bears no name.
            Err(error)
                if self.options.creation.create_database && error.prisma_code == Some("P1003") =>
            {
                None
            }
            Err(error) => return Err(error),
        };
        let pending = pending(directory, status.as_ref());
        // What stops the deployment anyway needs no answer.
        let stops = status.as_ref().is_some_and(|status| status.blocker.is_some());
        let steps = self.options.steps.then.iter().filter(|step| !step.is_empty()).count();
        if stops || pending.is_empty() && steps == 0 {
            return Ok(());
        }
        let name = status.as_ref().and_then(|status| status.environment.clone());
        let said = self.environment_name();
        let Some(wanted) = wanted(name, said, self.options.consent.yes) else { return Ok(()) };
        let engine::ConnectionSettings { host, port, user, database, .. } = &found.settings;
        let place = format!("the database `{database}` at {host}:{port}, as `{user}`");
        let what = work(&pending, steps);
        self.say("question", match &wanted {
            Wanted::Yes => format!(
                "about to change {place}: {what}; it bears no environment's name; go on? [y/N]"
            ),
            Wanted::Name(name) => format!(
                "about to change {place}: {what}; it belongs to `{name}`: type that name to go on"
            ),
        });
        let answer = self.answer(&mut interrupt).await?;
        let yes = match &wanted {
            Wanted::Yes => is_yes(&answer),
            Wanted::Name(name) => answer.trim() == name,
        };
        if yes {
            return Ok(());
        }
        let (answered, hint) = match wanted {
            Wanted::Yes => ("no", "if it is the right one, run again".to_owned()),
            Wanted::Name(name) => {
                ("not its name", format!("if it is the right one, run again and type {name}"))
            }
        };
        let sentence = format!("{place}, was left alone: the answer was {answered}");
        Err(Error::new(Kind::Contradicted, sentence).hint(hint))
    }

    /// One line that a person types; empty when there is none.
    pub(super) async fn answer(&self, interrupt: &mut Interrupt) -> Result<String, Error> {
        tokio::select! {
            biased;
            () = interrupt.wait() => Err(interrupted()),
            answer = tokio::task::spawn_blocking(read_line) => Ok(answer.unwrap_or_default()),
        }
    }

    /// A line for the person, as a notice.
    pub(super) fn say(&self, code: &str, text: String) {
        let notice = Notice { code: code.to_owned(), text: text.clone() };
        self.emitter.emit(Event::Notice(notice), text);
    }
}

/// What has to be answered, unless it was said before.
fn wanted(bears: Option<String>, said: Option<&str>, yes: bool) -> Option<Wanted> {
    match bears {
        // Another name would have been refused.
        Some(_) if said.is_some() => None,
        Some(name) => Some(Wanted::Name(name)),
        None if yes => None,
        None => Some(Wanted::Yes),
    }
}

fn pending<'a>(directory: &'a Directory, status: Option<&'a Status>) -> Vec<&'a str> {
    match status {
        None => directory.migrations.iter().map(|migration| migration.name.as_str()).collect(),
        Some(status) => status
            .migrations
            .iter()
            .filter(|migration| migration.state.awaits_deployment())
            .map(|migration| migration.name.as_str())
            .collect(),
    }
}

/// `2 migrations (1_a, 2_b) and 1 step`
fn work(pending: &[&str], steps: usize) -> String {
    let names = pending.iter().take(NAMES).copied().collect::<Vec<_>>().join(", ");
    let more = if pending.len() > NAMES { ", …" } else { "" };
    let migrations = format!("{} ({names}{more})", plural(pending.len() as u64, "migration"));
    let steps_in_words = plural(steps as u64, "step");
    match (pending.len(), steps) {
        (0, _) => steps_in_words,
        (_, 0) => migrations,
        (_, _) => format!("{migrations} and {steps_in_words}"),
    }
}

pub(super) fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

fn read_line() -> String {
    let mut line = String::new();
    match std::io::stdin().read_line(&mut line) {
        Ok(_) => line,
        Err(_) => String::new(),
    }
}

fn interrupted() -> Error {
    Error::new(Kind::Interrupted, "interrupted while asking, nothing was changed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_to_be_answered() {
        let name = |text: &str| Some(text.to_owned());
        for (bears, said, yes, expected) in [
            (None, None, false, Some(Wanted::Yes)),
            (None, None, true, None),
            // A name that would be written is no answer to whether this is the right database.
            (None, Some("staging"), false, Some(Wanted::Yes)),
            (name("production"), None, false, Some(Wanted::Name("production".to_owned()))),
            (name("production"), None, true, Some(Wanted::Name("production".to_owned()))),
            (name("production"), Some("production"), false, None),
        ] {
            assert_eq!(wanted(bears.clone(), said, yes), expected, "{bears:?} {said:?} {yes}");
        }
    }

    #[test]
    fn the_work_is_named() {
        assert_eq!(work(&["1_a", "2_b"], 0), "2 migrations (1_a, 2_b)");
        assert_eq!(work(&[], 1), "1 step");
        assert_eq!(
            work(&["1", "2", "3", "4", "5", "6"], 2),
            "6 migrations (1, 2, 3, 4, 5, …) and 2 steps"
        );
    }
}
