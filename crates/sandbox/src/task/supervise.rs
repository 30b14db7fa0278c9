//! Owns a task's containers while they run: starts them, tells ECS of their ends, stops them together.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::control::{Control, Ended};
use super::record::{ContainerEnd, Stop, StopCode};
use super::workload::Workload;
use crate::core::Core;
use crate::faults::{FailedStart, OutOfMemory, OutsideStop, TaskDetails};

/// Ends when no container runs any more.
pub(crate) async fn supervise(core: &Arc<Core>, id: &str, workloads: Vec<Workload>) {
    let Some(details) = core.with_task(id, |task| task.details.clone()) else {
        return;
    };
    let mut containers = JoinSet::new();
    match start_all(core, (id, &details), workloads, &mut containers) {
        Ok(()) => core.with_task(id, |task| task.running(core.clock.now())),
        Err(failure) => core.with_task(id, |task| task.fail_to_start(failure, core.clock.now())),
    };
    let mut outside = core.faults.at_running(&details);
    let started = Instant::now();
    loop {
        tokio::select! {
            biased;
            ended = containers.join_next() => match ended {
                Some(Ok((name, index, ended))) => {
                    let end = end_of(core, &details, &name, ended);
                    core.with_task(id, |task| task.container_ended(index, end));
                }
                // Only a script that panics: its container has no exit code.
                Some(Err(_)) => {}
                None => return,
            },
            () = due(started, outside.as_ref()) => {
                if let Some(stop) = outside.take() {
                    let stop = Stop { code: StopCode::Other(stop.code), reason: stop.reason };
                    core.with_task(id, |task| task.begin_stop(stop, core.clock.now()));
                }
            }
        }
    }
}

/// Name, index and end of a container.
type Container = (String, usize, Ended);

fn start_all(
    core: &Arc<Core>,
    (id, details): (&str, &TaskDetails),
    workloads: Vec<Workload>,
    containers: &mut JoinSet<Container>,
) -> Result<(), FailedStart> {
    for workload in workloads {
        let Some(stop) = core.with_task(id, |task| task.stop_signal()) else {
            return Ok(());
        };
        let started = workload.start(core).map_err(|error| {
            // aws-facts 1.5, C1.
            FailedStart::because(format!("CannotStartContainerError: {error}"))
        })?;
        let now = core.clock.now();
        core.with_task(id, |task| task.container_started(workload.index, now));
        let control = Control {
            stop,
            stop_delay: core.faults.stop_delay(details),
            grace: workload.stop_timeout,
            memory_lasts: memory_lasts(core, details, &workload.launch.container),
        };
        let core = Arc::clone(core);
        containers.spawn(async move {
            let ended = started.run(core, control, workload.output).await;
            (workload.launch.container, workload.index, ended)
        });
    }
    Ok(())
}

fn memory_lasts(core: &Core, details: &TaskDetails, container: &str) -> Option<Duration> {
    match core.faults.at_container_start(details, container)? {
        OutOfMemory::KilledAfter(after) => Some(after),
        OutOfMemory::OnlyTheReason => None,
    }
}

fn end_of(core: &Core, details: &TaskDetails, container: &str, ended: Ended) -> ContainerEnd {
    let fault = core.faults.at_container_start(details, container);
    let (code, memory) = match (ended, fault) {
        (Ended::OutOfMemory(code), _) | (Ended::Exited(code), Some(OutOfMemory::OnlyTheReason)) => {
            (code, true)
        }
        (Ended::Exited(code), _) => (code, false),
    };
    ContainerEnd {
        at: core.clock.now(),
        exit_code: (!core.faults.loses_exit_code(details, container)).then_some(code),
        // aws-facts 1.5, O1, in Fargate's spelling.
        reason: memory.then(|| "OutOfMemoryError: container killed due to memory usage".to_owned()),
    }
}

async fn due(started: Instant, outside: Option<&OutsideStop>) {
    match outside {
        Some(stop) => sleep_until(started + stop.after).await,
        None => std::future::pending().await,
    }
}
