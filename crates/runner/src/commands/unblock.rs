//! `unblock`: end one session that blocks a running migration.

use super::question::is_yes;
use super::{Context, Ended, Failed};
use crate::cli;
use engine::{Error, Interrupt, Kind, Unblock};
use protocol::DatabaseState;
use protocol::event::Outcome;
use std::io::IsTerminal as _;

pub(super) async fn run(
    context: &Context<'_>,
    asked: &cli::Unblock,
    mut interrupt: Interrupt,
) -> Result<Ended, Failed> {
    let yes = context.options.consent.yes;
    if !yes && !std::io::stdin().is_terminal() {
        return Err(Error::new(Kind::Configuration, "there is no terminal to ask on")
            .hint("look at the evidence in the migration's log, then say --yes")
            .into());
    }
    let found = context.database().await?;
    let unblock = Unblock {
        connection: &found.settings,
        lock_key: context.options.key.lock_key,
        pid: asked.pid,
    };
    let mut answers = interrupt.clone();
    let ask = async |evidence: &[String]| {
        for line in evidence {
            context.say("blocker", line.clone());
        }
        if yes {
            return Ok(true);
        }
        context.say(
            "question",
            format!("end pid {}? its transaction is rolled back [y/N]", asked.pid),
        );
        Ok(is_yes(&context.answer(&mut answers).await?))
    };
    let mut sink = context.sink(found.source);
    let ended = engine::unblock(&unblock, ask, (&mut sink, &mut interrupt)).await?;
    Ok(Ended {
        restore_point: None,
        outcome: Outcome::Done,
        applied: 0,
        pending: 0,
        database: DatabaseState::Unchanged,
        msg: format!("ended {ended}"),
    })
}
