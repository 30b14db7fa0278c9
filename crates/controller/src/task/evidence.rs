//! Owns the evidence of an ending and where the rest of the log is. PURE.

use super::console;
use super::session::Plan;
use super::snapshot::{ContainerSnapshot, StopCode, TaskSnapshot};
use crate::task_definition::{Driver, LogSource};
use protocol::Failure;

/// What ECS and the runner say, piece by piece.
pub(super) fn gather(
    plan: &Plan,
    task: Option<&TaskSnapshot>,
    failure: Option<&Failure>,
) -> Vec<(String, String)> {
    let mut pieces = failure.map(of_failure).unwrap_or_default();
    let mut add = |name: &str, text: &str| pieces.push((name.to_owned(), text.to_owned()));
    if let Some(task) = task {
        add("status", &task.status);
        if let Some(code) = &task.stop_code {
            add("stop code", StopCode::name(code));
        }
        if let Some(reason) = &task.stopped_reason {
            add("stopped reason", reason);
        }
        for container in &task.containers {
            let name = format!("container {}", container.name);
            add(&name, &of_container(container));
        }
        let network = [task.network.as_slice(), &plan.security_groups].concat();
        if !network.is_empty() {
            add("network", &network.join(", "));
        }
    }
    add("definition", &plan.definition);
    pieces
}

fn of_failure(failure: &Failure) -> Vec<(String, String)> {
    let mut pieces = Vec::new();
    let mut add = |name: &str, text: String| pieces.push((name.to_owned(), text));
    if let Some(migration) = &failure.migration {
        add("migration", migration.clone());
    }
    if let Some(statement) = &failure.statement {
        let place = format!("{} of {}, line {}", statement.number, statement.of, statement.line);
        add("statement", format!("{place}: {}", statement.text));
    }
    if let Some(state) = &failure.sqlstate {
        add("SQLSTATE", state.clone());
    }
    if let Some(detail) = &failure.detail {
        add("detail", detail.clone());
    }
    if let Some(code) = &failure.prisma_code {
        add("Prisma code", code.clone());
    }
    pieces
}

fn of_container(container: &ContainerSnapshot) -> String {
    let mut parts = vec![match container.exit_code {
        Some(code) => format!("exit code {code}"),
        None => "no exit code".to_owned(),
    }];
    parts.extend(container.reason.clone());
    if !container.image.is_empty() {
        parts.push(format!("image {}", container.image));
    }
    if let Some(digest) = &container.image_digest
        && !container.image.ends_with(digest.as_str())
    {
        parts.push(digest.clone());
    }
    parts.join(", ")
}

/// A command of ours for this run, that works in any directory: also when ECS has forgotten the
/// task.
pub(crate) fn command(plan: &Plan, name: &str) -> String {
    let mut command = format!("ecs-migrate {name}");
    let mut add = |text: &str| {
        command.push(' ');
        command.push_str(text);
    };
    if plan.cluster != "default" {
        add(&format!("--cluster {}", plan.cluster));
    }
    let family = plan.definition.rsplit('/').next().unwrap_or_default();
    add(&format!("--task-definition {}", family.split(':').next().unwrap_or_default()));
    if plan.logs.len() > 1 {
        add(&format!("--container {}", plan.container));
    }
    add(&format!("--region {} {}", plan.region, plan.task.id()));
    command
}

/// The command for the whole log, where we can read it.
pub(super) fn log_command(plan: &Plan, source: &LogSource) -> Option<String> {
    place(plan, source).map(|_| command(plan, "logs"))
}

/// The log in the AWS console.
pub(super) fn log_url(plan: &Plan, source: &LogSource) -> Option<String> {
    let (group, stream, region) = place(plan, source)?;
    console::log_stream(&plan.task, &region, (&group, &stream))
}

fn place(plan: &Plan, source: &LogSource) -> Option<(String, String, String)> {
    match &source.driver {
        Driver::Awslogs { group, prefix, region } => Some((
            group.clone(),
            Driver::stream(prefix, &source.container, plan.task.id()),
            region.clone(),
        )),
        Driver::Other(_) => None,
    }
}
