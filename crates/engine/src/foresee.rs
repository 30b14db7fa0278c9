//! Owns what a deployment is about to do, for what has to be kept before it: judged under its locks, from
//! the plan that it then applies.

use crate::error::Error;
use crate::hazard::{self, Review};
use crate::hold::Hold;
use crate::interrupt::Interrupt;
use crate::progress::Sink;
use crate::recovery::Recovery;
use crate::restore::Kept;
use crate::session::{Made, Session};
use migrations::{Directory, Plan, Row};

/// Before what something has to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepBefore {
    /// Nothing is kept.
    Never,
    /// Before data may be deleted.
    Loss,
    /// Before any change.
    Change,
}

/// What a decision to keep something was made for: as long as it is the same, the decision holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ground {
    pending: Vec<String>,
    applied: Vec<String>,
}

impl Ground {
    pub(crate) fn of(plan: &Plan, rows: &[Row]) -> Self {
        let applied = rows.iter().filter(|row| row.applied()).map(|row| row.id.clone());
        let pending = plan.pending.iter().map(|migration| migration.name.clone());
        Self { pending: pending.collect(), applied: applied.collect() }
    }
}

/// A deployment that waits, with its locks, until somebody has kept what has to be kept.
pub struct Pause {
    /// The lock, for whoever does it.
    pub hold: Hold,
    pub(crate) recovery: Recovery,
}

/// Where a deployment begins.
pub enum Start {
    /// At its beginning.
    Fresh,
    /// Behind a pause, with what was kept.
    After(Box<Pause>, Option<Kept>),
}

/// How far a deployment came.
pub enum Reached {
    /// Its end, with the first key for the steps that follow; none, if nothing was left to be done
    /// without the locks.
    End(Option<Box<Hold>>),
    /// Something has to be kept before it goes on.
    Pause(Box<Pause>),
}

/// Whether something has to be kept before this plan is applied.
pub(crate) async fn calls_for_keeping(
    (keep, review): (KeepBefore, Option<&Review>),
    session: &Session,
    (directory, plan): (&Directory, &Plan),
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<bool, Error> {
    // A database that was just made has nothing to keep.
    if plan.pending.is_empty() || session.made == Made::Now {
        return Ok(false);
    }
    match keep {
        KeepBefore::Never => Ok(false),
        KeepBefore::Change => Ok(true),
        KeepBefore::Loss => {
            let lenient;
            let review = match review {
                Some(review) => review,
                None => {
                    lenient = Review::lenient();
                    &lenient
                }
            };
            let what = (directory, plan);
            let graded = hazard::grade(review, session, what, (sink, interrupt)).await?;
            Ok(graded.iter().any(hazard::Graded::loses))
        }
    }
}
