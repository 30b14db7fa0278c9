//! What goes wrong on request: consulted once for every request and once for every step of a task.

mod answers;
mod book;
mod effects;
mod lines;
mod plan;

pub use self::answers::{FailureFault, PageShape, RequestAnswer};
pub(crate) use self::book::{FailedStart, FaultBook, OutOfMemory, OutsideStop, TaskDetails};
pub use self::effects::{LineFate, StartPhase, TaskEffect};
pub(crate) use self::lines::{LineFaults, StreamFault, Way};
pub use self::plan::{Faults, RequestFault, TaskFault};
