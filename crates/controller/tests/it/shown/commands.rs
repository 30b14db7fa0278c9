//! Every command in every form, a file a command. `changes` asks git and `image push` a registry: they
//! have tests of their own with the real binary.

use super::filtered;
use super::forms::every_form;
use crate::doctor;
use crate::on_call;
use crate::release;
use crate::support::runner::{applied, ends_with, failed};
use crate::support::shop::{API, Shop, crashes, rolls_back, serves};
use crate::support::story::Story;
use sandbox::Program;

/// A family with one green run.
async fn ran() -> Story {
    let story = on_call::green_story();
    story.run(&[]).await.says(0, &[]);
    story
}

async fn shop(migration: Program, api: Program) -> Story {
    Shop::open(migration, api, rolls_back()).await.story
}

/// RunTask starts nothing behind the rollout.
async fn without_second_task() -> Story {
    let story = shop(release::in_phases(applied(1)), serves()).await;
    story.sandbox.set_faults(release::second_task(release::no_such_place()));
    story
}

macro_rules! shown {
    ($name:literal, $story:expr, $arguments:expr) => {
        let (page, _) = every_form(async || $story, &$arguments).await;
        filtered!(insta::assert_snapshot!(concat!("command_", $name), page));
    };
}

const FAMILY: [&str; 2] = ["--task-definition", "app-migrate"];

const NETWORK: [&str; 4] = ["--subnets", "subnet-a", "--security-groups", "sg-a"];

#[tokio::test(start_paused = true)]
async fn what_prepares() {
    let image = [&["register"], &FAMILY[..], &["--image", "app:2"]].concat();
    shown!("register", ran().await, image);
    shown!("register_diff", ran().await, [&image[..], &["--diff"]].concat());
    let ready = [&["doctor"], &doctor::FINISHED[..]].concat();
    shown!("doctor", doctor::ready(doctor::finished()).await, ready);
    shown!(
        "setup_infra",
        crate::support::infra::Site::new().story,
        ["setup-infra", "--family", "app", "--plan"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_looks_back() {
    shown!("logs", ran().await, [&["logs"], &FAMILY[..]].concat());
    shown!("explain", ran().await, [&["explain"], &FAMILY[..]].concat());
    shown!("runs", ran().await, [&["runs"], &FAMILY[..]].concat());
    shown!("cancel", ran().await, ["cancel", "--run-key", "nobody"]);
    shown!("attach", ran().await, ["attach", "0123456789abcdef0123456789abcdef"]);
}

#[tokio::test(start_paused = true)]
async fn what_runs_beside_the_gate() {
    let with = |command: &[&'static str], last: &[&'static str]| {
        [command, &FAMILY[..], &NETWORK[..], last].concat()
    };
    shown!("status", on_call::status_story().await, with(&["status"], &[]));
    shown!("resolve", ran().await, with(&["resolve", "--applied", "1_init"], &[]));
    shown!("exec", ran().await, with(&["exec"], &["--", "npm", "run", "seed"]));
}

const RELEASE: [&str; 4] = ["--service", "api", "--service-image", API];

#[tokio::test(start_paused = true)]
async fn what_deploys() {
    let release = [&["release", "--image", "app:1"], &RELEASE[..], &NETWORK[..]].concat();
    let dry_run = [&release[..], &["--dry-run"]].concat();
    let red = || failed(10, "relation \"t\" already exists");
    shown!("release", shop(ends_with(applied(1)), serves()).await, release);
    shown!("release_rolled_back", shop(ends_with(applied(1)), crashes()).await, release);
    shown!("release_red", shop(ends_with(red()), serves()).await, release);
    let behind = || release::in_phases(failed(10, "column is used by a view"));
    shown!("release_red_behind", shop(behind(), serves()).await, release);
    shown!("release_not_begun_behind", without_second_task().await, release);
    shown!("release_dry_run", shop(ends_with(applied(1)), serves()).await, dry_run);
    let proof = [&["deploy-service"], &RELEASE[..]].concat();
    shown!("deploy_service_refused", shop(ends_with(applied(1)), serves()).await, proof);
    let told = [&proof[..], &["--without-verdict", "the outage of Friday"]].concat();
    shown!("deploy_service", shop(ends_with(applied(1)), serves()).await, told);
}
