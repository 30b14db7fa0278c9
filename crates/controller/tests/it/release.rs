//! `release`: the API goes out only behind a green gate.

use crate::support::runner::{applied, ends_with, failed};
use crate::support::shop::{API, Shop, crashes, definition, rolls_back, serves};
use crate::support::story::{Told, config};
use controller::Signal;
use protocol::DatabaseState;
use protocol::event::RunFinished;
use sandbox::{FailureFault, Faults, RequestAnswer, RequestFault};
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
            API,
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
        (&["--", "status"], 2, "`status` applies no migration"),
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
    // The first one of the second release finds that the earlier task is over.
    assert_eq!(calls, [3, 1], "the migration runs again, and the service is left alone");
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
            &format!("containerDefinitions.api.image: \"api:1\" -> \"{API}\""),
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
pub(crate) fn in_phases(behind: RunFinished) -> sandbox::Program {
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
    told.says(
        10,
        &[
            "column is used by a view",
            "\nNOT GREEN: api: is on api:2 after",
            "[exit 10, migration_failed]",
            "\n  migration     1 migration applied in 1.2 s\n",
            "1 migration still pending",
        ],
    );
    // What was rolled back behind the rollout does not undo what came before it.
    assert!(!told.out.contains("database  unchanged"), "{}", told.out);
    assert_eq!(shop.stands_on().as_deref(), Some("api:2"));
}

/// The first task starts; this is what RunTask answers from then on.
pub(crate) fn second_task(answer: RequestAnswer) -> Faults {
    let fault = RequestFault { operation: "RunTask".to_owned(), from: 2, to: None, answer };
    Faults { requests: vec![fault], ..Faults::default() }
}

pub(crate) fn no_such_place() -> RequestAnswer {
    let reason = "ATTRIBUTE".to_owned();
    RequestAnswer::Failures(vec![FailureFault { reason, detail: None }])
}

#[tokio::test(start_paused = true)]
async fn a_contract_phase_that_cannot_be_started_hides_nothing_of_what_was_done() {
    let shop = Shop::open(in_phases(applied(1)), serves(), rolls_back()).await;
    shop.story.sandbox.set_faults(second_task(no_such_place()));
    let told = shop.release(&[]).await;
    told.says(
        81,
        &[
            "\nNOT GREEN: api: is on api:2 after",
            "[exit 81, no_capacity]",
            "1 migration still pending: RunTask started nothing: ATTRIBUTE",
            "\n  database      changed: whole migrations are applied",
        ],
    );
    assert!(!told.everything().contains("untouched"), "{}", told.everything());
    assert_eq!(shop.stands_on().as_deref(), Some("api:2"));
    // It is run again, and goes on where it was.
    shop.story.sandbox.set_faults(Faults::default());
    shop.release(&[]).await.says(0, &["1 migration applied behind the rollout"]);
    assert_eq!(shop.story.calls("UpdateService"), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_known_of_the_contract_phase_is_not_said() {
    let shop = Shop::open(in_phases(applied(1)), serves(), rolls_back()).await;
    shop.story.sandbox.set_faults(second_task(RequestAnswer::ServerError { status: 503 }));
    let told = shop.release(&["--output", "json"]).await;
    assert_eq!(told.code, 86, "{}", told.everything());
    let result = told.result();
    assert_eq!(result["database"], serde_json::Value::Null);
    assert!(result["fix"].as_str().unwrap().contains("a task may have been started"), "{result}");
    assert_eq!(result["services"][0]["outcome"], "deployed");
}

#[tokio::test(start_paused = true)]
async fn a_signal_between_the_rollout_and_the_contract_phase_hides_nothing() {
    let shop = Shop::open(in_phases(applied(1)), serves(), rolls_back()).await;
    let reason = "Capacity is unavailable at this time. Please try again later";
    let failure = FailureFault { reason: reason.to_owned(), detail: None };
    shop.story.sandbox.set_faults(second_task(RequestAnswer::Failures(vec![failure])));
    let shop = Shop { story: shop.story.signal(Duration::from_secs(130), Signal::Terminate) };
    let told = shop.release(&[]).await;
    told.says(
        83,
        &[
            "\nNOT GREEN: api: is on api:2 after",
            "[exit 83, cancelled]",
            "1 migration still pending: cancelled by SIGTERM before a task was started",
            "\n  database      changed: whole migrations are applied",
        ],
    );
    assert!(!told.everything().contains("untouched"), "{}", told.everything());
    let shop = Shop { story: shop.story.without_signals() };
    shop.story.sandbox.set_faults(Faults::default());
    shop.release(&[]).await.says(0, &["1 migration applied behind the rollout"]);
}

#[tokio::test(start_paused = true)]
async fn a_contract_phase_that_goes_on_is_not_called_pending() {
    let shop = Shop::open(in_phases(applied(1)), serves(), rolls_back()).await;
    let shop = Shop { story: shop.story.signal(Duration::from_secs(115), Signal::Interrupt) };
    let told = shop.release(&["--on-cancel", "detach"]).await;
    told.says(84, &["\nNOT GREEN: api: is on api:2 after", "[exit 84, detached]"]);
    let goes_on = "\n  database      the task goes on and may be changing it now";
    assert!(told.out.contains(goes_on), "{}", told.out);
    assert!(!told.out.contains("pending"), "{}", told.out);
    let shop = Shop { story: shop.story.without_signals() };
    shop.release(&[]).await.says(0, &["1 migration applied behind the rollout"]);
}

#[tokio::test(start_paused = true)]
async fn a_red_contract_phase_that_applied_everything_leaves_nothing_pending() {
    let behind = RunFinished {
        applied: 1,
        database: DatabaseState::Changed,
        ..failed(22, "the application's role cannot use the table")
    };
    let shop = Shop::open(in_phases(behind), serves(), rolls_back()).await;
    let told = shop.release(&["--output", "json"]).await;
    assert_eq!(told.code, 22, "{}", told.everything());
    let result = told.result();
    assert_eq!(result["exit_code"], 22);
    assert_eq!(result["after_deploy"]["applied"], 1);
    assert_eq!(result["after_deploy"].get("pending"), None);
    assert_eq!(result["database"], "changed");
    assert_eq!(result["services"][0]["outcome"], "deployed");
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
    let by_hand = shop.release(&["--env", "ECS_MIGRATE_PHASE=expand"]).await;
    by_hand.says(88, &[]);
}
