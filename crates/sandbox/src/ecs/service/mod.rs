//! Services: rolling deployments over time, their events, and both views of them.

mod configuration;
mod deploy;
mod deployments;
mod drive;
mod operations;
mod record;
mod schedule;
mod view;

pub(crate) use self::deployments::{
    describe_deployments, describe_revisions, list_deployments, stop,
};
pub(crate) use self::operations::{add_service, all_missing, create, describe, update};
pub(crate) use self::record::Services;
