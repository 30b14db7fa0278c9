//! One task from RunTask to STOPPED: its record, what AWS shows of it, and what drives it.

mod control;
mod environment;
mod lifecycle;
mod logs;
mod metadata;
mod prepare;
mod process;
mod record;
mod supervise;
mod told;
mod view;
mod workload;

pub(crate) use self::control::{Control, Ended};
pub(crate) use self::lifecycle::drive;
pub(crate) use self::metadata::{container_metadata, task_metadata};
pub(crate) use self::record::{
    Container, Desired, NewTask, RunRequest, Status, Stop, StopCode, Task, TaskIdentity,
};
pub(crate) use self::view::{Tags, view};
