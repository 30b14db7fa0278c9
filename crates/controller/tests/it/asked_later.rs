//! What was asked of a task is the same for whoever looks later, also when ECS has forgotten it.

use crate::support::shop::{Shop, rolls_back, serves};
use crate::support::story::{Story, config};
use crate::verb::{Age, ask, image};
use sandbox::{Faults, RequestAnswer, RequestFault};
use std::time::Duration;

const FAMILY: [&str; 2] = ["--task-definition", "app-migrate"];

/// ECS forgets a task after an hour.
async fn a_day() {
    tokio::time::sleep(Duration::from_hours(24)).await;
}

/// `explain` and `runs` say it in these words, with this code.
async fn is_told(story: &Story, code: i32, text: &str) {
    let told = story.invoke(&[&["explain"], &FAMILY[..]].concat()).await;
    told.says(0, &[&format!("NOT GREEN: {text}")]);
    let runs = [&["runs", "--output", "json"], &FAMILY[..]].concat();
    let row = story.invoke(&runs).await.newest_run();
    assert_eq!(row["exit_code"], code, "{row}");
}

#[tokio::test(start_paused = true)]
async fn a_release_that_ran_something_else_is_no_green_run_for_anybody() {
    let shop = Shop::open(image(&[], Age::New), serves(), rolls_back()).await;
    let text = "no migration was run";
    shop.release(&["--", "--lock-wait", "5m", "status"]).await.says(85, &[text]);
    let task = shop.story.sandbox.tasks()[0].arn.clone();
    shop.story.invoke(&["attach", &task]).await.says(85, &[text]);
    is_told(&shop.story, 85, text).await;
    a_day().await;
    is_told(&shop.story, 85, text).await;
}

/// Whoever sets the share decides what follows, but no service waits for what waits for a service.
#[tokio::test(start_paused = true)]
async fn no_service_follows_what_waits_for_a_service() {
    let shop = Shop::open(image(&[], Age::New), serves(), rolls_back()).await;
    let told = shop.release(&["--env", "ECS_MIGRATE_PHASE=contract"]).await;
    assert_eq!(told.code, 2, "{}", told.everything());
    assert!(
        told.err.contains("deploys no service behind the contract phase alone"),
        "{}",
        told.err
    );
    assert_eq!(shop.story.calls("RunTask"), 0, "{}", told.everything());
    let told = shop.release(&["--run-key", "2", "--env", "ECS_MIGRATE_PHASE=all"]).await;
    told.says(0, &[]);
}

#[tokio::test(start_paused = true)]
async fn a_share_is_not_chosen_behind_the_release() {
    let shop = Shop::open(image(&[], Age::New), serves(), rolls_back()).await;
    for words in [&["--phase", "all"][..], &["deploy", "--phase=contract"]] {
        let told = shop.release(&[&["--"], words].concat()).await;
        assert_eq!(told.code, 2, "{}", told.everything());
        assert!(told.err.contains("`--phase` is not for `release`"), "{}", told.everything());
    }
    assert_eq!(shop.story.calls("RunTask"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_an_older_runner_took_for_a_migration_stays_one() {
    let story = Story::running(image(&["start", "--", "app"], Age::Old));
    story.register(&["--image", "app:1"]).await.says(0, &[]);
    ask(&story, &["status"]).await.says(85, &["not what was asked"]);
    let task = story.sandbox.tasks()[0].arn.clone();
    a_day().await;
    let told = story.invoke(&[&["explain", &task], &FAMILY[..]].concat()).await;
    told.says(0, &["NOT GREEN: not what was asked: `start` ran"]);
}

/// The exit code of a container is no answer, whatever became of its log.
#[tokio::test(start_paused = true)]
async fn a_question_whose_answer_cannot_be_read_is_not_answered() {
    for words in [&["status"][..], &["resolve", "--applied", "1_a"]] {
        let refused = RequestAnswer::Error {
            kind: "InvalidOperationException".to_owned(),
            message: "the log group's class does not support it".to_owned(),
            status: 400,
        };
        let operation = "GetLogEvents".to_owned();
        let fault = RequestFault { operation, from: 1, to: None, answer: refused };
        let faults = Faults { requests: vec![fault], ..Faults::default() };
        let story = Story::with(config().image("app:1", image(&[], Age::New)).faults(faults));
        let told = story.run(&[&["--"], words].concat()).await;
        told.says(85, &["the runner's last word never came"]);
    }
}
