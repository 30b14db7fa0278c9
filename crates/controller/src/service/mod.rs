//! Owns a service from UpdateService to what became of it.

mod clearance;
mod ending;
mod failing;
mod fleet;
mod old_code;
mod record;
mod released;
mod rollout;
mod session;
mod snapshot;
mod update;
mod verdict;

pub(crate) use clearance::Clearance;
pub(crate) use ending::{Ending, Outcome};
pub(crate) use fleet::{Fleet, Order};
pub(crate) use record::{Claim, Evidence, LoggedLine, Refusal, TaskRecord, green};
pub(crate) use released::{Contract, Released};
pub(crate) use session::{Job, Way};
pub(crate) use snapshot::{
    Deployment, DeploymentStatus, Hold, RevisionCount, Rollout, ServiceDeployment, ServiceEvent,
    ServiceSnapshot,
};
pub(crate) use update::{Step, step};
