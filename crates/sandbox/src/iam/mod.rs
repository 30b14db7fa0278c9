//! IAM: roles and whom they trust, and what the caller would be allowed.

mod operations;

pub(crate) use self::operations::answer;

use std::collections::{BTreeMap, BTreeSet};

/// Roles, and what the caller is not allowed: everything else is.
#[derive(Debug, Default)]
pub(crate) struct IamStore {
    /// Trust policies, by the role's name.
    pub(crate) roles: BTreeMap<String, String>,
    /// Actions.
    pub(crate) denied: BTreeSet<String>,
}
