//! Owns the order of a task's life: prepare, run, detach. Every step takes its time; reading it takes none.

use std::sync::Arc;

use tokio::time::sleep;

use super::prepare::prepare;
use super::supervise::supervise;
use crate::core::Core;

pub(crate) async fn drive(core: Arc<Core>, id: String) {
    let Some((details, mut stop)) =
        core.with_task(&id, |task| (task.details.clone(), task.stop_signal()))
    else {
        return;
    };
    let prepared = tokio::select! {
        biased;
        // The sender lives in the task's record; without it nobody is left to prepare for.
        _ = stop.wait_for(|stop| *stop) => None,
        prepared = prepare(&core, &id) => Some(prepared),
    };
    match prepared {
        None => sleep(core.faults.stop_delay(&details)).await,
        Some(Ok(workloads)) => supervise(&core, &id, workloads).await,
        Some(Err(failure)) => {
            let now = core.clock.now();
            core.with_task(&id, |task| task.fail_to_start(failure, now));
        }
    }
    core.with_task(&id, |task| task.deprovision(core.clock.now()));
    let dwell = core.faults.deprovisioning(&details).unwrap_or(core.config.dwell.deprovisioning);
    sleep(dwell).await;
    core.with_task(&id, |task| task.stopped(core.clock.now()));
}
