//! Owns the sentence of each ending and the fix that needs no further cause. PURE.

use super::asked::Mismatch;
use super::intent::Resistance;
use super::verdict::{Doubt, Ground, StopProof, Verdict, Workload};
use crate::aws::AwsError;
use crate::words;
use protocol::event::{Outcome, RunFinished};
use protocol::{DatabaseState, ExitCode, RunnerCommand};
use std::time::Duration;

/// What happened, in a sentence.
pub(super) fn sentence(
    verdict: &Verdict,
    finished: Option<&RunFinished>,
    lost: Option<&AwsError>,
) -> String {
    match verdict {
        Verdict::Green(ground) => green(*ground, finished),
        Verdict::Failed { code } => failed(*code, finished),
        Verdict::NeverStarted => "the task never started".to_owned(),
        Verdict::TimedOut(proof) => format!("timed out: {}", stopped(*proof)),
        Verdict::Cancelled(proof) => format!("cancelled: {}", stopped(*proof)),
        Verdict::Detached => "detached: the task goes on".to_owned(),
        Verdict::NotStopped(why) => {
            let why = match (why, lost) {
                (Resistance::NotHeard, Some(error)) => error.to_string(),
                (Resistance::NotHeard, None) => "StopTask was not answered".to_owned(),
                (Resistance::NotCarriedOut, _) => {
                    "ECS accepted the stop, and no end was seen".to_owned()
                }
            };
            format!("the task could not be stopped and goes on: {why}")
        }
        Verdict::Unknown(doubt) => unknown(doubt),
        Verdict::WatchLost => match lost {
            Some(error) => {
                format!("the watch is lost, the migration may still be running: {error}")
            }
            None => "the watch is lost, the migration may still be running".to_owned(),
        },
    }
}

fn green(ground: Ground, finished: Option<&RunFinished>) -> String {
    match (ground, finished) {
        (Ground::LastWord, Some(finished)) => match finished.outcome {
            Outcome::Applied => format!(
                "{} applied in {}",
                words::count(finished.applied, "migration"),
                words::duration(Duration::from_millis(finished.duration_ms))
            ),
            Outcome::NothingToDo if finished.after_deploy > 0 => format!(
                "nothing to do now: {} for the rollout",
                match finished.after_deploy {
                    1 => "1 migration waits".to_owned(),
                    count => format!("{count} migrations wait"),
                }
            ),
            Outcome::NothingToDo => "nothing to do: the schema is up to date".to_owned(),
            Outcome::Done | Outcome::Unknown | Outcome::Failed | Outcome::Interrupted => {
                "done".to_owned()
            }
        },
        (Ground::Record, _) => {
            "this run was finished and green before: its log says so, ECS has forgotten the task"
                .to_owned()
        }
        (Ground::LastWord, None) | (Ground::ExitCode, _) => "the command succeeded".to_owned(),
        (Ground::UnreadLog, _) => {
            "exit code 0; the runner's last word could not be read".to_owned()
        }
    }
}

fn failed(code: i32, finished: Option<&RunFinished>) -> String {
    if let Some(failure) = finished.and_then(|finished| finished.failure.as_ref()) {
        return match &failure.migration {
            Some(migration) => format!("migration `{migration}` failed: {}", failure.message),
            None => failure.message.clone(),
        };
    }
    match (finished, ExitCode::from_code(i64::from(code))) {
        (Some(_), Some(known)) => format!("{} (exit code {code})", known.meaning()),
        _ => format!("the container failed with exit code {code}"),
    }
}

fn stopped(proof: StopProof) -> &'static str {
    match proof {
        StopProof::Reported(DatabaseState::Unchanged) => "the task was stopped, rollback proved",
        StopProof::Reported(DatabaseState::Changed) => {
            "the task was stopped, whole migrations are applied"
        }
        StopProof::Reported(DatabaseState::PartWay) => {
            "the task was stopped, a migration is part-way and the next run resumes it"
        }
        StopProof::Reported(DatabaseState::NeedsAttention) => {
            "the task was stopped, a migration is part-way and needs a person"
        }
        StopProof::Reported(DatabaseState::Unknown) | StopProof::Ended => {
            "the task was stopped, nothing proves what the database is left with"
        }
        StopProof::NothingRan => "the task was stopped before anything ran",
        StopProof::NotSeen => "stop requested, not yet proved",
    }
}

fn unknown(doubt: &Doubt) -> String {
    match doubt {
        Doubt::Forgotten => {
            "outcome unknown: ECS does not know the task; it may still be running, or ended over an hour ago"
                .to_owned()
        }
        Doubt::NoExitCode => {
            "outcome unknown: the container ran, but ECS recorded no exit code".to_owned()
        }
        Doubt::StoppedFromOutside(code) => {
            format!("stopped from outside ({}): its exit code proves nothing", code.name())
        }
        Doubt::NoKnownStopCode(Some(code)) => {
            format!("outcome unknown: stop code {code} is not known to this version")
        }
        Doubt::NoKnownStopCode(None) => {
            "outcome unknown: exit code 0, but ECS gives no stop code".to_owned()
        }
        Doubt::NotTheContainersEnd(code) => {
            format!("outcome unknown: exit code 0, but the task ended otherwise ({})", code.name())
        }
        Doubt::NoLastWord => {
            "outcome unknown: exit code 0, but the runner's last word never came".to_owned()
        }
        Doubt::NoWordOfThisRun => {
            "outcome unknown: exit code 0, and the runner's lines are of another run".to_owned()
        }
        Doubt::NotWhatWasAsked(mismatch) => mismatched(*mismatch),
        Doubt::LastWordDisagrees => {
            "outcome unknown: exit code 0, but the runner's last word says otherwise".to_owned()
        }
        Doubt::StillRunning => "outcome unknown: the task has not ended".to_owned(),
    }
}

fn mismatched(mismatch: Mismatch) -> String {
    match mismatch {
        Mismatch::Instead { ran: RunnerCommand::Unknown, of } => {
            format!("not what was asked: the runner does not say that it ran `{of}`")
        }
        Mismatch::Instead { ran, of: RunnerCommand::Unknown } => {
            format!("not what was asked: `{ran}` ran and ended well, in a task of its own")
        }
        Mismatch::Instead { ran, of } => {
            format!("not what was asked: `{ran}` ran and ended well, instead of `{of}`")
        }
        Mismatch::MigratesNothing(ran) => {
            format!("no migration was run: `{ran}` ran and ended well, and applies none")
        }
        Mismatch::OnlyBehind => {
            "not what a service waits for: only what waits for a rollout was applied".to_owned()
        }
    }
}

/// The fix where we lost hold of a task that may go on: what passes by itself needs none, and running
/// again would be another task.
pub(super) fn fix_of_watch(verdict: &Verdict, lost: Option<&AwsError>) -> Option<String> {
    let then = match verdict {
        Verdict::WatchLost => "follow it with the command below",
        Verdict::NotStopped(Resistance::NotHeard) => {
            "stop it with `ecs-migrate cancel`, or follow it with the command below"
        }
        Verdict::NotStopped(Resistance::NotCarriedOut)
        | Verdict::Green(_)
        | Verdict::Failed { .. }
        | Verdict::NeverStarted
        | Verdict::TimedOut(_)
        | Verdict::Cancelled(_)
        | Verdict::Detached
        | Verdict::Unknown(_) => return None,
    };
    lost?.lasting_hint().map(|hint| format!("{hint}; then {then}"))
}

/// The fix when neither the runner nor the catalogue has one.
pub(super) fn fix(verdict: &Verdict, workload: Workload) -> Option<&'static str> {
    match verdict {
        Verdict::Green(_) => None,
        Verdict::Failed { code } => match ExitCode::from_code(i64::from(*code)) {
            Some(known) if workload == Workload::Runner => Some(known.advice()),
            Some(_) | None => Some("its own last lines are all that is known of the cause"),
        },
        Verdict::NeverStarted => Some("the evidence names what AWS says; correct it and run again"),
        Verdict::NotStopped(_) => {
            Some("stop it by another way, or follow it to its end with the command below")
        }
        Verdict::TimedOut(StopProof::NothingRan) => {
            Some("find out why it did not start, or raise --capacity-timeout")
        }
        Verdict::TimedOut(_) => Some("find out what it was waiting for, or raise --timeout"),
        Verdict::Cancelled(StopProof::NotSeen) | Verdict::Detached => {
            Some("follow it to its end with the command below")
        }
        Verdict::Cancelled(StopProof::Reported(_) | StopProof::NothingRan) => {
            Some("run again when ready")
        }
        Verdict::Unknown(Doubt::NoWordOfThisRun) => Some(
            "let what starts the runner pass ECS_MIGRATE_RUN on: `env -i`, `su -` and the like drop it",
        ),
        Verdict::Unknown(Doubt::NotWhatWasAsked(Mismatch::MigratesNothing(_))) => Some(
            "let the container run `deploy`, `start` or `exec`: its `command` in the definition, or the words behind `--`",
        ),
        Verdict::Unknown(Doubt::NotWhatWasAsked(Mismatch::OnlyBehind)) => {
            Some("leave the phase to `release`, which applies what waits behind the rollout")
        }
        Verdict::Unknown(Doubt::NotWhatWasAsked(Mismatch::Instead { .. })) => Some(
            "the image's runner is older than this ecs-migrate, or something starts it without ECS_MIGRATE_COMMAND; put the newest one into the image",
        ),
        Verdict::Cancelled(StopProof::Ended) | Verdict::Unknown(_) => {
            Some("look at the migration history in the database before running again")
        }
        Verdict::WatchLost => {
            Some("get working credentials, then follow it with the command below")
        }
    }
}
