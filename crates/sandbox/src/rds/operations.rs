//! Owns the API of RDS, as far as a snapshot needs it, in the query protocol's XML.

use http::StatusCode;
use serde_json::Value;

use super::{RdsInstance, Snapshot};
use crate::core::Core;
use crate::wire::{ApiError, Body, escape};

type Answer = Result<Body, ApiError>;

/// Its time, which is not the sandbox's: nothing here looks at it.
const RESTORABLE: &str = "2026-11-21T03:05:00Z";

/// What each look at a snapshot adds.
const STEP: u8 = 40;

/// Whether it is about instances or about clusters: the same, under other names.
#[derive(Clone, Copy)]
struct Sort {
    database: &'static str,
    id: &'static str,
    snapshot: &'static str,
    snapshot_id: &'static str,
    /// The error where it does not exist.
    missing: &'static str,
}

const INSTANCE: Sort = Sort {
    database: "DBInstance",
    id: "DBInstanceIdentifier",
    snapshot: "DBSnapshot",
    snapshot_id: "DBSnapshotIdentifier",
    missing: "DBInstanceNotFound",
};

const CLUSTER: Sort = Sort {
    database: "DBCluster",
    id: "DBClusterIdentifier",
    snapshot: "DBClusterSnapshot",
    snapshot_id: "DBClusterSnapshotIdentifier",
    missing: "DBClusterNotFoundFault",
};

pub(crate) fn answer(core: &Core, operation: &str, input: &Value) -> Option<Answer> {
    Some(match operation {
        "DescribeDBInstances" => describe(core, INSTANCE, input),
        "DescribeDBClusters" => describe(core, CLUSTER, input),
        "CreateDBSnapshot" => create(core, INSTANCE, input),
        "CreateDBClusterSnapshot" => create(core, CLUSTER, input),
        "DescribeDBSnapshots" => progress(core, INSTANCE, input),
        "DescribeDBClusterSnapshots" => progress(core, CLUSTER, input),
        _ => return None,
    })
}

/// The instance of that name, or any member of the cluster of that name.
fn find<'a>(
    instances: &'a [RdsInstance],
    sort: Sort,
    id: &str,
) -> Result<&'a RdsInstance, ApiError> {
    let is_it = |instance: &&RdsInstance| match sort.database {
        "DBInstance" => instance.id == id,
        _ => instance.cluster.as_deref() == Some(id),
    };
    instances.iter().find(is_it).ok_or_else(|| {
        let message = format!("{} {id} not found.", sort.database);
        ApiError::new(StatusCode::NOT_FOUND, sort.missing, message)
    })
}

fn text<'a>(input: &'a Value, name: &str) -> &'a str {
    input[name].as_str().unwrap_or_default()
}

fn describe(core: &Core, sort: Sort, input: &Value) -> Answer {
    let state = core.state();
    let id = text(input, sort.id);
    let instance = find(&state.rds.instances, sort, id)?;
    let mut inside = format!(
        "<{0}>{1}</{0}><BackupRetentionPeriod>{2}</BackupRetentionPeriod>",
        sort.id,
        escape(id),
        instance.retention_days
    );
    if instance.retention_days > 0 {
        inside += &["<LatestRestorableTime>", RESTORABLE, "</LatestRestorableTime>"].concat();
    }
    if let ("DBInstance", Some(cluster)) = (sort.database, &instance.cluster) {
        inside += &["<DBClusterIdentifier>", &escape(cluster), "</DBClusterIdentifier>"].concat();
    }
    let name = sort.database;
    Ok(Body::Written(format!("<{name}s><{name}>{inside}</{name}></{name}s>")))
}

fn create(core: &Core, sort: Sort, input: &Value) -> Answer {
    let mut state = core.state();
    let (of, id) = (text(input, sort.id).to_owned(), text(input, sort.snapshot_id).to_owned());
    let instance = find(&state.rds.instances, sort, &of)?;
    if sort.database == "DBInstance" && instance.cluster.is_some() {
        let message = "The specified instance is a member of a cluster and a snapshot cannot be created directly.";
        return Err(ApiError::client("InvalidParameterValue", message));
    }
    let fails = instance.snapshots_fail;
    if state.rds.snapshots.contains_key(&id) {
        let message = format!(
            "Cannot create the snapshot because one with the identifier {id} already exists."
        );
        return Err(ApiError::client("DBSnapshotAlreadyExists", message));
    }
    let snapshot = Snapshot { of, fails, percent: 0 };
    let written = written(sort, &id, &snapshot);
    state.rds.snapshots.insert(id, snapshot);
    Ok(Body::Written(written))
}

fn progress(core: &Core, sort: Sort, input: &Value) -> Answer {
    let mut state = core.state();
    let id = text(input, sort.snapshot_id);
    let snapshot = state.rds.snapshots.get_mut(id).ok_or_else(|| {
        let message = format!("{} {id} not found.", sort.snapshot);
        ApiError::new(StatusCode::NOT_FOUND, "DBSnapshotNotFound", message)
    })?;
    snapshot.percent = snapshot.percent.saturating_add(STEP).min(100);
    let name = sort.snapshot;
    Ok(Body::Written(format!("<{name}s>{}</{name}s>", written(sort, id, snapshot))))
}

fn written(sort: Sort, id: &str, snapshot: &Snapshot) -> String {
    let status = match snapshot.percent {
        100 if snapshot.fails => "failed",
        100 => "available",
        _ => "creating",
    };
    format!(
        "<{0}><{1}>{2}</{1}><{3}>{4}</{3}><Status>{status}</Status><PercentProgress>{5}</PercentProgress></{0}>",
        sort.snapshot,
        sort.snapshot_id,
        escape(id),
        sort.id,
        escape(&snapshot.of),
        snapshot.percent
    )
}

/// For assertions: identifiers of snapshots, and of what they are.
pub(crate) fn snapshots(core: &Core) -> Vec<(String, String)> {
    let state = core.state();
    state.rds.snapshots.iter().map(|(id, snapshot)| (id.clone(), snapshot.of.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::speed::Speed;
    use serde_json::json;

    #[test]
    fn a_member_of_a_cluster_has_no_snapshot_of_its_own() {
        let member =
            RdsInstance { id: "a-1".into(), cluster: Some("a".into()), ..RdsInstance::default() };
        let core = Core::new(Config::new(Speed::Instant));
        core.state().rds.instances.push(member);
        let ask =
            |operation: &str, input: Value| answer(&core, operation, &input).expect(operation);
        let input = json!({"DBInstanceIdentifier": "a-1", "DBSnapshotIdentifier": "s"});
        let refused = ask("CreateDBSnapshot", input).expect_err("a member");
        assert_eq!(refused.kind, "InvalidParameterValue");
        let input = json!({"DBClusterIdentifier": "a", "DBClusterSnapshotIdentifier": "s"});
        ask("CreateDBClusterSnapshot", input.clone()).expect("a cluster");
        assert!(ask("CreateDBClusterSnapshot", input).is_err());
        let looks = (0..3).map(|_| {
            let Body::Written(text) =
                ask("DescribeDBClusterSnapshots", json!({"DBClusterSnapshotIdentifier": "s"}))
                    .expect("there")
            else {
                panic!("no XML");
            };
            text.contains("<Status>available</Status>")
        });
        assert_eq!(looks.collect::<Vec<_>>(), [false, false, true]);
    }
}
