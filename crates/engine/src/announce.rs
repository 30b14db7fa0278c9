//! What is said of a plan before anything of it is done.

use crate::deploy::Deploy;
use crate::progress::{Progress, Sink};
use migrations::{Plan, Share};

/// Says what is planned, and what of it somebody may not expect.
pub(crate) fn announce(plan: &Plan, deploy: &Deploy<'_>, sink: &mut dyn Sink) {
    for difference in &plan.allowed {
        sink.emit(Progress::Notice {
            code: "difference_allowed",
            text: format!("allowed: {difference}"),
        });
    }
    if deploy.share == Share::All {
        for migration in plan.pending.iter().filter(|migration| migration.waits_for_rollout()) {
            let text = format!(
                "`{}` is marked phase=after-deploy and is applied now: only `release`, or --phase expand, lets it wait for the rollout",
                migration.name
            );
            sink.emit(Progress::Notice { code: "not_waiting", text });
        }
    }
    if deploy.directory.migrations.is_empty() {
        let text = format!("`{}` holds no migrations", deploy.directory.path.display());
        sink.emit(Progress::Notice { code: "no_migrations", text });
    }
    if plan.pending.is_empty() && !plan.ahead.is_empty() {
        let text = format!(
            "the database is ahead by {}: it was migrated by a newer version (newest: `{}`)",
            plan.ahead.len(),
            plan.ahead.last().map_or("", String::as_str)
        );
        sink.emit(Progress::Notice { code: "database_ahead", text });
    }
    if !plan.waiting.is_empty() {
        let text = format!(
            "{} for the rollout of the new code: {}",
            waits(plan.waiting.len()),
            plan.waiting.join(", ")
        );
        sink.emit(Progress::Notice { code: "waits_for_rollout", text });
    }
    sink.emit(Progress::Planned {
        found: deploy.directory.migrations.len(),
        applied: plan.applied.len(),
        pending: plan.pending.iter().map(|migration| migration.name.clone()).collect(),
        ahead: plan.ahead.clone(),
        waiting: plan.waiting.clone(),
    });
}

fn waits(count: usize) -> String {
    if count == 1 { "1 migration waits".to_owned() } else { format!("{count} migrations wait") }
}
