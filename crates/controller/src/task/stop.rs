//! Owns asking ECS to stop the task until ECS has heard it.

use super::arn::TaskArn;
use crate::aws::{Aws, AwsError, Class};
use std::time::Duration;
use tokio::sync::mpsc;

/// Before StopTask is tried again after ECS said no for now.
const RETRY: Duration = Duration::from_millis(500);

/// The first StopTask that hangs is given up after this, so that the second one is accepted within
/// 2 s of the wish; each further one is given twice the time. Asking twice does no harm.
const FIRST_PATIENCE: Duration = Duration::from_millis(1200);
const LONGEST_PATIENCE: Duration = Duration::from_secs(10);

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
    let mut patience = FIRST_PATIENCE;
    loop {
        let asked = aws.stop_task(&cluster, &task, (&reason, patience)).await;
        let silent = asked.as_ref().is_err_and(|error| error.class == Class::NoAnswer);
        let answer = match asked {
            Ok(()) => StopAnswer::Accepted,
            // A task of a moment ago is not known everywhere yet.
            Err(error) if error.is_transient() || error.message.contains("not found") => {
                StopAnswer::Failing(error)
            }
            Err(error) => StopAnswer::Refused(error),
        };
        let again = matches!(answer, StopAnswer::Failing(_));
        if out.send(answer).await.is_err() || !again {
            return;
        }
        if silent {
            patience = (patience * 2).min(LONGEST_PATIENCE);
        }
        tokio::time::sleep(RETRY).await;
    }
}
