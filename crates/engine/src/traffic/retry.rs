//! Owns trying again what others have stopped: the whole transaction, or the whole statement.

use super::schedule::{self, Next};
use crate::error::{Error, Kind};
use crate::interrupt::Interrupt;
use crate::observe::blocker::{age, outline};
use crate::observe::{Blocker, Watching, watch};
use crate::progress::{Progress, Sink};
use crate::transaction::{Attempt, Stop};
use std::cell::RefCell;
use tokio::time::Instant;

/// The attempts at one transaction, or at one statement that runs by itself.
pub(crate) struct Tries<'a> {
    attempt: &'a Attempt<'a>,
    /// The attempt that runs, from 1.
    pub(crate) number: u32,
    first_blocked: Option<Instant>,
}

impl<'a> Tries<'a> {
    pub(crate) fn new(attempt: &'a Attempt<'a>) -> Self {
        Self { attempt, number: 1, first_blocked: None }
    }

    /// After an attempt ended in `stop`: pauses, if others stopped it and the budget allows another
    /// one. What it did must be rolled back already.
    pub(crate) async fn again(
        &mut self,
        stop: Stop,
        (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
    ) -> Result<(), Stop> {
        let error = match stop {
            // Blockers are named only by who has given up already.
            Stop::Failed(error) if error.kind == Kind::Blocked && error.blockers.is_empty() => error,
            other => return Err(other),
        };
        let attempt = self.attempt;
        // The budget begins when others first were in the way, so that a script that works for
        // longer than that gets a second attempt, too.
        let blocked = self.first_blocked.get_or_insert_with(Instant::now).elapsed();
        let budget = attempt.pace.traffic.budget;
        let blockers = attempt.account.borrow().blockers.clone();
        let pause = match schedule::next(self.number, (blocked, budget), fastrand::f64()) {
            Next::Again(pause) => pause,
            Next::GiveUp => {
                // A single attempt is Prisma's way, and has the server's own words.
                let message = match self.number {
                    1 => error.message.clone(),
                    attempts => {
                        let by = blockers.first().map_or_else(
                            || ", by whom could not be seen".to_owned(),
                            |first| format!(" by {first}"),
                        );
                        format!(
                            "blocked by other sessions for {} in {attempts} attempts, last{by}",
                            age(blocked)
                        )
                    }
                };
                let error = Error { message, ..*error };
                return Err(Stop::Failed(Box::new(give_up(error, blockers))));
            }
        };
        sink.emit(Progress::Blocked {
            migration: attempt.name.to_owned(),
            attempt: self.number,
            blocked,
            pause,
            sqlstate: error.sqlstate.clone().unwrap_or_default(),
            blockers,
        });
        let seen = RefCell::default();
        let watching = Watching {
            doing: format!("giving way before trying `{}` again", attempt.name),
            ..attempt.watching(&seen)
        };
        let pausing = async {
            tokio::select! {
                biased;
                () = interrupt.wait() => Err(Stop::Interrupted),
                () = tokio::time::sleep(pause) => Ok(()),
            }
        };
        watch(&watching, sink, pausing).await?;
        self.number += 1;
        Ok(())
    }
}

/// The error with those who were in the way, and what to do about them.
pub(super) fn give_up(error: Error, blockers: Vec<Blocker>) -> Error {
    let end = blockers.iter().find(|blocker| blocker.pid > 0).map_or(String::new(), |blocker| {
        format!(", or end it while a migration waits: `ecs-migrate-runner unblock {}`", blocker.pid)
    });
    let advice =
        blockers.first().map_or("look for long transactions", |blocker| blocker.kind.advice());
    let tree = outline(&blockers);
    Error {
        hint: Some(format!("{advice}; run again{end}")),
        detail: if tree.is_empty() { error.detail } else { Some(tree) },
        blockers,
        ..error
    }
}
