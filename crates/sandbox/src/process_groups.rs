//! Owns the process groups of running containers, so that none outlives the sandbox.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};

#[derive(Debug, Default)]
pub(crate) struct ProcessGroups(Mutex<BTreeSet<i32>>);

impl ProcessGroups {
    fn leaders(&self) -> MutexGuard<'_, BTreeSet<i32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, leader: Pid) {
        self.leaders().insert(leader.as_raw_nonzero().get());
    }

    #[expect(clippy::unused_self, reason = "killing groups is this type's business alone")]
    pub(crate) fn kill(&self, leader: Pid) {
        // "No such process": it ended by itself.
        let _ = kill_process_group(leader, Signal::KILL);
    }

    /// Kills what is left of a group whose leader ended, as a container's other processes die with PID 1.
    pub(crate) fn end(&self, leader: Pid) {
        self.kill(leader);
        self.leaders().remove(&leader.as_raw_nonzero().get());
    }

    pub(crate) fn kill_all(&self) {
        for leader in std::mem::take(&mut *self.leaders()) {
            if let Some(leader) = Pid::from_raw(leader) {
                let _ = kill_process_group(leader, Signal::KILL);
            }
        }
    }
}
