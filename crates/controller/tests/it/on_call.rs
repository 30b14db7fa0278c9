//! What the one on call sees: the same run by `logs`, `runs` and `explain`, while ECS remembers it and
//! after.

use crate::support::story::{Story, Told, at, config};
use protocol::event::{
    Event, LockAcquired, MigrationApplied, MigrationFailed, MigrationStarted, MigrationStatus,
    Origin, Outcome, RunFinished, RunStarted,
};
use protocol::line::EventLine;
use protocol::{DatabaseState, Failure, RunnerCommand, env};
use sandbox::{Launch, Program, Script};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// A runner whose lines have the sandbox's time.
pub(crate) struct Speaker {
    run: String,
    began: i64,
    seq: u64,
    script: Script,
}

impl Speaker {
    pub(crate) fn of(launch: &Launch, origin: (i64, Instant)) -> Self {
        let began = origin.0 + i64::try_from(origin.1.elapsed().as_millis()).unwrap();
        Self { run: launch.environment[env::RUN].clone(), began, seq: 0, script: Script::new() }
    }

    pub(crate) fn says(mut self, after: Duration, msg: &str, event: Event) -> Self {
        self.seq += 1;
        let mut line = EventLine::new(&self.run, "p-1", self.seq, event);
        msg.clone_into(&mut line.msg);
        let at = self.began + i64::try_from(after.as_millis()).unwrap();
        line.at = format!("{:.3}", jiff::Timestamp::from_millisecond(at).unwrap());
        self.script = self.script.line(after, line.encode());
        self
    }

    pub(crate) fn started(self, launch: &Launch, command: &str) -> Self {
        let text = |name: &str| launch.environment.get(name).cloned().unwrap_or_default();
        let origin = Origin {
            started_by: text(env::STARTED_BY),
            commit: text(env::COMMIT),
            actor: text(env::ACTOR),
            repository: text(env::REPOSITORY),
            workflow_run: text(env::WORKFLOW_RUN),
            place: "default/app-migrate".to_owned(),
            image: String::new(),
            asked: text(env::ASKED),
            services: text(env::SERVICES),
            environment: text(env::ENVIRONMENT),
        };
        let started = RunStarted {
            version: "0.1.0".to_owned(),
            // What was asked, whatever the text says.
            command: RunnerCommand::first_of(&launch.arguments)
                .or_else(|| RunnerCommand::named(command))
                .unwrap_or_default(),
            origin,
            ..RunStarted::default()
        };
        self.says(at(0), &format!("{command} started"), Event::RunStarted(started))
    }

    pub(crate) fn locked(self) -> Self {
        let event = LockAcquired { keys: vec![7], waited_ms: 0 };
        self.says(at(1), "lock acquired", Event::LockAcquired(event))
    }

    pub(crate) fn begins(self, after: Duration, name: &str) -> Self {
        let event = MigrationStarted { migration: name.to_owned(), ..MigrationStarted::default() };
        self.says(after, &format!("applying {name}"), Event::MigrationStarted(event))
    }

    fn applies(self, after: Duration, name: &str) -> Self {
        let event = MigrationApplied {
            migration: name.to_owned(),
            duration_ms: 1000,
            ..MigrationApplied::default()
        };
        self.begins(after, name).says(
            after + at(1),
            &format!("applied {name}"),
            Event::MigrationApplied(event),
        )
    }

    /// The script so far, and the last line by itself.
    pub(crate) fn last_word(self, after: Duration, finished: RunFinished) -> (Script, String) {
        let before = self.script.clone();
        let mut line = EventLine::new(&self.run, "p-1", self.seq + 1, Event::RunFinished(finished));
        "deploy finished".clone_into(&mut line.msg);
        let at = self.began + i64::try_from(after.as_millis()).unwrap();
        line.at = format!("{:.3}", jiff::Timestamp::from_millisecond(at).unwrap());
        (before, line.encode())
    }

    pub(crate) fn ends(self, after: Duration, finished: RunFinished) -> Script {
        let code = i32::from(finished.exit_code);
        let said = self.says(after, "deploy finished", Event::RunFinished(finished));
        said.script.exits(after + Duration::from_millis(100), code)
    }
}

fn green(launch: &Launch, origin: (i64, Instant)) -> Script {
    let finished = RunFinished {
        outcome: Outcome::Applied,
        applied: 2,
        duration_ms: 5000,
        database: DatabaseState::Changed,
        ..RunFinished::default()
    };
    let speaker = Speaker::of(launch, origin).started(launch, "deploy").locked();
    speaker.applies(at(1), "1_init").applies(at(3), "2_orders").ends(at(5), finished)
}

fn red(launch: &Launch, origin: (i64, Instant)) -> Script {
    let failure = Failure {
        message: "relation \"orders\" already exists".to_owned(),
        hint: Some("fix the migration and push again".to_owned()),
        migration: Some("3_again".to_owned()),
        sqlstate: Some("42P07".to_owned()),
        ..Failure::default()
    };
    let failed = MigrationFailed {
        migration: "3_again".to_owned(),
        failure: failure.clone(),
        database: DatabaseState::Unchanged,
    };
    let finished = RunFinished {
        outcome: Outcome::Failed,
        exit_code: 10,
        duration_ms: 4000,
        database: DatabaseState::Unchanged,
        failure: Some(failure),
        ..RunFinished::default()
    };
    let speaker = Speaker::of(launch, origin).started(launch, "deploy").locked();
    speaker
        .begins(at(1), "3_again")
        .says(at(4), "migration 3_again failed", Event::MigrationFailed(failed))
        .ends(at(4), finished)
}

pub(crate) fn now() -> (i64, Instant) {
    (jiff::Timestamp::now().as_millisecond(), Instant::now())
}

/// Runs of `app:1` as the program says, asked for by GitHub.
pub(crate) fn story(
    program: impl Fn(&Launch, (i64, Instant)) -> Script + Send + Sync + 'static,
) -> Story {
    let origin = now();
    let program = Program::scripted(move |launch| program(launch, origin));
    Story::with(config().image("app:1", program))
        .set("GITHUB_RUN_ID", "19234567890")
        .set("GITHUB_SHA", "4f2c9ab0123456789abcdef0123456789abcdef0")
        .set("GITHUB_ACTOR", "alice")
        .set("GITHUB_REPOSITORY", "acme/shop")
}

/// Every run is green.
pub(crate) fn green_story() -> Story {
    story(green)
}

/// A green run, and a `status` that can be asked for.
pub(crate) async fn status_story() -> Story {
    let story = story(|launch, origin| {
        if launch.arguments.is_empty() { green(launch, origin) } else { status(launch, origin) }
    });
    story.run(&[]).await.says(0, &[]);
    story
}

async fn family(story: &Story, arguments: &[&str]) -> Told {
    story.invoke(&[arguments, &["--task-definition", "app-migrate"]].concat()).await
}

/// A day: ECS has forgotten everything.
async fn a_day() {
    tokio::time::sleep(Duration::from_hours(24)).await;
}

fn shown(told: &Told) -> String {
    format!("exit {}\n--- stdout\n{}--- stderr\n{}", told.code, told.out, told.err)
}

/// Without what differs from run to run.
fn assert_shown(name: &str, told: &Told) {
    let text = shown(told);
    insta::with_settings!({filters => vec![
        (r"[0-9a-f]{32}", "[id]"),
        (r"\[date\]  [0-9a-f]{12}", "[date]  [short id]"),
        (r"eni-[0-9a-f]+", "eni-[id]"),
        (r"10\.\d+\.\d+\.\d+", "[address]"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(  [0-9a-f]{12})?", "[date]"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ", "[time]"),
        (r"\d\d:\d\d:\d\d\.\d\d\dZ", "[time]"),
        (r"(?m)^    \d\d:\d\d:\d\d  (queued|network|pull|start|teardown)( +)[\d.]+ m?s", "    [time]  $1$2[took]"),
        (r"(?m)^    \d\d:\d\d:\d\d  ", "    [time]  "),
        (r"after (\d+\.\d s|\d+ ms|\d+ m \d\d s)", "after [took]"),
        (r#""run":"[a-z2-7]{26}""#, r#""run":"[run]""#),
    ]}, { insta::assert_snapshot!(name, text); });
}

#[tokio::test(start_paused = true)]
async fn a_red_run_explained() {
    let story = story(red);
    assert_eq!(story.run(&[]).await.code, 10);
    tokio::time::sleep(at(60)).await;
    assert_shown("red_remembered", &family(&story, &["explain"]).await);
    a_day().await;
    assert_shown("red_forgotten", &family(&story, &["explain"]).await);
}

#[tokio::test(start_paused = true)]
async fn a_green_run_explained_as_text_and_json() {
    let story = story(green);
    story.run(&[]).await.says(0, &[]);
    a_day().await;
    assert_shown("green_forgotten", &family(&story, &["explain"]).await);
    assert_shown("green_forgotten_json", &family(&story, &["explain", "--output", "json"]).await);
}

/// Everything but what only ECS knew.
fn of_the_log(mut object: Value) -> Value {
    for name in ["evidence", "task_definition", "ecs_remembers", "timeline"] {
        object.as_object_mut().unwrap().remove(name);
    }
    object
}

#[tokio::test(start_paused = true)]
async fn logs_and_explain_are_the_same_when_ecs_has_forgotten() {
    for program in [green, red] {
        let story = story(program);
        let ran = story.run(&[]).await;
        tokio::time::sleep(at(60)).await;
        let logs = family(&story, &["logs"]).await;
        let raw = family(&story, &["logs", "--raw"]).await;
        let explained = family(&story, &["explain", "--output", "json"]).await.result();
        a_day().await;
        let after = family(&story, &["explain", "--output", "json"]).await.result();
        assert_eq!(family(&story, &["logs"]).await.out, logs.out);
        assert_eq!(family(&story, &["logs", "--raw"]).await.out, raw.out);
        assert!(ran.out.starts_with(&logs.out), "{}\n{}", ran.everything(), logs.everything());
        assert_eq!(explained["exit_code"], ran.code, "the gate's verdict");
        assert_eq!(
            (&explained["ecs_remembers"], &after["ecs_remembers"]),
            (&json!(true), &json!(false))
        );
        let of_runner = |object: &Value| -> Vec<Value> {
            let phases = object["timeline"].as_array().unwrap();
            let runners = |phase: &&Value| {
                ["connect", "lock", "migration", "runner"]
                    .contains(&phase["phase"].as_str().unwrap())
            };
            phases.iter().filter(runners).cloned().collect()
        };
        assert_eq!(of_runner(&explained), of_runner(&after));
        assert!(of_runner(&after).len() >= 2);
        let evidence = |object: &Value| object["evidence"].as_array().unwrap().clone();
        for piece in evidence(&after) {
            assert!(
                piece["name"] == "definition" || evidence(&explained).contains(&piece),
                "{piece}"
            );
        }
        assert_eq!(of_the_log(explained), of_the_log(after));
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_has_just_ended_is_given_time_for_its_last_lines() {
    let story = story(green).signal(at(2), controller::Signal::Interrupt);
    assert_eq!(story.run(&["--on-cancel", "detach"]).await.code, 84);
    let story = story.without_signals();
    let ended = || story.sandbox.tasks()[0].exit_codes.iter().any(Option::is_some);
    while !ended() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let told = family(&story, &["explain"]).await;
    told.says(0, &["OK: 2 migrations applied in 5.0 s", "7 lines, complete"]);
}

#[tokio::test(start_paused = true)]
async fn the_list_of_runs() {
    let story = story(|launch, origin| {
        if launch.environment[env::STARTED_BY].ends_with("/2") {
            red(launch, origin)
        } else {
            green(launch, origin)
        }
    });
    story.run(&["--run-key", "1"]).await.says(0, &[]);
    a_day().await;
    assert_eq!(story.run(&["--run-key", "2"]).await.code, 10);
    let story = story.signal(at(32), controller::Signal::Interrupt);
    let told = story.run(&["--run-key", "3", "--on-cancel", "detach"]).await;
    assert_eq!(told.code, 84, "{}", told.everything());
    let story = story.without_signals();
    assert_shown("runs", &family(&story, &["runs"]).await);
    a_day().await;
    assert_shown("runs_since", &family(&story, &["runs", "--since", "36h"]).await);
    assert_shown("runs_json", &family(&story, &["runs", "--limit", "1", "--output", "json"]).await);
    // Each way to name one of them.
    let runs = family(&story, &["runs", "--output", "json"]).await.out;
    let mut runs: Vec<Value> =
        runs.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(runs.pop().unwrap()["type"], "result");
    let id = |run: &Value| run["task"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let day = |run: &Value| run["began"].as_str().unwrap()[..10].to_owned();
    for named in [
        id(&runs[1]),
        id(&runs[1])[..12].to_owned(),
        runs[1]["task"].as_str().unwrap().to_owned(),
        "key/2".to_owned(),
    ] {
        let found = family(&story, &["explain", &named, "--output", "json"]).await.result();
        assert_eq!(found["task_arn"], runs[1]["task"], "{named}");
    }
    for (named, expected) in [("4f2c9ab", 0), (&day(&runs[2]), 2)] {
        let found = family(&story, &["explain", named, "--output", "json"]).await.result();
        assert_eq!(found["task_arn"], runs[expected]["task"], "{named}");
    }
    let told = family(&story, &["logs", &day(&runs[0])]).await;
    assert_eq!(told.code, 2, "{}", told.everything());
    assert!(told.err.contains("may be any of 2 runs"), "{}", told.err);
    assert_eq!(told.out.lines().count(), 3);
}

#[tokio::test(start_paused = true)]
async fn lines_are_chosen() {
    let story = story(green);
    story.run(&[]).await.says(0, &[]);
    let lines = |told: &Told| told.out.lines().count();
    assert_eq!(lines(&family(&story, &["logs"]).await), 7);
    assert_eq!(lines(&family(&story, &["logs", "--grep", "2_orders"]).await), 2);
    assert_eq!(lines(&family(&story, &["logs", "--since", "1h"]).await), 7);
    let raw = family(&story, &["logs", "--raw", "--grep", "run_started"]).await;
    assert_eq!(protocol::line::Line::decode(raw.out.trim()).clone(), {
        let task = &story.sandbox.tasks()[0];
        let id = task.arn.rsplit('/').next().unwrap().to_owned();
        let messages = story.sandbox.log_messages("/ecs/app", &format!("p/migrate/{id}"));
        protocol::line::Line::decode(&messages[0])
    });
    a_day().await;
    let old = family(&story, &["logs", "--since", "1h"]).await;
    assert_eq!((old.code, lines(&old)), (0, 0));
    assert!(old.err.contains("every line is older, of 7 lines"), "{}", old.err);
    let none = family(&story, &["logs", "--grep", "nothing like it", "--since", "9000y"]).await;
    assert!(none.err.contains("no line fits, of 7 lines"), "{}", none.err);
}

#[tokio::test(start_paused = true)]
async fn logs_wait_for_the_next_run_and_follow_it_to_its_end() {
    let story = story(red);
    story.register(&["--image", "app:1"]).await.says(0, &[]);
    let follow = ["logs", "-f"];
    let (followed, ran) = tokio::join!(family(&story, &follow), async {
        tokio::time::sleep(at(30)).await;
        story.run(&[]).await
    });
    assert_eq!(ran.code, 10, "{}", ran.everything());
    followed.says(0, &["deploy started", "deploy finished"]);
    assert!(ran.out.starts_with(&followed.out), "{}", followed.everything());
    assert!(followed.err.contains("waiting for the next one"), "{}", followed.err);
    assert!(followed.err.contains("the run has ended"), "{}", followed.err);
    assert_eq!(story.calls("StopTask"), 0);
    // Nothing in flight and a run that is over: it is shown.
    let id = story.sandbox.tasks()[0].arn.clone();
    family(&story, &["logs", "-f", &id]).await.says(0, &["deploy finished"]);
    // A signal ends the waiting.
    let story = story.signal(at(20), controller::Signal::Interrupt);
    let waited = family(&story, &follow).await;
    assert_eq!((waited.code, waited.out.as_str(), waited.took), (0, "", at(20)));
}

#[tokio::test(start_paused = true)]
async fn a_run_in_flight_is_explained_as_far_as_it_is() {
    let story = story(green).signal(at(2), controller::Signal::Interrupt);
    assert_eq!(story.run(&["--on-cancel", "detach"]).await.code, 84);
    let story = story.without_signals();
    let told = family(&story, &["explain"]).await;
    told.says(0, &["IN FLIGHT: the task is"]);
    let result = family(&story, &["explain", "--output", "json"]).await.result();
    assert_eq!((&result["outcome"], &result["exit_code"]), (&json!("in_flight"), &Value::Null));
    story.register(&["--image", "app:1"]).await.says(0, &[]);
    let arguments = family(&story, &["logs"]).await;
    assert!(arguments.err.contains("no line yet"), "{}", arguments.everything());
}

fn status(launch: &Launch, origin: (i64, Instant)) -> Script {
    assert_eq!(launch.arguments, ["status"]);
    let one = |name: &str, state: &str| {
        Event::MigrationStatus(MigrationStatus {
            migration: name.to_owned(),
            state: state.to_owned(),
        })
    };
    let finished = RunFinished {
        outcome: Outcome::Done,
        pending: 1,
        database: DatabaseState::Unchanged,
        ..RunFinished::default()
    };
    Speaker::of(launch, origin)
        .started(launch, "status")
        .says(at(1), "applied    1_init", one("1_init", "applied"))
        .says(at(1), "pending    2_orders", one("2_orders", "pending"))
        .ends(at(2), finished)
}

const NETWORK: [&str; 4] = ["--subnets", "subnet-a", "--security-groups", "sg-a"];

#[tokio::test(start_paused = true)]
async fn status_is_a_task_of_its_own_and_no_run() {
    let story = status_story().await;
    let told = family(&story, &[&["status"], &NETWORK[..]].concat()).await;
    assert_shown("status", &told);
    let again = family(&story, &[&["status", "--output", "json"], &NETWORK[..]].concat()).await;
    assert_eq!(again.out.matches("\"type\":\"migration_state\"").count(), 2);
    let started_by = story.parameters("RunTask", "startedBy");
    assert_eq!(started_by[0], "ecs-migrate/github/19234567890");
    assert!(started_by[1..].iter().all(|by| by.starts_with("ecs-migrate/task/")), "{started_by:?}");
    assert_ne!(started_by[1], started_by[2]);
    // The latest run is the gate's, remembered or not.
    let gates = story.sandbox.tasks()[0].arn.clone();
    for _ in 0..2 {
        let latest = family(&story, &["explain", "--output", "json"]).await.result();
        assert_eq!(latest["task_arn"], gates);
        a_day().await;
    }
}

#[tokio::test(start_paused = true)]
async fn resolve_and_exec_pass_their_arguments_and_their_code() {
    let story = story(|launch, origin| {
        let done = RunFinished { outcome: Outcome::Done, ..RunFinished::default() };
        match launch.arguments[0].as_str() {
            "resolve" => {
                assert_eq!(launch.arguments, ["resolve", "--rolled-back=2_orders", "--force"]);
                Speaker::of(launch, origin).started(launch, "resolve").ends(at(1), done)
            }
            "exec" => {
                assert_eq!(launch.arguments, ["exec", "--", "npx", "prisma", "db", "seed"]);
                let finished = RunFinished {
                    outcome: Outcome::Failed,
                    exit_code: 7,
                    passed_through: true,
                    ..RunFinished::default()
                };
                Speaker::of(launch, origin).started(launch, "exec").ends(at(1), finished)
            }
            other => panic!("{other}"),
        }
    });
    story.register(&["--image", "app:1"]).await.says(0, &[]);
    let resolve = ["resolve", "--rolled-back", "2_orders", "--force"];
    family(&story, &[&resolve[..], &NETWORK[..]].concat()).await.says(0, &["OK: done"]);
    let exec = [
        &["exec", "--task-definition", "app-migrate"],
        &NETWORK[..],
        &["--", "npx", "prisma", "db", "seed"],
    ]
    .concat();
    story.invoke(&exec).await.says(7, &["[exit 7, container_exit]"]);
    // What a template without an image means: the family that is registered.
    let template = story.template_path();
    let by_template = [&resolve[..], &NETWORK[..], &["--template", &template]].concat();
    story.invoke(&by_template).await.says(0, &["OK: done"]);
    story
        .invoke(&["runs", "--template", &template])
        .await
        .says(0, &["exec: failed", "resolve: done"]);
}
