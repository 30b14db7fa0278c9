//! Owns finding the run that is meant.

use super::family::Family;
use super::summaries::origin_of;
use crate::aws::{Aws, AwsError, Class};
use crate::error::Error;
use crate::report::{Event, OnCall, Report};
use crate::runs::{self, Choice, Described, Record, Reference, choose};
use crate::settings::{FamilyChoice, ReaderSettings};
use crate::task::{Described as Seen, TaskArn, TaskSnapshot, is_one_off};
use crate::words;
use protocol::event::Origin;

/// How many forgotten runs are asked for whom they were.
const SEARCHED: usize = 200;

/// A run and its family.
#[derive(Debug)]
pub(super) struct Located {
    pub(super) family: Family,
    pub(super) run: Record,
}

/// The run that is meant. Several candidates are shown and refused.
pub(super) async fn locate(
    aws: &Aws,
    settings: &ReaderSettings,
    (reference, named): (&Reference, Option<&str>),
    report: &mut Report,
) -> Result<Located, Error> {
    if let Reference::Task { task, cluster } = reference {
        return by_task(aws, settings, (task, cluster.as_deref())).await;
    }
    let family = Family::of_settings(aws, settings).await?;
    let mut runs = family.runs(aws).await?;
    let named = named.unwrap_or_default();
    let found = match reference {
        Reference::Latest => latest(aws, &family, &runs).await?,
        Reference::At(_) => choose(reference, &with(&runs, &[])),
        Reference::Task { .. } | Reference::Beginning(_) | Reference::StartedBy(_) => {
            search(aws, &family, (reference, &runs)).await?
        }
    };
    match found {
        Choice::One(place) => Ok(Located { run: runs.swap_remove(place), family }),
        Choice::None if *reference == Reference::Latest => {
            Err(family.unknown_run("no run is known").hinted(
                "check cluster, family and Region; `ecs-migrate logs -f` waits for the next run",
            ))
        }
        Choice::None => Err(family.unknown_run(&format!("no run for `{named}`"))),
        Choice::Several(places) => {
            let count = words::count(places.len() as u64, "run");
            let mut rows = Vec::new();
            for place in places {
                rows.push(super::summaries::row(aws, &family, &runs[place]).await?);
            }
            report.emit(&Event::OnCall(Box::new(OnCall::Runs(rows))));
            Err(Error::usage(format!("`{named}` may be any of {count}"))
                .hinted("name the task of one of them"))
        }
    }
}

async fn by_task(
    aws: &Aws,
    settings: &ReaderSettings,
    (task, cluster): (&TaskArn, Option<&str>),
) -> Result<Located, Error> {
    if let Some(region) = task.region()
        && region != aws.region()
    {
        return Err(Error::usage(format!(
            "the task is in {region}, and this looks at {}",
            aws.region()
        ))
        .hinted(format!("set --region {region}")));
    }
    let cluster = cluster.unwrap_or(&settings.cluster.value);
    let seen = aws.describe_task(cluster, task.as_str()).await.map_err(runs::allow)?;
    let choice = &settings.container;
    if let Seen::Task(snapshot) = seen {
        let family = Family::of(aws, &snapshot.definition, (cluster, choice)).await?;
        let began = stream_began(aws, &family, snapshot.arn.id()).await?;
        let run = Record {
            id: snapshot.arn.id().to_owned(),
            began: began.or(snapshot.created_at).unwrap_or_default(),
            has_log: began.is_some(),
            task: Some(*snapshot),
        };
        return Ok(Located { family, run });
    }
    if settings.family == FamilyChoice::Unsaid {
        return Err(Error::usage(format!(
            "ECS does not know task {} in cluster {cluster} (any more), and nothing says where its log is",
            task.id()
        ))
        .hinted("set --task-definition FAMILY, and check --cluster and --region"));
    }
    let mut family = Family::of_settings(aws, settings).await?;
    cluster.clone_into(&mut family.cluster);
    match stream_began(aws, &family, task.id()).await? {
        Some(began) => {
            let run = Record { id: task.id().to_owned(), began, task: None, has_log: true };
            Ok(Located { family, run })
        }
        None => Err(family.unknown_run(&format!("no run for task {}", task.id()))),
    }
}

/// When a task's stream was made, if there is one.
async fn stream_began(aws: &Aws, family: &Family, id: &str) -> Result<Option<i64>, Error> {
    let Some((group, region, prefix)) = family.streams() else { return Ok(None) };
    let name = format!("{prefix}{id}");
    match aws.log_streams(region, group, &name).await {
        Ok(streams) => Ok(streams.first().map(|stream| stream.created_at)),
        // What ECS knows of a task is told without its log, too.
        Err(error) if error.class == Class::ResourceNotFound => Ok(None),
        Err(error) => Err(family.unreadable(error)),
    }
}

/// The newest run of a gate, or by hand; what only looked is passed over.
async fn latest(aws: &Aws, family: &Family, runs: &[Record]) -> Result<Choice, Error> {
    for (place, run) in runs.iter().enumerate() {
        let started_by = match &run.task {
            Some(task) => task.started_by.clone(),
            None => origin(aws, family, run).await?.started_by,
        };
        if !is_one_off(&started_by) {
            return Ok(Choice::One(place));
        }
    }
    Ok(Choice::None)
}

/// Looks at the first lines of run after run, the newest first, until one fits.
async fn search(
    aws: &Aws,
    family: &Family,
    (reference, runs): (&Reference, &[Record]),
) -> Result<Choice, Error> {
    let mut origins: Vec<Origin> = Vec::new();
    let at_once = choose(reference, &with(runs, &origins));
    if at_once != Choice::None {
        return Ok(at_once);
    }
    for run in runs.iter().take(SEARCHED) {
        origins.push(origin(aws, family, run).await?);
        let found = choose(reference, &with(&runs[..origins.len()], &origins));
        if found != Choice::None {
            return Ok(found);
        }
    }
    Ok(Choice::None)
}

async fn origin(aws: &Aws, family: &Family, run: &Record) -> Result<Origin, Error> {
    let failed = |error: AwsError| family.unreadable(error);
    if run.has_log {
        origin_of(aws, family, run).await.map_err(failed)
    } else {
        Ok(Origin::default())
    }
}

fn with<'a>(runs: &'a [Record], origins: &'a [Origin]) -> Vec<Described<'a>> {
    static NOT_READ: Origin = Origin {
        started_by: String::new(),
        commit: String::new(),
        place: String::new(),
        image: String::new(),
        asked: String::new(),
        services: String::new(),
        environment: String::new(),
        actor: String::new(),
        repository: String::new(),
        workflow_run: String::new(),
    };
    let of = |place: usize| origins.get(place).unwrap_or(&NOT_READ);
    runs.iter().enumerate().map(|(place, run)| Described { run, origin: of(place) }).collect()
}

/// The newest run of a gate whose container has not ended.
pub(super) fn in_flight(tasks: Vec<TaskSnapshot>, container: &str) -> Option<TaskSnapshot> {
    let alive = tasks.into_iter().filter(|task| !task.decides(container));
    let gates = alive.filter(|task| !is_one_off(&task.started_by));
    gates.max_by_key(|task| task.created_at)
}
