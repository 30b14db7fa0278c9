//! Owns what is needed to read or follow a run, as a plan that does nothing to its task.

use super::family::Family;
use crate::aws::Aws;
use crate::commands::order::expected_of;
use crate::runs::Record;
use crate::settings::TimeLimit;
use crate::task::{Asked, Beginning, Expectation, OnCancel, Origin, Plan, StartLimit, TaskArn};
use crate::task_definition::{Registered, log_sources, short_name};

/// The plan for a run.
pub(super) async fn plan(aws: &Aws, family: &Family, run: &Record) -> Plan {
    let Registered { document, .. } = &ran(aws, family, run).await;
    let container = &family.container;
    let of_task = run.task.as_ref().and_then(|task| task.run.as_ref());
    Plan {
        cluster: family.cluster.clone(),
        region: aws.region().to_owned(),
        task: task_arn(family, aws.region(), run),
        definition: match &run.task {
            Some(task) => short_name(&task.definition).to_owned(),
            None => family.definition.family().to_owned(),
        },
        container: container.clone(),
        security_groups: Vec::new(),
        run: of_task.filter(|(name, _)| name == container).map(|(_, run)| run.clone()),
        logs: log_sources(document, aws.region()),
        expect: expected_of(run.task.as_ref(), Expectation::Auto, (document, container)),
        asked: run.task.as_ref().map_or(Asked::Anything, |task| task.asked),
        on_cancel: OnCancel::Detach,
        timeout: TimeLimit::None,
        start: StartLimit::None,
        stop_timeout: document.stop_timeout(container),
        beginning: Beginning::Watching,
        origin: Origin::Found,
    }
}

/// What the container of a run is expected to run.
pub(super) async fn expectation(aws: &Aws, family: &Family, run: &Record) -> Expectation {
    let ran = ran(aws, family, run).await;
    expected_of(run.task.as_ref(), Expectation::Auto, (&ran.document, &family.container))
}

/// The revision that it ran counts while ECS knows it, else the family's newest.
async fn ran(aws: &Aws, family: &Family, run: &Record) -> Registered {
    let other = run.task.as_ref().filter(|task| task.definition != family.definition.arn);
    let found = match other {
        Some(task) => aws.describe_definition(&task.definition).await.ok(),
        None => None,
    };
    found.unwrap_or_else(|| family.definition.clone())
}

/// The task's ARN. Of a forgotten task it is put together again: account and partition are those of
/// its definition.
pub(super) fn task_arn(family: &Family, region: &str, run: &Record) -> TaskArn {
    if let Some(task) = &run.task {
        return task.arn.clone();
    }
    let definition = &family.definition.arn;
    let part = |place: usize| definition.split(':').nth(place).unwrap_or_default();
    let cluster = family.cluster.rsplit('/').next().unwrap_or_default();
    TaskArn::new(format!("arn:{}:ecs:{region}:{}:task/{cluster}/{}", part(1), part(4), run.id))
}
