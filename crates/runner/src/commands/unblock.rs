//! `unblock`: end one session that blocks a running migration.

use super::{Context, Ended, Failed};
use crate::cli;
use engine::{Error, Interrupt, Kind, Unblock};
use protocol::event::{Notice, Outcome};
use protocol::{DatabaseState, Event};
use std::io::IsTerminal as _;

pub(super) async fn run(
    context: &Context<'_>,
    asked: &cli::Unblock,
    mut interrupt: Interrupt,
) -> Result<Ended, Failed> {
    if !asked.yes && !std::io::stdin().is_terminal() {
        return Err(Error::new(Kind::Configuration, "there is no terminal to ask on")
            .hint("look at the evidence in the migration's log, then say --yes")
            .into());
    }
    let found = context.database().await?;
    let unblock =
        Unblock { connection: &found.settings, lock_key: context.options.lock_key, pid: asked.pid };
    let mut answers = interrupt.clone();
    let ask = async |evidence: &[String]| {
        for line in evidence {
            context.say("blocker", line.clone());
        }
        if asked.yes {
            return Ok(true);
        }
        context.say(
            "question",
            format!("end pid {}? its transaction is rolled back [y/N]", asked.pid),
        );
        tokio::select! {
            biased;
            () = answers.wait() => Err(Error::new(Kind::Interrupted, "interrupted, nothing was ended")),
            answer = tokio::task::spawn_blocking(read_answer) => Ok(answer.unwrap_or(false)),
        }
    };
    let mut sink = context.sink(found.source);
    let ended = engine::unblock(&unblock, ask, (&mut sink, &mut interrupt)).await?;
    Ok(Ended {
        outcome: Outcome::Done,
        applied: 0,
        pending: 0,
        database: DatabaseState::Unchanged,
        msg: format!("ended {ended}"),
    })
}

/// Anything but a yes is a no.
fn read_answer() -> bool {
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line);
    read.is_ok() && matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

impl Context<'_> {
    fn say(&self, code: &str, text: String) {
        let notice = Notice { code: code.to_owned(), text: text.clone() };
        self.emitter.emit(Event::Notice(notice), text);
    }
}
