//! The example's workflow, run by `act`. What act cannot show is listed in docs/pipeline.md.

use crate::support::act::{ENVIRONMENT, Played, Stage, serves};
use crate::support::tools;
use sandbox::{Program, Script};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::process::Command;

/// The migrations and services of the example.
const FIRST: usize = 12;
const SERVICES: usize = 5;

/// The example after its first deployment ever.
async fn deployed() -> Option<Stage> {
    deployed_with(serves()).await
}

async fn deployed_with(api: Program) -> Option<Stage> {
    let stage = Stage::open(api).await?;
    let first = stage.pushed().await;
    assert!(first.green, "{}", first.log);
    stage.built();
    Some(stage)
}

fn red(played: &Played, texts: &[&str]) {
    assert!(!played.green, "{}", played.log);
    for text in texts {
        assert!(played.log.contains(text), "no {text:?} in {}", played.log);
    }
}

const ORDERS: &str = "ALTER TABLE \"orders\" ADD COLUMN \"shipped_at\" TIMESTAMPTZ;";

#[tokio::test]
async fn the_first_deployment_ever_and_then_a_green_one() {
    let Some(stage) = deployed().await else { return };
    assert_eq!(stage.applied().await, FIRST);
    let named = "SELECT name FROM ecs_migrate.environment";
    assert_eq!(stage.database.ask(named).await, ENVIRONMENT);
    assert_eq!(stage.calls("CreateService"), SERVICES);
    for service in ["shop-api", "shop-web", "shop-admin", "shop-docs", "shop-status"] {
        assert_eq!(stage.stands_on(service).as_deref(), Some(format!("{service}:1").as_str()));
    }
    stage.migration("20260601090000_shipping", ORDERS);
    stage.write("apps/api/src/orders.rs", "// ships");
    let second = stage.pushed().await;
    assert!(second.green, "{}", second.log);
    assert_eq!(stage.built(), ["shop-migrate", "shop-api"]);
    assert_eq!(stage.applied().await, FIRST + 1);
    assert_eq!(stage.stands_on("shop-api").as_deref(), Some("shop-api:2"));
    assert_eq!(stage.stands_on("shop-web").as_deref(), Some("shop-web:1"));
    // Production had the same images, so nothing was built for it.
    assert_eq!(stage.calls("UpdateService"), 1);
}

#[tokio::test]
async fn a_red_migration_deploys_nothing() {
    let Some(stage) = deployed().await else { return };
    let before = stage.calls("RegisterTaskDefinition");
    stage.migration("20260601090000_shipping", "ALTER TABLE \"order\" ADD COLUMN x INT;");
    stage.write("apps/api/src/orders.rs", "// ships");
    stage.write("apps/web/index.html", "ships");
    let played = stage.pushed().await;
    red(&played, &["20260601090000_shipping", "42P01", "Summary - ", "::error "]);
    assert!(!played.log.contains("ecs-migrate deploy-service"), "{}", played.log);
    assert!(!played.log.contains("[production"), "{}", played.log);
    assert_eq!(stage.calls("UpdateService"), 0);
    // Only the migration's own definition.
    assert_eq!(stage.calls("RegisterTaskDefinition"), before + 1);
    assert_eq!(stage.applied().await, FIRST);
    assert_eq!(stage.stands_on("shop-web").as_deref(), Some("shop-web:1"));
}

#[tokio::test]
async fn a_run_killed_in_the_middle_is_stopped_by_the_step_after_it() {
    let Some(stage) = deployed().await else { return };
    let slow = format!("{ORDERS}\nSELECT pg_sleep(600);");
    stage.migration("20260601090000_shipping", &slow);
    stage.write("apps/api/src/orders.rs", "// ships");
    let run = stage.push();
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                    AND state = 'active' AND query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()";
    while stage.database.ask(sleeping).await != "1" {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let process = run.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &process]).status().await.unwrap().success());
    let played = stage.ended(run).await;
    red(&played, &["ecs-migrate cancel"]);
    assert!(stage.calls("StopTask") >= 1, "{}", played.log);
    assert_eq!(stage.database.ask(sleeping).await, "0");
    let column = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'shipped_at'";
    assert_eq!(stage.database.ask(column).await, "0", "rolled back");
    assert_eq!(stage.applied().await, FIRST);
    assert_eq!(stage.calls("UpdateService"), 0);
}

#[tokio::test]
async fn a_failed_job_that_is_run_again_begins_anew() {
    let Some(stage) = deployed().await else { return };
    stage.database.ask("ALTER TABLE orders ADD COLUMN shipped_at INT").await;
    stage.migration("20260601090000_shipping", ORDERS);
    stage.write("apps/api/src/orders.rs", "// ships");
    red(&stage.pushed().await, &["42701"]);
    stage.database.ask("ALTER TABLE orders DROP COLUMN shipped_at").await;
    // The same run of the workflow: same number, same commit.
    let again = stage.pushed().await;
    assert!(again.green, "{}", again.log);
    assert_eq!(stage.applied().await, FIRST + 1);
    assert_eq!(stage.stands_on("shop-api").as_deref(), Some("shop-api:2"));
    // Once more, and there is nothing left to do.
    let (tasks, updates) = (stage.calls("RunTask"), stage.calls("UpdateService"));
    let once_more = stage.pushed().await;
    assert!(once_more.green, "{}", once_more.log);
    assert_eq!((stage.calls("RunTask"), stage.calls("UpdateService")), (tasks, updates));
}

#[tokio::test]
async fn a_front_end_alone_needs_no_migration() {
    let Some(stage) = deployed().await else { return };
    let tasks = stage.calls("RunTask");
    stage.write("apps/web/index.html", "<p>New");
    let played = stage.pushed().await;
    assert!(played.green, "{}", played.log);
    assert_eq!(stage.built(), ["shop-web"]);
    assert_eq!(stage.calls("RunTask"), tasks);
    assert_eq!(stage.calls("UpdateService"), 1);
    assert_eq!(stage.stands_on("shop-web").as_deref(), Some("shop-web:2"));
}

#[tokio::test]
async fn an_api_that_rolls_back_is_red_on_the_new_schema() {
    let broken = Arc::new(AtomicBool::new(false));
    let is_broken = Arc::clone(&broken);
    let api = Program::scripted(move |_| {
        if is_broken.load(Ordering::SeqCst) {
            Script::new()
                .line(Duration::ZERO, "boom: no such column")
                .exits(Duration::from_millis(1), 1)
        } else {
            Script::new()
        }
    });
    let Some(stage) = deployed_with(api).await else { return };
    broken.store(true, Ordering::SeqCst);
    stage.migration("20260601090000_shipping", ORDERS);
    stage.write("apps/api/src/orders.rs", "// ships");
    let played = stage.pushed().await;
    red(&played, &["rolled back", "boom: no such column", "exit status 88"]);
    assert!(!played.log.contains("[production"), "{}", played.log);
    assert_eq!(stage.applied().await, FIRST + 1);
    assert_eq!(stage.stands_on("shop-api").as_deref(), Some("shop-api:1"));
}

/// The example's list of parts, with this done to it.
fn parts(change: impl Fn(&mut Vec<serde_json::Value>)) -> String {
    let path = tools::root().join("examples/gate/.github/parts.json");
    let mut parts: Vec<serde_json::Value> =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    change(&mut parts);
    serde_json::to_string(&parts).unwrap()
}

#[tokio::test]
async fn parts_that_share_a_repository_have_images_of_their_own() {
    let Some(stage) = deployed().await else { return };
    let shared = parts(|parts| {
        for part in parts.iter_mut().filter(|part| part["part"] == "docs") {
            part["repository"] = "shop-web".into();
        }
    });
    stage.write(".github/parts.json", &shared);
    stage.write("apps/web/index.html", "<p>New");
    stage.write("apps/docs/index.html", "<p>New");
    let played = stage.pushed().await;
    assert!(played.green, "{}", played.log);
    assert_eq!(stage.built(), ["shop-web", "shop-web"]);
    let mut outputs = played.log.lines().filter_map(|line| line.split_once("set-output:: images="));
    let (_, images) = outputs.next().expect(&played.log);
    let images: serde_json::Value = serde_json::from_str(images).unwrap();
    assert!(images["web"].as_str().unwrap().contains("shop-web@sha256:"), "{images}");
    assert_ne!(images["web"], images["docs"], "{images}");
}

#[tokio::test]
async fn a_part_that_changes_does_not_know_is_red() {
    let Some(stage) = Stage::open(serves()).await else { return };
    let more = parts(|parts| {
        parts.push(serde_json::json!({"part": "worker", "service": "shop-worker"}));
    });
    stage.write(".github/parts.json", &more);
    red(&stage.pushed().await, &["`worker` would never be built: it is not in [changes]"]);
    assert_eq!(stage.calls("RunTask"), 0);
}
