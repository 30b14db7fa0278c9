//! Owns the order of a task's life: prepare, run, detach. Every step takes its time; reading it takes none.

use std::sync::Arc;

use tokio::time::sleep;

use super::control::Control;
use super::prepare::prepare;
use super::supervise::supervise;
use crate::core::Core;

pub(crate) async fn drive(core: Arc<Core>, id: String) {
    let Some(stop) = core.with_task(&id, |task| task.stop_signal()) else {
        return;
    };
    let stopped_early = Control { stop, grace: std::time::Duration::ZERO, memory_lasts: None };
    let prepared = tokio::select! {
        biased;
        () = stopped_early.stopped() => None,
        prepared = prepare(&core, &id) => Some(prepared),
    };
    match prepared {
        None => {}
        Some(Ok(workloads)) => supervise(&core, &id, workloads).await,
        Some(Err(failure)) => {
            let now = core.clock.now();
            core.with_task(&id, |task| task.fail_to_start(failure, now));
        }
    }
    core.with_task(&id, |task| task.deprovision(core.clock.now()));
    sleep(core.config.dwell.deprovisioning).await;
    core.with_task(&id, |task| task.stopped(core.clock.now()));
}
