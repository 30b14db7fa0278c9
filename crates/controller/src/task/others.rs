//! Owns somebody else's run of the same family in flight: wait for its end, or say whose it is.
//!
//! A courtesy, not the exclusion: that is the advisory lock in the database, which needs no right
//! to list tasks. Without the right the run goes on with a warning.

use super::arn::TaskArn;
use super::intent::IfRunning;
use super::launch::cancelled;
use super::pace::Pace;
use super::snapshot::TaskSnapshot;
use crate::aws::{Aws, AwsError};
use crate::error::{Error, Kind};
use crate::report::{Event, Report};
use crate::settings::{RunSettings, TimeLimit};
use crate::signal::Listener;
use crate::words;
use protocol::command::is_of_a_gate;
use std::time::Duration;
use tokio::time::Instant;

/// Between two looks.
const PERIOD: Duration = Duration::from_secs(10);

/// Between two mentions that it still waits.
const MENTION: Duration = Duration::from_mins(5);

/// What tells this run from others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnRun<'a> {
    pub(crate) family: &'a str,
    pub(crate) started_by: &'a str,
}

/// Looks for other runs before ours is launched.
pub(crate) struct Others<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) report: &'a mut Report,
    pub(crate) listener: &'a mut Listener,
    pub(crate) pace: &'a Pace,
}

/// A run that is waited for.
struct Awaited {
    task: TaskArn,
    mentioned: Instant,
}

impl Others<'_> {
    /// Returns when no other run is in flight, or when that cannot be known.
    pub(crate) async fn let_pass(
        &mut self,
        own: OwnRun<'_>,
        settings: &RunSettings,
    ) -> Result<(), Error> {
        let began = Instant::now();
        let mut awaited: Option<Awaited> = None;
        loop {
            match self.heard(in_flight(self.aws, &settings.cluster.value, own.family)).await? {
                Ok(tasks) => match another(&tasks, own.started_by) {
                    None => {
                        self.report.awaits("");
                        return Ok(());
                    }
                    Some(other) => {
                        if let Some(why) = refusal(settings, began.elapsed()) {
                            return Err(self.refused(other, why));
                        }
                        awaited = Some(self.mention(other, awaited, began.elapsed()));
                    }
                },
                Err(error) if awaited.is_some() && error.is_transient() => {}
                // RunTask will be refused for the same reason, and says so.
                Err(error) if error.code == "ClusterNotFoundException" => return Ok(()),
                Err(error) => {
                    self.report.emit(&Event::Warning {
                        text: format!("whether another run is in flight is not known: {error}"),
                        hint: error.lasting_hint(),
                    });
                    return Ok(());
                }
            }
            let pause = self.pace.jittered(PERIOD);
            self.heard(tokio::time::sleep(pause)).await?;
        }
    }

    /// Awaits, unless a signal comes first.
    async fn heard<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Error> {
        tokio::select! {
            biased;
            signal = self.listener.next() => Err(cancelled(signal)),
            done = work => Ok(done),
        }
    }

    fn refused(&self, other: &TaskSnapshot, why: &str) -> Error {
        let TaskSnapshot { started_by, arn, .. } = other;
        Error::new(Kind::AnotherRun, format!("another run is in progress: {started_by} ({arn})"))
            .hinted(format!(
                "{why}; `ecs-migrate attach --region {} {arn}` follows it",
                self.aws.region()
            ))
    }

    fn mention(
        &mut self,
        other: &TaskSnapshot,
        awaited: Option<Awaited>,
        waited: Duration,
    ) -> Awaited {
        self.report
            .awaits(&format!("the end of another run, {} ({})", other.started_by, other.arn));
        match awaited {
            Some(same) if same.task == other.arn && same.mentioned.elapsed() < MENTION => same,
            before => {
                let so_far = before
                    .map_or(String::new(), |_| format!(", for {} so far", words::duration(waited)));
                let TaskSnapshot { started_by, arn, .. } = other;
                self.report.emit(&Event::Note(format!(
                    "another run is in progress: {started_by} ({arn}); waiting for its end{so_far}"
                )));
                Awaited { task: arn.clone(), mentioned: Instant::now() }
            }
        }
    }
}

/// Why there is no (more) waiting.
fn refusal(settings: &RunSettings, waited: Duration) -> Option<&'static str> {
    match &settings.timeout {
        _ if settings.if_running == IfRunning::Fail => Some("--if-running wait waits for its end"),
        TimeLimit::After(limit) if waited >= limit.value => {
            Some("--timeout was reached while waiting for it")
        }
        TimeLimit::After(_) | TimeLimit::None => None,
    }
}

async fn in_flight(aws: &Aws, cluster: &str, family: &str) -> Result<Vec<TaskSnapshot>, AwsError> {
    let names = aws.tasks_of_family(cluster, family).await?;
    let mut tasks = Vec::new();
    for some in names.chunks(100) {
        tasks.extend(aws.describe_tasks(cluster, some).await?);
    }
    Ok(tasks)
}

/// The oldest run of another key. With a task of our own key in flight there is nobody to wait
/// for: ours has its place in the queue at the database's lock.
fn another<'a>(tasks: &'a [TaskSnapshot], own: &str) -> Option<&'a TaskSnapshot> {
    let alive = || tasks.iter().filter(|task| !task.is_stopped());
    if alive().any(|task| task.started_by == own) {
        return None;
    }
    let of_a_gate = |task: &&TaskSnapshot| is_of_a_gate(&task.started_by);
    alive().filter(of_a_gate).min_by_key(|task| task.created_at)
}

#[cfg(test)]
mod tests {
    use super::super::snapshot_examples;
    use super::*;

    fn task(started_by: &str, status: &str, created_at: i64) -> TaskSnapshot {
        TaskSnapshot {
            arn: TaskArn::new(started_by),
            created_at: Some(created_at),
            started_by: started_by.to_owned(),
            ..snapshot_examples::task(status)
        }
    }

    #[test]
    fn the_oldest_run_of_somebody_else_is_waited_for() {
        let service = task("ecs-svc/1", "RUNNING", 1);
        let late = task("ecs-migrate/github/8", "RUNNING", 3);
        let early = task("ecs-migrate/once/x", "PENDING", 2);
        let over = task("ecs-migrate/github/6", "STOPPED", 1);
        let own = task("ecs-migrate/github/7", "RUNNING", 9);
        for (tasks, expected) in [
            (vec![service.clone(), late.clone(), early.clone(), over.clone()], Some(&early)),
            (vec![late.clone(), own], None),
            (vec![service, over, task("ecs-migrate/task/y", "RUNNING", 0)], None),
            (vec![], None),
        ] {
            assert_eq!(another(&tasks, "ecs-migrate/github/7"), expected);
        }
    }
}
