//! Owns asking ECS to stop the task until ECS has heard it.

use super::arn::TaskArn;
use crate::aws::{Aws, AwsError};
use std::time::Duration;
use tokio::sync::mpsc;

/// Before StopTask is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// What became of the wish.
#[derive(Debug)]
pub(crate) enum StopAnswer {
    Accepted,
    /// It did not work and is tried again.
    Failing(AwsError),
    Refused(AwsError),
}

/// Asks until ECS accepts or refuses. `reason` becomes the task's stopped reason.
pub(crate) async fn stop(
    aws: Aws,
    cluster: String,
    task: TaskArn,
    wish: (String, mpsc::Sender<StopAnswer>),
) {
    let (reason, out) = wish;
    loop {
        let answer = match aws.stop_task(&cluster, &task, &reason).await {
            Ok(()) => StopAnswer::Accepted,
            Err(error) if error.is_transient() => StopAnswer::Failing(error),
            Err(error) => StopAnswer::Refused(error),
        };
        let again = matches!(answer, StopAnswer::Failing(_));
        if out.send(answer).await.is_err() || !again {
            return;
        }
        tokio::time::sleep(RETRY).await;
    }
}
