//! Owns asking ECS for the task, again and again, never ending by itself. SDK waiters are not
//! used: they back off to ten minutes and take a throttled read for an answer.

use super::arn::TaskArn;
use super::pace::Strain;
use super::snapshot::Described;
use super::tail::Wiring;
use crate::aws::{Aws, AwsError, Class};
use tokio::time::Instant;

/// What one look at the task brought.
pub(crate) type Sighting = Result<Described, AwsError>;

/// Looks until nobody listens.
pub(crate) async fn watch(aws: Aws, cluster: String, task: TaskArn, wiring: Wiring<Sighting>) {
    let Wiring { pace, mut course, out } = wiring;
    let began = Instant::now();
    let mut strain = Strain::default();
    loop {
        let near = course.borrow_and_update().near();
        let sighting = aws.look_at_task(&cluster, task.as_str()).await;
        match &sighting {
            Ok(_) => strain.answered(),
            Err(error) if error.class == Class::Throttled => strain.throttled(),
            Err(_) => {}
        }
        if out.send(sighting).await.is_err() {
            return;
        }
        let pause = strain.on(pace.watch(began.elapsed(), near));
        tokio::select! {
            () = tokio::time::sleep(pace.jittered(pause)) => {}
            changed = course.changed() => if changed.is_err() { return },
        }
    }
}
