//! What RDS keeps before the first change: asked over HTTP, as the task's role does.

use crate::support::{Ended, World, finish, send};
use protocol::event::RestorePoint;
use protocol::{DatabaseState, Event};
use rustix::process::Signal;
use sandbox::{Config, Faults, RdsInstance, RequestAnswer, RequestFault, Sandbox, Server, Speed};

struct Rds {
    sandbox: Sandbox,
    server: Server,
}

impl Rds {
    async fn with(faults: Faults) -> Self {
        let instance = |id: &str| RdsInstance {
            id: id.to_owned(),
            retention_days: 7,
            ..RdsInstance::default()
        };
        let config = Config::new(Speed::Instant)
            .rds(instance("shop"))
            .rds(RdsInstance { cluster: Some("aurora".into()), ..instance("aurora-1") })
            .rds(RdsInstance { retention_days: 0, ..instance("forgetful") })
            .rds(RdsInstance { snapshots_fail: true, ..instance("full") })
            .faults(faults);
        let sandbox = Sandbox::new(config);
        let server = sandbox.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
        Self { sandbox, server }
    }

    async fn deploy(&self, world: &World, arguments: &[&str]) -> Ended {
        let mut command = world.command(&[&["deploy"], arguments].concat());
        for (name, value) in [
            ("AWS_ACCESS_KEY_ID", "x"),
            ("AWS_SECRET_ACCESS_KEY", "y"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ENDPOINT_URL", &self.server.endpoint()),
        ] {
            command.env(name, value);
        }
        finish(command.spawn().unwrap()).await
    }

    fn asked(&self) -> Vec<String> {
        self.sandbox.journal().into_iter().map(|entry| entry.operation).collect()
    }
}

fn point(ended: &Ended) -> &RestorePoint {
    ended.finished().restore_point.as_ref().unwrap()
}

/// Percentages that were told.
fn percents(ended: &Ended) -> Vec<u8> {
    let beats = ended.lines.iter().filter_map(|line| match &line.event {
        Event::Heartbeat(beat) => beat.percent,
        _ => None,
    });
    beats.collect()
}

async fn world() -> World {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a (id int); INSERT INTO a VALUES (1);");
    world
}

#[tokio::test]
async fn a_snapshot_is_there_before_the_first_change_and_is_the_way_back() {
    let (world, rds) = (world().await, Rds::with(Faults::default()).await);
    let snapshot = ["--restore-point", "snapshot"];
    let ended = rds.deploy(&world, &[&snapshot[..], &["--rds", "instance:shop"]].concat()).await;
    ended.succeeded();
    let made = rds.sandbox.rds_snapshots();
    let [(name, of)] = &made[..] else { panic!("{made:?}") };
    assert_eq!(of, "shop");
    assert!(name.starts_with("ecs-migrate-shop-2"), "{name}");
    assert_eq!(point(&ended).snapshot.as_ref(), Some(name));
    assert_eq!(point(&ended).latest_restorable.as_deref(), Some("2026-11-21T03:05:00Z"));
    assert_eq!(percents(&ended), [40, 80]);
    // Nothing is pending, nothing is asked.
    let before = rds.asked().len();
    rds.deploy(&world, &[&snapshot[..], &["--rds", "instance:shop"]].concat()).await.succeeded();
    assert_eq!(rds.asked().len(), before);
    // A member of a cluster has snapshots of the cluster; a red run says how to use it.
    world.migration("2_b", "CREATE TABLE b (id int);").migration("3_c", "SELECT 1/0;");
    let red = rds.deploy(&world, &[&snapshot[..], &["--rds", "instance:aurora-1"]].concat()).await;
    red.failed(10);
    let name = point(&red).snapshot.clone().unwrap();
    let command = format!(
        "aws rds restore-db-cluster-from-snapshot --snapshot-identifier {name} --db-cluster-identifier aurora-before-"
    );
    assert!(red.notice("way_back") && red.stdout.contains(&command), "{}", red.stdout);
}

#[tokio::test]
async fn without_what_was_asked_for_nothing_is_changed() {
    let denied = RequestAnswer::Error {
        kind: "AccessDenied".into(),
        message: "User is not authorized to perform: rds:CreateDBSnapshot".into(),
        status: 403,
    };
    let operation = "CreateDBSnapshot".to_owned();
    let faults = Faults {
        requests: vec![RequestFault { operation, from: 1, to: None, answer: denied }],
        ..Faults::default()
    };
    let (world, rds) = (world().await, Rds::with(Faults::default()).await);
    let locked_out = Rds::with(faults).await;
    for (rds, arguments, code, words) in [
        (&rds, ["rds", "instance:forgetful"], 14, "RDS keeps no backups of `forgetful`"),
        (&rds, ["rds", "instance:nobody"], 14, "DBInstanceNotFound"),
        (&rds, ["snapshot", "instance:full"], 14, "is `failed`"),
        (&rds, ["snapshot", ""], 2, "flag --rds is blank"),
        (&rds, ["snapshot", "shop"], 2, "instance:ID or cluster:ID"),
        (&locked_out, ["snapshot", "instance:shop"], 22, "not authorized"),
    ] {
        let [wish, name] = arguments;
        let ended = rds.deploy(&world, &["--restore-point", wish, "--rds", name]).await;
        assert_eq!(ended.code, code, "{arguments:?} {}", ended.stderr);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(said.contains(words), "{arguments:?} {said}");
    }
    assert!(!world.exists("a").await);
    world.lock_is_free().await;
    // What stops the deployment anyway needs none, and what loses nothing needs none either.
    let before = rds.asked().len();
    let of_shop = ["--restore-point", "snapshot", "--rds", "instance:shop"];
    let loss = [&of_shop[..], &["--keep-before", "loss", "--check"]].concat();
    rds.deploy(&world, &loss).await.succeeded();
    world.migration("2_b", "DROP TABLE a;");
    rds.deploy(&world, &loss).await.failed(14);
    assert_eq!(rds.asked().len(), before);
    rds.deploy(&world, &[&loss[..], &["--approve", "drop-table:a"]].concat()).await.succeeded();
    assert_eq!(rds.sandbox.rds_snapshots().iter().filter(|(_, of)| of == "shop").count(), 1);
}

#[tokio::test]
async fn without_a_way_to_rds_nothing_is_changed_and_a_signal_ends_the_waiting() {
    let (world, rds) = (world().await, Rds::with(Faults::default()).await);
    let nobody = || {
        let mut command =
            world.command(&["deploy", "--restore-point", "rds", "--rds", "instance:shop"]);
        for (name, value) in [
            ("AWS_ACCESS_KEY_ID", "x"),
            ("AWS_SECRET_ACCESS_KEY", "y"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ENDPOINT_URL", &rds.server.endpoint()),
            ("AWS_ENDPOINT_URL_RDS", "http://127.0.0.1:1"),
        ] {
            command.env(name, value);
        }
        command.spawn().unwrap()
    };
    let locked = "EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
    let child = nobody();
    world.until(locked).await;
    send(&child, Signal::TERM);
    let ended = finish(child).await;
    ended.failed(30);
    assert_eq!(ended.finished().database, DatabaseState::Unchanged);
    world.lock_is_free().await;
    let ended = finish(nobody()).await;
    let failure = ended.failed(14);
    assert!(failure.message.contains("no answer"), "{failure:?}");
    assert!(failure.hint.as_ref().unwrap().contains("VPC endpoint"), "{failure:?}");
    assert!(!world.exists("a").await);
    world.lock_is_free().await;
}
