//! How a task ends, and what `run` makes of it.

use crate::support::runner::{Lines, applied, ends_with, failed};
use crate::support::story::{Story, at, config, unlabelled};
use protocol::DatabaseState;
use protocol::event::{Event, RestorePoint, RunFinished};
use sandbox::{Faults, Program, Script, TaskEffect, TaskFault};
use serde_json::{Value, json};

fn numbered(count: u64, code: i32) -> Script {
    (1..=count)
        .fold(Script::new(), |script, number| script.line(at(number / 4), format!("line {number}")))
        .exits(at(count / 4), code)
}

fn suffering(effect: TaskEffect) -> Faults {
    Faults {
        tasks: vec![TaskFault { family: None, from: 1, to: None, effect }],
        ..Faults::default()
    }
}

#[tokio::test(start_paused = true)]
async fn success_with_every_line() {
    let told = Story::of(numbered(40, 0)).run(&[]).await;
    told.says(0, &["OK: the command succeeded", "40 lines, complete"]);
    for number in 1..=40 {
        assert!(told.out.contains(&format!("Z line {number}\n")), "{number}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_passes_its_code_through_with_the_last_line() {
    let told = Story::of(numbered(10, 3)).run(&[]).await;
    told.says(3, &["Z line 10\n", "10 lines, complete", "container_exit"]);
    assert!(!told.out.contains("untouched"), "{}", told.out);
}

#[tokio::test(start_paused = true)]
async fn a_container_that_is_over_before_anybody_looks() {
    let told = Story::of(Script::new().exits(at(0), 0)).run(&[]).await;
    told.says(0, &["no line was seen"]);
}

#[tokio::test(start_paused = true)]
async fn a_runner_is_green_with_its_last_word() {
    let told = Story::running(ends_with(applied(2))).run(&["--output", "json"]).await;
    let result = told.result();
    assert_eq!(told.code, 0, "{}", told.everything());
    assert_eq!(result["type"], "result");
    assert_eq!(result["class"], "success");
    assert_eq!(result["outcome"], "applied");
    assert_eq!(result["applied"], 2);
    assert_eq!(result["database"], "changed");
    assert_eq!(result["log_state"], "complete");
}

#[tokio::test(start_paused = true)]
async fn a_runners_failure_is_its_own_with_its_hint() {
    let told =
        Story::running(ends_with(failed(10, "relation \"t\" already exists"))).run(&[]).await;
    told.says(
        10,
        &[
            "migration `20260101000000_init` failed: relation \"t\" already exists",
            "[exit 10, migration_failed]",
            "fix the migration and push again",
            "42P07",
            "unchanged: nothing",
        ],
    );
}

#[tokio::test(start_paused = true)]
async fn the_code_of_a_wrapped_command_is_none_of_ours() {
    let wrapped =
        RunFinished { passed_through: true, ..failed(10, "`npx` ended with exit code 10") };
    let told = Story::running(ends_with(wrapped)).run(&["--output", "json"]).await;
    assert_eq!((told.code, &told.result()["class"]), (10, &json!("container_exit")));
}

#[tokio::test(start_paused = true)]
async fn a_runner_without_a_last_word_is_unknown() {
    let program = Program::scripted(|launch| {
        Script::new().line(at(0), Lines::of(launch).started()).exits(at(5), 0)
    });
    let told = Story::running(program).run(&[]).await;
    told.says(85, &["the runner's last word never came"]);
    let told = Story::of(Script::new().exits(at(5), 0)).run(&["--expect", "runner"]).await;
    told.says(85, &["the runner's last word never came"]);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_says_why_and_how_to_mend_it() {
    let reason = "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref 111122223333.dkr.ecr.eu-west-1.amazonaws.com/app:9: not found";
    let story = Story::with(config().image("app:1", Program::script(Script::new())).faults(
        suffering(TaskEffect::NeverStarts {
            phase: sandbox::StartPhase::Pulling,
            stopped_reason: reason.to_owned(),
            container_reason: None,
        }),
    ));
    story.run(&[]).await.says(
        80,
        &[
            "NOT GREEN: the task never started [exit 80, never_started]",
            "the image does not exist in the registry",
            "untouched",
            reason,
        ],
    );
    assert_eq!(story.calls("RunTask"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_for_a_passing_reason_is_tried_again() {
    let mut faults = suffering(TaskEffect::NeverStarts {
        phase: sandbox::StartPhase::Provisioning,
        stopped_reason: "Timeout waiting for network interface provisioning to complete."
            .to_owned(),
        container_reason: None,
    });
    faults.tasks[0].to = Some(2);
    let program = ends_with(applied(1));
    let story = Story::with(config().image("app:1", program).faults(faults.clone()));
    story.run(&[]).await.says(0, &["1 migration applied"]);
    let tokens = story.parameters("RunTask", "clientToken");
    assert_eq!(tokens.len(), 3);
    for (token, ending) in tokens.iter().zip(["-1", "-2", "-3"]) {
        assert!(token.ends_with(ending), "{tokens:?}");
    }
    faults.tasks[0].to = None;
    let story = Story::with(config().image("app:1", Program::script(Script::new())).faults(faults));
    story.run(&[]).await.says(80, &["never_started"]);
    assert_eq!(story.calls("RunTask"), 3);
}

#[tokio::test(start_paused = true)]
async fn an_end_from_outside_is_never_green() {
    let story = Story::with(
        config()
            .image(
                "app:1",
                Program::script(Script::new().on_terminate(sandbox::OnTerminate::Exit {
                    after: at(0),
                    code: 0,
                    lines: Vec::new(),
                })),
            )
            .faults(suffering(TaskEffect::StoppedFromOutside {
                after_seconds: 20.0,
                stop_code: "SpotInterruption".to_owned(),
                stopped_reason: Some("Your Spot Task was interrupted.".to_owned()),
            })),
    );
    story
        .run(&[])
        .await
        .says(85, &["stopped from outside (SpotInterruption)", "AWS reclaimed the Spot capacity"]);
}

#[tokio::test(start_paused = true)]
async fn no_exit_code_is_never_green() {
    let story = Story::with(
        config()
            .image("app:1", Program::script(numbered(4, 0)))
            .faults(suffering(TaskEffect::ExitCodeAbsent { container: None })),
    );
    story.run(&[]).await.says(85, &["ECS recorded no exit code"]);
}

#[tokio::test(start_paused = true)]
async fn memory_is_named() {
    let story =
        Story::with(config().image("app:1", Program::script(Script::new())).faults(suffering(
            TaskEffect::OutOfMemory { container: None, after_seconds: Some(5.0) },
        )));
    story.run(&[]).await.says(137, &["the container ran out of memory", "OutOfMemoryError"]);
}

#[tokio::test(start_paused = true)]
async fn a_sidecars_word_does_not_count() {
    let mut proxy = unlabelled("proxy", "proxy:1");
    proxy["essential"] = json!(false);
    let config = config()
        .image("proxy:1", Program::script(Script::new().line(at(0), "proxy is up").exits(at(1), 0)))
        .image("app:1", Program::script(numbered(8, 1)));
    let story = Story::with(config).containers(&[proxy, unlabelled("migrate", "app:1")]);
    let told = story.run(&["--container", "migrate"]).await;
    told.says(1, &["proxy | proxy is up", "migrate | line 8"]);
    let told = story.run(&[]).await;
    assert_eq!(told.code, 2, "{}", told.everything());
    assert!(told.err.contains("several containers: proxy, migrate"));
}

#[tokio::test(start_paused = true)]
async fn a_burst_loses_nothing() {
    let script = (1..=24_000).fold(Script::new(), |script, number| {
        script.line(at(number / 3000), format!("line {number} "))
    });
    let told = Story::of(script.exits(at(9), 0)).run(&[]).await;
    told.says(0, &["24000 lines, complete", " line 24000 "]);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_cannot_be_read_back_leaves_the_exit_code() {
    let mut silent = unlabelled("migrate", "app:1");
    silent.as_object_mut().unwrap().remove("logConfiguration");
    let story = Story::of(numbered(4, 0)).containers(&[silent]);
    let told = story.run(&[]).await;
    told.says(0, &["the log could not be read"]);
    assert!(told.err.contains("log driver none cannot be read back"));
}

#[tokio::test(start_paused = true)]
async fn a_long_run_is_mentioned_every_hour_and_asked_about_sparingly() {
    let hour = 3600;
    let story = Story::of(Script::new().exits(at(2 * hour), 0));
    let told = story.run(&[]).await;
    told.says(0, &[]);
    assert_eq!(told.err.matches("the task has been running for").count(), 2);
    let looks: Vec<u64> = story
        .sandbox
        .journal()
        .iter()
        .filter(|entry| entry.operation == "DescribeTasks")
        .map(|entry| entry.at)
        .collect();
    let within = |seconds: u64| looks.iter().filter(|at| **at < looks[0] + seconds * 1000).count();
    assert!(within(60) <= 60, "at most one a second in the first minute: {}", within(60));
    assert!(within(hour) <= 720, "one in five seconds over an hour: {}", within(hour));
    assert!(looks.len() <= 1440, "{}", looks.len());
}

#[tokio::test(start_paused = true)]
async fn the_way_back_is_in_the_verdict_also_of_a_runner_that_was_killed() {
    let program = |last: Option<RunFinished>| {
        Program::scripted(move |launch| {
            let mut lines = Lines::of(launch);
            let point = RestorePoint {
                at: "2026-11-21T12:00:05Z".into(),
                way_back: "aws rds restore-db-instance-from-db-snapshot".into(),
                ..RestorePoint::default()
            };
            let noted = lines.next("before the first change", Event::RestorePoint(point));
            let script = Script::new().line(at(1), lines.started()).line(at(2), noted);
            match last.clone() {
                None => script.exits(at(3), 137),
                Some(last) => {
                    let code = i32::from(last.exit_code);
                    script.line(at(3), lines.finished(last)).exits(at(3), code)
                }
            }
        })
    };
    let changed = RunFinished { database: DatabaseState::Changed, ..failed(10, "boom") };
    let way_back = "to 2026-11-21T12:00:05Z: aws rds restore-db-instance-from-db-snapshot";
    for (last, said) in [
        (None, true),
        (Some(changed), true),
        (Some(failed(10, "boom")), false),
        (Some(applied(1)), false),
    ] {
        let story = Story::with(config().image("app:1", program(last)));
        let told = story.run(&["--output", "json"]).await;
        let expected = if said { json!(way_back) } else { Value::Null };
        assert_eq!(told.result()["way_back"], expected, "{}", told.everything());
    }
}
