//! Owns what ECS tells of a task's end, which faults make late or wrong; the record keeps the truth. Pure.

use crate::clock::Timestamp;
use crate::faults::{ToldExit, ToldStop};

use super::record::{Container, Task};

/// The end of a task as far as it is told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) stop_code: Option<String>,
    pub(crate) stopped_reason: Option<String>,
    /// Late news told by now: each is a new version of the task.
    pub(crate) news: u32,
}

/// The end of a container as far as it is told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ToldContainer {
    pub(crate) exit_code: Option<i64>,
    pub(crate) reason: Option<String>,
    pub(crate) news: u32,
}

pub(crate) fn told(task: &Task, fault: Option<ToldStop>, now: Timestamp) -> Told {
    let (Some(stop), Some(since)) = (&task.stop, task.times.stopping_at) else {
        return Told::default();
    };
    let fault = fault.unwrap_or_default();
    if now.since(since) < fault.late {
        return Told::default();
    }
    Told {
        stop_code: Some(fault.code.unwrap_or_else(|| stop.code.name().to_owned())),
        stopped_reason: fault.reason.or_else(|| stop.reason.clone()),
        news: u32::from(!fault.late.is_zero()),
    }
}

pub(crate) fn told_container(
    container: &Container,
    fault: Option<ToldExit>,
    now: Timestamp,
) -> ToldContainer {
    let fault = fault.unwrap_or_default();
    let too_early = container.ended_at.is_none_or(|ended_at| now.since(ended_at) < fault.late);
    if too_early {
        return ToldContainer::default();
    }
    ToldContainer {
        exit_code: fault.code.or(container.exit_code.map(i64::from)),
        reason: fault.reason.or_else(|| container.reason.clone()),
        news: u32::from(!fault.late.is_zero()),
    }
}
