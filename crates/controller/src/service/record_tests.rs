use super::*;
use protocol::RunnerCommand;
use protocol::event::Origin;

fn started(run: &str, at: i64, commit: &str) -> (i64, String) {
    of_command("deploy", run, at, commit)
}

fn of_command(command: &str, run: &str, at: i64, commit: &str) -> (i64, String) {
    begun(("ecs-migrate/github/77", command), run, at, commit)
}

/// The first line of the runs that follow a rollout.
fn behind(run: &str, at: i64, commit: &str) -> (i64, String) {
    let (at, line) = started(run, at, commit);
    (at, line.replace("\"command\":\"deploy\"", "\"command\":\"deploy\",\"standing\":\"behind\""))
}

fn begun((started_by, command): (&str, &str), run: &str, at: i64, commit: &str) -> (i64, String) {
    let origin = Origin {
        started_by: started_by.to_owned(),
        commit: commit.to_owned(),
        place: "prod/app".to_owned(),
        ..Origin::default()
    };
    let command = RunnerCommand::named(command).unwrap_or_default();
    let started = RunStarted { command, origin, ..RunStarted::default() };
    let process = format!("p{at}");
    (at, EventLine::new(run, &process, 1, Event::RunStarted(started)).encode())
}

fn ended(run: &str, of: i64, code: u8) -> (i64, String) {
    let finished = RunFinished {
        outcome: if code == 0 { Outcome::Applied } else { Outcome::Failed },
        exit_code: code,
        ..RunFinished::default()
    };
    let process = format!("p{of}");
    (of + 5, EventLine::new(run, &process, 2, Event::RunFinished(finished)).encode())
}

fn task(run: &str, created_at: i64, good_end: Option<bool>) -> TaskRecord {
    let run = Some(run.to_owned());
    TaskRecord {
        task: format!("task-{created_at}"),
        created_at,
        run,
        image: String::new(),
        good_end,
    }
}

/// What is refused by the evidence, or the run that proves it.
fn answer(lines: Vec<(i64, String)>) -> String {
    let evidence = Evidence { lines, tasks: Vec::new() };
    let claim = Claim { commit: "c1", place: "prod/app", image: None };
    green(&evidence, claim).unwrap_or_else(|refusal| refusal)
}

#[test]
fn what_proves_what_counts_and_what_does_neither() {
    let (gate, one_off) = ("ecs-migrate/key/k", "ecs-migrate/task/t");
    for (started_by, command, alone, green_after_red, red_after_green) in [
        (gate, "deploy", "b", "b", "ended red"),
        (gate, "start", "b", "b", "ended red"),
        (gate, "exec", "b", "b", "ended red"),
        (gate, "replay", "no run of", "ended red", "a"),
        (gate, "resolve", "no run of", "ended red", "a"),
        (gate, "status", "no run of", "ended red", "a"),
        (gate, "check", "no run of", "ended red", "a"),
        (gate, "unblock", "no run of", "ended red", "a"),
        (one_off, "exec", "no run of", "ended red", "a"),
        (one_off, "resolve", "no run of", "ended red", "a"),
        // Started by hand, a migration is one; whether a command is, nobody says.
        ("", "deploy", "b", "b", "ended red"),
        ("", "exec", "proves nothing", "proves nothing", "proves nothing"),
        // Of tomorrow's commands nothing is known.
        (gate, "rehearse", "proves nothing", "proves nothing", "proves nothing"),
        (gate, "", "proves nothing", "proves nothing", "proves nothing"),
    ] {
        let later = |code| vec![begun((started_by, command), "b", 20, "c1"), ended("b", 20, code)];
        let earlier = |code| vec![started("a", 10, "c1"), ended("a", 10, code)];
        for (lines, expected) in [
            (later(0), alone),
            ([earlier(10), later(0)].concat(), green_after_red),
            ([earlier(0), later(10)].concat(), red_after_green),
        ] {
            let said = answer(lines);
            let holds =
                if expected.len() == 1 { said == expected } else { said.contains(expected) };
            assert!(holds, "{started_by} {command}: {said:?}, not {expected:?}");
        }
    }
}

#[test]
fn only_the_newest_run_counts_and_only_for_its_commit() {
    let good = || vec![started("a", 10, "c1"), ended("a", 10, 0)];
    let with = |more: Vec<(i64, String)>| [good(), more].concat();
    for (lines, tasks, expected) in [
        (good(), vec![], "a"),
        (good(), vec![task("a", 9, Some(true))], "a"),
        // The lines come in any order.
        (good().into_iter().rev().collect(), vec![], "a"),
        // A look is no run of the gate.
        (
            with(vec![of_command("status", "s", 20, "c9"), ended("s", 20, 1)]),
            vec![task("s", 19, Some(false))],
            "a",
        ),
        // Run again after a red attempt of the same key.
        (with(vec![started("a", 2, "c1"), ended("a", 2, 10)]), vec![], "a"),
        (vec![], vec![], "no run of prod/app is on record"),
        (with(vec![started("b", 20, "c1"), ended("b", 20, 10)]), vec![], "ended red, exit code 10"),
        (with(vec![started("b", 20, "c2"), ended("b", 20, 0)]), vec![], "for commit c2, not c1"),
        (with(vec![started("b", 20, "")]), vec![], "does not say which commit"),
        (with(vec![started("a", 20, "c1")]), vec![], "has not said its last word"),
        // What follows the rollout proves nothing by itself, hides no proof, and red it revokes one.
        (vec![behind("k", 20, "c1"), ended("k", 20, 0)], vec![], "no run of prod/app is on record"),
        (
            with(vec![behind("k", 20, "c1"), ended("k", 20, 0)]),
            vec![task("k", 19, Some(true))],
            "a",
        ),
        (with(vec![behind("k", 20, "c1"), ended("k", 20, 11)]), vec![], "ended red, exit code 11"),
        (with(vec![behind("k", 20, "c1")]), vec![], "has not said its last word"),
        (good(), vec![task("a", 9, Some(false))], "ECS says otherwise"),
        (good(), vec![task("b", 20, Some(false))], "left no record in the log: task-20"),
        (good(), vec![task("b", 20, None)], "a migration is in progress: task-20"),
        (vec![(1, "run_finished run_started".to_owned())], vec![], "is on record"),
    ] {
        let evidence = Evidence { lines: lines.clone(), tasks };
        let found = green(&evidence, Claim { commit: "c1", place: "prod/app", image: None });
        let text = found.unwrap_or_else(|refusal| refusal);
        assert!(text.contains(expected), "{text:?} for {evidence:?}");
    }
    let elsewhere = Evidence { lines: good(), tasks: Vec::new() };
    assert!(green(&elsewhere, Claim { commit: "c1", place: "staging/app", image: None }).is_err());
}

#[test]
fn the_image_that_ran_is_the_one_that_was_built() {
    let built = "1.dkr.ecr.eu-west-1.amazonaws.com/app@sha256:aa";
    let of = |image: &str| {
        let origin = Origin {
            started_by: "ecs-migrate/key/k".to_owned(),
            commit: "c1".to_owned(),
            place: "prod/app".to_owned(),
            image: image.to_owned(),
            ..Origin::default()
        };
        let command = RunnerCommand::named("deploy").unwrap_or_default();
        let started = RunStarted { command, origin, ..RunStarted::default() };
        (10, EventLine::new("a", "p10", 1, Event::RunStarted(started)).encode())
    };
    let asked = |recorded: &str, remembered: &str, built: Option<&str>| {
        let lines = vec![of(recorded), ended("a", 10, 0)];
        let tasks = vec![TaskRecord { image: remembered.to_owned(), ..task("a", 9, Some(true)) }];
        let claim = Claim { commit: "c1", place: "prod/app", image: built };
        green(&Evidence { lines, tasks }, claim).unwrap_or_else(|refusal| refusal)
    };
    let old = "1.dkr.ecr.eu-west-1.amazonaws.com/app@sha256:bb";
    let replica = "2.dkr.ecr.eu-west-3.amazonaws.com/app@sha256:aa";
    for (recorded, remembered, built, expected) in [
        (built, "", Some(built), "a"),
        (replica, "", Some(built), "a"),
        ("app:1", "", Some("app:1"), "a"),
        // An older runner does not say it; ECS does, as long as it remembers.
        ("", built, Some(built), "a"),
        (old, "", Some(built), "was of image"),
        (old, built, Some(built), "was of image"),
        ("", old, Some(built), "was of image"),
        ("app:1", "", Some(built), "was of image"),
        ("", "", Some(built), "does not say which image"),
        (old, "", None, "a"),
    ] {
        let said = asked(recorded, remembered, built);
        let holds = if expected.len() == 1 { said == expected } else { said.contains(expected) };
        assert!(holds, "{recorded}, {remembered}, {built:?}: {said}");
    }
}
