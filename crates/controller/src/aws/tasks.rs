//! Owns RunTask, DescribeTasks, StopTask and ListTasks.

use super::access::Aws;
use super::error::AwsError;
use super::patience::patient;
use super::renewal::Renewal;
use super::wide::{Replay, readable};
use crate::settings::{Capacity, PublicIp};
use crate::task::{
    Asked, ContainerSnapshot, Described, Expectation, RunAnswer, RunRequest, Shortfall, StopCode,
    TaskArn, TaskSnapshot, TaskTimes,
};
use aws_sdk_ecs::operation::describe_tasks::DescribeTasksOutput;
use aws_sdk_ecs::operation::list_tasks::ListTasksOutput;
use aws_sdk_ecs::operation::list_tasks::builders::ListTasksFluentBuilder;
use aws_sdk_ecs::operation::run_task::RunTaskError;
use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, CapacityProviderStrategyItem, Container,
    ContainerOverride, DesiredStatus, Failure, KeyValuePair, LaunchType, NetworkConfiguration,
    Task, TaskOverride,
};
use aws_smithy_types::DateTime;
use aws_smithy_types::timeout::TimeoutConfig;
use protocol::env;
use std::time::Duration;

impl Aws {
    /// Starts the task, or says why not. A client token that is in use is no error: its task is
    /// the answer.
    pub(crate) async fn run_task(&self, request: &RunRequest) -> Result<RunAnswer, AwsError> {
        Renewal::heed(self.renewal.as_ref(), self.ask_to_run(request).await).await
    }

    async fn ask_to_run(&self, request: &RunRequest) -> Result<RunAnswer, AwsError> {
        let call = self
            .ecs
            .run_task()
            .cluster(&request.cluster)
            .task_definition(&request.definition)
            .client_token(&request.client_token)
            .started_by(&request.started_by)
            .count(1)
            .network_configuration(network(request))
            .overrides(overrides(request));
        let call = match &request.capacity {
            Capacity::Fargate => call.launch_type(LaunchType::Fargate),
            Capacity::Provider(name) => call.set_capacity_provider_strategy(
                CapacityProviderStrategyItem::builder()
                    .capacity_provider(name)
                    .weight(1)
                    .build()
                    .ok()
                    .map(|item| vec![item]),
            ),
        };
        let answer = match call.clone().send().await {
            Err(error) => match readable(&error) {
                Some(replay) => call.customize().config_override(replaying(replay)).send().await,
                None => Err(error),
            },
            answer => answer,
        };
        match answer {
            Ok(answer) => {
                // A task without a name cannot be followed: the answer was not read.
                let named = |task: &&Task| task.task_arn().is_some_and(|arn| !arn.is_empty());
                if let Some(task) = answer.tasks().iter().find(named) {
                    Ok(RunAnswer::Started(Box::new(snapshot(task))))
                } else if answer.failures().is_empty() || !answer.tasks().is_empty() {
                    Ok(RunAnswer::Nothing)
                } else {
                    Ok(RunAnswer::Short(answer.failures().iter().map(shortfall).collect()))
                }
            }
            Err(error) => {
                if let Some(RunTaskError::ConflictException(conflict)) = error.as_service_error() {
                    return Ok(RunAnswer::Conflict(
                        conflict.resource_ids().iter().cloned().map(TaskArn::new).collect(),
                    ));
                }
                Err(AwsError::of("RunTask", error))
            }
        }
    }

    /// One task as ECS sees it now.
    pub(crate) async fn describe_task(
        &self,
        cluster: &str,
        task: &str,
    ) -> Result<Described, AwsError> {
        patient(|| describe(&self.ecs, cluster, task)).await
    }

    /// The same, asked once: for a loop that looks again anyway.
    pub(crate) async fn look_at_task(
        &self,
        cluster: &str,
        task: &str,
    ) -> Result<Described, AwsError> {
        Renewal::heed(self.renewal.as_ref(), describe(&self.single, cluster, task).await).await
    }

    /// Up to 100 tasks as ECS sees them now; those that it does not know are left out.
    pub(crate) async fn describe_tasks(
        &self,
        cluster: &str,
        tasks: &[TaskArn],
    ) -> Result<Vec<TaskSnapshot>, AwsError> {
        let names: Vec<String> =
            tasks.iter().take(100).map(|task| task.as_str().to_owned()).collect();
        let answer = patient(|| described(&self.ecs, cluster, names.clone())).await?;
        Ok(answer.tasks().iter().map(snapshot).collect())
    }

    /// Asks ECS once to stop a task; a task that is stopped already is no error.
    pub(crate) async fn stop_task(
        &self,
        cluster: &str,
        task: &TaskArn,
        (reason, patience): (&str, Duration),
    ) -> Result<(), AwsError> {
        let timeout = TimeoutConfig::builder().operation_timeout(patience).build();
        let answer = self
            .single
            .stop_task()
            .cluster(cluster)
            .task(task.as_str())
            .reason(reason)
            .customize()
            .config_override(aws_sdk_ecs::config::Builder::new().timeout_config(timeout))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| AwsError::of("StopTask", error));
        Renewal::heed(self.renewal.as_ref(), answer).await
    }

    /// The tasks in flight that `started_by` started; a filter that excludes all others.
    pub(crate) async fn tasks_started_by(
        &self,
        cluster: &str,
        started_by: &str,
    ) -> Result<Vec<TaskArn>, AwsError> {
        self.tasks_in_flight(self.ecs.list_tasks().cluster(cluster).started_by(started_by)).await
    }

    /// The tasks of `started_by` that ECS has not forgotten and does not want to run any more: they ended,
    /// or are on their way to it.
    pub(crate) async fn ending_tasks_started_by(
        &self,
        cluster: &str,
        started_by: &str,
    ) -> Result<Vec<TaskArn>, AwsError> {
        let list = self.ecs.list_tasks().cluster(cluster).started_by(started_by);
        self.all_tasks(list.desired_status(DesiredStatus::Stopped)).await
    }

    /// The tasks in flight of a family, whoever started them.
    pub(crate) async fn tasks_of_family(
        &self,
        cluster: &str,
        family: &str,
    ) -> Result<Vec<TaskArn>, AwsError> {
        self.tasks_in_flight(self.ecs.list_tasks().cluster(cluster).family(family)).await
    }

    /// The tasks of a family that ended and that ECS has not forgotten, whoever started them.
    pub(crate) async fn ended_tasks_of_family(
        &self,
        cluster: &str,
        family: &str,
    ) -> Result<Vec<TaskArn>, AwsError> {
        let list = self.ecs.list_tasks().cluster(cluster).family(family);
        self.all_tasks(list.desired_status(DesiredStatus::Stopped)).await
    }

    /// The tasks of a service that ECS has not forgotten: also those that it lets go of, which run
    /// on for a while.
    pub(crate) async fn tasks_of_service(
        &self,
        cluster: &str,
        service: &str,
    ) -> Result<Vec<TaskArn>, AwsError> {
        let list = self.ecs.list_tasks().cluster(cluster).service_name(service);
        let mut found = self.tasks_in_flight(list.clone()).await?;
        found.extend(self.all_tasks(list.desired_status(DesiredStatus::Stopped)).await?);
        Ok(found)
    }

    async fn tasks_in_flight(
        &self,
        list: ListTasksFluentBuilder,
    ) -> Result<Vec<TaskArn>, AwsError> {
        self.all_tasks(list.desired_status(DesiredStatus::Running)).await
    }

    /// All pages: ListTasks answers with at most 100.
    async fn all_tasks(&self, list: ListTasksFluentBuilder) -> Result<Vec<TaskArn>, AwsError> {
        let found: Vec<String> = patient(|| async {
            let pages = list.clone().into_paginator().send();
            let pages: Vec<ListTasksOutput> = pages
                .collect::<Result<_, _>>()
                .await
                .map_err(|error| AwsError::of("ListTasks", error))?;
            // No task is an empty list, and no list is no answer.
            let lists = pages.into_iter().map(|page| page.task_arns).collect::<Option<Vec<_>>>();
            lists.ok_or_else(|| AwsError::unreadable("ListTasks", 200, "it lists nothing"))
        })
        .await?
        .concat();
        Ok(found.into_iter().map(TaskArn::new).collect())
    }
}

async fn describe(
    client: &aws_sdk_ecs::Client,
    cluster: &str,
    task: &str,
) -> Result<Described, AwsError> {
    let answer = described(client, cluster, vec![task.to_owned()]).await?;
    Ok(answer
        .tasks()
        .first()
        .map_or(Described::Missing, |task| Described::Task(Box::new(snapshot(task)))))
}

async fn described(
    client: &aws_sdk_ecs::Client,
    cluster: &str,
    tasks: Vec<String>,
) -> Result<DescribeTasksOutput, AwsError> {
    let ask = client.describe_tasks().cluster(cluster).set_tasks(Some(tasks));
    let answer = match ask.clone().send().await {
        Err(error) => match readable(&error) {
            Some(replay) => ask.customize().config_override(replaying(replay)).send().await,
            None => Err(error),
        },
        answer => answer,
    };
    let answer = answer.map_err(|error| AwsError::of("DescribeTasks", error))?;
    // A task that ECS does not know is among the failures.
    if answer.tasks().is_empty() && answer.failures().is_empty() {
        return Err(AwsError::unreadable("DescribeTasks", 200, "neither a task nor a failure"));
    }
    Ok(answer)
}

fn replaying(replay: Replay) -> aws_sdk_ecs::config::Builder {
    aws_sdk_ecs::config::Builder::new().http_client(replay)
}

fn network(request: &RunRequest) -> NetworkConfiguration {
    let vpc = AwsVpcConfiguration::builder()
        .set_subnets(Some(request.network.subnets.clone()))
        .set_security_groups(Some(request.network.security_groups.clone()))
        .assign_public_ip(match request.network.public_ip {
            PublicIp::Assigned => AssignPublicIp::Enabled,
            PublicIp::None => AssignPublicIp::Disabled,
        })
        .build();
    NetworkConfiguration::builder().set_awsvpc_configuration(vpc.ok()).build()
}

fn overrides(request: &RunRequest) -> TaskOverride {
    let environment = request
        .environment
        .iter()
        .map(|(name, value)| KeyValuePair::builder().name(name).value(value).build())
        .collect();
    let command = (!request.command.is_empty()).then(|| request.command.clone());
    TaskOverride::builder()
        .container_overrides(
            ContainerOverride::builder()
                .name(&request.container)
                .set_command(command)
                .set_environment(Some(environment))
                .build(),
        )
        .build()
}

fn shortfall(failure: &Failure) -> Shortfall {
    Shortfall {
        reason: failure.reason().unwrap_or_default().to_owned(),
        detail: failure.detail().unwrap_or_default().to_owned(),
    }
}

pub(super) fn snapshot(task: &Task) -> TaskSnapshot {
    let overrides = task.overrides().map(TaskOverride::container_overrides).unwrap_or_default();
    let given = |name: &str| {
        overrides.iter().find_map(|container| {
            let variables = container.environment();
            let value = variables.iter().find(|pair| pair.name() == Some(name));
            value
                .and_then(KeyValuePair::value)
                .map(|value| (container.name().unwrap_or_default().to_owned(), value.to_owned()))
        })
    };
    let run = given(env::RUN);
    let asked = overrides.iter().find(|container| {
        run.as_ref().is_some_and(|(name, _)| container.name() == Some(name.as_str()))
    });
    let asked = asked.map_or(Asked::Anything, |container| {
        let variables = container.environment();
        let question = variables.iter().find(|pair| pair.name() == Some(env::COMMAND));
        let told = variables.iter().find(|pair| pair.name() == Some(env::ASKED));
        let started_by = task.started_by().unwrap_or_default();
        told.and_then(KeyValuePair::value).and_then(Asked::told).unwrap_or_else(|| {
            Asked::of_task(started_by, container.command(), question.and_then(KeyValuePair::value))
        })
    });
    let network = task
        .attachments()
        .iter()
        .flat_map(aws_sdk_ecs::types::Attachment::details)
        .filter(|detail| {
            matches!(detail.name(), Some("subnetId" | "networkInterfaceId" | "privateIPv4Address"))
        })
        .filter_map(|detail| detail.value().map(str::to_owned))
        .collect();
    TaskSnapshot {
        arn: TaskArn::new(task.task_arn().unwrap_or_default()),
        version: task.version(),
        definition: task.task_definition_arn().unwrap_or_default().to_owned(),
        status: task.last_status().unwrap_or_default().to_owned(),
        stop_code: task.stop_code().map(|code| StopCode::named(code.as_str())),
        stopped_reason: task.stopped_reason().map(str::to_owned),
        started: task.started_at().is_some(),
        created_at: milliseconds(task.created_at()),
        times: TaskTimes {
            connectivity: milliseconds(task.connectivity_at()),
            pull_started: milliseconds(task.pull_started_at()),
            pull_stopped: milliseconds(task.pull_stopped_at()),
            started: milliseconds(task.started_at()),
            stopping: milliseconds(task.stopping_at()),
            execution_stopped: milliseconds(task.execution_stopped_at()),
            stopped: milliseconds(task.stopped_at()),
        },
        started_by: task.started_by().unwrap_or_default().to_owned(),
        run,
        asked,
        expect: Expectation::told(given(env::EXPECT).map(|(_, word)| word).as_deref()),
        invocation: given(env::INVOCATION).map(|(_, invocation)| invocation),
        environment: given(env::ENVIRONMENT).map(|(_, environment)| environment),
        network,
        containers: task.containers().iter().map(container).collect(),
    }
}

fn milliseconds(at: Option<&DateTime>) -> Option<i64> {
    at.and_then(|at| at.to_millis().ok())
}

fn container(container: &Container) -> ContainerSnapshot {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    ContainerSnapshot {
        name: text(container.name()),
        status: text(container.last_status()),
        exit_code: container.exit_code(),
        reason: container.reason().map(str::to_owned),
        image: text(container.image()),
        image_digest: container.image_digest().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ecs::types::TaskStopCode;

    /// A stop code that the SDK learns must be thought about in the verdict.
    #[test]
    fn every_stop_code_of_the_sdk_is_known() {
        for code in TaskStopCode::values() {
            assert!(!matches!(StopCode::named(code), StopCode::Other(_)), "{code} is new");
        }
    }
}
