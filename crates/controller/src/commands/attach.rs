//! Owns `attach`.

use super::arguments::{FollowArguments, PageArguments, PlaceArguments};
use super::context::Context;
use super::order::expected_of;
use crate::aws::{Aws, connect};
use crate::error::{Error, Kind};
use crate::report::{Arrival, Event, Report};
use crate::settings::{AttachSettings, ContainerChoice, Flags};
use crate::task::{
    Beginning, Described, Origin, Plan, StartLimit, TaskArn, TaskSnapshot, Tools, follow,
};
use crate::task_definition::{Document, choose, log_sources};
use clap::Args;

/// Follow a task in flight to its verdict
///
/// A signal leaves the task alone unless `--on-cancel stop` is given.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// ARN or id of the task
    #[arg(value_name = "TASK")]
    task: String,
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    follow: FollowArguments,
    #[command(flatten)]
    page: PageArguments,
}

impl Arguments {
    pub(super) fn flags(&self) -> Flags {
        let mut flags = self.place.flags();
        flags.extend(self.follow.flags());
        flags.extend(self.page.flags());
        flags
    }
}

/// Follows the task.
pub(super) async fn attach(arguments: Arguments, context: Context<'_>) -> Result<u8, Error> {
    let settings = AttachSettings::resolve(&context.layers)?;
    let report = context.report;
    let aws = connect(context.aws, &context.access).await?;
    let mut plan = plan(&aws, &arguments.task, settings, report).await?;
    plan.beginning = Beginning::Watching;
    report.emit(&Event::Launched {
        task: plan.task.clone(),
        cluster: plan.cluster.clone(),
        definition: plan.definition.clone(),
        container: plan.container.clone(),
        arrival: Arrival::Attached,
    });
    let mut listener = context.signals.listen().map_err(|cause| {
        Error::new(Kind::Unexpected, "cannot listen to signals").caused_by(cause)
    })?;
    let tools =
        Tools { aws: &aws, report: &mut *report, listener: &mut listener, pace: &context.pace };
    let conclusion = follow(&plan, tools).await;
    let code = conclusion.exit_code;
    report.emit(&Event::Concluded(Box::new(conclusion)));
    Ok(code)
}

/// What ECS knows of the task, as a plan. Without its definition only the log is missing.
pub(super) async fn plan(
    aws: &Aws,
    task: &str,
    settings: AttachSettings,
    report: &mut Report,
) -> Result<Plan, Error> {
    let named = TaskArn::new(task);
    let cluster = named.cluster().unwrap_or(&settings.cluster.value).to_owned();
    let task = match aws.describe_task(&cluster, task).await? {
        Described::Task(task) => task,
        Described::Missing => {
            return Err(Error::new(
                Kind::OutcomeUnknown,
                format!("ECS does not know task {task} in cluster {cluster}"),
            )
            .hinted("check cluster and Region; ECS keeps a stopped task about an hour"));
        }
    };
    let document = match aws.describe_definition(&task.definition).await {
        Ok(found) => found.document,
        Err(error) => {
            report.emit(&Event::Warning {
                text: format!("the log is not shown: {error}"),
                hint: error.hint(),
            });
            bare(&task)
        }
    };
    let container = match (&settings.container, &task.run) {
        (ContainerChoice::TheOnly, Some((container, _))) => container.clone(),
        (choice, _) => choose(&document, choice)?,
    };
    Ok(Plan {
        cluster,
        region: aws.region().to_owned(),
        definition: task
            .definition
            .rsplit_once('/')
            .map_or(task.definition.as_str(), |(_, name)| name)
            .to_owned(),
        run: task.run.as_ref().filter(|(name, _)| *name == container).map(|(_, run)| run.clone()),
        logs: log_sources(&document, aws.region()),
        stop_timeout: document.stop_timeout(&container),
        security_groups: Vec::new(),
        expect: expected_of(Some(&task), settings.expect, (&document, &container)),
        task: task.arn,
        container,
        asked: task.asked,
        on_cancel: settings.on_cancel,
        timeout: settings.timeout,
        start: StartLimit::None,
        beginning: Beginning::Watching,
        origin: Origin::Found,
    })
}

/// As much of a definition as the task itself tells.
fn bare(task: &TaskSnapshot) -> Document {
    let names: Vec<_> = task
        .containers
        .iter()
        .map(|container| serde_json::json!({"name": container.name}))
        .collect();
    Document(serde_json::json!({"containerDefinitions": names}))
}
