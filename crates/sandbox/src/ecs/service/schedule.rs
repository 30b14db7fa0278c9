//! Owns the scheduler's turn: which tasks of a service have failed, which are started, which are stopped.

use std::time::Duration;

use super::configuration::Breaker;
use super::deploy::{break_off, meet, settle, succeed};
use super::record::{Deployment, Rollout, Service};
use crate::clock::Timestamp;
use crate::core::{Core, State};
use crate::ecs::run_task::{RunTask, start};
use crate::faults::{ServiceEffect, seconds};
use crate::task::{Status, Stop, StopCode, Task};

/// Without a breaker launches are throttled up to this (aws-facts 4.5).
const LONGEST_PAUSE: Duration = Duration::from_mins(15);

/// One look at a service; the answer are tasks to drive.
pub(super) fn turn(core: &Core, state: &mut State, service: &mut Service) -> Vec<String> {
    let now = core.clock.now();
    if service.stale.as_ref().is_some_and(|(until, _)| *until <= now) {
        service.stale = None;
    }
    collect_failures(core, state, service);
    meet(core, state, service);
    let tripped = service.deployments.first().is_some_and(|primary| {
        primary.in_progress()
            && service.input.breaker() != Breaker::Off
            && primary.failed >= super::configuration::threshold(service.desired)
            && service.history.last().is_some_and(|last| last.of == primary.id)
    });
    if tripped {
        break_off(core, service);
    }
    let started = start_and_stop(core, state, service, now);
    // The way back, too, takes as long as a task needs to count as healthy.
    let ripe = |primary: &Deployment| {
        primary.in_progress() && now.since(primary.updated_at) >= core.config.dwell.healthy
    };
    let alone =
        (1..service.deployments.len()).all(|index| counts(state, service, (core, index)).live == 0);
    let healthy = counts(state, service, (core, 0)).healthy;
    let goes_back = service.history.last().is_some_and(|last| last.rollback.is_some());
    let early = service.input.early_success().filter(|_| !goes_back);
    let enough = early.map_or(service.desired, |early| early.enough(service.desired));
    let deferred = early.is_some_and(|early| early.deferred);
    let begun = service.deployments.len() > 1
        || service.deployments.first().is_some_and(Deployment::in_progress);
    let held = service.deployments.first().is_some_and(|primary| primary.stage(now).is_some());
    let ready = service.deployments.first().is_some_and(ripe) && !held;
    if ready && healthy >= enough && (alone || deferred) {
        succeed(core, service);
    }
    let is_over =
        service.deployments.first().is_some_and(|primary| primary.rollout == Rollout::Completed);
    if begun && is_over && alone {
        settle(core, service);
    }
    started
}

/// Tasks of one deployment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Neither stopped nor asked to stop.
    pub(super) live: u32,
    pub(super) running: u32,
    pub(super) healthy: u32,
}

pub(super) fn counts(state: &State, service: &Service, (core, index): (&Core, usize)) -> Counts {
    let Some(deployment) = service.deployments.get(index) else {
        return Counts::default();
    };
    let imagined = deployment.imagined;
    let mut counts = Counts { live: imagined, running: imagined, healthy: imagined };
    let never = deployment.effects.iter().any(|effect| {
        matches!(effect, ServiceEffect::NeverStable | ServiceEffect::Unhealthy { .. })
    });
    for task in deployment.tasks.iter().filter_map(|id| state.tasks.get(id)) {
        if task.stop.is_some() {
            continue;
        }
        counts.live += 1;
        let Some(started) = running_since(task) else {
            continue;
        };
        counts.running += 1;
        // Without a health check a task counts as healthy after a while (aws-facts 4.5).
        if !never && core.clock.now().since(started) >= core.config.dwell.healthy {
            counts.healthy += 1;
        }
    }
    counts
}

fn running_since(task: &Task) -> Option<Timestamp> {
    (task.status == Status::Running).then_some(task.times.started_at).flatten()
}

/// Forgets tasks that ended; one that nobody asked to stop has failed.
fn collect_failures(core: &Core, state: &mut State, service: &mut Service) {
    let now = core.clock.now();
    let mut messages = Vec::new();
    for deployment in &mut service.deployments {
        let unhealthy = deployment.effects.iter().find_map(|effect| {
            let ServiceEffect::Unhealthy { after_seconds, reason } = effect else {
                return None;
            };
            Some((seconds(*after_seconds), reason.clone()))
        });
        let mut failed = 0;
        for id in std::mem::take(&mut deployment.tasks) {
            let Some(task) = state.tasks.get_mut(&id) else {
                continue;
            };
            if let Some((after, reason)) = &unhealthy
                && task.stop.is_none()
                && running_since(task).is_some_and(|since| now.since(since) >= *after)
            {
                messages.push(format!("(task {id}) (port 80) is unhealthy in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/api/0123456789abcdef) due to (reason {reason})."));
                let reason = Some("Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/api/0123456789abcdef)".to_owned());
                task.begin_stop(scheduler(reason), now);
                failed += 1;
            } else if task.stop.is_none() {
                deployment.tasks.push(id);
            } else {
                failed += 1;
            }
        }
        if failed > 0 && deployment.in_progress() {
            let before = deployment.failed;
            deployment.failed += failed;
            deployment.updated_at = now;
            if before < 3 && deployment.failed >= 3 && service.input.breaker() == Breaker::Off {
                messages.push("is unable to consistently start tasks successfully. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.".to_owned());
            }
            if service.input.breaker() == Breaker::Off {
                let doublings = (deployment.failed / 3).min(16);
                let pause = core.config.dwell.scheduler * 10 * (1 << doublings);
                deployment.pause_until = now.after(pause.min(LONGEST_PAUSE));
            }
            let (id, failures) = (&deployment.id, deployment.failed);
            if let Some(told) = service.history.iter_mut().rfind(|told| told.of == *id) {
                told.failures = failures;
            }
        }
    }
    for message in messages {
        service.say(core, &message);
    }
}

fn scheduler(reason: Option<String>) -> Stop {
    Stop { code: StopCode::Other("ServiceSchedulerInitiated".to_owned()), reason }
}

fn start_and_stop(
    core: &Core,
    state: &mut State,
    service: &mut Service,
    now: Timestamp,
) -> Vec<String> {
    let desired = service.desired;
    let all: Vec<Counts> =
        (0..service.deployments.len()).map(|index| counts(state, service, (core, index))).collect();
    let Some(own) = all.first().copied() else {
        return Vec::new();
    };
    let mut live: u32 = all.iter().map(|counts| counts.live).sum();
    let mut healthy: u32 = all.iter().map(|counts| counts.healthy).sum();
    let (least, most) = (service.input.least(desired), service.input.most(desired).max(1));
    let mut started = Vec::new();
    let primary = &service.deployments[0];
    let may_start = primary.rollout != Rollout::Failed && primary.pause_until <= now;
    let wanted = if may_start { desired.saturating_sub(own.live) } else { 0 };
    let room = most.saturating_sub(live);
    if let Some(revision) = primary.revision.clone() {
        let request = RunTask {
            cluster: Some(service.cluster.clone()),
            task_definition: revision.arn.clone(),
            count: 1,
            launch_type: Some("FARGATE".to_owned()),
            capacity_provider_strategy: Vec::new(),
            network_configuration: service.input.network(),
            overrides: None,
            started_by: Some(primary.id.clone()),
            group: Some(format!("service:{}", service.name())),
            tags: None,
            client_token: None,
            propagate_tags: None,
        };
        for _ in 0..wanted.min(room) {
            started.push(start(core, state, &request, (&service.cluster, &revision)));
        }
    } else if wanted > 0 {
        service.deployments[0].imagined += wanted;
    }
    let began = u32::try_from(started.len()).unwrap_or(u32::MAX);
    live += began;
    service.deployments[0].tasks.extend(started.iter().cloned());
    let mut stopped = stop_surplus(core, state, service, own.live + began);
    let primary = &service.deployments[0];
    let protected = primary.effects.iter().any(|effect| {
        matches!(effect, ServiceEffect::OldTasksProtected { seconds: until }
            if now.since(primary.created_at) < seconds(*until))
    });
    // What failed goes at once, what still serves only as long as enough is left.
    for (index, before) in all.iter().enumerate().skip(1) {
        let failed = service.deployments[index].rollout == Rollout::Failed;
        let is_healthy = !failed && before.healthy > 0;
        if protected && !failed {
            continue;
        }
        while before.live > 0 && (failed || !is_healthy || healthy > least) {
            if !stop_one(core, state, service, index) {
                break;
            }
            stopped += 1;
            if is_healthy {
                healthy -= 1;
            }
        }
    }
    let stuck = wanted > 0 && began == 0 && stopped == 0 && live >= most && own.live == 0;
    if stuck && !service.deployments[0].stuck {
        service.deployments[0].stuck = true;
        service.say(core, "was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.");
    }
    if !started.is_empty() {
        let message = format!("has started {} tasks: {}.", started.len(), named(&started));
        service.say(core, &message);
    }
    started
}

/// Fewer tasks are wanted than there are.
fn stop_surplus(core: &Core, state: &mut State, service: &mut Service, live: u32) -> u32 {
    let mut stopped = 0;
    for _ in service.desired..live {
        stopped += u32::from(stop_one(core, state, service, 0));
    }
    stopped
}

fn named(ids: &[String]) -> String {
    let names: Vec<String> = ids.iter().map(|id| format!("(task {id})")).collect();
    names.join(" ")
}

/// Lets go of one task of a deployment.
fn stop_one(core: &Core, state: &mut State, service: &mut Service, index: usize) -> bool {
    let deployment = &mut service.deployments[index];
    if deployment.imagined > 0 {
        deployment.imagined -= 1;
        return true;
    }
    let Some(id) = deployment.tasks.pop() else {
        return false;
    };
    let of = deployment.id.clone();
    if let Some(task) = state.tasks.get_mut(&id) {
        let reason = format!("Scaling activity initiated by (deployment {of})");
        task.begin_stop(scheduler(Some(reason)), core.clock.now());
    }
    service.say(core, &format!("has stopped 1 running tasks: (task {id})."));
    true
}
