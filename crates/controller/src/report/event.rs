//! Owns what a controller has to say, before it has any form.

use super::checklist::Checklist;
use super::on_call::OnCall;
use crate::changes::Answer;
use crate::check::Review;
use crate::error::Error;
use crate::image::Packed;
use crate::infrastructure::{Place, Plan, Variable};
use crate::service::Released;
use crate::task::{Conclusion, LogLine, PhaseKind, TaskArn};
use crate::task_definition::Change;
use std::fmt;
use std::time::Duration;

/// One thing to show.
#[derive(Debug)]
pub(crate) enum Event {
    /// A step that went as it should.
    Note(String),
    /// Something that a person should know; the run goes on.
    Warning { text: String, hint: Option<String> },
    /// What a script asked for, alone on its line.
    Data(String),
    /// What would change in a task definition.
    Differences(Vec<Change>),
    /// Which task definition is used.
    Definition { arn: String, name: String, registration: Registration },
    /// The migration image, and what became of it.
    Image(Packed),
    /// What will happen to a stack.
    Plan(Plan),
    /// A step of CloudFormation.
    Progress(Progress),
    /// What a person has to say yes to.
    Question(String),
    /// A name has to be typed.
    NameAsked(String),
    /// What the workflow has to know.
    Variables { variables: Vec<Variable>, place: Option<Place> },
    /// There is a task.
    Launched {
        task: TaskArn,
        cluster: String,
        definition: String,
        container: String,
        arrival: Arrival,
    },
    /// The task's status changed.
    Status { status: String, elapsed: Duration },
    /// The run is in another phase. Only who watches wants to know; the result has all of them.
    Phase { phase: PhaseKind, elapsed: Duration },
    /// What must not be seen in any output that GitHub shows.
    Secrets(Secrets),
    /// Lines of the log, in the order in which they were read.
    Log(Vec<LogLine>),
    /// The task is asked to stop.
    StopRequested(String),
    /// Which parts changed, for later steps.
    Changes(Answer),
    /// Which parts changed, for a person, with the files.
    ChangesShown(Answer),
    /// What stands between here and a deployment. Nothing follows.
    Checked(Checklist),
    /// What a check of migrations found. Nothing follows.
    Reviewed(Box<Review>),
    /// A sentence about a service's rollout; ECS's own are foreign text.
    Service { service: String, text: String },
    /// A task of a release has its verdict; more follows, `Released` at the end.
    Migrated(Box<Conclusion>),
    /// What became of the services. Nothing follows.
    Released(Box<Released>),
    /// What the commands for the one on call have to say.
    OnCall(Box<OnCall>),
    /// How the task ended. Nothing follows.
    Concluded(Box<Conclusion>),
    /// Why there is no task to conclude about. Nothing follows.
    Failed(Box<Error>),
}

/// Values that are secret.
pub(crate) struct Secrets(pub(crate) Vec<String>);

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} secrets", self.0.len())
    }
}

/// A step of CloudFormation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Resources that are through.
    pub(crate) done: usize,
    /// All of them, 0 when that is not known.
    pub(crate) total: usize,
    pub(crate) what: String,
    /// As CloudFormation writes it.
    pub(crate) status: String,
    pub(crate) reason: String,
}

/// How a definition came to be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Registration {
    /// It was asked for by name.
    AsGiven,
    /// A new revision would have been the same.
    Unchanged,
    /// A new revision was made.
    New,
}

/// How a task came to be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    Started,
    /// An earlier invocation of the same run started it.
    Found,
    /// Somebody named it.
    Attached,
}
