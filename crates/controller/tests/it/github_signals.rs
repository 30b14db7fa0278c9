//! What GitHub Actions does to a step that is cancelled: SIGINT to the step's shell, SIGTERM 7.5 s
//! later, and 2.5 s after that SIGKILL to the whole tree of processes (actions/runner,
//! ProcessInvoker). `act` sends none of it.

use crate::shown::schema;
use crate::support::place::Place;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// From SIGINT to SIGTERM.
const UNTIL_TERMINATE: Duration = Duration::from_millis(7500);

/// From SIGTERM to SIGKILL.
const UNTIL_KILL: Duration = Duration::from_millis(2500);

/// A migration that rolls back when it is asked to stop.
const ROLLS_BACK: &str =
    "trap 'echo rolled back; exit 30' TERM; echo working; while :; do sleep 0.05; done";

/// The last thing that GitHub had to do to get rid of the step.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Needed {
    Interrupt,
    Terminate,
    Kill,
}

/// How a cancelled step ended.
struct Cancelled {
    needed: Needed,
    code: Option<i32>,
    out: String,
}

/// Runs the command line in a step, cancels it as GitHub does once the migration works.
async fn cancelled(place: &Place, more: &[&str], (before, after): (&str, &str)) -> Cancelled {
    let invocation = place.run(more).with("GITHUB_RUN_ID", "77");
    let mut step = invocation.start_in_step(before, after);
    let group = step.id().unwrap().to_string();
    let mut stdout = BufReader::new(step.stdout.take().unwrap());
    let mut out = String::new();
    while !out.lines().last().is_some_and(|line| line.contains("working")) {
        assert_ne!(stdout.read_line(&mut out).await.unwrap(), 0, "ended early: {out}");
    }
    let (needed, code) = end(&mut step, &group).await;
    stdout.read_to_string(&mut out).await.unwrap();
    // A step that was killed could not write its last word.
    if let (Needed::Interrupt, Some(code)) = (needed, code) {
        schema::keeps(more, &out, code);
    }
    Cancelled { needed, code, out }
}

async fn end(step: &mut Child, group: &str) -> (Needed, Option<i32>) {
    let mut needed = Needed::Kill;
    kill("-INT", group).await;
    if timeout(UNTIL_TERMINATE, step.wait()).await.is_ok() {
        needed = Needed::Interrupt;
    } else {
        kill("-TERM", group).await;
        if timeout(UNTIL_KILL, step.wait()).await.is_ok() {
            needed = Needed::Terminate;
        }
    }
    if needed != Needed::Interrupt {
        kill("-KILL", &format!("-{group}")).await;
    }
    (needed, step.wait().await.unwrap().code())
}

async fn kill(signal: &str, process: &str) {
    let status = Command::new("kill").args([signal, "--", process]).status().await;
    assert!(status.unwrap().success(), "{signal} {process}");
}

#[tokio::test]
async fn a_cancelled_step_ends_its_objects_with_the_result() {
    let place = Place::running(ROLLS_BACK).await;
    let step = cancelled(&place, &["--output", "json"], ("exec", "")).await;
    assert_eq!((step.needed, step.code), (Needed::Interrupt, Some(83)), "{}", step.out);
}

#[tokio::test]
async fn with_exec_the_first_signal_is_enough_and_the_rollback_is_proved() {
    let place = Place::running(ROLLS_BACK).await;
    let step = cancelled(&place, &[], ("exec", "")).await;
    assert_eq!((step.needed, step.code), (Needed::Interrupt, Some(83)), "{}", step.out);
    assert!(step.out.contains("NOT GREEN: cancelled: the task was stopped"), "{}", step.out);
    assert_eq!(place.parameters("StopTask", "reason"), ["ecs-migrate: cancelled by SIGINT"]);
}

#[tokio::test]
async fn with_exec_a_migration_that_does_not_end_is_said_to_be_unproved_in_time() {
    let place = Place::running("trap '' TERM; echo working; while :; do sleep 0.05; done").await;
    let step = cancelled(&place, &[], ("exec", "")).await;
    assert_eq!((step.needed, step.code), (Needed::Interrupt, Some(83)), "{}", step.out);
    assert!(step.out.contains("stop requested, not yet proved"), "{}", step.out);
    assert!(step.out.contains("ecs-migrate attach --region eu-west-1 arn:"), "{}", step.out);
    assert_eq!(place.calls("StopTask"), 1);
}

#[tokio::test]
async fn with_exec_and_detach_the_task_goes_on() {
    let place = Place::running("echo working; while [ ! -e told ]; do sleep 0.05; done").await;
    let step = cancelled(&place, &["--on-cancel", "detach"], ("exec", "")).await;
    assert_eq!((step.needed, step.code), (Needed::Interrupt, Some(84)), "{}", step.out);
    assert_eq!(place.calls("StopTask"), 0);
    place.tell();
    let task = place.sandbox.tasks()[0].arn.clone();
    let ended = place.invoke(&["attach", &task]).run().await;
    assert_eq!(ended.code, 0, "{}", ended.everything());
}

/// Without `exec` the shell waits for its child and passes no signal on: the controller is killed
/// unheard, and the `if: cancelled()` step does the work.
#[tokio::test]
async fn without_exec_the_controller_is_killed_and_cancel_finds_the_task() {
    let place = Place::running(ROLLS_BACK).await;
    let step = cancelled(&place, &[], ("", "; echo unreachable")).await;
    assert_ne!(step.needed, Needed::Interrupt, "{}", step.out);
    assert_eq!(place.calls("StopTask"), 0);
    for _ in 0..2 {
        let ended = place.invoke(&["cancel"]).with("GITHUB_RUN_ID", "77").run().await;
        assert_eq!(ended.code, 0, "{}", ended.everything());
    }
    assert_eq!(place.calls("StopTask"), 1);
    assert!(place.sandbox.tasks().iter().all(|task| task.exit_codes == [Some(30)]));
}
