//! Owns the logs of a task's containers before their start: which streams are made, and what feeds them.

use std::sync::Arc;

use super::record::Task;
use crate::core::{Core, State};
use crate::ecs::{AwsLogs, ContainerSpec};
use crate::faults::{FailedStart, LineFaults, StreamFault, TaskDetails};
use crate::logs::{Destination, LineSink};

/// In the order of the containers. Nothing is fed before every stream is there.
pub(crate) fn open_logs(core: &Arc<Core>, id: &str) -> Result<Vec<LineSink>, FailedStart> {
    let mut plans = Vec::new();
    if let Some(task) = core.state().tasks.get(id) {
        let specs = task.revision.spec.container_definitions.iter();
        plans.extend(specs.map(|spec| plan(core, (id, &task.details), spec)));
    }
    let mut state = core.state();
    for plan in plans.iter().flatten() {
        create(core, &mut state, plan)?;
    }
    if let Some(task) = state.tasks.get_mut(id) {
        remember(task, &plans);
    }
    drop(state);
    Ok(plans.into_iter().map(|plan| open(core, plan)).collect())
}

/// How a container's log shall be.
#[derive(Debug)]
struct Plan {
    options: AwsLogs,
    name: String,
    stream: StreamFault,
    lines: LineFaults,
}

/// `None` with another log driver or none.
fn plan(core: &Core, (id, task): (&str, &TaskDetails), spec: &ContainerSpec) -> Option<Plan> {
    let options = spec.awslogs()?;
    let stream = core.faults.at_stream(task, &spec.name);
    Some(Plan {
        name: format!("{}/{}/{id}", options.stream_prefix, spec.name),
        // A stream that comes later fails later, and then nobody sees it.
        stream: match stream {
            StreamFault::After(_) if is_elsewhere(core, &options) => StreamFault::Never,
            StreamFault::None | StreamFault::After(_) | StreamFault::Never => stream,
        },
        lines: core.faults.at_lines(task, &spec.name),
        options,
    })
}

/// The sandbox is one region: a group in another one does not exist.
fn is_elsewhere(core: &Core, options: &AwsLogs) -> bool {
    options.region != core.identity.region
}

fn create(core: &Core, state: &mut State, plan: &Plan) -> Result<(), FailedStart> {
    let now = core.clock.now();
    let (options, elsewhere) = (&plan.options, is_elsewhere(core, &plan.options));
    if options.creates_group && !elsewhere {
        state.logs.create_group(&options.group, now);
    }
    if plan.stream != StreamFault::None {
        return Ok(());
    }
    if elsewhere || state.logs.create_stream(&options.group, &plan.name, now).is_err() {
        // aws-facts 1.5, R10.
        return Err(FailedStart::because(
            "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: \
             failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not \
             exist. : exit status 1"
                .to_owned(),
        ));
    }
    Ok(())
}

fn remember(task: &mut Task, plans: &[Option<Plan>]) {
    for (container, plan) in task.containers.iter_mut().zip(plans) {
        container.log_stream = plan.as_ref().map(|plan| plan.name.clone());
    }
}

fn open(core: &Arc<Core>, plan: Option<Plan>) -> LineSink {
    let Some(Plan { options, name, stream, lines }) = plan else {
        return LineSink::Nowhere;
    };
    let (core, group) = (Arc::clone(core), options.group);
    LineSink::open(Destination { core, group, stream: name }, stream, lines)
}
