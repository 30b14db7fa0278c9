//! Owns finding this run's own tasks without RunTask: by `startedBy`, which only tasks of its key
//! have, and by the run id in their overrides, which says that it is this work.

use super::request::RunRequest;
use super::snapshot::TaskSnapshot;
use crate::aws::{Aws, AwsError};

/// What ECS knows of this run's tasks.
#[derive(Debug)]
pub(super) enum Own {
    InFlight(Box<TaskSnapshot>),
    None,
}

/// Looks for a task of `run` in flight; the newest, if there should be several.
pub(super) async fn own(aws: &Aws, request: &RunRequest, run: &str) -> Result<Own, AwsError> {
    let names = aws.tasks_started_by(&request.cluster, &request.started_by).await?;
    let mut found = Vec::new();
    for some in names.chunks(100) {
        found.extend(aws.describe_tasks(&request.cluster, some).await?);
    }
    let ours = found.into_iter().filter(|task| {
        !task.is_stopped() && task.run.as_ref().is_some_and(|(_, theirs)| theirs == run)
    });
    Ok(match ours.max_by_key(|task| task.created_at) {
        Some(task) => Own::InFlight(Box::new(task)),
        None => Own::None,
    })
}
