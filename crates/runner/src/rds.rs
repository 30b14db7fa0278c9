//! Owns what RDS keeps of the time before the first change: the proof that it can restore, or a
//! snapshot that is complete.

mod call;

use crate::emit::Emitter;
use crate::words;
use call::{Answer, Client, Refusal};
use engine::restore::{Kept, Rds, RdsSort};
use engine::{Error, Interrupt, Kind};
use protocol::Event;
use protocol::event::{Heartbeat, Notice};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// What has to be there before the first change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// A time that RDS can restore.
    RestorableTime,
    /// A snapshot of its own.
    Snapshot,
}

/// How often RDS is asked how far a snapshot is.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// The first time: a small one is there at once.
const ASK_FIRST: Duration = Duration::from_millis(500);

/// How a snapshot's name begins; the task role may make no others.
const PREFIX: &str = "ecs-migrate";

/// Names of the API for the two sorts (RDS API reference).
struct Words {
    describe: &'static str,
    database: &'static str,
    id: &'static str,
    create: &'static str,
    describe_snapshots: &'static str,
    snapshot: &'static str,
    snapshot_id: &'static str,
}

const INSTANCE: Words = Words {
    describe: "DescribeDBInstances",
    database: "DBInstance",
    id: "DBInstanceIdentifier",
    create: "CreateDBSnapshot",
    describe_snapshots: "DescribeDBSnapshots",
    snapshot: "DBSnapshot",
    snapshot_id: "DBSnapshotIdentifier",
};

const CLUSTER: Words = Words {
    describe: "DescribeDBClusters",
    database: "DBCluster",
    id: "DBClusterIdentifier",
    create: "CreateDBClusterSnapshot",
    describe_snapshots: "DescribeDBClusterSnapshots",
    snapshot: "DBClusterSnapshot",
    snapshot_id: "DBClusterSnapshotIdentifier",
};

fn words_of(sort: RdsSort) -> Words {
    match sort {
        RdsSort::Instance => INSTANCE,
        RdsSort::Cluster => CLUSTER,
    }
}

/// `instance:shop` or `cluster:shop`.
pub(crate) fn read_name(text: &str) -> Result<(RdsSort, &str), String> {
    let (sort, id) = match text.split_once(':') {
        Some(("instance", id)) => (RdsSort::Instance, id),
        Some(("cluster", id)) => (RdsSort::Cluster, id),
        _ => return Err("it takes instance:ID or cluster:ID".to_owned()),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if id.is_empty() || id.len() > 63 || !id.chars().all(plain) {
        return Err("an identifier of RDS has 1 to 63 letters, digits and hyphens".to_owned());
    }
    Ok((sort, id))
}

/// Sees to it, or says why nothing may be changed.
pub(crate) async fn keep(
    wish: Wish,
    database: Rds,
    emitter: &Emitter,
    interrupt: &mut Interrupt,
) -> Result<Kept, Error> {
    let work = async {
        let client = Client::new(&database.region).await?;
        let (of, restorable) = look(&client, database).await?;
        match (wish, restorable) {
            (Wish::Snapshot, latest_restorable) => {
                let snapshot = Some(snapshot(&client, &of, emitter).await?);
                Ok(Kept { of, snapshot, latest_restorable })
            }
            (Wish::RestorableTime, latest_restorable @ Some(_)) => {
                Ok(Kept { of, snapshot: None, latest_restorable })
            }
            (Wish::RestorableTime, None) => Err(Error::new(
                Kind::Contradicted,
                format!("nothing was applied, because RDS keeps no backups of `{}`", of.id),
            )
            .hint("turn on its automated backups, or say --restore-point snapshot")),
        }
    };
    tokio::select! {
        kept = work => kept,
        () = interrupt.wait() => {
            // RDS finishes what it has begun, and a snapshot hurts nobody.
            Err(Error::new(Kind::Interrupted, "interrupted before the first change, while RDS was asked"))
        }
    }
}

/// The database as RDS knows it, and the newest time that it can restore. A member of an Aurora
/// cluster has no snapshots of its own.
async fn look(client: &Client, database: Rds) -> Result<(Rds, Option<String>), Error> {
    let mut of = database;
    loop {
        let words = words_of(of.sort);
        let asked = client.ask(words.describe, &[(words.id, &of.id)]).await;
        let answer = asked.map_err(|refusal| refused(&refusal, words.describe, &of))?;
        let said = |name: &str| answer.text(words.database, name);
        match said("DBClusterIdentifier") {
            Some(cluster) if of.sort == RdsSort::Instance => {
                of = Rds { sort: RdsSort::Cluster, id: cluster, ..of };
            }
            _ => return Ok((of, said("LatestRestorableTime"))),
        }
    }
}

/// Makes one and waits until it is there; its identifier.
async fn snapshot(client: &Client, of: &Rds, emitter: &Emitter) -> Result<String, Error> {
    let words = words_of(of.sort);
    let now = jiff::Timestamp::now().strftime("%Y%m%d%H%M%S");
    let name = format!("{PREFIX}-{}-{now}", of.id);
    let create = [(words.id, of.id.as_str()), (words.snapshot_id, name.as_str())];
    match client.ask(words.create, &create).await {
        // The first answer was lost: the name is ours.
        Err(refusal) if refusal.code.ends_with("AlreadyExists") => {}
        Err(refusal) => return Err(refused(&refusal, words.create, of)),
        Ok(_) => {}
    }
    let begun = Instant::now();
    let mut pause = ASK_FIRST;
    loop {
        sleep(pause).await;
        pause = (pause * 2).min(ASK_AGAIN);
        let asked = client.ask(words.describe_snapshots, &[(words.snapshot_id, &name)]).await;
        let answer = asked.map_err(|refusal| refused(&refusal, words.describe_snapshots, of))?;
        match answer.text(words.snapshot, "Status").as_deref() {
            Some("available") => {
                let took = words::duration(begun.elapsed());
                let text = format!("the snapshot `{name}` of `{}` is there, after {took}", of.id);
                let notice = Notice { code: "snapshot_made".to_owned(), text: text.clone() };
                emitter.emit(Event::Notice(notice), text);
                return Ok(name);
            }
            Some("creating") | None => say(&answer, &words, (&name, begun), emitter),
            Some(other) => {
                let message =
                    format!("nothing was applied, because the snapshot `{name}` is `{other}`");
                return Err(Error::new(Kind::Contradicted, message)
                    .hint("the events of the database in RDS say why; run again"));
            }
        }
    }
}

/// How far it is.
fn say(answer: &Answer, words: &Words, (name, begun): (&str, Instant), emitter: &Emitter) {
    let percent = answer
        .text(words.snapshot, "PercentProgress")
        .and_then(|percent| percent.parse::<u8>().ok())
        .map(|percent| percent.min(100));
    let doing = format!("making the snapshot `{name}`");
    let far = percent.map_or(String::new(), |percent| format!(", {percent} %"));
    let msg = format!("{doing}{far}, for {}", words::duration(begun.elapsed()));
    let elapsed_ms = words::millis(begun.elapsed());
    emitter.emit(
        Event::Heartbeat(Heartbeat { doing, elapsed_ms, percent, ..Heartbeat::default() }),
        msg,
    );
}

/// Nothing is changed without what was asked for.
fn refused(refusal: &Refusal, action: &str, of: &Rds) -> Error {
    let Refusal { code, message } = refusal;
    let text = format!("nothing was applied, because RDS refused {action} of `{}`", of.id);
    let denied = code.starts_with("AccessDenied") || code == "UnauthorizedOperation";
    if denied || code.ends_with("TokenId") || code.starts_with("ExpiredToken") {
        return Error::new(Kind::AccessDenied, format!("{text}: {message}")).hint(format!(
            "the task role needs rds:{action}: setup-infra --snapshot-instance or --snapshot-cluster gives it"
        ));
    }
    let hint = if code.contains("NotFound") {
        "say what RDS calls it: --rds instance:ID or cluster:ID"
    } else if code == call::NO_ANSWER {
        "the task needs a way to the API of RDS: NAT, or a VPC endpoint com.amazonaws.REGION.rds"
    } else {
        "see to it that RDS can do it, or leave out --restore-point"
    };
    Error::new(Kind::Contradicted, format!("{text}: {code}: {message}")).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_which_sort_it_is() {
        assert_eq!(read_name("instance:shop-1"), Ok((RdsSort::Instance, "shop-1")));
        assert_eq!(read_name("cluster:shop"), Ok((RdsSort::Cluster, "shop")));
        for text in ["shop", "cluster:", "server:shop", "instance:a b", "instance:a/b", ""] {
            assert!(read_name(text).is_err(), "{text}");
        }
    }
}
