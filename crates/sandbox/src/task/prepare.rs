//! Owns everything between RunTask and the first process: network, secrets, images, log streams.

use std::sync::Arc;

use tokio::time::sleep;

use super::environment::{EnvironmentSources, environment};
use super::logs::open_logs;
use super::record::Task;
use super::workload::Workload;
use crate::core::{Core, State};
use crate::ecs::{ContainerOverride, ContainerSpec};
use crate::faults::{FailedStart, StartPhase};
use crate::image::Launch;
use crate::logs::LineSink;
use crate::secrets;

/// Takes a task from PROVISIONING to where its containers can start. Dropping it half way is fine.
pub(crate) async fn prepare(core: &Arc<Core>, id: &str) -> Result<Vec<Workload>, FailedStart> {
    let dwell = &core.config.dwell;
    sleep(dwell.provisioning).await;
    fault(core, id, StartPhase::Provisioning).await?;
    core.with_task(id, |task| task.attached(core.clock.now()));

    sleep(dwell.secrets).await;
    fault(core, id, StartPhase::Pending).await?;
    let secrets = resolve_secrets(core, id)?;

    core.with_task(id, |task| {
        task.times.pull_started_at = Some(core.clock.now());
    });
    sleep(dwell.pull).await;
    fault(core, id, StartPhase::Pulling).await?;
    pull_images(core, id)?;

    let sinks = open_logs(core, id)?;
    sleep(dwell.initialise).await;
    Ok(workloads(core, id, secrets, sinks))
}

async fn fault(core: &Core, id: &str, phase: StartPhase) -> Result<(), FailedStart> {
    let Some(details) = core.with_task(id, |task| task.details.clone()) else {
        return Ok(());
    };
    let more = core.faults.stays_in(&details, phase);
    if !more.is_zero() {
        sleep(more).await;
    }
    core.faults.at_start(&details, phase).map_or(Ok(()), Err)
}

/// The secrets of each container, in the order of the containers.
type Secrets = Vec<Vec<(String, String)>>;

fn resolve_secrets(core: &Core, id: &str) -> Result<Secrets, FailedStart> {
    let state = core.state();
    containers(&state, id)
        .iter()
        .map(|container| {
            let secrets = container.secrets.iter();
            secrets
                .map(|secret| {
                    secrets::resolve(&state.secrets, &secret.value_from)
                        .map(|value| (secret.name.clone(), value))
                        .map_err(FailedStart::because)
                })
                .collect()
        })
        .collect()
}

fn pull_images(core: &Core, id: &str) -> Result<(), FailedStart> {
    let mut state = core.state();
    let Some(task) = state.tasks.get_mut(id) else {
        return Ok(());
    };
    for container in &mut task.containers {
        let image = &container.image;
        if core.config.images.find(image).is_none() {
            // aws-facts 1.5, P1.
            return Err(FailedStart::because(format!(
                "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref \
                 {image}: {image}: not found"
            )));
        }
        container.image_digest = digest(image);
    }
    task.times.pull_stopped_at = Some(core.clock.now());
    Ok(())
}

/// ECS shows the digest of ECR images only; without a registry there is none but the reference's own.
fn digest(image: &str) -> Option<String> {
    let (_, digest) = image.split_once('@')?;
    image.contains(".dkr.ecr.").then(|| digest.to_owned())
}

fn workloads(core: &Arc<Core>, id: &str, secrets: Secrets, sinks: Vec<LineSink>) -> Vec<Workload> {
    let state = core.state();
    let Some(task) = state.tasks.get(id) else {
        return Vec::new();
    };
    let overrides = ContainerOverride::list(&task.request.overrides);
    let specs = &task.revision.spec.container_definitions;
    specs
        .iter()
        .zip(secrets.into_iter().zip(sinks))
        .enumerate()
        .filter_map(|(index, (spec, (secrets, output)))| {
            let given = overrides.iter().find(|given| given.name == spec.name);
            workload(core, task, (index, spec, given), (secrets, output))
        })
        .collect()
}

fn workload(
    core: &Core,
    task: &Task,
    (index, spec, given): (usize, &ContainerSpec, Option<&ContainerOverride>),
    (secrets, output): (Vec<(String, String)>, LineSink),
) -> Option<Workload> {
    let container = task.containers.get(index)?;
    let environment = environment(EnvironmentSources {
        host: &core.config.host,
        region: &core.identity.region,
        endpoint: core.endpoint(),
        runtime_id: &container.runtime_id,
        credentials: task.credentials.as_ref(),
        secrets,
        definition: spec.environment_pairs(),
        overrides: given.map(ContainerOverride::environment_pairs).unwrap_or_default(),
    });
    let arguments =
        given.and_then(|given| given.command.clone()).unwrap_or_else(|| spec.command.clone());
    Some(Workload {
        index,
        program: core.config.images.find(&spec.image)?.clone(),
        launch: Launch {
            task_arn: task.identity.arn.clone(),
            container: spec.name.clone(),
            ordinal: task.details.ordinal,
            arguments,
            environment,
        },
        entry_point: spec.entry_point.clone(),
        output,
        stop_timeout: spec.stop_timeout(),
    })
}

fn containers(state: &State, id: &str) -> Vec<ContainerSpec> {
    state
        .tasks
        .get(id)
        .map(|task| task.revision.spec.container_definitions.clone())
        .unwrap_or_default()
}
