//! Owns `cancel`.

use super::arguments::PlaceArguments;
use super::attach;
use super::context::Context;
use crate::aws::connect;
use crate::cli;
use crate::error::{Error, Kind};
use crate::report::{Event, Report};
use crate::settings::{AttachSettings, CancelSettings, Flags, Key, RunKey, TimeLimit};
use crate::task::{
    Beginning, Expectation, OnCancel, StopProof, TaskArn, Tools, Verdict, follow, started_by,
};
use clap::Args;
use protocol::ExitCode;

/// Stop the tasks of a run, and wait for the proof
///
/// For an `if: cancelled()` step: it needs nothing from the process that was killed, and may be
/// repeated. Exit code 0 when every task has ended or there is none.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// ARN or id of a task, instead of the tasks of a run
    #[arg(value_name = "TASK")]
    task: Option<String>,
    #[command(flatten)]
    place: PlaceArguments,
    /// Key of the run [default: GITHUB_RUN_ID]
    #[arg(long, value_name = "KEY")]
    run_key: Option<String>,
}

impl Arguments {
    pub(super) fn flags(&self) -> Flags {
        let mut flags = self.place.flags();
        flags.extend(cli::flags([(Key::RunKey, &self.run_key)]));
        flags
    }
}

/// Stops the tasks.
pub(super) async fn cancel(arguments: Arguments, context: Context<'_>) -> Result<u8, Error> {
    let settings = CancelSettings::resolve(&context.layers, &context.environment);
    if arguments.task.is_none() && settings.key == RunKey::Random {
        return Err(Error::usage("nothing says which run to cancel")
            .hinted("name a TASK, or set --run-key; in GitHub Actions GITHUB_RUN_ID is the key"));
    }
    let report = context.report;
    let aws = connect(context.aws, &context.access).await?;
    let tasks = match arguments.task {
        Some(task) => vec![TaskArn::new(task)],
        None => {
            let started_by = started_by(&settings.key, "");
            aws.tasks_started_by(&settings.cluster.value, &started_by).await?
        }
    };
    let mut listener = context.signals.listen().map_err(|cause| {
        Error::new(Kind::Unexpected, "cannot listen to signals").caused_by(cause)
    })?;
    if tasks.is_empty() {
        report.emit(&Event::Data("nothing to cancel".to_owned()));
    }
    let mut code = ExitCode::Success;
    for task in tasks {
        let following = AttachSettings {
            cluster: settings.cluster.clone(),
            container: settings.container.clone(),
            timeout: TimeLimit::None,
            on_cancel: OnCancel::Stop,
            expect: Expectation::Auto,
        };
        let mut plan = attach::plan(&aws, task.as_str(), following, report).await?;
        plan.beginning = Beginning::Stopping;
        let tools =
            Tools { aws: &aws, report: &mut *report, listener: &mut listener, pace: &context.pace };
        let conclusion = follow(&plan, tools).await;
        say(report, &conclusion.sentence, &conclusion.task);
        let proved = !matches!(
            conclusion.verdict,
            Verdict::Cancelled(StopProof::NotSeen) | Verdict::WatchLost | Verdict::Unknown(_)
        );
        if !proved {
            code = ExitCode::OutcomeUnknown;
        }
    }
    Ok(code.code())
}

fn say(report: &mut Report, sentence: &str, task: &TaskArn) {
    report.emit(&Event::Data(format!("{sentence}: {task}")));
}
