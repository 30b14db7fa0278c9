//! Owns what ECS says of a service at one moment, in both views, as plain data.

/// A service as DescribeServices gave it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ServiceSnapshot {
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub(crate) status: String,
    /// `ECS`, `CODE_DEPLOY` or `EXTERNAL`.
    pub(crate) controller: String,
    /// ARN of the definition's revision.
    pub(crate) definition: String,
    pub(crate) desired: i32,
    pub(crate) running: i32,
    pub(crate) deployments: Vec<Deployment>,
    /// Service revisions with their tasks, where ECS says so.
    pub(crate) revisions: Vec<RevisionCount>,
    /// The newest first.
    pub(crate) events: Vec<ServiceEvent>,
}

/// A member of `currentServiceRevisions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RevisionCount {
    pub(crate) arn: String,
    /// Running and pending ones.
    pub(crate) tasks: i32,
}

/// One member of `deployments`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deployment {
    pub(crate) id: String,
    /// The newest one, or the one that is gone back to.
    pub(crate) primary: bool,
    pub(crate) definition: String,
    pub(crate) rollout: Rollout,
    pub(crate) reason: String,
    pub(crate) desired: i32,
    pub(crate) running: i32,
    pub(crate) pending: i32,
    pub(crate) failed: i32,
    /// Milliseconds since 1970, on ECS's clock.
    pub(crate) created_at: i64,
}

/// `rolloutState` (ECS API, `DeploymentRolloutState`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rollout {
    InProgress,
    Completed,
    Failed,
    /// Behind a Classic Load Balancer, or with another deployment controller.
    NotSaid,
}

/// A sentence of ECS's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceEvent {
    pub(crate) id: String,
    /// Milliseconds since 1970.
    pub(crate) at: i64,
    pub(crate) message: String,
}

/// The newer view of one deployment: DescribeServiceDeployments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceDeployment {
    pub(crate) arn: String,
    /// ARN of the service revision that it brings.
    pub(crate) revision: String,
    /// Milliseconds since 1970, on ECS's clock.
    pub(crate) created_at: i64,
    pub(crate) status: DeploymentStatus,
    pub(crate) reason: String,
    /// Why it is rolled back; empty if it is not.
    pub(crate) rollback: String,
    /// The circuit breaker opened.
    pub(crate) tripped: bool,
    /// Failures and threshold of the circuit breaker.
    pub(crate) failures: Option<(i32, i32)>,
    /// Alarms that rang.
    pub(crate) alarms: Vec<String>,
    /// `lifecycleStage`, which a rolling deployment does not have.
    pub(crate) stage: String,
    /// Hooks that wait for somebody.
    pub(crate) holds: Vec<Hold>,
}

/// A PAUSE hook that awaits an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) hook: String,
    /// `ROLLBACK` or `CONTINUE`: what happens when nobody acts in time.
    pub(crate) otherwise: String,
}

/// Where a service deployment stands (ECS API, `ServiceDeploymentStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeploymentStatus {
    Going,
    Successful,
    Stopped,
    RollingBack,
    RolledBack,
    RollbackFailed,
}

impl DeploymentStatus {
    /// The status of that name; one that this version does not know has not ended.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "SUCCESSFUL" => Self::Successful,
            "STOPPED" => Self::Stopped,
            "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS" => Self::RollingBack,
            "ROLLBACK_SUCCESSFUL" => Self::RolledBack,
            "ROLLBACK_FAILED" => Self::RollbackFailed,
            _ => Self::Going,
        }
    }

    /// Whether nothing comes after it.
    pub(crate) fn is_over(self) -> bool {
        match self {
            Self::Going | Self::RollingBack => false,
            Self::Successful | Self::Stopped | Self::RolledBack | Self::RollbackFailed => true,
        }
    }
}

impl ServiceSnapshot {
    /// The deployment that the service stands on or goes to.
    pub(crate) fn primary(&self) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.primary)
    }

    /// One deployment.
    pub(crate) fn deployment(&self, id: &str) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.id == id)
    }

    /// Whether it takes deployments.
    pub(crate) fn is_active(&self) -> bool {
        self.status == "ACTIVE"
    }
}
