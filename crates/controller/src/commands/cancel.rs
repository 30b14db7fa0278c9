//! Owns `cancel`.

use super::arguments::{EnvironmentArguments, PlaceArguments};
use super::attach;
use super::context::Context;
use super::on_call;
use crate::aws::{Aws, AwsError, connect};
use crate::cli;
use crate::error::{Error, Kind};
use crate::report::{Event, Report};
use crate::settings::{
    AttachSettings, CancelSettings, EnvironmentName, FamilyChoice, Flags, Key, RunKey, TimeLimit,
};
use crate::task::{
    Beginning, Conclusion, Expectation, OnCancel, StopProof, TaskArn, TaskSnapshot, Tools, Verdict,
    cancelled_reason, follow, started_by,
};
use crate::task_definition::short_name;
use clap::Args;
use protocol::ExitCode;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long one of several tasks may take to hear of the stop before they are followed one by one.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// Stop the tasks of a run, and wait for the proof
///
/// For an `if: cancelled()` step: it needs nothing from the process that was killed, and may be
/// repeated. Of the run's tasks only those of the job's own family and environment are stopped, as far
/// as flags, environment and settings file name them. Exit code 0 when every task has ended or there is
/// none, 84 when a task could not be stopped.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// ARN or id of a task, instead of the tasks of a run
    #[arg(value_name = "TASK")]
    task: Option<String>,
    #[command(flatten)]
    place: PlaceArguments,
    /// Only tasks of this family: family, family:revision or ARN
    #[arg(long, value_name = "NAME")]
    task_definition: Option<String>,
    #[command(flatten)]
    whose: EnvironmentArguments,
    /// Key of the run [default: GITHUB_RUN_ID]
    #[arg(long, value_name = "KEY")]
    run_key: Option<String>,
}

impl Arguments {
    pub(super) fn flags(&self) -> Flags {
        let mut flags = self.place.flags();
        flags.extend(self.whose.flags());
        flags.extend(cli::flags([
            (Key::RunKey, &self.run_key),
            (Key::TaskDefinition, &self.task_definition),
        ]));
        flags
    }
}

/// Stops the tasks.
pub(super) async fn cancel(arguments: Arguments, context: Context<'_>) -> Result<u8, Error> {
    let settings = CancelSettings::resolve(&context.layers, &context.environment)?;
    if arguments.task.is_none() && settings.key == RunKey::Random {
        return Err(Error::usage("nothing says which run to cancel")
            .hinted("name a TASK, or set --run-key; in GitHub Actions GITHUB_RUN_ID is the key"));
    }
    let report = context.report;
    let aws = connect(context.aws, &context.access).await?;
    let tasks = match arguments.task {
        Some(task) => vec![TaskArn::new(task)],
        None => of_the_run(&aws, &settings, report).await?,
    };
    let mut listener = context.signals.listen().map_err(|cause| {
        Error::new(Kind::Unexpected, "cannot listen to signals").caused_by(cause)
    })?;
    if tasks.is_empty() {
        report.emit(&Event::Data("nothing to cancel".to_owned()));
    }
    if tasks.len() > 1 {
        stop_together(&aws, &settings.cluster.value, &tasks).await;
    }
    let alone = tasks.len() == 1;
    let mut code = ExitCode::Success;
    for task in tasks {
        let tools =
            Tools { aws: &aws, report: &mut *report, listener: &mut listener, pace: &context.pace };
        match to_its_end(&task, &settings, tools).await {
            Ok(conclusion) => {
                say(report, &conclusion);
                code = worse(code, &conclusion.verdict);
            }
            Err(error) if alone => return Err(error),
            // One that cannot be looked at keeps nobody from the others.
            Err(error) => {
                let hint = error.hint().map(str::to_owned);
                report.emit(&Event::Warning { text: format!("{task}: {error}"), hint });
                code = worse(code, &Verdict::WatchLost);
            }
        }
    }
    Ok(code.code())
}

/// The run's tasks that have not ended and are the job's own.
async fn of_the_run(
    aws: &Aws,
    settings: &CancelSettings,
    report: &mut Report,
) -> Result<Vec<TaskArn>, Error> {
    let cluster = &settings.cluster.value;
    let started_by = started_by(&settings.key, "");
    let mut found = aws.tasks_started_by(cluster, &started_by).await?;
    match ending(aws, cluster, &started_by).await {
        Ok(ending) => {
            // One that was asked to stop between the two questions is in both answers.
            found.retain(|task| !ending.contains(task));
            found.extend(ending);
        }
        Err(error) => report.emit(&Event::Warning {
            text: format!("whether a task of this run is being stopped is not known: {error}"),
            hint: error.lasting_hint(),
        }),
    }
    let family = family(&settings.family, report);
    if found.is_empty() || (family.is_none() && settings.environment == EnvironmentName::Unsaid) {
        return Ok(found);
    }
    let mut kept = Vec::new();
    for some in found.chunks(100) {
        let known = aws.describe_tasks(cluster, some).await?;
        for arn in some {
            // One that ECS does not describe yet is of this run, and may be of this job.
            let task = known.iter().find(|task| task.arn.id() == arn.id());
            match task.and_then(|task| foreign(task, family.as_deref(), &settings.environment)) {
                None => kept.push(arn.clone()),
                Some(whose) => {
                    report.emit(&Event::Note(format!("left alone, it is {whose}: {arn}")));
                }
            }
        }
    }
    Ok(kept)
}

/// The run's tasks that were asked to stop, by the process that was killed say, and whose end nobody saw.
async fn ending(aws: &Aws, cluster: &str, started_by: &str) -> Result<Vec<TaskArn>, AwsError> {
    let listed = aws.ending_tasks_started_by(cluster, started_by).await?;
    let mut kept = Vec::new();
    for some in listed.chunks(100) {
        let known = aws.describe_tasks(cluster, some).await?;
        kept.extend(known.into_iter().filter(|task| !is_over(task)).map(|task| task.arn));
    }
    Ok(kept)
}

fn is_over(task: &TaskSnapshot) -> bool {
    match &task.run {
        Some((container, _)) => task.decides(container),
        None => task.is_stopped(),
    }
}

/// The family that the job names. A template that cannot be read narrows nothing: the stop counts.
fn family(choice: &FamilyChoice, report: &mut Report) -> Option<String> {
    match on_call::family_name(choice) {
        Ok(name) => name.map(|name| family_of(&name).to_owned()),
        Err(error) => {
            report.emit(&Event::Warning {
                text: format!("tasks of every family of this run are stopped: {error}"),
                hint: error.hint().map(str::to_owned),
            });
            None
        }
    }
}

/// The family in a name, a name with a revision, or an ARN.
fn family_of(reference: &str) -> &str {
    let name = short_name(reference);
    name.split_once(':').map_or(name, |(family, _)| family)
}

/// Whose a task is, if it is not the job's own.
fn foreign(
    task: &TaskSnapshot,
    family: Option<&str>,
    environment: &EnvironmentName,
) -> Option<String> {
    let theirs = family_of(&task.definition);
    if family.is_some_and(|family| family != theirs) {
        return Some(format!("of family {theirs}"));
    }
    match (environment, &task.environment) {
        (EnvironmentName::Named(ours), Some(theirs)) if ours != theirs => {
            Some(format!("of environment {theirs}"))
        }
        (EnvironmentName::Named(_) | EnvironmentName::Unsaid, _) => None,
    }
}

/// Asks ECS to stop all of them at once; what fails is tried again where each is followed.
async fn stop_together(aws: &Aws, cluster: &str, tasks: &[TaskArn]) {
    let mut stops = JoinSet::new();
    for task in tasks {
        let (aws, cluster, task) = (aws.clone(), cluster.to_owned(), task.clone());
        stops.spawn(async move {
            let _tried_again =
                aws.stop_task(&cluster, &task, (&cancelled_reason(), STOP_PATIENCE)).await;
        });
    }
    stops.join_all().await;
}

async fn to_its_end(
    task: &TaskArn,
    settings: &CancelSettings,
    tools: Tools<'_>,
) -> Result<Conclusion, Error> {
    let following = AttachSettings {
        cluster: settings.cluster.clone(),
        container: settings.container.clone(),
        timeout: TimeLimit::None,
        on_cancel: OnCancel::Stop,
        expect: Expectation::Auto,
    };
    let mut plan = attach::plan(tools.aws, task.as_str(), following, tools.report).await?;
    plan.beginning = Beginning::Stopping;
    Ok(follow(&plan, tools).await)
}

/// A task that goes on is the worst that can be said, one whose end is not proved the next.
fn worse(code: ExitCode, verdict: &Verdict) -> ExitCode {
    match (code, verdict) {
        (ExitCode::Detached, _) | (_, Verdict::NotStopped(_) | Verdict::Detached) => {
            ExitCode::Detached
        }
        (_, Verdict::Cancelled(StopProof::NotSeen) | Verdict::WatchLost | Verdict::Unknown(_)) => {
            ExitCode::OutcomeUnknown
        }
        (
            code,
            Verdict::Cancelled(_)
            | Verdict::Green(_)
            | Verdict::Failed { .. }
            | Verdict::NeverStarted
            | Verdict::TimedOut(_),
        ) => code,
    }
}

fn say(report: &mut Report, conclusion: &Conclusion) {
    report.emit(&Event::Data(format!("{}: {}", conclusion.sentence, conclusion.task)));
    if matches!(conclusion.verdict, Verdict::NotStopped(_)) {
        report.emit(&Event::Warning {
            text: format!("the task goes on: {}", conclusion.task),
            hint: conclusion.attach.as_ref().map(|attach| format!("`{attach}` follows it")),
        });
    }
}
