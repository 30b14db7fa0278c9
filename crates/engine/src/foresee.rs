//! Owns what a deployment is about to do, looked at without a lock and without writing, for what has to
//! be kept before it.

use crate::environment;
use crate::error::Error;
use crate::hazard::{self, Review};
use crate::history::History;
use crate::interrupt::Interrupt;
use crate::progress::Sink;
use crate::reach::{Purpose, reach};
use crate::settings::ConnectionSettings;
use migrations::{Allowances, Directory, Plan, Row, Share};

/// What a deployment is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreseen {
    /// Nothing is to be applied, or it will stop before it applies anything.
    Nothing,
    /// It changes the database.
    Change,
    /// It deletes data.
    Loss,
}

/// What will be deployed, and how.
#[derive(Debug)]
pub struct Foresee<'a> {
    /// The database.
    pub connection: &'a ConnectionSettings,
    /// The migrations.
    pub directory: &'a Directory,
    /// Differences in the history that are allowed.
    pub allowances: &'a Allowances,
    /// Which share of the pending migrations is applied.
    pub share: Share,
    /// The check before anything is changed, if there is one.
    pub review: Option<&'a Review>,
}

/// Looks. The deployment judges again under its locks.
pub async fn foresee(
    deployment: &Foresee<'_>,
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<Foreseen, Error> {
    let wanted = (Purpose::Read, deployment.connection.connect_wait);
    let mut session = reach(deployment.connection, wanted, sink, interrupt).await?;
    let seen = async {
        environment::meet(&mut session, deployment.connection).await?;
        let history = History::locate(&session).await?;
        let rows = history.rows_patiently(&session, (&mut *sink, &mut *interrupt));
        let Some(plan) = plan(deployment, &rows.await?) else {
            return Ok(Foreseen::Nothing);
        };
        let lenient;
        let review = match deployment.review {
            Some(review) => review,
            None => {
                lenient = Review::lenient();
                &lenient
            }
        };
        let graded =
            hazard::grade(review, &session, (deployment.directory, &plan), (sink, interrupt))
                .await?;
        let stops = deployment.review.is_some() && graded.iter().any(hazard::Graded::blocks);
        Ok(match graded.iter().any(hazard::Graded::loses) {
            _ if stops => Foreseen::Nothing,
            true => Foreseen::Loss,
            false => Foreseen::Change,
        })
    };
    let seen = seen.await;
    session.close().await;
    seen
}

/// What will be applied, if anything will.
fn plan(deployment: &Foresee<'_>, rows: &[Row]) -> Option<Plan> {
    // The deployment settles those first.
    let ours = |row: &&Row| row.unfinished() && row.marker().is_some();
    let rows: Vec<Row> = rows.iter().filter(|row| !ours(row)).cloned().collect();
    let plan = Plan::make(deployment.directory, &rows, deployment.allowances).ok()?;
    let plan = plan.share(deployment.share, deployment.allowances).ok()?;
    (!plan.pending.is_empty()).then_some(plan)
}
