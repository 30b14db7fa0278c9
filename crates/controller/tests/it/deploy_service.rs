//! `deploy-service`: nothing without the proof of a green migration.

use crate::support::runner::{Lines, applied, ends_with, failed};
use crate::support::shop::{Shop, rolls_back, serves};
use crate::support::story::{Story, Told};
use protocol::event::{Outcome, RunFinished};
use sandbox::{Faults, Program, RequestAnswer, RequestFault, Script};
use std::time::Duration;

/// The first run is green, the second red.
fn green_then_red() -> Program {
    Program::scripted(|launch| {
        let mut lines = Lines::of(launch);
        let finished = if launch.ordinal == 1 { applied(1) } else { failed(10, "it failed") };
        let code = i32::from(finished.exit_code);
        Script::new()
            .line(Duration::ZERO, lines.started_for(launch))
            .line(Duration::from_secs(1), lines.finished(finished))
            .exits(Duration::from_secs(2), code)
    })
}

/// Migrations of the first `red` tasks fail; a runner's other commands end well.
fn red_at_first(red: u64) -> Program {
    Program::scripted(move |launch| {
        let mut lines = Lines::of(launch);
        let command = launch.arguments.first().map(String::as_str);
        let finished = match command {
            None | Some("deploy") if launch.ordinal <= red => failed(10, "it failed"),
            None | Some("deploy") => applied(1),
            Some("exec") => RunFinished { passed_through: true, ..done() },
            Some(_) => done(),
        };
        let code = i32::from(finished.exit_code);
        Script::new()
            .line(Duration::ZERO, lines.started_for(launch))
            .line(Duration::from_secs(1), lines.finished(finished))
            .exits(Duration::from_secs(2), code)
    })
}

fn done() -> RunFinished {
    RunFinished { outcome: Outcome::Done, ..RunFinished::default() }
}

/// `ecs-migrate exec` or `resolve`: a task of its own.
async fn one_off(shop: &Shop, command: &[&str], last: &[&str]) -> Told {
    let network = ["--task-definition", "app-migrate", "--subnets", "subnet-a"];
    let security = ["--security-groups", "sg-a"];
    shop.story.invoke(&[command, &network, &security, last].concat()).await
}

async fn migrate(shop: &Shop, more: &[&str]) -> Told {
    shop.story.run(more).await
}

fn refused(told: &Told, shop: &Shop, text: &str) {
    assert_eq!(told.code, 85, "{}", told.everything());
    assert!(told.err.contains(text), "no {text:?} in {}", told.everything());
    assert_eq!(shop.story.calls("UpdateService"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_green_run_of_the_same_commit_is_the_proof_and_a_later_red_one_revokes_it() {
    let shop = Shop::open(green_then_red(), serves(), rolls_back()).await;
    migrate(&shop, &[]).await.says(0, &[]);
    let dry = shop.deploy(&["--dry-run"]).await;
    dry.says(0, &["would register a revision and update service api"]);
    refused(
        &shop.deploy(&["--commit", "beef"]).await,
        &shop,
        "the newest run was for commit c0ffee, not beef",
    );
    assert_eq!(migrate(&shop, &["--run-key", "again"]).await.code, 10);
    refused(&shop.deploy(&[]).await, &shop, "ended red, exit code 10");
    let told = shop.deploy(&["--without-verdict", "the outage of Friday"]).await;
    told.says(0, &["without proof  the outage of Friday", "api: is on api:2 after"]);
    assert!(
        told.err.contains("deployed without the proof of a green migration: the outage of Friday")
    );
}

#[tokio::test(start_paused = true)]
async fn what_migrates_nothing_proves_nothing() {
    let shop = Shop::open(red_at_first(1), serves(), rolls_back()).await;
    assert_eq!(migrate(&shop, &[]).await.code, 10);
    refused(&shop.deploy(&[]).await, &shop, "ended red, exit code 10");
    let no_proof = async |told: Told| {
        told.says(0, &[]);
        refused(&shop.deploy(&["--dry-run"]).await, &shop, "ended red, exit code 10");
    };
    no_proof(migrate(&shop, &["--", "replay"]).await).await;
    no_proof(migrate(&shop, &["--", "resolve", "--applied=1_init"]).await).await;
    no_proof(one_off(&shop, &["exec"], &["--", "true"]).await).await;
    no_proof(one_off(&shop, &["resolve", "--applied", "1_init"], &[]).await).await;
    // A tool that the gate wraps migrates.
    let wrapped = ["--run-key", "wrapped", "--", "exec", "--", "npx", "prisma", "migrate"];
    migrate(&shop, &wrapped).await.says(0, &[]);
    shop.deploy(&["--dry-run"]).await.says(0, &["would register a revision"]);
}

#[tokio::test(start_paused = true)]
async fn what_migrates_nothing_revokes_nothing() {
    let program = Program::scripted(|launch| {
        let mut lines = Lines::of(launch);
        let finished = match launch.arguments.first() {
            None => applied(1),
            Some(_) => failed(3, "no such table"),
        };
        let code = i32::from(finished.exit_code);
        Script::new()
            .line(Duration::ZERO, lines.started_for(launch))
            .line(Duration::from_secs(1), lines.finished(finished))
            .exits(Duration::from_secs(2), code)
    });
    let shop = Shop::open(program, serves(), rolls_back()).await;
    migrate(&shop, &[]).await.says(0, &[]);
    assert_eq!(one_off(&shop, &["exec"], &["--", "psql"]).await.code, 3);
    assert_eq!(migrate(&shop, &["--", "replay"]).await.code, 3);
    shop.deploy(&["--dry-run"]).await.says(0, &["would register a revision"]);
    // The same command in a run of the gate is its migration.
    assert_eq!(migrate(&shop, &["--", "exec", "--", "psql"]).await.code, 3);
    refused(&shop.deploy(&[]).await, &shop, "ended red, exit code 3");
}

#[tokio::test(start_paused = true)]
async fn the_proof_outlives_ecs_memory_and_needs_no_right_to_list() {
    let shop = Shop::open(ends_with(applied(1)), serves(), rolls_back()).await;
    migrate(&shop, &[]).await.says(0, &[]);
    tokio::time::sleep(Duration::from_hours(3)).await;
    let denied = RequestAnswer::Error {
        kind: "AccessDeniedException".to_owned(),
        message: "User: x is not authorized to perform: ecs:ListTasks".to_owned(),
        status: 400,
    };
    let fault =
        RequestFault { operation: "ListTasks".to_owned(), from: 1, to: None, answer: denied };
    shop.story.sandbox.set_faults(Faults { requests: vec![fault], ..Faults::default() });
    let told = shop.deploy(&[]).await;
    told.says(0, &["api: is on api:2 after"]);
    assert!(told.err.contains("the log decides alone"), "{}", told.err);
}

#[tokio::test(start_paused = true)]
async fn without_a_record_nothing_is_changed() {
    let shop = Shop::open(ends_with(applied(1)), serves(), rolls_back()).await;
    let told = shop.deploy(&[]).await;
    assert_eq!(told.code, 86, "no definition yet: {}", told.everything());
    shop.story.register(&["--image", "app:1"]).await.says(0, &[]);
    refused(&shop.deploy(&[]).await, &shop, "no run of default/app-migrate is on record");
    migrate(&shop, &[]).await.says(0, &[]);
    for (kind, operation) in [
        ("AccessDeniedException", "FilterLogEvents"),
        ("ResourceNotFoundException", "FilterLogEvents"),
    ] {
        let answer =
            RequestAnswer::Error { kind: kind.to_owned(), message: "no".to_owned(), status: 400 };
        let fault = RequestFault { operation: operation.to_owned(), from: 1, to: None, answer };
        shop.story.sandbox.set_faults(Faults { requests: vec![fault], ..Faults::default() });
        refused(&shop.deploy(&[]).await, &shop, "the log of the migration cannot be read");
    }
    shop.story.sandbox.set_faults(Faults::default());
    let neighbour: &Story = &shop.story;
    let other = neighbour
        .invoke(&[
            "deploy-service",
            "--task-definition",
            "app-migrate",
            "--service",
            "web",
            "--service-image",
            "x:1",
        ])
        .await;
    assert_eq!(other.code, 86, "{}", other.everything());
    assert!(other.err.contains("service web does not exist yet"), "{}", other.err);
    assert!(other.err.contains("--create-from FILE"), "{}", other.err);
    shop.deploy(&[]).await.says(0, &["api: is on api:2 after"]);
}

#[tokio::test(start_paused = true)]
async fn the_proof_is_of_the_image_that_was_built() {
    let shop = Shop::open(ends_with(applied(1)), serves(), rolls_back()).await;
    migrate(&shop, &[]).await.says(0, &[]);
    let other = shop.deploy(&["--image", "app:2"]).await;
    refused(&other, &shop, "was of image app:1, not app:2");
    shop.deploy(&["--image", "app:1"]).await.says(0, &["api: is on api:2 after"]);
}
