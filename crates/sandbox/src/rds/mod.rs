//! RDS: databases, and the snapshots of them.

mod operations;

pub(crate) use self::operations::{answer, snapshots};

use std::collections::BTreeMap;

/// An instance of RDS that exists from the start.
#[derive(Clone, Debug, Default)]
pub struct RdsInstance {
    /// Its identifier.
    pub id: String,
    /// The Aurora cluster that it is in, if it is in one.
    pub cluster: Option<String>,
    /// For how many days it is kept what point-in-time recovery needs.
    pub retention_days: u32,
    /// Whether its snapshots end as `failed`.
    pub snapshots_fail: bool,
}

/// Databases and snapshots.
#[derive(Debug, Default)]
pub(crate) struct RdsStore {
    pub(crate) instances: Vec<RdsInstance>,
    /// By identifier.
    pub(crate) snapshots: BTreeMap<String, Snapshot>,
}

/// A snapshot of an instance or a cluster.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) of: String,
    pub(crate) fails: bool,
    /// How much of it is there; every look adds to it.
    pub(crate) percent: u8,
}
