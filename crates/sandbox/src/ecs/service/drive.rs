//! Owns the driver of a service: it looks again and again, rarely when nothing happens.

use std::sync::Arc;

use tokio::time::sleep;

use super::record::Key;
use super::schedule::turn;
use crate::core::Core;
use crate::task;

/// Runs until the sandbox ends or the service is gone.
pub(super) async fn drive(core: Arc<Core>, key: Key) {
    loop {
        let (started, busy) = {
            let mut state = core.state();
            let Some(mut service) = state.services.take(&key) else {
                return;
            };
            let started = turn(&core, &mut state, &mut service);
            let busy = service.deployments.len() > 1
                || service.deployments.first().is_some_and(super::record::Deployment::in_progress);
            state.services.put(service);
            (started, busy)
        };
        for id in started {
            core.spawn(task::drive(Arc::clone(&core), id));
        }
        let pause = core.config.dwell.scheduler;
        sleep(if busy { pause } else { pause * 5 }).await;
    }
}
