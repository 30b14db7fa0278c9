//! Owns a task's record and its steps; who takes them and when is not decided here.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;

use crate::clock::Timestamp;
use crate::credentials::TaskCredentials;
use crate::ecs::Revision;
use crate::faults::{FailedStart, TaskDetails};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Provisioning,
    Pending,
    Running,
    Deprovisioning,
    Stopped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Desired {
    Running,
    Stopped,
}

/// Why a task stops. The codes the sandbox itself gives are constants; faults bring others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    pub(crate) code: StopCode,
    pub(crate) reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StopCode {
    TaskFailedToStart,
    EssentialContainerExited,
    UserInitiated,
    Other(String),
}

#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) identity: TaskIdentity,
    pub(crate) details: TaskDetails,
    pub(crate) revision: Arc<Revision>,
    pub(crate) request: RunRequest,
    pub(crate) credentials: Option<TaskCredentials>,
    pub(crate) containers: Vec<Container>,
    pub(crate) status: Status,
    pub(crate) desired: Desired,
    pub(crate) stop: Option<Stop>,
    pub(crate) times: Times,
    pub(crate) version: u32,
    stopping: watch::Sender<bool>,
}

#[derive(Clone, Debug)]
pub(crate) struct TaskIdentity {
    pub(crate) arn: String,
    pub(crate) cluster: String,
    pub(crate) attachment_id: String,
}

/// What RunTask was asked for, as far as DescribeTasks shows it.
#[derive(Clone, Debug)]
pub(crate) struct RunRequest {
    pub(crate) started_by: Option<String>,
    pub(crate) group: String,
    pub(crate) overrides: Value,
    pub(crate) tags: Value,
    pub(crate) launch_type: String,
    pub(crate) capacity_provider: Option<String>,
    pub(crate) subnet: Option<String>,
    pub(crate) cpu: Option<String>,
    pub(crate) memory: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Container {
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) essential: bool,
    /// Its name at the metadata endpoint.
    pub(crate) runtime_id: String,
    pub(crate) image_digest: Option<String>,
    pub(crate) log_stream: Option<String>,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) exit_code: Option<i32>,
    pub(crate) reason: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Times {
    pub(crate) created_at: Timestamp,
    pub(crate) connectivity_at: Option<Timestamp>,
    pub(crate) pull_started_at: Option<Timestamp>,
    pub(crate) pull_stopped_at: Option<Timestamp>,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) stopping_at: Option<Timestamp>,
    pub(crate) execution_stopped_at: Option<Timestamp>,
    pub(crate) stopped_at: Option<Timestamp>,
}

/// What a task begins with.
#[derive(Debug)]
pub(crate) struct NewTask {
    pub(crate) identity: TaskIdentity,
    pub(crate) details: TaskDetails,
    pub(crate) revision: Arc<Revision>,
    pub(crate) request: RunRequest,
    pub(crate) credentials: Option<TaskCredentials>,
    pub(crate) containers: Vec<Container>,
    pub(crate) created_at: Timestamp,
}

impl Task {
    pub(crate) fn new(new: NewTask) -> Self {
        Self {
            identity: new.identity,
            details: new.details,
            revision: new.revision,
            request: new.request,
            credentials: new.credentials,
            containers: new.containers,
            status: Status::Provisioning,
            desired: Desired::Running,
            stop: None,
            times: Times::new(new.created_at),
            version: 1,
            stopping: watch::Sender::new(false),
        }
    }

    /// Becomes true when the task is to stop.
    pub(crate) fn stop_signal(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    /// The network interface is there.
    pub(crate) fn attached(&mut self, now: Timestamp) {
        self.times.connectivity_at = Some(now);
        self.enter(Status::Pending);
    }

    pub(crate) fn running(&mut self, now: Timestamp) {
        self.times.started_at = Some(now);
        self.enter(Status::Running);
    }

    pub(crate) fn container_started(&mut self, index: usize, now: Timestamp) {
        if let Some(container) = self.containers.get_mut(index) {
            container.started_at = Some(now);
        }
    }

    /// A container ended; the first essential one takes the task with it.
    pub(crate) fn container_ended(&mut self, index: usize, end: ContainerEnd) {
        let Some(container) = self.containers.get_mut(index) else {
            return;
        };
        container.ended_at = Some(end.at);
        container.exit_code = end.exit_code;
        container.reason = end.reason;
        if container.essential {
            self.begin_stop(
                Stop {
                    code: StopCode::EssentialContainerExited,
                    reason: Some("Essential container in task exited".to_owned()),
                },
                end.at,
            );
        }
    }

    /// The task shall stop; who was first decides the code and the reason.
    pub(crate) fn begin_stop(&mut self, stop: Stop, now: Timestamp) {
        if self.stop.is_some() {
            return;
        }
        self.stop = Some(stop);
        self.desired = Desired::Stopped;
        self.times.stopping_at = Some(now);
        self.version += 1;
        self.stopping.send_replace(true);
    }

    pub(crate) fn fail_to_start(&mut self, failure: FailedStart, now: Timestamp) {
        for container in &mut self.containers {
            if container.started_at.is_none() {
                container.reason.clone_from(&failure.container_reason);
            }
        }
        self.begin_stop(
            Stop { code: StopCode::TaskFailedToStart, reason: Some(failure.stopped_reason) },
            now,
        );
    }

    /// No container runs any more; the network interface is being detached.
    pub(crate) fn deprovision(&mut self, now: Timestamp) {
        if self.times.started_at.is_some() {
            self.times.execution_stopped_at = Some(now);
        }
        for container in &mut self.containers {
            container.ended_at.get_or_insert(now);
        }
        self.enter(Status::Deprovisioning);
    }

    pub(crate) fn stopped(&mut self, now: Timestamp) {
        self.times.stopped_at = Some(now);
        self.enter(Status::Stopped);
    }

    fn enter(&mut self, status: Status) {
        self.status = status;
        self.version += 1;
    }
}

/// How a container's end is told to ECS.
#[derive(Debug)]
pub(crate) struct ContainerEnd {
    pub(crate) at: Timestamp,
    pub(crate) exit_code: Option<i32>,
    pub(crate) reason: Option<String>,
}

impl Times {
    fn new(created_at: Timestamp) -> Self {
        Self {
            created_at,
            connectivity_at: None,
            pull_started_at: None,
            pull_stopped_at: None,
            started_at: None,
            stopping_at: None,
            execution_stopped_at: None,
            stopped_at: None,
        }
    }
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Deprovisioning => "DEPROVISIONING",
            Self::Stopped => "STOPPED",
        }
    }
}

impl Desired {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Stopped => "STOPPED",
        }
    }
}

impl StopCode {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::TaskFailedToStart => "TaskFailedToStart",
            Self::EssentialContainerExited => "EssentialContainerExited",
            Self::UserInitiated => "UserInitiated",
            Self::Other(code) => code,
        }
    }
}

impl Container {
    pub(crate) fn status_name(&self) -> &'static str {
        match (self.started_at, self.ended_at) {
            (_, Some(_)) => "STOPPED",
            (Some(_), None) => "RUNNING",
            (None, None) => "PENDING",
        }
    }
}
