//! Owns finding the record of a green migration: what the log says, and what ECS remembers.

use super::on_call::family_name;
use super::pin::Tags;
use super::request::place;
use crate::aws::{Aws, AwsError, Extent, FamilyTask, LogPlace, Search, StoredLine};
use crate::error::{Error, Kind};
use crate::report::{Event, Report};
use crate::service::{Claim, Evidence, LoggedLine, Refusal, TaskRecord, green};
use crate::settings::{
    ContainerChoice, EnvironmentName, FamilyChoice, Key, Layers, Setting, image_of,
};
use crate::task::{StopCode, is_one_off};
use crate::task_definition::{Driver, choose, log_sources};
use std::collections::BTreeMap;

/// How far back the log is read, in steps. A verdict that is older proves nothing: other migrations may
/// have come and gone.
const LOOK_BACK_DAYS: [i64; 2] = [1, 7];

const DAY_MILLISECONDS: i64 = 24 * 60 * 60 * 1000;

/// What has to be proved.
#[derive(Debug)]
pub(super) struct Wanted {
    commit: Setting<String>,
    family: String,
    container: ContainerChoice,
    /// Whose database it must have been; empty if nobody says so.
    environment: String,
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
        let environment = EnvironmentName::of(layers)?.text().to_owned();
        Ok(Self { commit, family, container, environment, image: image_of(layers)? })
    }
}

/// Finds the proof and says which run it is, or refuses. What cannot be read proves nothing.
pub(super) async fn find(
    (aws, tags): (&Aws, &Tags),
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
        return Err(refused("the log of the migration cannot be read back"));
    };
    let prefix = Driver::stream(prefix, &container, "");
    let log = LogPlace { region, group, prefix: &prefix };
    let tasks = match aws.family_tasks(cluster, definition.family()).await {
        Ok(tasks) => Some(tasks.iter().map(|task| record(task, &container)).collect()),
        Err(error) => {
            report.emit(&Event::Warning {
                text: format!("what ECS remembers is not known, so the log decides alone: {error}"),
                hint: error.hint(),
            });
            None
        }
    };
    let place = place(cluster, definition.family());
    let image = match &wanted.image {
        Some(image) => Some(tags.pin(aws, &image.value).await.image),
        None => None,
    };
    let claim = Claim {
        commit: &wanted.commit.value,
        place: &place,
        environment: &wanted.environment,
        image: image.as_deref(),
    };
    let evidence = Evidence { tasks, ..Evidence::default() };
    let evidence = read(aws, &log, claim, evidence).await.map_err(|error| unread(&error))?;
    let proof = green(&evidence, claim).map_err(|refusal| because(&refusal))?;
    let run = &proof.run;
    let environment = match proof.environment.as_str() {
        "" => String::new(),
        name => format!(", environment {name}"),
    };
    let text = format!("green for commit {}: run {run} of {place}{environment}", claim.commit);
    report.emit(&Event::Note(text));
    Ok(())
}

/// Reads the log from its newest day back, until the run that counts is known. Where nobody says which
/// environment's it is, all of it is read: there must be one only.
async fn read(
    aws: &Aws,
    log: &LogPlace<'_>,
    claim: Claim<'_>,
    mut evidence: Evidence,
) -> Result<Evidence, AwsError> {
    let now = jiff::Timestamp::now().as_millisecond();
    let mut found: BTreeMap<String, StoredLine> = BTreeMap::new();
    let mut to = None;
    for days in LOOK_BACK_DAYS {
        let from = now - days * DAY_MILLISECONDS;
        for text in ["run_started", "run_finished"] {
            let (lines, extent) = aws.lines_with(log, Search { text, from, to }).await?;
            evidence.unread |= extent == Extent::Part;
            found.extend(lines.into_iter().map(|line| (line.id.clone(), line)));
        }
        to = Some(from);
        evidence.lines = found.values().map(|line| logged(line, log.prefix)).collect();
        if evidence.unread || evidence.is_enough(claim) {
            break;
        }
    }
    // Later lines of a run without a last word say whether it went on beside another one.
    for task in evidence.unfinished() {
        let stream = format!("{}{task}", log.prefix);
        if let Some(at) = aws.last_line_at(log, &stream).await? {
            evidence.lines.push(LoggedLine { at, task, text: String::new() });
        }
    }
    Ok(evidence)
}

/// The stream of a task is named by its id.
fn logged(line: &StoredLine, prefix: &str) -> LoggedLine {
    LoggedLine {
        at: line.taken_at,
        task: line.stream.strip_prefix(prefix).unwrap_or(&line.stream).to_owned(),
        text: line.text.clone(),
    }
}

fn record(task: &FamilyTask, container: &str) -> TaskRecord {
    let seen = task.seen.as_ref();
    let ended = seen.filter(|seen| seen.decides(container));
    TaskRecord {
        task: task.arn.id().to_owned(),
        created_at: seen.and_then(|seen| seen.created_at).unwrap_or_default(),
        stopped_at: seen.and_then(|seen| seen.times.stopped.or(seen.times.execution_stopped)),
        good_end: ended.map(|seen| {
            let code = seen.container(container).and_then(|container| container.exit_code);
            code == Some(0) && seen.stop_code == Some(StopCode::EssentialContainerExited)
        }),
        is_one_off: seen.is_some_and(|seen| is_one_off(&seen.started_by)),
        asked: task.asked,
        environment: task.environment.clone(),
        image: seen
            .and_then(|seen| seen.container(container))
            .map(|container| container.image.clone())
            .unwrap_or_default(),
    }
}

fn unread(error: &AwsError) -> Error {
    let hint = error.hint();
    let refused = refused(&format!("the log of the migration cannot be read: {error}"));
    match hint {
        Some(hint) => refused.hinted(hint),
        None => refused,
    }
}

fn because(refusal: &Refusal) -> Error {
    refused(&refusal.to_string()).hinted(refusal.hint())
}

fn refused(why: &str) -> Error {
    Error::new(Kind::OutcomeUnknown, format!("no green migration is proved: {why}")).hinted(
        "run `ecs-migrate run` for this commit first; --without-verdict REASON deploys without a proof",
    )
}
