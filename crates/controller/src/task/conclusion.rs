//! Owns everything that an ending says: the sentence, the evidence, cause and fix, what it means
//! for the database, the last lines, and how to see the rest.

use super::arn::TaskArn;
use super::database::DatabaseMeaning;
use super::diagnosis::{self, Finding, Heard};
use super::ending;
use super::evidence;
use super::session::Plan;
use super::snapshot::TaskSnapshot;
use super::tails::Tail;
use super::timeline::Timeline;
use super::transcript::Looked;
use super::verdict::{Doubt, LogState, StopProof, Verdict, Workload};
use crate::aws::AwsError;
use protocol::event::RunFinished;
use protocol::{ExitCode, Failure};
use std::time::Duration;

/// What a session knows at its end.
pub(super) struct Material<'a> {
    pub(super) plan: &'a Plan,
    pub(super) verdict: Verdict,
    pub(super) task: Option<&'a TaskSnapshot>,
    pub(super) lost: Option<&'a AwsError>,
    pub(super) tail: &'a Tail,
    pub(super) log: LogState,
    pub(super) workload: Workload,
    pub(super) duration: Duration,
}

/// An ending, ready to be shown in any form.
#[derive(Debug, Clone)]
pub(crate) struct Conclusion {
    pub(crate) verdict: Verdict,
    /// A stable word: the name of an exit code of ours, or `container_exit`.
    pub(crate) class: String,
    /// What the process ends with.
    pub(crate) exit_code: u8,
    /// What happened.
    pub(crate) sentence: String,
    /// What happened to the migrations, in a word.
    pub(crate) outcome: String,
    pub(crate) applied: Option<u64>,
    /// How many migrations wait for the rollout of the new code.
    pub(crate) after_deploy: u64,
    pub(crate) cause: Option<String>,
    pub(crate) fix: Option<String>,
    pub(crate) retry: bool,
    pub(crate) database: DatabaseMeaning,
    /// How to get back to where the database was, if this ending may have changed it.
    pub(crate) way_back: Option<String>,
    /// Name and text of each piece.
    pub(crate) evidence: Vec<(String, String)>,
    /// What the runner says of the cause.
    pub(crate) failure: Option<Failure>,
    pub(crate) log: LogSummary,
    pub(crate) last_lines: Vec<String>,
    /// What the runner looked at, where that was its work.
    pub(crate) looked: Looked,
    pub(crate) cluster: String,
    pub(crate) definition: String,
    pub(crate) container: String,
    pub(crate) task: TaskArn,
    /// How to follow the task further, where it may go on.
    pub(crate) attach: Option<String>,
    /// The command that explains this run, also days later.
    pub(crate) explain: Option<String>,
    pub(crate) duration: Duration,
    pub(crate) timeline: Timeline,
}

/// What became of the log.
#[derive(Debug, Clone)]
pub(crate) struct LogSummary {
    pub(crate) lines: u64,
    pub(crate) state: LogState,
    /// Numbers of missing lines.
    pub(crate) gaps: Vec<String>,
    /// Command that shows the whole log.
    pub(crate) command: Option<String>,
    /// The log in the AWS console.
    pub(crate) url: Option<String>,
}

impl Conclusion {
    pub(super) fn of(material: Material<'_>) -> Self {
        let Material { plan, verdict, task, lost, tail, log, workload, duration } = material;
        let finished = tail.transcript.finished();
        let last_lines = tail.transcript.last_lines();
        let heard = match workload {
            Workload::Runner if !finished.is_some_and(|finished| finished.passed_through) => {
                Heard::Runner(&last_lines)
            }
            Workload::Runner | Workload::Plain => Heard::Program(&last_lines),
        };
        let finding = cause(Ended { verdict: &verdict, task, finished, heard }, &plan.container);
        let failure = finished.and_then(|finished| finished.failure.as_ref());
        let fix = failure
            .and_then(|failure| failure.hint.clone())
            .or_else(|| finding.as_ref().map(|finding| finding.hint.clone()))
            .or_else(|| ending::fix_of_watch(&verdict, lost))
            .or_else(|| ending::fix(&verdict, workload).map(str::to_owned));
        let in_flight = task.is_none_or(|task| !task.decides(&plan.container));
        let may_go_on = match verdict {
            Verdict::Detached
            | Verdict::NotStopped(_)
            | Verdict::WatchLost
            | Verdict::Cancelled(StopProof::NotSeen)
            | Verdict::TimedOut(StopProof::NotSeen) => true,
            // ECS lost sight of a task that had not ended when it was last seen, or was never seen.
            Verdict::Unknown(Doubt::Forgotten | Doubt::StillRunning) => in_flight,
            Verdict::Green(_)
            | Verdict::Failed { .. }
            | Verdict::NeverStarted
            | Verdict::Cancelled(_)
            | Verdict::TimedOut(_)
            | Verdict::Unknown(_) => false,
        };
        let attach =
            may_go_on.then(|| format!("ecs-migrate attach --region {} {}", plan.region, plan.task));
        let database = DatabaseMeaning::of(&verdict, finished, finding.as_ref());
        let settles = has_ended(&verdict) && tail.transcript.leaves_a_transaction();
        let database = if settles { database.of_a_transaction() } else { database };
        let is_green = matches!(verdict, Verdict::Green(_));
        let way_back = tail
            .transcript
            .restore_point()
            .filter(|_| !is_green && database.may_have_changed())
            .map(|point| format!("to {}: {}", point.at, point.way_back));
        Self {
            class: class(&verdict, workload, finished),
            exit_code: verdict.exit_code(),
            sentence: ending::sentence(&verdict, finished, lost),
            outcome: outcome(&verdict, finished),
            applied: finished.map(|finished| finished.applied),
            after_deploy: finished.map_or(0, |finished| finished.after_deploy),
            cause: finding.as_ref().map(|finding| finding.sentence.clone()),
            fix,
            retry: finding.as_ref().is_some_and(|finding| finding.retry),
            database,
            way_back,
            evidence: evidence::gather(plan, task, failure),
            failure: failure.cloned(),
            log: LogSummary {
                lines: tail.transcript.lines(),
                state: log,
                gaps: tail.transcript.gaps(),
                command: evidence::log_command(plan, &tail.source),
                url: evidence::log_url(plan, &tail.source),
            },
            last_lines,
            looked: tail.transcript.looked().clone(),
            cluster: plan.cluster.clone(),
            definition: plan.definition.clone(),
            container: plan.container.clone(),
            task: plan.task.clone(),
            attach,
            explain: Some(evidence::command(plan, "explain")),
            duration,
            timeline: Timeline::of(task, &plan.container, tail.transcript.times()),
            verdict,
        }
    }

    /// Whether there is a log to point at: a task that never started wrote none.
    pub(crate) fn log_may_exist(&self) -> bool {
        self.log.command.is_some() && (self.log.lines > 0 || self.verdict != Verdict::NeverStarted)
    }

    /// Whether the gate is open.
    pub(crate) fn is_green(&self) -> bool {
        matches!(self.verdict, Verdict::Green(_))
    }
}

/// Whether the container is known to have ended, however.
fn has_ended(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Failed { .. }
        | Verdict::Cancelled(StopProof::Ended)
        | Verdict::TimedOut(StopProof::Ended)
        | Verdict::Unknown(
            Doubt::NoExitCode | Doubt::StoppedFromOutside(_) | Doubt::NotTheContainersEnd(_),
        ) => true,
        Verdict::Green(_)
        | Verdict::NeverStarted
        | Verdict::TimedOut(_)
        | Verdict::Cancelled(_)
        | Verdict::Detached
        | Verdict::NotStopped(_)
        | Verdict::Unknown(_)
        | Verdict::WatchLost => false,
    }
}

/// What a cause is looked for in.
#[derive(Clone, Copy)]
struct Ended<'a> {
    verdict: &'a Verdict,
    task: Option<&'a TaskSnapshot>,
    finished: Option<&'a RunFinished>,
    heard: Heard<'a>,
}

/// The cause, where the ending needs one. What we did ourselves needs none, and of a runner that
/// said its last word no text says more.
fn cause(ended: Ended<'_>, container: &str) -> Option<Finding> {
    let Ended { verdict, task, finished, heard } = ended;
    match verdict {
        Verdict::Failed { code }
            if finished.is_some_and(|finished| is_own_end(finished, *code)) =>
        {
            None
        }
        Verdict::Failed { .. } | Verdict::NeverStarted | Verdict::Unknown(_) => {
            match (task, verdict) {
                (Some(task), _) => diagnosis::of_task(task, container, heard),
                (None, Verdict::Failed { code }) => diagnosis::of_record(*code, heard),
                (None, _) => None,
            }
        }
        // Killed for memory was a process of the container whose end is not the container's.
        Verdict::Green(_) => task.and_then(|task| diagnosis::of_a_good_end(task, container)),
        Verdict::TimedOut(_)
        | Verdict::Cancelled(_)
        | Verdict::Detached
        | Verdict::NotStopped(_)
        | Verdict::WatchLost => None,
    }
}

/// Whether it is the runner's own end, and not that of a command that it ran.
fn is_own_end(finished: &RunFinished, code: i32) -> bool {
    !finished.passed_through && i32::from(finished.exit_code) == code
}

/// The name of an exit code of ours, as JSON has it.
pub(crate) fn class_name(code: ExitCode) -> String {
    serde_json::to_value(code)
        .ok()
        .and_then(|name| name.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// The stable word of an ending.
pub(super) fn class(
    verdict: &Verdict,
    workload: Workload,
    finished: Option<&RunFinished>,
) -> String {
    let wrapped = finished.is_some_and(|finished| finished.passed_through);
    let runners = match (verdict, workload) {
        (Verdict::Failed { code }, Workload::Runner) if !wrapped => {
            ExitCode::from_code(i64::from(*code))
        }
        _ => None,
    };
    match verdict.class().or(runners) {
        Some(code) => class_name(code),
        None => "container_exit".to_owned(),
    }
}

/// What happened to the migrations, in a word.
pub(super) fn outcome(verdict: &Verdict, finished: Option<&RunFinished>) -> String {
    let said = finished
        .and_then(|finished| serde_json::to_value(finished.outcome).ok())
        .and_then(|outcome| outcome.as_str().map(str::to_owned));
    let ours = match verdict {
        Verdict::Green(_) => "succeeded",
        Verdict::Failed { .. } => "failed",
        Verdict::NeverStarted => "never_started",
        Verdict::TimedOut(_) => "timed_out",
        Verdict::Cancelled(_) => "cancelled",
        Verdict::Detached => "detached",
        Verdict::NotStopped(_) => "not_stopped",
        Verdict::Unknown(_) | Verdict::WatchLost => "unknown",
    };
    match (verdict, said) {
        (
            Verdict::Unknown(_) | Verdict::Detached | Verdict::NotStopped(_) | Verdict::WatchLost,
            _,
        )
        | (_, None) => ours.to_owned(),
        (_, Some(said)) => said,
    }
}
