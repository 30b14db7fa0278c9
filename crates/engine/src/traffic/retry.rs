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
            Stop::Failed(error) if error.kind == Kind::Blocked && error.blockers.is_empty() => {
                error
            }
            Stop::Failed(_) | Stop::Interrupted | Stop::Lost(_) => return Err(stop),
        };
        let attempt = self.attempt;
        let (blockers, waited) = {
            let account = attempt.account.borrow();
            (account.blockers.clone(), account.waited)
        };
        // The budget begins when others first were in the way, so that a script that works for
        // longer than that gets a second attempt, too.
        let blocked = self
            .first_blocked
            .get_or_insert_with(|| {
                let now = Instant::now();
                now.checked_sub(waited).unwrap_or(now)
            })
            .elapsed();
        let budget = attempt.pace.traffic.budget;
        let pause = match schedule::next(self.number, (blocked, budget), fastrand::f64()) {
            Next::Again(pause) => pause,
            Next::GiveUp if budget.is_zero() => {
                return Err(Stop::Failed(Box::new(give_up(*error, blockers))));
            }
            Next::GiveUp => {
                let by = blockers.first().map_or_else(
                    || ", by whom could not be seen".to_owned(),
                    |first| format!(" by {first}"),
                );
                let attempts = match self.number {
                    1 => "the first attempt".to_owned(),
                    number => format!("{number} attempts"),
                };
                let message = format!(
                    "blocked by other sessions for {} in {attempts}, last{by}",
                    age(blocked)
                );
                return Err(Stop::Failed(Box::new(give_up(Error { message, ..*error }, blockers))));
            }
        };
        attempt.pace.learn(&blockers);
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

/// Names who was in the way of what cannot be tried again.
pub(crate) fn named(attempt: &Attempt<'_>, stop: Stop) -> Stop {
    match stop {
        Stop::Failed(error) if error.kind == Kind::Blocked && error.blockers.is_empty() => {
            Stop::Failed(Box::new(give_up(*error, attempt.account.borrow().blockers.clone())))
        }
        Stop::Failed(_) | Stop::Interrupted | Stop::Lost(_) => stop,
    }
}

/// The error with those who were in the way, and what to do about them.
pub(crate) fn give_up(error: Error, blockers: Vec<Blocker>) -> Error {
    let end = blockers.iter().find(|blocker| blocker.pid > 0).map_or(String::new(), |blocker| {
        format!(", or end it while a migration waits: `ecs-migrate-runner unblock {}`", blocker.pid)
    });
    let advice =
        blockers.first().map_or("look for long transactions", |blocker| blocker.kind.advice());
    let tree = outline(&blockers);
    Error {
        hint: Some(format!("{advice}; run again{end}")),
        detail: error.detail.or((!tree.is_empty()).then_some(tree)),
        blockers,
        ..error
    }
}
