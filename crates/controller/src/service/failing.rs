//! Owns finding out why a deployment's tasks end: the newest one's reasons and its last lines.

use crate::aws::{Aws, AwsError, Class};
use crate::task::diagnosis::Heard;
use crate::task::{Described, StopCode, TaskSnapshot, Transcript, diagnosis};
use crate::task_definition::{Document, Driver, log_sources};
use protocol::limits::LOG_TAIL_GRACE;
use std::time::Duration;

/// Lines that are asked for.
const LINES: i32 = 20;

/// A task that failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FailingTask {
    pub(super) id: String,
    pub(super) cause: Option<String>,
    pub(super) fix: Option<String>,
    pub(super) evidence: Vec<(String, String)>,
    pub(super) last_lines: Vec<String>,
}

/// The newest failed task of a deployment, if ECS knows one.
pub(super) async fn failing_task(
    aws: &Aws,
    (cluster, deployment): (&str, &str),
    document: &Document,
) -> Result<Option<FailingTask>, AwsError> {
    let names = aws.stopped_tasks_of(cluster, deployment).await?;
    if names.is_empty() {
        return Ok(None);
    }
    let tasks = aws.describe_tasks(cluster, &names).await?;
    let newest = tasks.into_iter().filter(has_failed).max_by_key(|task| task.created_at);
    let Some(mut task) = newest else {
        return Ok(None);
    };
    // A stopping task has its reasons before its exit codes.
    if let Ok(Described::Task(now)) = aws.look_at_task(cluster, task.arn.as_str()).await {
        task = *now;
    }
    let container = decisive(&task, document);
    let (last_lines, obstacle) = match last_lines(aws, &task, (document, &container)).await {
        Ok(lines) => (lines, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    let finding = diagnosis::of_task(&task, &container, Heard::Program(&last_lines));
    let mut evidence = vec![("task".to_owned(), task.arn.as_str().to_owned())];
    if let Some(code) = &task.stop_code {
        evidence.push(("stop code".to_owned(), code.name().to_owned()));
    }
    if let Some(reason) = &task.stopped_reason {
        evidence.push(("stopped reason".to_owned(), reason.clone()));
    }
    for found in &task.containers {
        let code =
            found.exit_code.map_or("no exit code".to_owned(), |code| format!("exit code {code}"));
        let reason = found.reason.as_ref().map(|reason| format!(", {reason}")).unwrap_or_default();
        evidence.push((format!("container {}", found.name), format!("{code}{reason}")));
    }
    if let Some(obstacle) = obstacle {
        evidence.push(("log".to_owned(), format!("not shown: {obstacle}")));
    }
    Ok(Some(FailingTask {
        id: task.arn.id().to_owned(),
        cause: finding.as_ref().map(|finding| finding.sentence.clone()),
        fix: finding.map(|finding| finding.hint),
        evidence,
        last_lines,
    }))
}

/// Not one that ECS stopped because fewer are wanted.
fn has_failed(task: &TaskSnapshot) -> bool {
    let scaled = task.stopped_reason.as_deref().is_some_and(|r| r.contains("Scaling activity"));
    !(task.stop_code == Some(StopCode::ServiceSchedulerInitiated) && scaled)
}

/// The essential container that ended badly, else any that did, else the first essential one.
fn decisive(task: &TaskSnapshot, document: &Document) -> String {
    let is_essential = |name: &str| {
        document.container(name).is_some_and(|container| container["essential"] != false)
    };
    let bad = || task.containers.iter().filter(|c| c.exit_code.is_some_and(|code| code != 0));
    let ended = bad().find(|container| is_essential(&container.name)).or_else(|| bad().next());
    let names = document.container_names();
    let essential = || names.iter().find(|name| is_essential(name)).copied().unwrap_or_default();
    ended.map_or_else(|| essential().to_owned(), |container| container.name.clone())
}

async fn last_lines(
    aws: &Aws,
    task: &TaskSnapshot,
    (document, container): (&Document, &str),
) -> Result<Vec<String>, AwsError> {
    let sources = log_sources(document, aws.region());
    let source = sources.iter().find(|source| source.container == container);
    let Some(Driver::Awslogs { group, prefix, region }) = source.map(|source| &source.driver)
    else {
        return Ok(Vec::new());
    };
    let stream = Driver::stream(prefix, container, task.arn.id());
    let reader = aws.log_reader(region, group, &stream);
    let mut events = Vec::new();
    // The log driver sends every 5 s, and may need 12 s after the container's end.
    for pause in [Duration::ZERO, LOG_TAIL_GRACE / 2, LOG_TAIL_GRACE / 2] {
        tokio::time::sleep(pause).await;
        events = match reader.last(LINES).await {
            Err(error) if error.class == Class::ResourceNotFound => Vec::new(),
            events => events?,
        };
        if !events.is_empty() || !task.started {
            break;
        }
    }
    let mut transcript = Transcript::new(container, None);
    transcript.take(&events);
    Ok(transcript.last_lines())
}
