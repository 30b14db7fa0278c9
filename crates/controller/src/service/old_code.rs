//! Owns whether code other than a service's new one may still run: PURE.
//!
//! A deployment can be SUCCESSFUL while old tasks serve: with `earlySuccessCriteria` and
//! `sourceServiceRevisionCleanup` `DEFERRED` they are taken away afterwards, for up to two weeks
//! (ECS API, `DeploymentEarlySuccessCriteria`). A task that ECS lets go of is counted no more, and
//! runs on until it is `STOPPED`. So every side that shows a task has to be clear: the deployments
//! and revisions of DescribeServices, which are live, and the tasks themselves. The record of a
//! service deployment is of the moment at which it ended, and proves nothing.

use super::snapshot::ServiceSnapshot;
use crate::task::TaskSnapshot;
use crate::words;
use std::collections::BTreeMap;
use std::fmt;

/// A service at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight<'a> {
    /// None: there is no such service any more.
    pub(super) service: Option<&'a ServiceSnapshot>,
    /// Its tasks that ECS has not forgotten.
    pub(super) tasks: &'a [TaskSnapshot],
    /// How many ListTasks names that DescribeTasks says it misses: ECS answers before its copies agree
    /// (ECS API, "DescribeTasks"), so nobody knows whether they run.
    pub(super) unseen: usize,
    /// The task definition of each service revision, as far as they can be read.
    pub(super) definitions: &'a [(String, String)],
}

/// What runs beside the new code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OldCode {
    Gone,
    /// The same, and ECS knows no such service: one that was just changed is missing for a moment.
    NoService,
    Runs(Vec<Remains>),
    /// Nothing else is seen, but so many tasks of the service are not shown.
    Unseen(u64),
    /// The service stands on another definition by now.
    StandsOn(String),
}

/// Tasks of a deployment that is not the service's new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remains {
    /// `family:revision`.
    pub(super) definition: String,
    /// Its deployment, where that is known.
    pub(super) deployment: String,
    pub(super) tasks: u64,
}

/// What runs beside `definition` (`family:revision`), which the service was brought to.
pub(super) fn old_code(definition: &str, sight: Sight<'_>) -> OldCode {
    let service = sight.service.filter(|service| service.status != "INACTIVE");
    let primary = service.and_then(ServiceSnapshot::primary);
    if let Some(primary) = primary
        && short(&primary.definition) != definition
    {
        return OldCode::StandsOn(short(&primary.definition).to_owned());
    }
    let own = primary.map(|primary| primary.id.as_str());
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for task in sight.tasks.iter().filter(|task| !task.is_stopped()) {
        // A service's task has the id of its deployment for `startedBy` (ECS API, `Task`).
        let deployment = Some(task.started_by.as_str()).filter(|by| by.starts_with("ecs-svc/"));
        let of = short(&task.definition);
        let other = own.is_some() && deployment.is_some() && deployment != own;
        if of != definition || other {
            *counts.entry((deployment.unwrap_or_default(), of)).or_default() += 1;
        }
    }
    for deployment in service.iter().flat_map(|service| &service.deployments) {
        let known = number(deployment.running) + number(deployment.pending);
        if !deployment.primary && (known > 0 || deployment.desired > 0) {
            let count = counts.entry((&deployment.id, short(&deployment.definition))).or_default();
            *count = known.max(*count);
        }
    }
    if counts.is_empty() {
        counts.extend(by_revision(definition, service, sight.definitions));
    }
    if counts.is_empty() {
        return match u64::try_from(sight.unseen).unwrap_or(u64::MAX) {
            0 if sight.service.is_none() => OldCode::NoService,
            0 => OldCode::Gone,
            unseen => OldCode::Unseen(unseen),
        };
    }
    let remains = counts.into_iter().map(|((deployment, definition), tasks)| Remains {
        definition: definition.to_owned(),
        deployment: deployment.to_owned(),
        tasks,
    });
    OldCode::Runs(remains.collect())
}

/// Revisions with tasks that are not of the new definition; where nothing says whose they are, all
/// but one.
fn by_revision<'a>(
    definition: &str,
    service: Option<&'a ServiceSnapshot>,
    definitions: &'a [(String, String)],
) -> Vec<((&'a str, &'a str), u64)> {
    let revisions = service.iter().flat_map(|service| &service.revisions);
    let mut busy: Vec<_> = revisions.filter(|revision| revision.tasks > 0).collect();
    let of = |arn: &str| {
        let found = definitions.iter().find(|(known, _)| known == arn);
        found.map(|(_, definition)| short(definition))
    };
    let is_own = |arn: &str| of(arn) == Some(definition);
    // The newest deployment's revision comes last where the definition is the same.
    busy.sort_by_key(|revision| (is_own(&revision.arn), of(&revision.arn).is_none()));
    let known_other = busy.last().is_some_and(|last| of(&last.arn).is_some() && !is_own(&last.arn));
    if !known_other {
        busy.pop();
    }
    let shown = busy.into_iter().map(|revision| {
        (("", of(&revision.arn).unwrap_or("another service revision")), number(revision.tasks))
    });
    shown.collect()
}

fn number(count: i32) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

fn short(arn: &str) -> &str {
    arn.rsplit_once('/').map_or(arn, |(_, name)| name)
}

impl fmt::Display for Remains {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { definition, deployment, tasks } = self;
        match tasks {
            0 => write!(formatter, "{definition}, which is to start tasks")?,
            tasks => write!(formatter, "{} of {definition}", words::count(*tasks, "task"))?,
        }
        if deployment.is_empty() { Ok(()) } else { write!(formatter, " ({deployment})") }
    }
}

/// All of them in a sentence.
pub(super) fn listed(remains: &[Remains]) -> String {
    remains.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "old_code_tests.rs"]
mod tests;
