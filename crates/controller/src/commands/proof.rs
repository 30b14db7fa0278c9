//! Owns finding the record of a green migration: what the log says, and what ECS remembers.

use super::on_call::family_name;
use super::pin::pin;
use super::request::place;
use crate::aws::{Aws, AwsError, LogPlace};
use crate::error::{Error, Kind};
use crate::report::{Event, Report};
use crate::service::{Claim, Evidence, TaskRecord, green};
use crate::settings::{ContainerChoice, FamilyChoice, Key, Layers, Setting, image_of};
use crate::task::{StopCode, TaskSnapshot, is_of_a_gate};
use crate::task_definition::{Driver, choose, log_sources};

/// A verdict that is older proves nothing: other migrations may have come and gone.
const LOOK_BACK_MILLISECONDS: i64 = 7 * 24 * 60 * 60 * 1000;

/// What has to be proved.
#[derive(Debug)]
pub(super) struct Wanted {
    commit: Setting<String>,
    family: String,
    container: ContainerChoice,
    /// What was built for the commit, where somebody says it.
    image: Option<Setting<String>>,
}

impl Wanted {
    /// From the layers, or what is missing.
    pub(super) fn resolve(layers: &Layers) -> Result<Self, Error> {
        let Some(commit) = layers.find(Key::Commit) else {
            return Err(Error::usage("nothing says which commit is deployed").hinted(
                "set --commit SHA; in GitHub Actions GITHUB_SHA says it. --without-verdict REASON deploys without a proof",
            ));
        };
        let named = layers.find(Key::Container);
        let container = named.map_or(ContainerChoice::TheOnly, ContainerChoice::Named);
        let family = family_name(&FamilyChoice::of(layers))?.ok_or_else(|| {
            Error::usage("nothing says which migration is to be green")
                .hinted("set --task-definition FAMILY or --template FILE")
        })?;
        Ok(Self { commit, family, container, image: image_of(layers)? })
    }
}

/// Finds the proof and says which run it is, or refuses. What cannot be read proves nothing.
pub(super) async fn find(
    aws: &Aws,
    cluster: &str,
    wanted: &Wanted,
    report: &mut Report,
) -> Result<(), Error> {
    let definition = aws.describe_definition(&wanted.family).await?;
    let container = choose(&definition.document, &wanted.container)?;
    let sources = log_sources(&definition.document, aws.region());
    let source = sources.iter().find(|source| source.container == container);
    let Some(Driver::Awslogs { group, prefix, region }) = source.map(|source| &source.driver)
    else {
        return Err(refusal("the log of the migration cannot be read back"));
    };
    let prefix = Driver::stream(prefix, &container, "");
    let log = LogPlace { region, group, prefix: &prefix };
    let since = jiff::Timestamp::now().as_millisecond() - LOOK_BACK_MILLISECONDS;
    let mut lines =
        aws.lines_with(&log, "run_started", since).await.map_err(|error| unread(&error))?;
    lines
        .extend(aws.lines_with(&log, "run_finished", since).await.map_err(|error| unread(&error))?);
    let tasks = match tasks(aws, cluster, definition.family(), &container).await {
        Ok(tasks) => tasks,
        Err(error) => {
            report.emit(&Event::Warning {
                text: format!("what ECS remembers is not known, so the log decides alone: {error}"),
                hint: error.hint(),
            });
            Vec::new()
        }
    };
    let place = place(cluster, definition.family());
    let image = match &wanted.image {
        Some(image) => Some(pin(aws, &image.value).await.image),
        None => None,
    };
    let claim = Claim { commit: &wanted.commit.value, place: &place, image: image.as_deref() };
    let run = green(&Evidence { lines, tasks }, claim).map_err(|why| refusal(&why))?;
    report.emit(&Event::Note(format!("green for commit {}: run {run} of {place}", claim.commit)));
    Ok(())
}

fn unread(error: &AwsError) -> Error {
    let hint = error.hint();
    let refused = refusal(&format!("the log of the migration cannot be read: {error}"));
    match hint {
        Some(hint) => refused.hinted(hint),
        None => refused,
    }
}

fn refusal(why: &str) -> Error {
    Error::new(Kind::OutcomeUnknown, format!("no green migration is proved: {why}")).hinted(
        "run `ecs-migrate run` for this commit first; --without-verdict REASON deploys without a proof",
    )
}

/// The tasks of gates that ECS remembers.
async fn tasks(
    aws: &Aws,
    cluster: &str,
    family: &str,
    container: &str,
) -> Result<Vec<TaskRecord>, AwsError> {
    let mut names = aws.tasks_of_family(cluster, family).await?;
    names.extend(aws.ended_tasks_of_family(cluster, family).await?);
    let mut found: Vec<TaskSnapshot> = Vec::new();
    for some in names.chunks(100) {
        found.extend(aws.describe_tasks(cluster, some).await?);
    }
    let of_a_gate = found.into_iter().filter(|task| is_of_a_gate(&task.started_by));
    Ok(of_a_gate
        .map(|task| TaskRecord {
            task: task.arn.as_str().to_owned(),
            created_at: task.created_at.unwrap_or_default(),
            good_end: task.decides(container).then(|| {
                let code = task.container(container).and_then(|container| container.exit_code);
                code == Some(0) && task.stop_code == Some(StopCode::EssentialContainerExited)
            }),
            image: task
                .container(container)
                .map(|container| container.image.clone())
                .unwrap_or_default(),
            run: task.run.map(|(_, run)| run),
        })
        .collect())
}
