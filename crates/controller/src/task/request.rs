//! Owns what RunTask is asked and what it may answer, as plain data.

use super::arn::TaskArn;
use super::snapshot::TaskSnapshot;
use crate::settings::{Capacity, PublicIp};

/// Where the task's network interface goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TaskNetwork {
    pub(crate) subnets: Vec<String>,
    pub(crate) security_groups: Vec<String>,
    pub(crate) public_ip: PublicIp,
}

/// One RunTask call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunRequest {
    pub(crate) cluster: String,
    pub(crate) definition: String,
    pub(crate) container: String,
    /// Empty for the image's own.
    pub(crate) command: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) network: TaskNetwork,
    pub(crate) capacity: Capacity,
    pub(crate) client_token: String,
    pub(crate) started_by: String,
    /// What tells this invocation's request from another one's with the same token.
    pub(crate) invocation: String,
}

/// What RunTask answered.
#[derive(Debug, Clone)]
pub(crate) enum RunAnswer {
    Started(Box<TaskSnapshot>),
    /// `failures`: no task, and why.
    Short(Vec<Shortfall>),
    /// The client token is in use by these tasks, started with other parameters.
    Conflict(Vec<TaskArn>),
    /// Neither a task nor a failure.
    Nothing,
}

/// A member of RunTask's `failures`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shortfall {
    pub(crate) reason: String,
    pub(crate) detail: String,
}

impl Shortfall {
    /// Reason and detail as one text.
    pub(crate) fn text(&self) -> String {
        if self.detail.is_empty() {
            self.reason.clone()
        } else {
            format!("{}: {}", self.reason, self.detail)
        }
    }
}
