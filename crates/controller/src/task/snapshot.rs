//! Owns what ECS says of a task at one moment, as plain data.

use super::arn::TaskArn;
use super::asked::Asked;
use super::intent::Expectation;

/// A task as DescribeTasks gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TaskSnapshot {
    pub(crate) arn: TaskArn,
    /// Rises with each change; an older read carries a smaller one.
    pub(crate) version: i64,
    /// ARN of the task definition's revision.
    pub(crate) definition: String,
    /// `PROVISIONING` … `STOPPED`.
    pub(crate) status: String,
    pub(crate) stop_code: Option<StopCode>,
    pub(crate) stopped_reason: Option<String>,
    /// Whether ECS recorded that the task ran.
    pub(crate) started: bool,
    /// Milliseconds since 1970.
    pub(crate) created_at: Option<i64>,
    pub(crate) times: TaskTimes,
    /// What RunTask was told; a service's tasks have its deployment's id.
    pub(crate) started_by: String,
    /// The container that a controller gave a run id, and the run id.
    pub(crate) run: Option<(String, String)>,
    /// What RunTask asked of that container.
    pub(crate) asked: Asked,
    /// What its container was expected to run, where the controller said so.
    pub(crate) expect: Expectation,
    /// The invocation whose RunTask it came of, where the controller said so.
    pub(crate) invocation: Option<String>,
    /// Whose database it must be, where the controller said so.
    pub(crate) environment: Option<String>,
    /// Subnet, network interface and address.
    pub(crate) network: Vec<String>,
    pub(crate) containers: Vec<ContainerSnapshot>,
}

/// When a task went on, as far as it did. Milliseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TaskTimes {
    /// Its agent is connected: it has a place and a network interface.
    pub(crate) connectivity: Option<i64>,
    /// The first image's pull began.
    pub(crate) pull_started: Option<i64>,
    /// The last image's pull ended.
    pub(crate) pull_stopped: Option<i64>,
    pub(crate) started: Option<i64>,
    pub(crate) stopping: Option<i64>,
    /// The containers have ended.
    pub(crate) execution_stopped: Option<i64>,
    pub(crate) stopped: Option<i64>,
}

/// One container of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContainerSnapshot {
    pub(crate) name: String,
    pub(crate) status: String,
    /// Absent for every failure before the process started, and when ECS lost track of it.
    pub(crate) exit_code: Option<i32>,
    pub(crate) reason: Option<String>,
    pub(crate) image: String,
    pub(crate) image_digest: Option<String>,
}

/// Why a task stopped (ECS API, `TaskStopCode`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StopCode {
    TaskFailedToStart,
    EssentialContainerExited,
    UserInitiated,
    ServiceSchedulerInitiated,
    SpotInterruption,
    TerminationNotice,
    InfrastructureHealth,
    /// One that this version does not know.
    Other(String),
}

/// The answer to DescribeTasks for one task.
#[derive(Debug, Clone)]
pub(crate) enum Described {
    Task(Box<TaskSnapshot>),
    /// Eventual consistency at first; later, ECS has forgotten the task.
    Missing,
}

impl StopCode {
    /// The code of that name.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "TaskFailedToStart" => Self::TaskFailedToStart,
            "EssentialContainerExited" => Self::EssentialContainerExited,
            "UserInitiated" => Self::UserInitiated,
            "ServiceSchedulerInitiated" => Self::ServiceSchedulerInitiated,
            "SpotInterruption" => Self::SpotInterruption,
            "TerminationNotice" => Self::TerminationNotice,
            "InfrastructureHealth" => Self::InfrastructureHealth,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Its name in the API.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::TaskFailedToStart => "TaskFailedToStart",
            Self::EssentialContainerExited => "EssentialContainerExited",
            Self::UserInitiated => "UserInitiated",
            Self::ServiceSchedulerInitiated => "ServiceSchedulerInitiated",
            Self::SpotInterruption => "SpotInterruption",
            Self::TerminationNotice => "TerminationNotice",
            Self::InfrastructureHealth => "InfrastructureHealth",
            Self::Other(name) => name,
        }
    }
}

impl TaskSnapshot {
    /// One container.
    pub(crate) fn container(&self, name: &str) -> Option<&ContainerSnapshot> {
        self.containers.iter().find(|container| container.name == name)
    }

    /// Whether `container` runs or ran, as far as ECS says.
    pub(crate) fn has_begun(&self, container: &str) -> bool {
        self.started
            || self.stop_code.is_some()
            || !matches!(self.status.as_str(), "PROVISIONING" | "PENDING" | "ACTIVATING")
            || self
                .container(container)
                .is_some_and(|container| matches!(container.status.as_str(), "RUNNING" | "STOPPED"))
    }

    /// Whether the task has reached its last state.
    pub(crate) fn is_stopped(&self) -> bool {
        matches!(self.status.as_str(), "STOPPED" | "DELETED")
    }

    /// Whether `container` can be judged: its end and the reason are known. The network interface
    /// may still be detaching, which takes another 10–40 s that nobody needs to wait.
    pub(crate) fn decides(&self, container: &str) -> bool {
        let ended = self.container(container).is_some_and(|container| {
            container.status == "STOPPED" && container.exit_code.is_some()
        });
        self.is_stopped() || (ended && self.stop_code.is_some())
    }

    /// Whether the exit code is due and not there: ECS may write it a moment after STOPPED.
    pub(crate) fn exit_code_may_follow(&self, container: &str) -> bool {
        self.started
            && self.container(container).is_none_or(|container| container.exit_code.is_none())
    }

    /// What ECS gives as a reason for the end of this container: the task's own, and the container's.
    /// Where it ran and another one did not start, the task's reason is that one's.
    pub(crate) fn reasons_of(&self, name: &str) -> String {
        let own = self.container(name);
        let ran = own.is_some_and(|own| own.exit_code.is_some());
        let others = ran && self.stop_code == Some(StopCode::TaskFailedToStart);
        let task = self.stopped_reason.as_deref().filter(|_| !others);
        let reasons = task.into_iter().chain(own.and_then(|own| own.reason.as_deref()));
        reasons.collect::<Vec<_>>().join(" | ")
    }

    /// The name of the other container that kept the task from starting, and why, where that is
    /// certain: it has a reason and `name` has none, or the task's reason names its image.
    pub(crate) fn sidecars_reason(&self, name: &str) -> Option<(String, String)> {
        let own = self.container(name);
        if own.is_some_and(|own| own.reason.is_some()) {
            return None;
        }
        let task = self.stopped_reason.as_deref().unwrap_or_default();
        let own_image = own.map(|own| own.image.as_str()).filter(|image| !image.is_empty());
        if own_image.is_some_and(|image| task.contains(image)) {
            return None;
        }
        let others = || self.containers.iter().filter(|other| other.name != name);
        let said = others().find_map(|other| Some((other, other.reason.as_deref()?)));
        let is_named =
            |other: &&ContainerSnapshot| !other.image.is_empty() && task.contains(&other.image);
        let (other, reason) = said.or_else(|| Some((others().find(is_named)?, task)))?;
        Some((other.name.clone(), reason.to_owned()))
    }
}
