//! Owns the turns of a deployment: begun, completed, given up, rolled back, stopped by somebody.

use std::sync::Arc;

use super::configuration::{Breaker, threshold};
use super::record::{Deployment, Rollback, Rollout, Service, ServiceDeployment};
use super::view::view;
use crate::core::{Core, State};
use crate::ecs::Revision;
use crate::faults::{ServiceEffect, seconds};

/// 19 digits.
pub(super) const NUMBERS: std::ops::Range<u64> =
    1_000_000_000_000_000_000..10_000_000_000_000_000_000;

/// aws-facts 4.2.
const BREAKER_REASON: &str =
    "Service deployment rolled back because the circuit breaker threshold was exceeded.";

/// Begins a deployment; what was PRIMARY is being replaced from now on.
pub(super) fn begin(
    core: &Core,
    state: &State,
    service: &mut Service,
    (definition, revision): (&str, Option<Arc<Revision>>),
) {
    let now = core.clock.now();
    let before = view(core, state, service);
    service.ordinal += 1;
    let effects = core.faults.at_deployment(service.name(), service.ordinal);
    let number = core.random().u64(NUMBERS);
    let id = format!("ecs-svc/{number:019}");
    let path = format!("{}/{}", service.cluster, service.name());
    let revision_arn =
        core.identity.part_of_service("service-revision", &path, &format!("{number:019}"));
    let hidden = effects.iter().find_map(|effect| {
        let ServiceEffect::HiddenFor { seconds: hidden } = effect else {
            return None;
        };
        Some(seconds(*hidden))
    });
    let visible_from = hidden.map_or(now, |hidden| now.after(hidden));
    if hidden.is_some() {
        service.stale = Some((visible_from, before));
    }
    for other in &mut service.history {
        if !other.is_over() {
            // The wording is not verified.
            other.enter("STOPPED", Some("Service deployment was replaced by a newer one."), now);
        }
    }
    let source = service.deployments.first().map(|deployment| deployment.revision_arn.clone());
    let arn = core.identity.part_of_service("service-deployment", &path, &core.random_id()[..21]);
    service.history.push(ServiceDeployment {
        arn,
        of: id.clone(),
        revision_arn: revision_arn.clone(),
        source_revision_arn: source,
        definition: definition.to_owned(),
        created_at: now,
        updated_at: now,
        finished_at: None,
        visible_from,
        status: "IN_PROGRESS",
        status_reason: None,
        rollback: None,
        breaker: service.input.breaker(),
        tripped: false,
        failures: 0,
        threshold: threshold(service.desired),
        alarm: false,
        rollback_fails: effects.contains(&ServiceEffect::RollbackFails),
    });
    service.deployments.insert(
        0,
        Deployment {
            reason: format!("ECS deployment {id} in progress."),
            id,
            definition: definition.to_owned(),
            revision,
            revision_arn,
            created_at: now,
            updated_at: now,
            rollout: Rollout::InProgress,
            failed: 0,
            imagined: 0,
            tasks: Vec::new(),
            effects,
            pause_until: now,
            stuck: false,
        },
    );
}

/// It is a success; with a deferred clean-up old tasks may still be there.
pub(super) fn succeed(core: &Core, service: &mut Service) {
    let now = core.clock.now();
    let Some(primary) = service.deployments.first_mut() else {
        return;
    };
    let id = primary.id.clone();
    primary.settle(Rollout::Completed, format!("ECS deployment {id} completed."), now);
    for deployment in &mut service.history {
        let goes_back = deployment.rollback.as_ref().is_some_and(|rollback| rollback.to == id);
        if goes_back && !deployment.is_over() {
            let reason = deployment.status_reason.clone();
            if deployment.rollback_fails {
                let none = "No rollback candidate was found to run the rollback.";
                deployment.enter("ROLLBACK_FAILED", Some(none), now);
            } else {
                deployment.enter("ROLLBACK_SUCCESSFUL", reason.as_deref(), now);
            }
        } else if deployment.of == id && !deployment.is_over() {
            deployment.enter("SUCCESSFUL", None, now);
        }
    }
    service.say(core, &format!("(deployment {id}) deployment completed."));
}

/// All tasks are those of the PRIMARY deployment.
pub(super) fn settle(core: &Core, service: &mut Service) {
    service.deployments.truncate(1);
    service.say(core, "has reached a steady state.");
}

/// Too many tasks failed.
pub(super) fn break_off(core: &Core, service: &mut Service) {
    let Some(id) = service.deployments.first().map(|primary| primary.id.clone()) else {
        return;
    };
    if let Some(deployment) = service.deployment_of(&id) {
        deployment.tripped = true;
    }
    service.say(core, &format!("(deployment {id}) deployment failed: tasks failed to start."));
    if service.input.breaker() == Breaker::RollsBack {
        roll_back(core, service, BREAKER_REASON);
    } else {
        let reason = "ECS deployment circuit breaker: tasks failed to start.";
        give_up(core, service, reason);
    }
}

/// The deployment stays PRIMARY and starts nothing any more.
fn give_up(core: &Core, service: &mut Service, reason: &str) {
    let now = core.clock.now();
    if let Some(primary) = service.deployments.first_mut() {
        primary.settle(Rollout::Failed, reason.to_owned(), now);
        let id = primary.id.clone();
        if let Some(deployment) = service.deployment_of(&id) {
            // Which status AWS gives here is not verified.
            deployment.enter("STOPPED", Some(reason), now);
        }
    }
}

/// Goes back to the deployment before; without one there is nothing to go back to.
pub(super) fn roll_back(core: &Core, service: &mut Service, why: &str) {
    let now = core.clock.now();
    if service.deployments.len() < 2 {
        if let Some(primary) = service.deployments.first_mut() {
            let reason = "ECS deployment circuit breaker: tasks failed to start.".to_owned();
            primary.settle(Rollout::Failed, reason, now);
            let id = primary.id.clone();
            if let Some(deployment) = service.deployment_of(&id) {
                deployment.enter("ROLLBACK_FAILED", Some(why), now);
            }
        }
        service.say(core, "failed to roll back: no rollback candidate was found.");
        return;
    }
    let failing = service.deployments[0].id.clone();
    let target = service.deployments[1].id.clone();
    let to = service.deployments[1].revision_arn.clone();
    let reason = format!("ECS deployment circuit breaker: rolling back to deploymentId {target}.");
    service.deployments[0].settle(Rollout::Failed, reason, now);
    let in_progress = format!("ECS deployment {target} in progress.");
    service.deployments[1].settle(Rollout::InProgress, in_progress, now);
    service.deployments.swap(0, 1);
    if let Some(deployment) = service.deployment_of(&failing) {
        deployment.enter("ROLLBACK_IN_PROGRESS", Some(why), now);
        deployment.rollback = Some(Rollback {
            reason: why.to_owned(),
            started_at: now,
            revision_arn: to,
            to: target.clone(),
        });
    }
    service.say(core, &format!("rolling back to deployment {target}."));
}

/// What somebody else does, or an alarm.
pub(super) fn meet(core: &Core, state: &State, service: &mut Service) {
    let now = core.clock.now();
    let Some(primary) = service.deployments.first_mut().filter(|primary| primary.in_progress())
    else {
        return;
    };
    let age = now.since(primary.created_at);
    let due = |effect: &ServiceEffect| match effect {
        ServiceEffect::StoppedBySomebody { after_seconds }
        | ServiceEffect::ReplacedByNewer { after_seconds, .. }
        | ServiceEffect::SteadyStateTold { after_seconds }
        | ServiceEffect::HookFails { after_seconds, .. }
        | ServiceEffect::Alarm { after_seconds, .. } => age >= seconds(*after_seconds),
        ServiceEffect::NeverStable
        | ServiceEffect::Unhealthy { .. }
        | ServiceEffect::RollbackFails
        | ServiceEffect::OldTasksProtected { .. }
        | ServiceEffect::StaysIn { .. }
        | ServiceEffect::HiddenFor { .. } => false,
    };
    let Some(index) = primary.effects.iter().position(due) else {
        return;
    };
    match primary.effects.remove(index) {
        ServiceEffect::StoppedBySomebody { .. } => stopped(core, service),
        ServiceEffect::ReplacedByNewer { task_definition, .. } => {
            let wanted = task_definition
                .or_else(|| service.deployments.get(1).map(|before| before.definition.clone()));
            if let Some(wanted) = wanted {
                let revision = state.definitions.find(&wanted).map(Arc::clone);
                let arn = revision.as_ref().map_or(wanted, |revision| revision.arn.clone());
                begin(core, state, service, (&arn, revision));
            }
        }
        ServiceEffect::SteadyStateTold { .. } => {
            service.say(core, "has reached a steady state.");
        }
        ServiceEffect::Alarm { name, .. } => {
            let id = primary.id.clone();
            if let Some(deployment) = service.deployment_of(&id) {
                deployment.alarm = true;
            }
            service.say(core, &format!("(deployment {id}) deployment failed: alarm detected."));
            roll_back(
                core,
                service,
                &format!("Service deployment rolled back because of CloudWatch alarm {name}."),
            );
        }
        ServiceEffect::HookFails { stage, .. } => roll_back(
            core,
            service,
            &format!("Service deployment rolled back because {stage} lifecycle hook(s) failed."),
        ),
        ServiceEffect::NeverStable
        | ServiceEffect::Unhealthy { .. }
        | ServiceEffect::RollbackFails
        | ServiceEffect::OldTasksProtected { .. }
        | ServiceEffect::StaysIn { .. }
        | ServiceEffect::HiddenFor { .. } => {}
    }
}

/// Somebody called StopServiceDeployment: ECS leaves things as they are.
pub(super) fn stopped(core: &Core, service: &mut Service) {
    let now = core.clock.now();
    if let Some(primary) = service.deployments.first_mut() {
        let id = primary.id.clone();
        let reason = format!("ECS deployment {id} was stopped.");
        primary.settle(Rollout::Failed, reason, now);
        if let Some(deployment) = service.deployment_of(&id) {
            deployment.enter("STOPPED", None, now);
        }
    }
}
