//! Owns what became of the services behind a green run: a story of the migration alone would say OK of a
//! release that was rolled back. As far as ECS says it; who may not ask is told nothing.

use crate::aws::Aws;
use crate::runs::Record;
use crate::service::DeploymentStatus;
use crate::settings::{Key, Layers};
use protocol::event::Origin;

/// The services behind a run: those that waited for it, by its own first line, else those that settings name.
pub(super) fn services(origin: &Origin, layers: &Layers) -> Vec<String> {
    let set = layers.find(Key::Service).map(|found| found.value.clone()).unwrap_or_default();
    let names = if origin.services.is_empty() { &set } else { &origin.services };
    names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// A service and the sentence about its first deployment since the run began.
pub(super) async fn behind(
    aws: &Aws,
    (cluster, services): (&str, &[String]),
    run: &Record,
) -> Vec<String> {
    let mut sentences = Vec::new();
    for name in services {
        let place = (cluster, name.as_str());
        // The newest first.
        let Ok(mut arns) = aws.service_deployments_since(place, run.began).await else { continue };
        let Some(first) = arns.pop() else { continue };
        let Ok(found) = aws.describe_service_deployments(&[first]).await else { continue };
        let Some(deployment) = found.first() else { continue };
        let why =
            if deployment.rollback.is_empty() { &deployment.reason } else { &deployment.rollback };
        sentences.push(sentence(name, deployment.status, why));
    }
    sentences
}

fn sentence(name: &str, status: DeploymentStatus, why: &str) -> String {
    let said = match status {
        DeploymentStatus::Going => "its deployment goes on",
        DeploymentStatus::Successful => "its deployment was successful",
        DeploymentStatus::Stopped => "its deployment was stopped",
        DeploymentStatus::RollingBack => "its deployment is being rolled back",
        DeploymentStatus::RolledBack => {
            "its deployment was rolled back, so old code runs on the new schema"
        }
        DeploymentStatus::RollbackFailed => "its deployment failed, and so did going back",
    };
    match (status, why) {
        (DeploymentStatus::Successful | DeploymentStatus::Going, _) | (_, "") => {
            format!("{name}: {said}")
        }
        (_, why) => format!("{name}: {said}: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollout_in_a_sentence() {
        for (status, why, expected) in [
            (DeploymentStatus::Successful, "done", "api: its deployment was successful"),
            (DeploymentStatus::Stopped, "", "api: its deployment was stopped"),
            (
                DeploymentStatus::RolledBack,
                "tasks failed to start",
                "api: its deployment was rolled back, so old code runs on the new schema: tasks failed to start",
            ),
        ] {
            assert_eq!(sentence("api", status, why), expected);
        }
    }
}
