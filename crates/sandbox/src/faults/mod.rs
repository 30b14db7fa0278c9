//! What goes wrong on request: consulted once for every request and once for every step of a task.

mod book;
mod plan;

pub(crate) use self::book::{FailedStart, FaultBook, OutOfMemory, OutsideStop, TaskDetails};
pub use self::plan::{
    FailureFault, Faults, RequestAnswer, RequestFault, StartPhase, TaskEffect, TaskFault,
};
