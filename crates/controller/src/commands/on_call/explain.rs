//! Owns `explain`.

use super::FamilyArguments;
use super::locate::locate;
use super::plan::plan;
use super::rollouts;
use super::summaries::row;
use crate::aws::connect;
use crate::commands::arguments::PageArguments;
use crate::commands::context::Context;
use crate::error::Error;
use crate::report::{Event, Explanation, OnCall};
use crate::runs::Reference;
use crate::settings::{Flags, ReaderSettings};
use crate::task::{Read, command_about, patience, read, recount};
use clap::Args;

/// Say how a run ended, why, and what it means for the database
///
/// The verdict is the gate's, from what ECS still knows and from the log. RUN as for `logs`; the
/// latest run when none is named. The exit code is 0 when the run could be explained, however it
/// ended.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Which run; the latest one when none is named
    #[arg(value_name = "RUN")]
    run: Option<String>,
    #[command(flatten)]
    family: FamilyArguments,
    #[command(flatten)]
    page: PageArguments,
}

impl Arguments {
    pub(in crate::commands) fn flags(&self) -> Flags {
        let mut flags = self.family.flags();
        flags.extend(self.page.flags());
        flags
    }
}

/// Explains the run.
pub(in crate::commands) async fn explain(
    arguments: Arguments,
    context: Context<'_>,
) -> Result<u8, Error> {
    let settings = ReaderSettings::resolve(&context.layers);
    let reference = Reference::parse(arguments.run.as_deref())?;
    let aws = connect(context.aws, &context.access).await?;
    let report = context.report;
    let located = locate(&aws, &settings, (&reference, arguments.run.as_deref()), report).await?;
    let (family, run) = (&located.family, &located.run);
    let mut plan = plan(&aws, family, run).await;
    // A sidecar's word never counts.
    plan.logs.retain(|source| source.container == plan.container);
    report.hide_log();
    let patience = patience(run.task.as_ref(), context.clock.now());
    let Read { tails, failures } = read(&aws, &plan, patience, report).await;
    for (container, error) in &failures {
        report.emit(&Event::Warning {
            text: format!(
                "the log of container {container} cannot be read, so only ECS is asked: {error}"
            ),
            hint: crate::runs::allow(error.clone()).hint().map(str::to_owned),
        });
    }
    let mut conclusion = recount(&plan, run.task.as_ref(), &tails);
    let row = row(&aws, family, run).await?;
    let services = if conclusion.is_green() {
        let services = rollouts::services(&conclusion.looked.origin, &context.layers);
        rollouts::behind(&aws, (&family.cluster, &services), run).await
    } else {
        Vec::new()
    };
    let see_all = command_about(&plan, "logs");
    // Who reads the explanation is not sent to it; who reads the page is.
    let explain = conclusion.explain.take();
    let explanation = Explanation { conclusion, row, services, see_all, explain };
    report.emit(&Event::OnCall(Box::new(OnCall::Explained(Box::new(explanation)))));
    Ok(0)
}
