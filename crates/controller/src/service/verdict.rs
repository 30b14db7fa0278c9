//! Owns what became of a rollout: one pure, total function of both views.
//!
//! The service deployment decides where it can be seen; otherwise the PRIMARY deployment's id and
//! definition. That a service is "stable" proves nothing: it is so after a rollback as well.

use super::snapshot::{Deployment, DeploymentStatus, Rollout, ServiceDeployment, ServiceSnapshot};
use std::time::Duration;

/// News of a deployment reach all readers within this.
pub(crate) const SPREAD: Duration = Duration::from_mins(1);

/// Failed tasks of a deployment without a running one that are a crash loop. Fewer may pass.
const CRASH_LOOP: i32 = 3;

/// Everything that decides.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case<'a> {
    /// ARN of the definition that was asked for.
    pub(crate) definition: &'a str,
    pub(crate) ours: &'a Ours,
    pub(crate) service: &'a ServiceSnapshot,
    pub(crate) told: Told<'a>,
    /// Since the deployment began.
    pub(crate) age: Duration,
    /// Since one of the views said first that it is over.
    pub(crate) over: Duration,
    /// ECS says that tasks do not start.
    pub(crate) complaint: bool,
    pub(crate) intent: Intent,
}

/// The deployment that is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ours {
    pub(crate) id: String,
    /// Milliseconds since 1970, on ECS's clock.
    pub(crate) created_at: i64,
    /// Whether DescribeServices has shown it.
    pub(crate) seen: bool,
}

/// The newer view.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Told<'a> {
    Deployment(&'a ServiceDeployment),
    /// Not yet.
    NotVisible,
    /// A right is missing, or the Region has no such view.
    NotReadable,
}

/// What we want of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    Wait,
    /// A signal: ECS goes on alone.
    Leave,
    /// The time is over: ECS goes on alone.
    TimeIsOver,
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Waiting(Phase),
    Deployed(Ground),
    Failed(Failure),
    /// It goes on without us.
    Left,
    /// It was not over in time, and nothing says that it will fail.
    TimeIsOver,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    NotSeen,
    Rolling,
    RollingBack,
}

/// What a good verdict rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    ServiceDeployment,
    /// `deployments` alone, because the newer view cannot be seen.
    Deployments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The circuit breaker gave up and left things as they are.
    GivenUp,
    RolledBack,
    /// It has failed, and the way back is not over.
    RollingBack,
    RollbackFailed,
    StoppedBySomebody,
    /// A newer deployment of another definition.
    Replaced,
    /// Its tasks keep failing, and no circuit breaker ends that.
    CrashLoop,
    /// The service is being deleted, or is.
    Gone,
}

/// The verdict.
pub(crate) fn judge(case: &Case<'_>) -> Verdict {
    if case.intent == Intent::Leave {
        return Verdict::Left;
    }
    let verdict = if case.service.is_active() {
        match case.told {
            Told::Deployment(told) => by_service_deployment(case, told),
            Told::NotVisible | Told::NotReadable => by_deployments(case),
        }
    } else {
        Verdict::Failed(Failure::Gone)
    };
    match (verdict, case.intent) {
        (Verdict::Waiting(Phase::RollingBack), Intent::TimeIsOver) => {
            Verdict::Failed(Failure::RollingBack)
        }
        (Verdict::Waiting(_), Intent::TimeIsOver) if crashes(case) => {
            Verdict::Failed(Failure::CrashLoop)
        }
        (Verdict::Waiting(_), Intent::TimeIsOver) => Verdict::TimeIsOver,
        (verdict, _) => verdict,
    }
}

fn by_service_deployment(case: &Case<'_>, told: &ServiceDeployment) -> Verdict {
    let primary = case.service.primary();
    let stands = primary.is_some_and(|primary| primary.definition == case.definition);
    match told.status {
        DeploymentStatus::Successful if stands => Verdict::Deployed(Ground::ServiceDeployment),
        DeploymentStatus::Successful if case.over < SPREAD => Verdict::Waiting(Phase::NotSeen),
        DeploymentStatus::Successful => Verdict::Failed(Failure::Replaced),
        DeploymentStatus::Stopped if told.tripped => Verdict::Failed(Failure::GivenUp),
        DeploymentStatus::Stopped if primary.is_some_and(|primary| is_newer(case, primary)) => {
            Verdict::Failed(Failure::Replaced)
        }
        DeploymentStatus::Stopped => Verdict::Failed(Failure::StoppedBySomebody),
        DeploymentStatus::RollingBack => Verdict::Waiting(Phase::RollingBack),
        DeploymentStatus::RolledBack => Verdict::Failed(Failure::RolledBack),
        DeploymentStatus::RollbackFailed => Verdict::Failed(Failure::RollbackFailed),
        // The older view may know more, and is believed when the newer one does not follow.
        DeploymentStatus::Going => match by_deployments(case) {
            Verdict::Failed(failure) if case.over >= SPREAD => Verdict::Failed(failure),
            Verdict::Waiting(Phase::RollingBack) => Verdict::Waiting(Phase::RollingBack),
            Verdict::Waiting(_)
            | Verdict::Deployed(_)
            | Verdict::Failed(_)
            | Verdict::Left
            | Verdict::TimeIsOver => Verdict::Waiting(Phase::Rolling),
        },
    }
}

fn by_deployments(case: &Case<'_>) -> Verdict {
    let Some(primary) = case.service.primary() else {
        return Verdict::Waiting(Phase::NotSeen);
    };
    if primary.id == case.ours.id {
        return of_primary(case, primary);
    }
    let back = |primary: &Deployment| {
        if primary.rollout == Rollout::InProgress {
            Verdict::Waiting(Phase::RollingBack)
        } else {
            Verdict::Failed(Failure::RolledBack)
        }
    };
    let own = case.service.deployment(&case.ours.id);
    match own {
        Some(own) if own.rollout == Rollout::Failed || goes_back(own) => back(primary),
        _ if is_newer(case, primary) => Verdict::Failed(Failure::Replaced),
        Some(_) => back(primary),
        None if case.ours.seen || case.age >= SPREAD => back(primary),
        None => Verdict::Waiting(Phase::NotSeen),
    }
}

fn of_primary(case: &Case<'_>, primary: &Deployment) -> Verdict {
    let steady = case.service.deployments.len() == 1 && primary.running == primary.desired;
    match primary.rollout {
        Rollout::Failed if primary.reason.contains("circuit breaker") => {
            Verdict::Failed(Failure::GivenUp)
        }
        Rollout::Failed => Verdict::Failed(Failure::StoppedBySomebody),
        Rollout::InProgress => Verdict::Waiting(Phase::Rolling),
        Rollout::NotSaid if !steady => Verdict::Waiting(Phase::Rolling),
        Rollout::Completed | Rollout::NotSaid if primary.definition != case.definition => {
            Verdict::Failed(Failure::Replaced)
        }
        Rollout::Completed | Rollout::NotSaid => match case.told {
            // The better proof is on its way.
            Told::NotVisible if case.over < SPREAD => Verdict::Waiting(Phase::Rolling),
            Told::NotVisible | Told::NotReadable | Told::Deployment(_) => {
                Verdict::Deployed(Ground::Deployments)
            }
        },
    }
}

fn goes_back(deployment: &Deployment) -> bool {
    deployment.reason.contains("circuit breaker: rolling back to deploymentId")
}

fn is_newer(case: &Case<'_>, primary: &Deployment) -> bool {
    primary.id != case.ours.id && primary.created_at > case.ours.created_at
}

fn crashes(case: &Case<'_>) -> bool {
    let own = case.service.deployment(&case.ours.id);
    case.complaint || own.is_some_and(|own| own.failed >= CRASH_LOOP && own.running == 0)
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
pub(super) mod tests;
