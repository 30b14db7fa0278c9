//! Owns the check of a deployment: the hazards of what is pending, graded with what this database
//! says of the tables, before anything is changed.

mod facts;
mod preflight;

use crate::check::Finding;
use crate::error::{Error, Kind};
use crate::progress::{Progress, Sink};
use crate::session::Session;
use migrations::hazard::live::{Facts, regrade};
use migrations::hazard::{self, Grade, Known, Level, Policy, Work};
use migrations::script::Script;
use migrations::{Directory, Plan};
use std::collections::BTreeSet;
use std::time::Duration;

/// How strict the check is.
#[derive(Debug, Clone)]
pub struct Review {
    /// What blocks.
    pub policy: Policy,
    /// Hazards that somebody approved, each as `RULE:OBJECT`.
    pub approved: BTreeSet<String>,
    /// Work under a lock that takes less than this is none that traffic notices.
    pub limit: Duration,
}

/// Grades what is pending; an error if something blocks.
pub(crate) async fn review(
    review: &Review,
    session: &Session,
    (directory, plan): (&Directory, &Plan),
    sink: &mut dyn Sink,
) -> Result<(), Error> {
    let mut known = Known::default();
    for migration in directory.migrations.iter().filter(|one| plan.applied.contains(&one.name)) {
        if let Ok(text) = migration.read() {
            known.read(&Script::parse(text));
        }
    }
    let mut approved = review.approved.clone();
    let mut blocking = Vec::new();
    let mut rewritten = 0_u64;
    for migration in &plan.pending {
        let Ok(text) = migration.read() else { continue };
        for found in hazard::assess(&Script::parse(text), &mut known) {
            let facts = match &found.table {
                Some(table) => Some(facts::of(session, table, &found).await?),
                None => None,
            };
            let Some(found) = facts
                .as_ref()
                .map_or_else(|| Some(found.clone()), |facts| regrade(&found, facts, review.limit))
            else {
                continue;
            };
            let level = review.policy.level(&found);
            if level == Level::Off {
                continue;
            }
            if let Some(Facts::Table(table)) = &facts
                && found.rule.work() == Work::Rewrite
                && found.grades.contains(&Grade::Blocks)
            {
                rewritten = rewritten.max(table.bytes);
            }
            let is_approved = approved.remove(&found.name());
            let name = found.name();
            let blocks = level == Level::Block && !is_approved;
            sink.emit(Progress::Finding(told(&migration.name, &found, (blocks, is_approved))));
            if blocks {
                blocking.push(name);
            }
        }
    }
    preflight::look(session, rewritten, sink).await?;
    for name in approved {
        let text = format!("`--approve {name}` approves nothing that is pending");
        sink.emit(Progress::Notice { code: "unused_approval", text });
    }
    if blocking.is_empty() {
        return Ok(());
    }
    let approvals: Vec<String> = blocking.iter().map(|name| format!("--approve {name}")).collect();
    Err(Error::new(
        Kind::Contradicted,
        format!("{} of what is pending would hurt: {}", blocking.len(), blocking.join(", ")),
    )
    .hint(format!("change the migration, or approve by name: {}", approvals.join(" "))))
}

/// The finding as an event says it.
fn told(migration: &str, found: &hazard::Finding, (blocks, approved): (bool, bool)) -> Finding {
    let mut sentence = format!(
        "{} {} in `{migration}` line {}: {}",
        found.object,
        found.meaning(),
        found.line,
        found.sentence
    );
    if let Some(reason) = &found.allowed {
        sentence = format!("{sentence}; allowed: {reason}");
    }
    if approved {
        sentence.push_str("; approved");
    }
    let name = found.rule.name();
    let finding = if blocks { Finding::no(name, sentence) } else { Finding::ok(name, sentence) };
    finding.fix(found.fix.clone())
}
