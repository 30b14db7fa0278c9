//! Owns a family's tasks with what RunTask told them, whoever started them.

use super::access::Aws;
use super::error::AwsError;
use super::patience::patient;
use super::tasks::snapshot;
use crate::task::{TaskArn, TaskSnapshot};
use aws_sdk_ecs::types::{ContainerOverride, Task, TaskOverride};
use protocol::{RunnerCommand, command, env};
use std::collections::BTreeSet;

/// A task of a family.
#[derive(Debug, Clone)]
pub(crate) struct FamilyTask {
    pub(crate) arn: TaskArn,
    /// None where ECS lists it and does not describe it.
    pub(crate) seen: Option<TaskSnapshot>,
    /// The runner's command that RunTask asked for, where it asked for one.
    pub(crate) asked: Option<RunnerCommand>,
    /// The environment that RunTask named; empty if none.
    pub(crate) environment: String,
}

impl Aws {
    /// The tasks that ECS remembers. Those in flight are listed first: what ends meanwhile is seen.
    pub(crate) async fn family_tasks(
        &self,
        cluster: &str,
        family: &str,
    ) -> Result<Vec<FamilyTask>, AwsError> {
        let going = self.tasks_of_family(cluster, family).await?;
        let ended = self.ended_tasks_of_family(cluster, family).await?;
        let names: BTreeSet<&str> = going.iter().chain(&ended).map(TaskArn::as_str).collect();
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let mut found: Vec<FamilyTask> = Vec::new();
        // DescribeTasks takes a hundred (ECS API).
        for some in names.chunks(100) {
            let answer = patient(|| async {
                let ask = self.ecs.describe_tasks().cluster(cluster);
                let answer = ask.set_tasks(Some(some.to_vec())).send().await;
                answer.map_err(|error| AwsError::of("DescribeTasks", error))
            })
            .await?;
            found.extend(answer.tasks().iter().map(family_task));
        }
        let undescribed =
            going.into_iter().filter(|arn| !found.iter().any(|task| task.arn == *arn));
        let undescribed: Vec<FamilyTask> = undescribed
            .map(|arn| FamilyTask { arn, seen: None, asked: None, environment: String::new() })
            .collect();
        found.extend(undescribed);
        Ok(found)
    }
}

fn family_task(task: &Task) -> FamilyTask {
    let overrides = task.overrides();
    let overrides = overrides.map(TaskOverride::container_overrides).unwrap_or_default();
    let variable = |name: &str| {
        let pairs = overrides.iter().flat_map(ContainerOverride::environment);
        pairs.filter(|pair| pair.name() == Some(name)).find_map(|pair| pair.value())
    };
    let words = match variable(env::COMMAND) {
        Some(value) => command::decode(value).unwrap_or_default(),
        None => overrides.iter().flat_map(|told| told.command().to_vec()).collect(),
    };
    FamilyTask {
        arn: TaskArn::new(task.task_arn().unwrap_or_default()),
        asked: RunnerCommand::first_of(&words),
        environment: variable(env::ENVIRONMENT).unwrap_or_default().to_owned(),
        seen: Some(snapshot(task)),
    }
}
