//! `release`: the API goes out only behind a green gate.

use crate::support::runner::{applied, ends_with, failed};
use crate::support::shop::{Shop, crashes, definition, rolls_back, serves};
use crate::support::story::{Told, config};
use controller::Signal;
use protocol::event::RunFinished;
use serde_json::json;
use std::time::Duration;

fn green() -> sandbox::Program {
    ends_with(applied(1))
}

async fn shop() -> Shop {
    Shop::open(green(), serves(), rolls_back()).await
}

/// Without what differs each time.
macro_rules! assert_ending {
    ($name:literal, $text:expr) => {
        insta::with_settings!({filters => vec![
            (r"ecs-svc/[0-9]{19}", "ecs-svc/[id]"),
            (r"after (\d+\.\d s|\d+ m \d\d s)", "after [time]"),
            (r"stop-commands::[0-9a-f]{32}", "stop-commands::[token]"),
            (r"(?m)^::[0-9a-f]{32}::$", "::[token]::"),
            (r"[0-9a-f]{32}", "[id]"),
            (r#"("duration_ms"): \d+"#, "$1: [ms]"),
        ]}, { insta::assert_snapshot!($name, $text); });
    };
}

fn ending(told: &Told) -> String {
    let text = &told.out;
    let start = text.rfind("\nOK: ").or_else(|| text.rfind("\nNOT GREEN: ")).unwrap_or(0);
    text[start..].to_owned()
}

#[tokio::test(start_paused = true)]
async fn green_updates_the_service_and_follows_it_to_its_end() {
    let shop = shop().await;
    let told = shop.release(&[]).await;
    told.says(0, &["1 migration applied", "api: is on api:2 after"]);
    assert_eq!(shop.stands_on().as_deref(), Some("api:2"));
    assert!(told.err.contains("api: (service api) has reached a steady state."), "{}", told.err);
    let events: Vec<&str> =
        told.err.lines().filter(|line| line.contains("(service api)")).collect();
    let mut unique = events.clone();
    unique.dedup();
    assert_eq!(events, unique, "an event is told once");
    assert_eq!(shop.story.calls("DeregisterTaskDefinition"), 0);
    let order: Vec<String> =
        shop.story.sandbox.journal().iter().map(|e| e.operation.clone()).collect();
    let at = |name: &str| order.iter().position(|operation| operation == name).unwrap();
    assert!(at("RunTask") < at("UpdateService"));
    assert_ending!("green", ending(&told));
    // Only the essential container's image has changed.
    let shown = shop
        .story
        .invoke(&[
            "register",
            "--task-definition",
            "api",
            "--image",
            "api:2",
            "--container",
            "api",
            "--diff",
        ])
        .await;
    shown.says(0, &["no change"]);
}

#[tokio::test(start_paused = true)]
async fn red_touches_no_service() {
    let shop = Shop::open(ends_with(failed(10, "relation exists")), serves(), rolls_back()).await;
    shop.release(&[]).await.says(10, &["NOT GREEN"]);
    assert_eq!(shop.story.calls("UpdateService"), 0);
    assert_eq!(shop.stands_on().as_deref(), Some("api:1"));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_deployed_is_found_before_the_migration() {
    let shop = shop().await;
    for (more, code, text) in [
        (
            &["--service", "web", "--service-image", "web=x:1"][..],
            86,
            "service web does not exist yet in cluster default",
        ),
        (&["--service-image", "apo=x:1"], 2, "an image is set for service apo"),
        (&["--service", "api"], 2, "service api is named twice"),
        (
            &["--service-image", "repo:bootstrap"],
            2,
            "the image of all services is empty or set twice",
        ),
    ] {
        let told = shop.release(more).await;
        assert_eq!(told.code, code, "{}", told.everything());
        assert!(told.err.contains(text), "{}", told.everything());
    }
    assert_eq!(shop.story.calls("RunTask"), 0);
    for status in ["DRAINING", "INACTIVE"] {
        let service = json!({"serviceName": "old", "status": status});
        let shop =
            Shop::of(config().service(service), (green(), serves()), &["api"], json!({})).await;
        let told = shop.release(&["--service", "old"]).await;
        assert_eq!(told.code, 86, "{status}: {}", told.everything());
        assert_eq!(shop.story.calls("RunTask"), 0);
    }
    let foreign = json!({"serviceName": "old", "deploymentController": {"type": "CODE_DEPLOY"}});
    let shop = Shop::of(config().service(foreign), (green(), serves()), &["api"], json!({})).await;
    let told = shop.release(&["--service", "old"]).await;
    assert!(told.err.contains("made by CODE_DEPLOY, not by ECS"), "{}", told.everything());
}

#[tokio::test(start_paused = true)]
async fn again_there_is_nothing_to_do() {
    let shop = shop().await;
    shop.release(&[]).await.says(0, &[]);
    let again = shop.release(&[]).await;
    again.says(0, &["api: is on api:2 already"]);
    let calls = ["RunTask", "UpdateService"].map(|operation| shop.story.calls(operation));
    assert_eq!(calls, [2, 1], "RunTask brings the same task back");
    // Forced, the same definition is rolled out once more.
    shop.release(&["--force-new-deployment"]).await.says(0, &["api: is on api:2 after"]);
    assert_eq!(shop.story.calls("UpdateService"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_shows_everything_and_changes_nothing() {
    let shop = shop().await;
    let before = shop.story.sandbox.journal().len();
    let told = shop.release(&["--dry-run"]).await;
    told.says(
        0,
        &[
            "would run container migrate of a new revision of app-migrate in cluster default with image app:1",
            "would register a revision and update service api, which is on api:1",
            "containerDefinitions.api.image: \"api:1\" -> \"api:2\"",
        ],
    );
    assert!(told.err.contains("network: subnets subnet-a"), "{}", told.err);
    for entry in &shop.story.sandbox.journal()[before..] {
        assert!(entry.operation.starts_with("Describe"), "{}", entry.operation);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_is_88_and_says_what_it_means() {
    let shop = Shop::open(green(), crashes(), rolls_back()).await;
    let told = shop.release(&[]).await;
    told.says(
        88,
        &[
            "rolled back from api:2 to api:1",
            "the old code runs again, on the schema as it is now",
            "boom: no such column",
        ],
    );
    assert_eq!(shop.stands_on().as_deref(), Some("api:1"));
    assert_ending!("rolled_back", ending(&told));
    // The verdict of the migration stands, so only the rollout is tried again, with the same revision.
    let again = shop.release(&["--output", "json"]).await;
    assert_eq!(again.code, 88, "{}", again.everything());
    let result = again.result();
    assert_eq!(result["services"][0]["outcome"], "rolled_back");
    assert_eq!(result["services"][0]["task_definition"], "api:2");
    assert_ending!("rolled_back_json", serde_json::to_string_pretty(&result).unwrap());
    let github = shop.release(&["--output", "github"]).await;
    assert_eq!(github.code, 88, "{}", github.everything());
    assert_ending!("rolled_back_github", ending(&github));
}

#[tokio::test(start_paused = true)]
async fn several_services_go_together_or_in_order() {
    let services = ["api", "web"];
    let images = ["--service", "web"];
    let shop = Shop::of(config(), (green(), serves()), &services, rolls_back()).await;
    let together = shop.release(&images).await;
    together.says(0, &["api: is on api:2 after", "web: is on web:2 after"]);
    let shop = Shop::of(config(), (green(), serves()), &services, rolls_back()).await;
    let in_order = shop.release(&[&images[..], &["--in-order"]].concat()).await;
    in_order.says(0, &["web: is on web:2 after"]);
    assert!(in_order.took > together.took + Duration::from_secs(30), "{:?}", in_order.took);
    // In order, the first failure ends it.
    let shop = Shop::of(config(), (green(), crashes()), &services, rolls_back()).await;
    let told = shop.release(&[&images[..], &["--in-order"]].concat()).await;
    told.says(88, &["web: not updated: the service before it is not where it shall be"]);
    assert_eq!(shop.story.calls("UpdateService"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_signal_leaves_the_rollout_to_ecs_and_the_next_run_follows_it() {
    let shop = shop().await;
    let shop = Shop { story: shop.story.signal(Duration::from_secs(70), Signal::Interrupt) };
    let told = shop.release(&[]).await;
    told.says(84, &["left: ECS goes on with the rollout of api:2", "aws ecs describe-services"]);
    assert!(told.took < Duration::from_secs(75), "{:?}", told.took);
    let shop = Shop { story: shop.story.without_signals() };
    shop.release(&[]).await.says(0, &["api: is on api:2"]);
    assert_eq!(shop.story.calls("UpdateService"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_service_is_created_from_a_file_while_there_is_none() {
    let shop = Shop::of(config(), (green(), serves()), &[], json!({})).await;
    let api = definition("api");
    let path = api.path().to_str().unwrap();
    let arguments = ["register", "--template", path, "--image", "api:1", "--container", "api"];
    shop.story.invoke(&arguments).await.says(0, &[]);
    let input = json!({"serviceName": "api", "taskDefinition": "api", "desiredCount": 1,
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-a"]}}});
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), input.to_string()).unwrap();
    let create = ["--create-from", file.path().to_str().unwrap()];
    shop.release(&create).await.says(0, &["api: is on api:2 after"]);
    assert_eq!(shop.stands_on().as_deref(), Some("api:2"));
    // From then on it is updated.
    shop.release(&create).await.says(0, &["api: is on api:2 already"]);
    assert_eq!(shop.story.calls("CreateService"), 1);
}

/// A runner with one migration before the rollout and one behind it, which ends with `behind`.
fn in_phases(behind: RunFinished) -> sandbox::Program {
    let before = RunFinished { pending: 1, after_deploy: 1, ..applied(1) };
    sandbox::Program::scripted(move |launch| {
        let finished = match launch.environment["ECS_MIGRATE_PHASE"].as_str() {
            "expand" => before.clone(),
            "contract" => behind.clone(),
            other => panic!("{other}"),
        };
        let sandbox::Program::Scripted(script) = ends_with(finished) else { unreachable!() };
        script(launch)
    })
}

#[tokio::test(start_paused = true)]
async fn what_old_code_would_not_survive_follows_a_good_rollout() {
    let shop = Shop::open(in_phases(applied(1)), serves(), rolls_back()).await;
    let told = shop.release(&[]).await;
    told.says(
        0,
        &["api: is on api:2 after", "after-deploy  1 migration applied behind the rollout"],
    );
    let order: Vec<String> =
        shop.story.sandbox.journal().iter().map(|entry| entry.operation.clone()).collect();
    let at = |name: &str| order.iter().position(|operation| operation == name).unwrap();
    let last = order.iter().rposition(|operation| operation == "RunTask").unwrap();
    assert!(at("RunTask") < at("UpdateService") && at("UpdateService") < last);
    assert_eq!(shop.story.calls("RunTask"), 2);
    // Again: both verdicts stand.
    let again = shop.release(&["--output", "json"]).await;
    assert_eq!(again.code, 0, "{}", again.everything());
    assert_eq!(again.result()["after_deploy"], json!({"applied": 1}));
}

#[tokio::test(start_paused = true)]
async fn the_contract_phase_has_a_verdict_of_its_own() {
    let behind = failed(10, "column is used by a view");
    let shop = Shop::open(in_phases(behind), serves(), rolls_back()).await;
    let told = shop.release(&[]).await;
    told.says(10, &["NOT GREEN", "column is used by a view"]);
    assert!(told.err.contains("api: is on api:2"), "{}", told.err);
    assert_eq!(shop.stands_on().as_deref(), Some("api:2"));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_leaves_the_contract_phase_pending_and_says_so() {
    let shop = Shop::open(in_phases(applied(1)), crashes(), rolls_back()).await;
    let told = shop.release(&[]).await;
    told.says(88, &["rolled back from api:2 to api:1", "1 migration still pending"]);
    assert_eq!(shop.story.calls("RunTask"), 1);
    let json = shop.release(&["--output", "json"]).await;
    assert_eq!(json.result()["after_deploy"], json!({"pending": 1}));
    // Whoever sets the phase has it.
    let by_hand = shop.release(&["--env", "ECS_MIGRATE_PHASE=contract"]).await;
    by_hand.says(88, &[]);
}
