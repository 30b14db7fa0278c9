//! Owns UpdateService and both views of a service's deployments.

use super::access::Aws;
use super::error::AwsError;
use super::patience::patient;
use super::renewal::Renewal;
use crate::service::{
    Deployment, DeploymentStatus, Hold, RevisionCount, Rollout, ServiceDeployment, ServiceEvent,
    ServiceSnapshot,
};
use crate::task::TaskArn;
use aws_sdk_ecs::operation::describe_services::DescribeServicesOutput;
use aws_sdk_ecs::types::{
    DeploymentLifecycleHookAction, DeploymentLifecycleHookDetail, DeploymentLifecycleHookStatus,
    DesiredStatus, Service, ServiceDeployment as SdkServiceDeployment,
    ServiceDeploymentLifecycleStage, ServiceDeploymentRollbackMonitorsStatus,
    ServiceDeploymentStatus,
};
use aws_smithy_types::DateTime;

impl Aws {
    /// A service by name or ARN, asked once: for a loop that looks again anyway. One that was deleted
    /// is described for a while, as `INACTIVE`.
    pub(crate) async fn look_at_service(
        &self,
        cluster: &str,
        service: &str,
    ) -> Result<Option<ServiceSnapshot>, AwsError> {
        let ask = self.single.describe_services().cluster(cluster).services(service);
        let answer = ask.send().await.map_err(|error| AwsError::of("DescribeServices", error));
        let answer = Renewal::heed(self.renewal.as_ref(), answer).await?;
        described(&answer)
    }

    /// The same, asked until it is answered: for who looks once.
    pub(crate) async fn service_now(
        &self,
        cluster: &str,
        service: &str,
    ) -> Result<Option<ServiceSnapshot>, AwsError> {
        patient(|| async {
            let ask = self.ecs.describe_services().cluster(cluster).services(service);
            let answer =
                ask.send().await.map_err(|error| AwsError::of("DescribeServices", error))?;
            described(&answer)
        })
        .await
    }

    /// Gives the service a definition; the answer shows the deployment that this begins. Asked once.
    pub(crate) async fn update_service(
        &self,
        (cluster, service): (&str, &str),
        definition: &str,
        deployment: NewDeployment,
    ) -> Result<ServiceSnapshot, AwsError> {
        let answer = self
            .ecs
            .update_service()
            .cluster(cluster)
            .service(service)
            .task_definition(definition)
            .force_new_deployment(deployment == NewDeployment::Forced)
            .send()
            .await
            .map_err(|error| AwsError::of("UpdateService", error));
        let answer = Renewal::heed(self.renewal.as_ref(), answer).await?;
        answer
            .service()
            .map(snapshot)
            .ok_or_else(|| AwsError::unreadable("UpdateService", 200, "it shows no service"))
    }

    /// The ARNs of the service deployments since a moment (milliseconds since 1970), the newest
    /// first.
    pub(crate) async fn service_deployments_since(
        &self,
        (cluster, service): (&str, &str),
        since: i64,
    ) -> Result<Vec<String>, AwsError> {
        let window = aws_sdk_ecs::types::CreatedAt::builder().after(DateTime::from_millis(since));
        let answer = self
            .single
            .list_service_deployments()
            .cluster(cluster)
            .service(service)
            .created_at(window.build())
            .send()
            .await
            .map_err(|error| AwsError::of("ListServiceDeployments", error));
        let answer = Renewal::heed(self.renewal.as_ref(), answer).await?;
        let mut found: Vec<_> = answer.service_deployments().iter().collect();
        found.sort_by_key(|brief| std::cmp::Reverse(millis(brief.created_at())));
        let arns = found.iter().filter_map(|brief| brief.service_deployment_arn());
        Ok(arns.map(str::to_owned).take(20).collect())
    }

    /// Service deployments by ARN, at most 20.
    pub(crate) async fn describe_service_deployments(
        &self,
        arns: &[String],
    ) -> Result<Vec<ServiceDeployment>, AwsError> {
        let ask = self.single.describe_service_deployments();
        let ask = ask.set_service_deployment_arns(Some(arns.to_vec()));
        let answer =
            ask.send().await.map_err(|error| AwsError::of("DescribeServiceDeployments", error));
        let answer = Renewal::heed(self.renewal.as_ref(), answer).await?;
        Ok(answer.service_deployments().iter().map(service_deployment).collect())
    }

    /// The task definitions behind service revisions.
    pub(crate) async fn definitions_of_revisions(
        &self,
        arns: &[String],
    ) -> Result<Vec<(String, String)>, AwsError> {
        let ask = self.single.describe_service_revisions();
        let ask = ask.set_service_revision_arns(Some(arns.to_vec()));
        let answer =
            ask.send().await.map_err(|error| AwsError::of("DescribeServiceRevisions", error));
        let answer = Renewal::heed(self.renewal.as_ref(), answer).await?;
        let found = answer.service_revisions().iter().filter_map(|revision| {
            let arn = revision.service_revision_arn()?.to_owned();
            Some((arn, revision.task_definition()?.to_owned()))
        });
        Ok(found.collect())
    }

    /// Tasks that a deployment started and that have ended or are about to, at most 100.
    pub(crate) async fn stopped_tasks_of(
        &self,
        cluster: &str,
        deployment: &str,
    ) -> Result<Vec<TaskArn>, AwsError> {
        let ask = self.single.list_tasks().cluster(cluster).started_by(deployment);
        let ask = ask.desired_status(DesiredStatus::Stopped);
        let answer = ask.send().await.map_err(|error| AwsError::of("ListTasks", error));
        let answer = Renewal::heed(self.renewal.as_ref(), answer).await?;
        Ok(answer.task_arns().iter().map(TaskArn::new).collect())
    }
}

/// Whether a deployment shall begin although nothing changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NewDeployment {
    IfNeeded,
    Forced,
}

fn millis(at: Option<&DateTime>) -> i64 {
    at.and_then(|at| at.to_millis().ok()).unwrap_or_default()
}

fn text(value: Option<&str>) -> String {
    value.unwrap_or_default().to_owned()
}

pub(super) fn snapshot(service: &Service) -> ServiceSnapshot {
    let deployments = service.deployments().iter().map(|deployment| Deployment {
        id: text(deployment.id()),
        primary: deployment.status() == Some("PRIMARY"),
        definition: text(deployment.task_definition()),
        rollout: match deployment.rollout_state().map(|state| state.as_str().to_owned()) {
            Some(state) if state == "COMPLETED" => Rollout::Completed,
            Some(state) if state == "FAILED" => Rollout::Failed,
            Some(_) => Rollout::InProgress,
            None => Rollout::NotSaid,
        },
        reason: text(deployment.rollout_state_reason()),
        desired: deployment.desired_count(),
        running: deployment.running_count(),
        pending: deployment.pending_count(),
        failed: deployment.failed_tasks(),
        created_at: millis(deployment.created_at()),
    });
    let events = service.events().iter().map(|event| ServiceEvent {
        id: text(event.id()),
        at: millis(event.created_at()),
        message: text(event.message()),
    });
    ServiceSnapshot {
        status: text(service.status()),
        controller: service
            .deployment_controller()
            .map_or("ECS", |controller| controller.r#type().as_str())
            .to_owned(),
        definition: text(service.task_definition()),
        desired: service.desired_count(),
        running: service.running_count(),
        deployments: deployments.collect(),
        revisions: service
            .current_service_revisions()
            .iter()
            .map(|revision| RevisionCount {
                arn: text(revision.arn()),
                tasks: revision.running_task_count() + revision.pending_task_count(),
            })
            .collect(),
        events: events.collect(),
    }
}

/// The service, or none where ECS says that there is none. An answer that says neither is no answer: it
/// would pass for a service that was deleted, and with it for old code that is gone.
fn described(answer: &DescribeServicesOutput) -> Result<Option<ServiceSnapshot>, AwsError> {
    match (answer.services().first(), answer.failures()) {
        (Some(service), _) => Ok(Some(snapshot(service))),
        (None, [_, ..]) => Ok(None),
        (None, []) => {
            Err(AwsError::unreadable("DescribeServices", 200, "neither the service nor a failure"))
        }
    }
}

fn service_deployment(deployment: &SdkServiceDeployment) -> ServiceDeployment {
    let breaker = deployment.deployment_circuit_breaker();
    let triggered = breaker.is_some_and(|breaker| {
        breaker.status() == Some(&ServiceDeploymentRollbackMonitorsStatus::Triggered)
    });
    let status = deployment.status().map(ServiceDeploymentStatus::as_str).unwrap_or_default();
    ServiceDeployment {
        arn: text(deployment.service_deployment_arn()),
        revision: text(deployment.target_service_revision().and_then(|revision| revision.arn())),
        created_at: millis(deployment.created_at()),
        status: DeploymentStatus::named(status),
        reason: text(deployment.status_reason()),
        rollback: text(deployment.rollback().and_then(|rollback| rollback.reason())),
        tripped: triggered,
        failures: breaker
            .filter(|breaker| breaker.threshold() > 0)
            .map(|breaker| (breaker.failure_count(), breaker.threshold())),
        alarms: deployment
            .alarms()
            .map(|alarms| alarms.triggered_alarm_names().to_vec())
            .unwrap_or_default(),
        stage: text(deployment.lifecycle_stage().map(ServiceDeploymentLifecycleStage::as_str)),
        holds: deployment.lifecycle_hook_details().iter().filter_map(hold).collect(),
    }
}

/// Only somebody's action ends a PAUSE hook; a function's answer ends itself.
fn hold(hook: &DeploymentLifecycleHookDetail) -> Option<Hold> {
    let waits = hook.status() == Some(&DeploymentLifecycleHookStatus::AwaitingAction);
    waits.then(|| Hold {
        hook: text(hook.hook_id()),
        otherwise: text(hook.timeout_action().map(DeploymentLifecycleHookAction::as_str)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ecs::types::Failure;

    #[test]
    fn only_ecs_says_that_there_is_no_service() {
        let answer = DescribeServicesOutput::builder();
        assert!(described(&answer.clone().build()).unwrap_err().is_transient());
        let missing = Failure::builder().reason("MISSING").build();
        assert_eq!(described(&answer.clone().failures(missing).build()).unwrap(), None);
        let service = Service::builder().service_name("api").build();
        assert!(described(&answer.services(service).build()).unwrap().is_some());
    }
}
