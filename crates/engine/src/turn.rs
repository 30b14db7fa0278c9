//! Owns when it is a deployment's turn, and whether it needs one.

use crate::announce::announce;
use crate::deploy::{Deploy, Turn, make_plan};
use crate::error::Error;
use crate::history::{History, READING};
use crate::interrupt::Interrupt;
use crate::lock;
use crate::progress::Sink;
use crate::session::Session;
use crate::steps;
use crate::waiting::{despite_limits, patiently};
use migrations::{Plan, Row};

/// Takes the locks; false if nothing is left to be done.
pub(crate) async fn lock_in_turn(
    deploy: &Deploy<'_>,
    session: &Session,
    sink: &mut dyn Sink,
    interrupt: &mut Interrupt,
) -> Result<bool, Error> {
    let keys = (deploy.lock_keys, deploy.lock_wait);
    let locked = match deploy.turn {
        Turn::Always => {
            lock::acquire_unless(session, keys, (sink, interrupt), async || Ok(false)).await?
        }
        Turn::IfNeeded => {
            let is_done =
                async || despite_limits(async || Ok(done(deploy, session).await?.is_some())).await;
            let looking = (session, READING);
            !patiently(looking, (&mut *sink, &mut *interrupt), is_done()).await?
                && lock::acquire_unless(session, keys, (sink, interrupt), is_done).await?
        }
    };
    if !locked && let Some(plan) = done(deploy, session).await? {
        announce(&plan, deploy, sink);
    }
    Ok(locked)
}

/// The plan, if it is empty and every step is done. Whatever stands in the way is judged under the
/// locks: another tool's unfinished row may be of a run that goes on.
async fn done(deploy: &Deploy<'_>, session: &Session) -> Result<Option<Plan>, Error> {
    let history = History::locate(session).await?;
    let rows = history.rows(session).await?;
    let plan = make_plan(deploy, &rows).ok();
    let idle = |plan: &Plan| plan.pending.is_empty() && !rows.iter().any(Row::unfinished);
    let Some(plan) = plan.filter(idle) else { return Ok(None) };
    Ok(steps::finished(session, &history, deploy.steps).await?.then_some(plan))
}
