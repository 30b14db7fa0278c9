use super::*;
use protocol::event::{Event, Origin, Outcome, RunFinished, RunStarted};
use protocol::line::EventLine;

/// A run of the tests: its task, its token and its process bear one name.
#[derive(Clone)]
struct Told {
    name: &'static str,
    started_by: &'static str,
    command: &'static str,
    commit: &'static str,
    environment: &'static str,
    identity: &'static str,
    image: &'static str,
    from: i64,
    to: i64,
    /// None while it has not said its last word.
    code: Option<u8>,
}

const GATE: &str = "ecs-migrate/github/77";
const ONE_OFF: &str = "ecs-migrate/task/t";

/// A green run of the gate for `c1`.
fn run(name: &'static str, from: i64, to: i64) -> Told {
    let (environment, identity, image) = ("", "", "");
    let (started_by, command, commit, code) = (GATE, "deploy", "c1", Some(0));
    Told { name, started_by, command, commit, environment, identity, image, from, to, code }
}

impl Told {
    fn red(self, code: u8) -> Self {
        Self { code: Some(code), ..self }
    }

    fn open(self) -> Self {
        Self { code: None, ..self }
    }

    fn of(self, commit: &'static str) -> Self {
        Self { commit, ..self }
    }

    /// `aws ecs run-task`: no place, no commit, no `startedBy` of ours.
    fn by_hand(self, command: &'static str) -> Self {
        Self { started_by: "", commit: "", command, ..self }
    }

    fn one_off(self, command: &'static str) -> Self {
        Self { started_by: ONE_OFF, command, ..self }
    }

    fn command(self, command: &'static str) -> Self {
        Self { command, ..self }
    }

    fn environment(self, environment: &'static str) -> Self {
        Self { environment, ..self }
    }

    fn met(self, identity: &'static str) -> Self {
        Self { identity, ..self }
    }

    fn lines(&self) -> Vec<LoggedLine> {
        let line = |at, seq, event| LoggedLine {
            at,
            task: self.name.to_owned(),
            text: EventLine::new(self.name, "p", seq, event).encode(),
        };
        let place = if self.started_by.is_empty() { "" } else { "prod/app" };
        let origin = Origin {
            started_by: self.started_by.to_owned(),
            commit: self.commit.to_owned(),
            place: place.to_owned(),
            environment: self.environment.to_owned(),
            image: self.image.to_owned(),
            ..Origin::default()
        };
        let command = RunnerCommand::named(self.command).unwrap_or_default();
        let started = RunStarted { command, origin, ..RunStarted::default() };
        let mut lines = vec![line(self.from, 1, Event::RunStarted(started))];
        if let Some(exit_code) = self.code {
            let outcome = if exit_code == 0 { Outcome::Applied } else { Outcome::Failed };
            let finished = RunFinished {
                outcome,
                exit_code,
                identity: self.identity.to_owned(),
                ..RunFinished::default()
            };
            lines.push(line(self.to, 2, Event::RunFinished(finished)));
        } else if self.to > self.from {
            lines.push(LoggedLine {
                at: self.to,
                task: self.name.to_owned(),
                text: "x".to_owned(),
            });
        }
        lines
    }
}

/// What ECS says of a task.
fn task(name: &str, created_at: i64, good_end: Option<bool>) -> TaskRecord {
    let stopped_at = good_end.map(|_| created_at + 3);
    TaskRecord { task: name.to_owned(), created_at, stopped_at, good_end, ..TaskRecord::default() }
}

const CLAIM: Claim<'static> =
    Claim { commit: "c1", place: "prod/app", environment: "", image: None };

fn evidence(runs: &[Told], tasks: &[TaskRecord]) -> Evidence {
    // The lines come in any order.
    let lines = runs.iter().rev().flat_map(Told::lines).rev().collect();
    Evidence { lines, unread: false, tasks: Some(tasks.to_vec()) }
}

/// The run that proves it, or what is refused.
fn answer(claim: Claim<'_>, evidence: &Evidence) -> String {
    match green(evidence, claim) {
        Ok(proof) => proof.run,
        Err(refusal) => {
            assert!(!refusal.hint().is_empty());
            refusal.to_string()
        }
    }
}

fn assert_says(claim: Claim<'_>, evidence: &Evidence, expected: &str) {
    let said = answer(claim, evidence);
    let holds = if expected.len() == 1 { said == expected } else { said.contains(expected) };
    assert!(holds, "{said:?}, not {expected:?}, for {evidence:?}");
}

#[test]
fn what_proves_what_counts_and_what_does_neither() {
    for (started_by, command, alone, green_after_red, red_after_green) in [
        (GATE, "deploy", "b", "b", "ended red"),
        (GATE, "start", "b", "b", "ended red"),
        (GATE, "exec", "b", "b", "ended red"),
        (GATE, "replay", "no run of", "ended red", "a"),
        (GATE, "resolve", "no run of", "ended red", "a"),
        (GATE, "status", "no run of", "ended red", "a"),
        (GATE, "check", "no run of", "ended red", "a"),
        (GATE, "unblock", "no run of", "ended red", "a"),
        (ONE_OFF, "exec", "no run of", "ended red", "a"),
        (ONE_OFF, "resolve", "no run of", "ended red", "a"),
        // Whether a command that was started by hand migrates, nobody says.
        ("", "exec", "proves nothing", "proves nothing", "proves nothing"),
        // Of tomorrow's commands nothing is known.
        (GATE, "rehearse", "proves nothing", "proves nothing", "proves nothing"),
    ] {
        let later = |code| Told { started_by, command, ..run("b", 20, 25) }.red(code);
        let earlier = |code| run("a", 10, 15).red(code);
        for (runs, expected) in [
            (vec![later(0)], alone),
            (vec![earlier(10), later(0)], green_after_red),
            (vec![earlier(0), later(10)], red_after_green),
        ] {
            assert_says(CLAIM, &evidence(&runs, &[]), expected);
        }
    }
}

/// Its last lines may still be on their way to the log when ECS has it for ended.
#[test]
fn what_ecs_saw_end_later_counts_as_later() {
    for (stopped_at, expected) in [(9, "a"), (16, "does not say which commit")] {
        let ended = TaskRecord { stopped_at: Some(stopped_at), ..task("b", 1, Some(false)) };
        let runs = [run("b", 2, 3).by_hand("deploy").open(), run("a", 10, 15)];
        let tasks = [task("a", 9, Some(true)), ended];
        assert_says(CLAIM, &evidence(&runs, &tasks), expected);
    }
}

#[test]
fn only_the_newest_run_counts_and_only_for_its_commit() {
    let a = || run("a", 10, 15);
    let with = |more: Told| vec![a(), more];
    for (runs, tasks, expected) in [
        (vec![a()], vec![], "a"),
        (vec![a()], vec![task("a", 9, Some(true))], "a"),
        // Run again after a red attempt.
        (with(run("b", 2, 7).red(10)), vec![], "a"),
        (vec![], vec![], "no run of prod/app is on record"),
        (with(run("b", 20, 25).red(10)), vec![], "ended red, exit code 10"),
        (with(run("b", 20, 25).of("c2")), vec![], "for commit c2, not c1"),
        (with(run("b", 20, 25).of("")), vec![], "does not say which commit"),
        (with(run("b", 20, 20).open()), vec![], "has not said its last word"),
        (vec![a()], vec![task("a", 9, Some(false))], "ECS says otherwise"),
        (vec![a()], vec![task("b", 20, Some(false))], "left no record in the log: b"),
        (vec![a()], vec![task("b", 20, None)], "a migration is in progress: b"),
        // It began before the proof and ended after its beginning, without a word.
        (vec![a()], vec![task("b", 8, Some(false))], "left no record in the log: b"),
        (vec![a()], vec![task("b", 2, Some(false))], "a"),
    ] {
        assert_says(CLAIM, &evidence(&runs, &tasks), expected);
    }
    let elsewhere = Claim { place: "staging/app", ..CLAIM };
    assert_says(elsewhere, &evidence(&[a()], &[]), "no run of staging/app");
    let noise = LoggedLine { at: 1, task: "a".to_owned(), text: "run_finished".to_owned() };
    let noise = Evidence { lines: vec![noise], ..Evidence::default() };
    assert_says(CLAIM, &noise, "no run of prod/app is on record");
}

/// What runs in the family's own stream without our mark revokes or blocks.
#[test]
fn what_was_started_by_hand_revokes_or_blocks() {
    let a = || run("a", 10, 15);
    let going = |name: &str| vec![task(name, 16, None)];
    for (other, tasks, expected) in [
        (run("b", 20, 25).by_hand("deploy").red(10), vec![], "does not say which commit"),
        (run("b", 20, 25).by_hand("deploy"), vec![], "does not say which commit"),
        (run("b", 20, 25).by_hand("exec"), vec![], "proves nothing"),
        (run("b", 2, 7).by_hand("deploy").red(10), vec![], "a"),
        (run("b", 2, 7).by_hand("exec"), vec![], "a"),
        (run("b", 20, 20).by_hand("exec").open(), going("b"), "a migration is in progress: b"),
        (run("b", 20, 20).one_off("exec").open(), going("b"), "a migration is in progress: b"),
        (run("b", 20, 20).one_off("resolve").open(), going("b"), "a migration is in progress: b"),
        (run("b", 20, 20).one_off("status").open(), going("b"), "a"),
        (run("b", 20, 20).by_hand("check").open(), going("b"), "a"),
        // It waited for the lock while the proof was made, and went on after it.
        (run("b", 5, 30).by_hand("deploy").red(11), vec![], "does not say which commit"),
        (run("b", 5, 30).red(11), vec![], "ended red, exit code 11"),
        (run("b", 5, 12).red(11), vec![], "ended red, exit code 11"),
        (run("b", 5, 30).open(), vec![], "has not said its last word"),
        (run("b", 5, 9).open(), vec![], "a"),
        // Once it has become the application it is in nobody's way.
        (run("b", 2, 7).command("start"), going("b"), "a"),
        (run("b", 2, 7), going("b"), "a migration is in progress: b"),
    ] {
        assert_says(CLAIM, &evidence(&[a(), other], &tasks), expected);
    }
    // What RunTask asked is known before there is a line.
    for (asked, expected) in [
        (Some(RunnerCommand::Status), "a"),
        (Some(RunnerCommand::Exec), "in progress"),
        (None, "in progress"),
    ] {
        let tasks = [TaskRecord { asked, ..task("b", 20, None) }];
        assert_says(CLAIM, &evidence(&[a()], &tasks), expected);
    }
    // Where ECS may not be asked, an open command of somebody's may still go on.
    let open = [a(), run("b", 20, 21).one_off("exec").open()];
    let unasked = Evidence { tasks: None, ..evidence(&open, &[]) };
    assert_says(CLAIM, &unasked, "a migration is in progress: b");
    assert_says(CLAIM, &evidence(&open, &[]), "a");
}

#[test]
fn what_was_not_read_proves_nothing() {
    let part = Evidence { unread: true, ..evidence(&[run("a", 10, 15)], &[]) };
    assert_says(CLAIM, &part, "too large to be read to its end");
    let named = Claim { environment: "production", ..CLAIM };
    let a = || run("a", 10, 15).environment("production");
    assert!(evidence(&[a()], &[]).is_enough(named));
    assert!(!evidence(&[a()], &[]).is_enough(CLAIM), "there may be another environment");
    assert!(!evidence(&[run("a", 1, 5).environment("staging")], &[]).is_enough(named));
    // Another run's end, of which the beginning is older than what was read.
    let mut cut = evidence(&[a(), run("b", 5, 30)], &[]);
    cut.lines.retain(|line| line.at != 5);
    assert!(!cut.is_enough(named));
    let unfinished = evidence(&[a(), run("b", 5, 9).open()], &[]).unfinished();
    assert_eq!(unfinished, ["b"]);
}

#[test]
fn environments_and_databases_do_not_prove_each_other() {
    let (production, staging) = ("production", "staging");
    let named = Claim { environment: production, ..CLAIM };
    let a = || run("a", 10, 15).environment(production).met("7/1/5");
    for (claim, runs, expected) in [
        (named, vec![a()], "a"),
        (named, vec![run("b", 20, 25).environment(staging)], "no run of"),
        (named, vec![a(), run("b", 20, 25).environment(staging).red(10)], "a"),
        (named, vec![run("b", 20, 25)], "does not say which environment"),
        (named, vec![a(), run("b", 20, 25).red(10)], "ended red"),
        (CLAIM, vec![a()], "a"),
        (CLAIM, vec![a(), run("b", 20, 25).environment(staging)], "(production, staging)"),
        (
            CLAIM,
            vec![run("a", 1, 2).met("7/1/5"), run("b", 20, 25).met("8/1/5")],
            "several databases",
        ),
        (CLAIM, vec![run("a", 1, 2).met("7/1/5"), run("b", 20, 25).met("7/2/5")], "b"),
        // Restored, and somebody looked.
        (named, vec![a(), run("s", 20, 25).one_off("status").met("7/2/5")], "restored or replaced"),
        (named, vec![a(), run("s", 20, 25).one_off("status").met("7/1/5")], "a"),
        (named, vec![a(), run("s", 20, 25).one_off("status")], "a"),
        (
            named,
            vec![a(), run("s", 20, 25).one_off("status").met("9/1/5").environment(staging)],
            "a",
        ),
        (named, vec![a(), run("b", 20, 25).environment(production).met("9/1/5")], "b"),
    ] {
        assert_says(claim, &evidence(&runs, &[]), expected);
    }
    // Another environment's task is in nobody's way.
    let going = TaskRecord { environment: staging.to_owned(), ..task("b", 20, None) };
    assert_says(named, &evidence(&[a()], &[going]), "a");
}

#[test]
fn the_image_that_ran_is_the_one_that_was_built() {
    let built = "1.dkr.ecr.eu-west-1.amazonaws.com/app@sha256:aa";
    let old = "1.dkr.ecr.eu-west-1.amazonaws.com/app@sha256:bb";
    let replica = "2.dkr.ecr.eu-west-3.amazonaws.com/app@sha256:aa";
    for (recorded, remembered, wanted, expected) in [
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
        let ran = Told { image: recorded, ..run("a", 10, 15) };
        let tasks = [TaskRecord { image: remembered.to_owned(), ..task("a", 9, Some(true)) }];
        assert_says(Claim { image: wanted, ..CLAIM }, &evidence(&[ran], &tasks), expected);
    }
}

/// What follows the rollout proves nothing by itself, hides no proof, and red it revokes one.
#[test]
fn what_follows_a_rollout_is_no_proof() {
    let behind = |told: Told| -> Vec<LoggedLine> {
        let said = ("\"command\":\"deploy\"", "\"command\":\"deploy\",\"standing\":\"behind\"");
        let lines = told.lines().into_iter();
        lines
            .map(|line| LoggedLine { text: line.text.replacen(said.0, said.1, 1), ..line })
            .collect()
    };
    for (before, told, expected) in [
        (vec![], run("k", 20, 25), "no run of prod/app is on record"),
        (vec![run("a", 10, 15)], run("k", 20, 25), "a"),
        (vec![run("a", 10, 15)], run("k", 20, 25).red(11), "ended red, exit code 11"),
        (vec![run("a", 10, 15)], run("k", 20, 20).open(), "has not said its last word"),
    ] {
        let mut evidence = evidence(&before, &[]);
        evidence.lines.extend(behind(told));
        assert_says(CLAIM, &evidence, expected);
    }
}
