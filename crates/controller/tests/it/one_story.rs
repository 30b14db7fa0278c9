//! One story of a run, whoever asks: the gate while it runs, `explain` and `runs` afterwards.

use crate::support::runner::{Lines, applied, rolls_back_when_stopped};
use crate::support::shop::{Shop, crashes, rolls_back};
use crate::support::story::{Story, at};
use protocol::event::{Event, MigrationStarted, Origin, Outcome, RunFinished, RunStarted};
use protocol::{RunnerCommand, env};
use sandbox::{Launch, Program, Script};
use std::time::Duration;

const FAMILY: [&str; 2] = ["--task-definition", "app-migrate"];

/// ECS forgets a task after an hour.
async fn a_day() {
    tokio::time::sleep(Duration::from_hours(24)).await;
}

fn green(launch: &Launch) -> Script {
    let mut lines = Lines::of(launch);
    let finished = RunFinished { command: RunnerCommand::Deploy, ..applied(8) };
    Script::new().line(at(0), lines.started()).line(at(1), lines.finished(finished)).exits(at(2), 0)
}

#[tokio::test(start_paused = true)]
async fn explain_tells_what_became_of_the_service_behind_it() {
    let shop = Shop::open(Program::scripted(green), crashes(), rolls_back()).await;
    assert_eq!(shop.release(&[]).await.code, 88);
    // An older runner does not say who waited for it.
    let story = shop.story.set("ECS_MIGRATE_SERVICE", "api");
    let told = story.invoke(&[&["explain"], &FAMILY[..]].concat()).await;
    told.says(0, &["OK: 8 migrations applied", "service", "api: its deployment was rolled back"]);
    let says_it = |launch: &Launch| {
        let mut lines = Lines::of(launch);
        let services = launch.environment[env::SERVICES].clone();
        let origin = Origin { services, ..Origin::default() };
        let started =
            RunStarted { command: RunnerCommand::Deploy, origin, ..RunStarted::default() };
        let finished = RunFinished { command: RunnerCommand::Deploy, ..applied(8) };
        Script::new()
            .line(at(0), lines.next("run started", Event::RunStarted(started)))
            .line(at(1), lines.finished(finished))
            .exits(at(2), 0)
    };
    let shop = Shop::open(Program::scripted(says_it), crashes(), rolls_back()).await;
    assert_eq!(shop.release(&[]).await.code, 88);
    let told = shop.story.invoke(&[&["explain"], &FAMILY[..]].concat()).await;
    told.says(0, &["OK: 8 migrations applied", "service", "api: its deployment was rolled back"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_somebody_else_cancelled_is_cancelled_for_everybody() {
    let story = Story::running(rolls_back_when_stopped());
    let run = story.run(&["--run-key", "7"]);
    let cancel = async {
        tokio::time::sleep(Duration::from_mins(2)).await;
        story.invoke(&["cancel", "--run-key", "7"]).await
    };
    let (run, cancel) = tokio::join!(run, cancel);
    run.says(83, &["cancelled: the task was stopped, rollback proved"]);
    cancel.says(0, &["cancelled: the task was stopped, rollback proved"]);
    let explained = story.invoke(&[&["explain"], &FAMILY[..]].concat()).await;
    explained.says(0, &["NOT GREEN: cancelled: the task was stopped, rollback proved"]);
    let runs = [&["runs", "--output", "json"], &FAMILY[..]].concat();
    assert_eq!(story.invoke(&runs).await.newest_run()["exit_code"], 83);
}

/// A red run, and a line behind it that says that another one ended well.
fn forged(launch: &Launch) -> Script {
    let mut lines = Lines::of(launch);
    let red = RunFinished { outcome: Outcome::Failed, exit_code: 10, ..applied(1) };
    let mut other = launch.clone();
    other.environment.insert(env::RUN.to_owned(), "another".to_owned());
    let mut others = Lines::of(&other);
    Script::new()
        .line(at(0), lines.started())
        .line(at(1), lines.finished(red))
        .line(at(2), others.finished(applied(99)))
        .exits(at(3), 10)
}

#[tokio::test(start_paused = true)]
async fn another_runs_last_line_is_nobodys_story() {
    let story = Story::running(Program::scripted(forged));
    story.run(&[]).await.says(10, &["NOT GREEN"]);
    for _remembered_or_not in 0..2 {
        let runs = [&["runs", "--output", "json"], &FAMILY[..]].concat();
        let row = story.invoke(&runs).await.newest_run();
        assert_eq!((&row["exit_code"], &row["applied"]), (&10.into(), &1.into()), "{row}");
        let explain = [&["explain", "--output", "json"], &FAMILY[..]].concat();
        let explained = story.invoke(&explain).await.result();
        assert_eq!(explained["exit_code"], 10, "{explained}");
        a_day().await;
    }
}

/// The next run settles it, so nobody has to look at the history.
#[tokio::test(start_paused = true)]
async fn a_container_killed_in_one_transaction_leaves_nothing_half_done() {
    for (mode, database, text) in [
        ("transaction", "settles", "nothing is half done"),
        ("statements", "check", "look at the migration history"),
    ] {
        let killed = move |launch: &Launch| {
            let mut lines = Lines::of(launch);
            let begun = MigrationStarted {
                migration: "1_a".to_owned(),
                mode: mode.to_owned(),
                ..MigrationStarted::default()
            };
            Script::new()
                .line(at(0), lines.started())
                .line(at(1), lines.next("applying `1_a`", Event::MigrationStarted(begun)))
                .exits(at(60), 137)
        };
        let story = Story::running(Program::scripted(killed));
        story.run(&[]).await.says(137, &["NOT GREEN", text]);
        let explain = [&["explain", "--output", "json"], &FAMILY[..]].concat();
        assert_eq!(story.invoke(&explain).await.result()["database"], database, "{mode}");
    }
}
