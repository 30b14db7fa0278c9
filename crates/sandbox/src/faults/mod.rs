//! What goes wrong on request: consulted once for every request and once for every step of a task.

mod answers;
mod book;
mod bucket;
mod check;
mod effects;
mod errors;
mod lines;
mod plan;
mod published_rates;
mod requests;
mod service_effects;
mod suffering;

pub use self::answers::{ConnectionFate, FailureFault, PageShape, RequestAnswer, RequestFate};
pub(crate) use self::book::{FaultBook, seconds};
pub use self::check::FaultsError;
#[cfg(test)]
pub(crate) use self::check::OPERATIONS;
pub use self::effects::{LineFate, StartPhase, TaskEffect};
pub(crate) use self::lines::{LineFaults, StreamFault, Way};
pub use self::plan::{Faults, RequestFault, ServiceFault, TaskFault};
pub(crate) use self::requests::{Asked, Met};
pub use self::service_effects::ServiceEffect;
pub(crate) use self::suffering::{
    FailedStart, OutOfMemory, OutsideStop, TaskDetails, ToldExit, ToldStop,
};
