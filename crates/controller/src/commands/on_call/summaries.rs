//! Owns reading as much of a run's log as a line of the list needs.

use super::family::Family;
use super::plan::{expectation, task_arn};
use crate::aws::{Aws, AwsError, Class, LogReader};
use crate::error::Error;
use crate::report::{RunRow, RunState};
use crate::runs::{Record, Summary};
use crate::task::{Expectation, LogState, glance, whole};
use protocol::event::Origin;
use std::time::Duration;

/// The runner's first line is among these: a wrapped command may print before it is asked to.
const FIRST_LINES: i32 = 10;

/// For whom a run was, by its first lines.
pub(super) async fn origin_of(
    aws: &Aws,
    family: &Family,
    run: &Record,
) -> Result<Origin, AwsError> {
    let mut summary = nothing_yet(family, run);
    if let Some(reader) = reader(aws, family, run) {
        summary.add_from_head(&found(reader.first(FIRST_LINES).await)?);
    }
    Ok(summary.origin())
}

/// One line of the list.
pub(super) async fn row(aws: &Aws, family: &Family, run: &Record) -> Result<RunRow, Error> {
    let mut summary = nothing_yet(family, run);
    let mut log = if run.has_log { LogState::Complete } else { LogState::NotProved };
    if let Some(reader) = reader(aws, family, run).filter(|_| run.has_log) {
        let read = async {
            // Which run the newest lines belong to is known by the task, or from the head on.
            if id(family, run).is_some() {
                summary.add(&found(reader.newest().await)?);
            }
            if id(family, run).is_none() || summary.lacks_something() {
                summary = nothing_yet(family, run);
                whole(&reader, |events| summary.add_from_head(&events)).await?;
            }
            Ok::<(), AwsError>(())
        };
        read.await.map_err(|error| family.unreadable(error))?;
    } else if family.streams().is_none() {
        log = LogState::Unreadable;
    }
    let expect = expectation(aws, family, run).await;
    Ok(of_summary(family, aws, (run, expect), (summary, log)))
}

/// The run's id, while ECS knows it.
fn id<'a>(family: &Family, run: &'a Record) -> Option<&'a str> {
    let of_task = run.task.as_ref()?.run.as_ref()?;
    (of_task.0 == family.container).then_some(of_task.1.as_str())
}

fn nothing_yet(family: &Family, run: &Record) -> Summary {
    Summary::new(&family.container, id(family, run))
}

fn of_summary(
    family: &Family,
    aws: &Aws,
    (run, expect): (&Record, Expectation),
    (summary, log): (Summary, LogState),
) -> RunRow {
    let finished = summary.finished();
    let state = match &run.task {
        Some(task) if !task.decides(&family.container) => RunState::InFlight(task.status.clone()),
        // Its last word may still be on its way.
        Some(task)
            if !task.is_stopped() && summary.transcript.is_runners() && finished.is_none() =>
        {
            RunState::InFlight(task.status.clone())
        }
        None if finished.is_none() => RunState::NotKnown,
        task => {
            let container = (family.container.as_str(), expect);
            RunState::Ended(glance(task.as_ref(), container, (&summary.transcript, log)))
        }
    };
    let spoken = summary.times.map(|(first, last)| last.abs_diff(first));
    let took = finished.map(|finished| finished.duration_ms).or(spoken);
    let mut origin = summary.origin();
    if let Some(task) = &run.task
        && origin.started_by.is_empty()
    {
        origin.started_by.clone_from(&task.started_by);
    }
    RunRow {
        task: task_arn(family, aws.region(), run).to_string(),
        began: run.began,
        duration: took
            .filter(|_| !matches!(state, RunState::InFlight(_)))
            .map(Duration::from_millis),
        state,
        command: summary.command(),
        applied: finished.map(|finished| finished.applied),
        names: summary.applied,
        origin,
        ecs_remembers: run.task.is_some(),
    }
}

fn reader(aws: &Aws, family: &Family, run: &Record) -> Option<LogReader> {
    let (group, region, prefix) = family.streams()?;
    Some(aws.log_reader(region, group, &format!("{prefix}{}", run.id)))
}

/// A stream that is not there (yet) has no lines.
fn found<T: Default>(answer: Result<T, AwsError>) -> Result<T, AwsError> {
    match answer {
        Err(error) if error.class == Class::ResourceNotFound => Ok(T::default()),
        answer => answer,
    }
}
