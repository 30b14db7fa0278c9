//! Owns a service from UpdateService to what became of it.

mod ending;
mod failing;
mod fleet;
mod record;
mod released;
mod rollout;
mod session;
mod snapshot;
mod update;
mod verdict;

pub(crate) use ending::{Ending, Outcome};
pub(crate) use fleet::{Fleet, Order};
pub(crate) use record::{Claim, Evidence, LoggedLine, Refusal, TaskRecord, green};
pub(crate) use released::{Contract, Released};
pub(crate) use session::{Job, Way};
pub(crate) use snapshot::{
    Deployment, DeploymentStatus, Rollout, ServiceDeployment, ServiceEvent, ServiceSnapshot,
};
pub(crate) use update::{Step, step};
