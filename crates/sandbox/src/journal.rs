//! Owns the record of every API request, for assertions.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde_json::{Map, Value};

/// One API request and how it was answered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JournalEntry {
    /// When it arrived, in milliseconds since 1970 on the sandbox's clock.
    pub at: u64,
    /// The operation, such as `RunTask`.
    pub operation: String,
    /// The HTTP status of the answer, 0 when a fault left it unanswered.
    pub status: u16,
    /// The error's type, absent when all went well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Who signed it, absent when nobody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key: Option<String>,
    /// What was asked for: a selection that never holds a secret.
    pub parameters: Map<String, Value>,
}

/// Parameters worth asserting on; environment, secrets and log lines are left out on purpose.
const SELECTED: &[&str] = &[
    "clientToken",
    "cluster",
    "clusters",
    "count",
    "DBClusterIdentifier",
    "DBClusterSnapshotIdentifier",
    "DBInstanceIdentifier",
    "DBSnapshotIdentifier",
    "desiredStatus",
    "family",
    "filterPattern",
    "forceNewDeployment",
    "launchType",
    "limit",
    "logGroupName",
    "logGroupNamePrefix",
    "logStreamName",
    "name",
    "networkConfiguration",
    "nextToken",
    "PolicySourceArn",
    "reason",
    "repositoryName",
    "RoleName",
    "secretId",
    "SecretId",
    "StackName",
    "service",
    "serviceDeploymentArns",
    "serviceName",
    "serviceRevisionArns",
    "services",
    "startFromHead",
    "startTime",
    "startedBy",
    "task",
    "taskDefinition",
    "tasks",
];

pub(crate) type Observer = Arc<dyn Fn(&JournalEntry) + Send + Sync>;

#[derive(Default)]
pub(crate) struct Journal {
    entries: Mutex<Vec<JournalEntry>>,
    observer: Option<Observer>,
}

impl Journal {
    pub(crate) fn new(observer: Option<Observer>) -> Self {
        Self { entries: Mutex::default(), observer }
    }

    pub(crate) fn record(&self, entry: JournalEntry) {
        if let Some(observer) = &self.observer {
            observer(&entry);
        }
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    pub(crate) fn entries(&self) -> Vec<JournalEntry> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Journal").finish_non_exhaustive()
    }
}

pub(crate) fn select(input: &Value) -> Map<String, Value> {
    SELECTED
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), input.get(name)?.clone())))
        .collect()
}
