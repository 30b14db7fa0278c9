//! Owns the faults in force: asked at every request and at each step of a task.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::check::LONGEST_SECONDS;
use super::requests::{Asked, Met, Requests};
use super::suffering::{FailedStart, OutOfMemory, OutsideStop, TaskDetails, ToldExit, ToldStop};
use super::{
    Faults, LineFaults, ServiceEffect, ServiceFault, StartPhase, StreamFault, TaskEffect, TaskFault,
};
use crate::clock::Timestamp;

#[derive(Debug)]
pub(crate) struct FaultBook {
    region: String,
    page: Mutex<Page>,
}

#[derive(Debug)]
struct Page {
    since: Timestamp,
    requests: Requests,
    tasks: Vec<TaskFault>,
    services: Vec<ServiceFault>,
}

impl FaultBook {
    pub(crate) fn new(faults: Faults, region: &str, now: Timestamp) -> Self {
        Self { page: Mutex::new(Page::new(faults, region, now)), region: region.to_owned() }
    }

    /// From now on these, with calls and seconds counted anew.
    pub(crate) fn replace(&self, faults: Faults, now: Timestamp) {
        *self.page() = Page::new(faults, &self.region, now);
    }

    fn page(&self) -> MutexGuard<'_, Page> {
        self.page.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The hook of every request.
    pub(crate) fn at_request(&self, asked: Asked<'_>, now: Timestamp) -> Option<Met> {
        let mut page = self.page();
        let since = now.since(page.since);
        page.requests.meet(asked, since)
    }

    /// The hook of each step before RUNNING.
    pub(crate) fn at_start(&self, task: &TaskDetails, phase: StartPhase) -> Option<FailedStart> {
        self.effects(task).into_iter().find_map(|effect| {
            let TaskEffect::NeverStarts { phase: wanted, stopped_reason, container_reason } =
                effect
            else {
                return None;
            };
            (wanted == phase).then_some(FailedStart { stopped_reason, container_reason })
        })
    }

    /// The hook of each step before RUNNING: how much longer it takes.
    pub(crate) fn stays_in(&self, task: &TaskDetails, phase: StartPhase) -> Duration {
        let stays = self.effects(task).into_iter().find_map(|effect| {
            let TaskEffect::StaysIn { phase: wanted, seconds: more } = effect else { return None };
            (wanted == phase).then(|| seconds(more))
        });
        stays.unwrap_or_default()
    }

    /// The hook of RUNNING.
    pub(crate) fn at_running(&self, task: &TaskDetails) -> Option<OutsideStop> {
        self.effects(task).into_iter().find_map(|effect| {
            let TaskEffect::StoppedFromOutside { after_seconds, stop_code, stopped_reason } =
                effect
            else {
                return None;
            };
            Some(OutsideStop {
                after: seconds(after_seconds),
                code: stop_code,
                reason: stopped_reason,
            })
        })
    }

    /// The hook of a container's start.
    pub(crate) fn at_container_start(
        &self,
        task: &TaskDetails,
        container: &str,
    ) -> Option<OutOfMemory> {
        self.effects(task).into_iter().find_map(|effect| {
            let TaskEffect::OutOfMemory { container: wanted, after_seconds } = effect else {
                return None;
            };
            let memory = after_seconds.map_or(OutOfMemory::OnlyTheReason, |after| {
                OutOfMemory::KilledAfter(seconds(after))
            });
            concerns(wanted.as_deref(), container).then_some(memory)
        })
    }

    /// The hook of a container's exit: whether its exit code gets lost.
    pub(crate) fn loses_exit_code(&self, task: &TaskDetails, container: &str) -> bool {
        self.effects(task).into_iter().any(|effect| {
            matches!(
                effect,
                TaskEffect::ExitCodeAbsent { container: wanted } if concerns(wanted.as_deref(), container)
            )
        })
    }

    /// The hook of whoever asks how the task stops.
    pub(crate) fn told_stop(&self, task: &TaskDetails) -> Option<ToldStop> {
        self.effects(task).into_iter().find_map(|effect| {
            let TaskEffect::StopTold { stop_code, stopped_reason, late_seconds } = effect else {
                return None;
            };
            let late = seconds(late_seconds);
            Some(ToldStop { late, code: stop_code, reason: stopped_reason })
        })
    }

    /// The hook of whoever asks how a container ended.
    pub(crate) fn told_exit(&self, task: &TaskDetails, container: &str) -> Option<ToldExit> {
        self.effects(task).into_iter().find_map(|effect| {
            let TaskEffect::ExitTold { container: wanted, exit_code, reason, late_seconds } =
                effect
            else {
                return None;
            };
            let told = ToldExit { late: seconds(late_seconds), code: exit_code, reason };
            concerns(wanted.as_deref(), container).then_some(told)
        })
    }

    /// The hook of a stop: from there to SIGTERM.
    pub(crate) fn stop_delay(&self, task: &TaskDetails) -> Duration {
        let delay = self.effects(task).into_iter().find_map(|effect| {
            let TaskEffect::StopsLate { seconds: delay } = effect else {
                return None;
            };
            Some(seconds(delay))
        });
        delay.unwrap_or_default()
    }

    /// The hook of DEPROVISIONING.
    pub(crate) fn deprovisioning(&self, task: &TaskDetails) -> Option<Duration> {
        self.effects(task).into_iter().find_map(|effect| {
            let TaskEffect::DeprovisionsFor { seconds: dwell } = effect else {
                return None;
            };
            Some(seconds(dwell))
        })
    }

    /// The hook of whoever looks for a task of this age.
    pub(crate) fn hides(&self, task: &TaskDetails, age: Duration) -> bool {
        self.effects(task).into_iter().any(|effect| {
            let TaskEffect::Missing { from_seconds, to_seconds } = effect else {
                return false;
            };
            seconds(from_seconds) <= age && to_seconds.is_none_or(|to| age < seconds(to))
        })
    }

    /// The hook of a log stream's creation.
    pub(crate) fn at_stream(&self, task: &TaskDetails, container: &str) -> StreamFault {
        let absent_for = self.effects(task).into_iter().find_map(|effect| {
            let TaskEffect::LogStream { container: wanted, after_seconds } = effect else {
                return None;
            };
            concerns(wanted.as_deref(), container).then_some(after_seconds)
        });
        match absent_for {
            None => StreamFault::None,
            Some(None) => StreamFault::Never,
            Some(Some(after)) => StreamFault::After(seconds(after)),
        }
    }

    /// The hook of a container's output.
    pub(crate) fn at_lines(&self, task: &TaskDetails, container: &str) -> LineFaults {
        let effects = self.effects(task).into_iter();
        effects
            .filter(|effect| {
                matches!(
                    effect,
                    TaskEffect::LogLines { container: wanted, .. } if concerns(wanted.as_deref(), container)
                )
            })
            .collect()
    }

    /// The hook of a service's deployment.
    pub(crate) fn at_deployment(&self, service: &str, ordinal: u64) -> Vec<ServiceEffect> {
        let page = self.page();
        let faults = page.services.iter().filter(|fault| {
            concerns(fault.service.as_deref(), service) && applies(ordinal, fault.from, fault.to)
        });
        faults.map(|fault| fault.effect.clone()).collect()
    }

    fn effects(&self, task: &TaskDetails) -> Vec<TaskEffect> {
        self.page()
            .tasks
            .iter()
            .filter(|fault| {
                concerns(fault.family.as_deref(), &task.family)
                    && applies(task.ordinal, fault.from, fault.to)
            })
            .map(|fault| fault.effect.clone())
            .collect()
    }
}

impl Page {
    fn new(faults: Faults, region: &str, since: Timestamp) -> Self {
        if let Err(error) = faults.check() {
            panic!("invariant: faults are checked before they are set: {error}");
        }
        let Faults { requests, tasks, services } = faults;
        Self { since, requests: Requests::new(requests, region), tasks, services }
    }
}

pub(super) fn applies(count: u64, from: u64, to: Option<u64>) -> bool {
    from <= count && to.is_none_or(|to| count <= to)
}

fn concerns(wanted: Option<&str>, name: &str) -> bool {
    wanted.is_none_or(|wanted| wanted == name)
}

/// A negative number of seconds, or none at all, is as good as now.
pub(crate) fn seconds(count: f64) -> Duration {
    Duration::try_from_secs_f64(count.min(LONGEST_SECONDS)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(json: &str) -> FaultBook {
        let faults = serde_json::from_str(json).expect("valid faults");
        FaultBook::new(faults, "eu-west-1", Timestamp::from_millis(0))
    }

    #[test]
    fn chooses_tasks_by_family_and_ordinal() {
        let book = book(
            r#"{"tasks": [
                {"family": "migrate", "to": 1, "effect": {"never_starts": {"stopped_reason": "no", "phase": "provisioning"}}},
                {"from": 2, "effect": {"exit_code_absent": {"container": "runner"}}}
            ]}"#,
        );
        let task = |family: &str, ordinal| TaskDetails { family: family.to_owned(), ordinal };
        assert!(book.at_start(&task("migrate", 1), StartPhase::Provisioning).is_some());
        assert!(book.at_start(&task("migrate", 1), StartPhase::Pending).is_none());
        assert!(book.at_start(&task("other", 1), StartPhase::Provisioning).is_none());
        assert!(book.at_start(&task("migrate", 2), StartPhase::Provisioning).is_none());
        assert!(book.loses_exit_code(&task("any", 2), "runner"));
        assert!(!book.loses_exit_code(&task("any", 2), "sidecar"));
        assert!(!book.loses_exit_code(&task("any", 1), "runner"));
    }
}
