//! Owns asking ECS for the task, again and again, never ending by itself. SDK waiters are not
//! used: they back off to ten minutes and take a throttled read for an answer.

use super::arn::TaskArn;
use super::snapshot::Described;
use super::tail::{Haste, Wiring};
use crate::aws::{Aws, AwsError};
use tokio::time::Instant;

/// What one look at the task brought.
pub(crate) type Sighting = Result<Described, AwsError>;

/// Looks until nobody listens.
pub(crate) async fn watch(aws: Aws, cluster: String, task: TaskArn, wiring: Wiring<Sighting>) {
    let Wiring { pace, mut course, out } = wiring;
    let began = Instant::now();
    loop {
        let haste = course.borrow_and_update().haste;
        let sighting = aws.describe_task(&cluster, task.as_str()).await;
        if out.send(sighting).await.is_err() {
            return;
        }
        let pause = match haste {
            Haste::Normal => pace.watch(began.elapsed()),
            Haste::Ending => pace.stopping,
        };
        tokio::select! {
            () = tokio::time::sleep(pace.jittered(pause)) => {}
            changed = course.changed() => if changed.is_err() { return },
        }
    }
}
