//! Owns looking from inside the VPC: the runner's `check` as a one-off task, through the gate.

use super::context::Context;
use super::definition::Wanted;
use super::gate::Gate;
use super::known::require_runner;
use super::order::Words;
use super::request::{Order, request};
use super::run::Prepared;
use crate::aws::Aws;
use crate::doctor::{Finding, no, ok, skip};
use crate::error::{Error, Kind};
use crate::settings::{RunKey, RunSettings};
use crate::signal::Signals;
use crate::task::{Asked, Conclusion, Nothing, TaskNetwork, Verdict};
use protocol::{ExitCode, RunnerCommand};

const NAME: &str = "in_vpc";

/// What the task is run with.
pub(super) struct Inside {
    pub(super) aws: Aws,
    pub(super) wanted: Wanted,
    pub(super) network: TaskNetwork,
}

/// What was seen.
pub(super) struct Seen {
    pub(super) findings: Vec<Finding>,
    /// The runner's, where it said it.
    pub(super) version: Option<String>,
}

/// Runs the task and takes its findings. It has no key, so it is never taken for a run of the gate, and
/// nobody waits for it.
pub(super) async fn look(
    command: Vec<String>,
    inside: Inside,
    context: &mut Context<'_>,
) -> Result<Seen, Error> {
    let Inside { aws, wanted, network } = inside;
    let Some(definition) = wanted.existing().cloned() else {
        let unregistered = "no task is run: the definition is not registered yet";
        return Ok(only(with_register(skip(NAME, unregistered))));
    };
    let settings = RunSettings {
        key: RunKey::Task,
        ..RunSettings::resolve(&context.layers, &context.environment)?
    };
    let prepared = Prepared { aws, definition, container: wanted.container.clone(), network };
    if let Err(error) = require_runner(&prepared, RunnerCommand::Check).await {
        let fix = error.hint().unwrap_or_default().to_owned();
        return Ok(only(no(NAME, error.to_string(), fix)));
    }
    let words = Words::Runner(command);
    let asked = Asked::Answer(RunnerCommand::Check);
    let process = &context.environment;
    let (services, environment) = (Vec::new(), Vec::new());
    let order = Order { words, asked, services, environment, process };
    let (identity, request) = request(&settings, &prepared, order);
    let signals = std::mem::replace(&mut context.signals, Signals::OfTheProcess);
    let mut listener = signals.listen().map_err(|cause| {
        Error::new(Kind::Unexpected, "cannot listen to signals").caused_by(cause)
    })?;
    let gate = Gate {
        settings: &settings,
        prepared: &prepared,
        identity: &identity,
        pace: &context.pace,
        asked,
        before: &Nothing,
    };
    context.report.hide_log();
    match gate.follow(request, context.report, &mut listener).await {
        Ok(conclusion) => match conclusion.verdict {
            Verdict::Cancelled(_) | Verdict::Detached => {
                Err(Error::new(Kind::Cancelled, conclusion.sentence))
            }
            Verdict::Green(_)
            | Verdict::Failed { .. }
            | Verdict::NeverStarted
            | Verdict::TimedOut(_)
            | Verdict::NotStopped(_)
            | Verdict::Unknown(_)
            | Verdict::WatchLost => Ok(judge(conclusion)),
        },
        Err(error) if error.class() == ExitCode::Cancelled => Err(error),
        Err(error) => {
            let fix = error.hint().unwrap_or("the text is AWS's own").to_owned();
            Ok(only(no(NAME, error.to_string(), fix)))
        }
    }
}

fn only(finding: Finding) -> Seen {
    Seen { findings: vec![finding], version: None }
}

fn with_register(finding: Finding) -> Finding {
    Finding {
        fix: Some("`ecs-migrate register` registers it; then look again".to_owned()),
        ..finding
    }
}

/// The runner's own findings, after what became of the task.
fn judge(conclusion: Conclusion) -> Seen {
    let looked = conclusion.looked;
    let told = !looked.findings.is_empty();
    let blocked = i32::from(ExitCode::StoppedByCheck.code());
    let complete = match conclusion.verdict {
        Verdict::Green(_) => true,
        Verdict::Failed { code } => code == blocked && told,
        Verdict::NeverStarted
        | Verdict::TimedOut(_)
        | Verdict::Cancelled(_)
        | Verdict::Detached
        | Verdict::NotStopped(_)
        | Verdict::Unknown(_)
        | Verdict::WatchLost => false,
    };
    let task = if told && complete {
        ok(NAME, format!("the task {} looked from inside the VPC", conclusion.task))
    } else if told || !complete {
        let cause = conclusion.cause.map_or(String::new(), |cause| format!(": {cause}"));
        let fix = conclusion.fix.unwrap_or_else(|| "look at the log of the task".to_owned());
        no(
            NAME,
            format!(
                "the task did not look to its end: {}{cause} ({})",
                conclusion.sentence, conclusion.task
            ),
            fix,
        )
    } else {
        no(
            NAME,
            format!("the task {} ended well, but said nothing that is known", conclusion.task),
            "the container must run ecs-migrate-runner, with it as the image's ENTRYPOINT, and its log must be readable",
        )
    };
    let version = Some(looked.version).filter(|version| !version.is_empty());
    Seen { findings: [vec![task], looked.findings].concat(), version }
}
