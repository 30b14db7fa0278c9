//! Owns the check of a deployment: the hazards of what is pending, graded with what this database
//! says of the tables, before anything is changed.

mod behind;
mod facts;
mod preflight;

use crate::check::Finding;
use crate::error::{Error, Kind};
use crate::interrupt::Interrupt;
use crate::progress::{Progress, Sink};
use crate::session::Session;
use crate::waiting::patiently;
use migrations::hazard::live::{Facts, regrade};
use migrations::hazard::{self, Grade, Known, Level, Policy, Rule, Work};
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

impl Review {
    /// One that nothing depends on.
    pub(crate) fn lenient() -> Self {
        Self { policy: Policy::default(), approved: BTreeSet::new(), limit: Duration::ZERO }
    }
}

/// A hazard of what is pending, as it is for this database.
pub(crate) struct Graded {
    migration: String,
    finding: hazard::Finding,
    level: Level,
    is_approved: bool,
    /// Size in bytes of the table that is written again for it.
    rewritten: u64,
}

impl Graded {
    /// Whether nothing may be applied because of it.
    pub(crate) fn blocks(&self) -> bool {
        self.level == Level::Block && !self.is_approved
    }

    /// Whether data is gone for good, whatever the team says of it.
    pub(crate) fn loses(&self) -> bool {
        self.finding.grades.contains(&Grade::Loses)
    }
}

/// Grades what is pending with what the database says of the tables. Whoever locks one of them is waited
/// for: its size cannot be asked meanwhile.
pub(crate) async fn grade(
    review: &Review,
    session: &Session,
    what: (&Directory, &Plan),
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<Vec<Graded>, Error> {
    let doing = (session, "looking at the tables of what is pending");
    // Boxed: it is large, and everything above would carry it.
    Box::pin(patiently(doing, (sink, interrupt), grade_at_once(review, session, what))).await
}

async fn grade_at_once(
    review: &Review,
    session: &Session,
    (directory, plan): (&Directory, &Plan),
) -> Result<Vec<Graded>, Error> {
    let mut known = Known::default();
    let applied: BTreeSet<&str> = plan.applied.iter().map(String::as_str).collect();
    for migration in directory.migrations.iter().filter(|one| applied.contains(one.name.as_str())) {
        // One with that much data is not read again for what little else it may say.
        let small = migration.script.as_ref().is_ok_and(|script| !script.is_large());
        if let Some(text) = small.then(|| migration.read().ok()).flatten() {
            known.read(&Script::parse(text));
        }
    }
    let mut graded = Vec::new();
    for migration in &plan.pending {
        let Ok(text) = migration.read() else { continue };
        let script = Script::parse(text);
        let assessed = hazard::suspects(&script, &mut known);
        let hidden = hidden(session, known.reaches(&script), &assessed).await?;
        for found in assessed.into_iter().chain(hidden) {
            let facts = match &found.table {
                Some(table) => Some(facts::of(session, table, &found).await?),
                None => None,
            };
            let finding = match &facts {
                Some(facts) => regrade(&found, facts, review.limit),
                None => Some(found),
            };
            let Some(finding) = finding else { continue };
            let rewritten = match facts {
                Some(Facts::Table(table))
                    if finding.rule.work() == Work::Rewrite
                        && finding.grades.contains(&Grade::Blocks) =>
                {
                    table.bytes
                }
                _ => 0,
            };
            graded.push(Graded {
                migration: migration.name.clone(),
                level: review.policy.level(&finding),
                is_approved: review.approved.contains(&finding.name()),
                finding,
                rewritten,
            });
        }
    }
    Ok(graded)
}

/// What the statements call behind the tables that the database has, where no script told it.
async fn hidden(
    session: &Session,
    reaches: Vec<hazard::behind::Reach>,
    assessed: &[hazard::Finding],
) -> Result<Vec<hazard::Finding>, Error> {
    let mut found = Vec::new();
    for behind in behind::look(session, reaches).await? {
        // As a script names it.
        let plain = behind.function.rsplit('.').next().unwrap_or_default();
        let is_known = assessed.iter().any(|known| {
            let named = known.object == behind.function || known.object == plain;
            known.rule == Rule::OpaqueCall && known.line == behind.line && named
        });
        if !is_known {
            found.push(hazard::Finding {
                line: behind.line,
                ..hazard::Finding::of_file(Rule::OpaqueCall, &behind.function, behind.sentence)
            });
        }
    }
    Ok(found)
}

/// Says what is pending does, and looks around; an error if something blocks.
pub(crate) async fn review(
    review: &Review,
    session: &Session,
    what: (&Directory, &Plan),
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<(), Error> {
    let mut graded = grade(review, session, what, (&mut *sink, interrupt)).await?;
    graded.retain(|one| one.level != Level::Off);
    for one in &graded {
        sink.emit(Progress::Finding(told(one)));
    }
    let blocking: Vec<String> =
        graded.iter().filter(|one| one.blocks()).map(|one| one.finding.name()).collect();
    let rewritten = graded.iter().map(|one| one.rewritten).max().unwrap_or(0);
    preflight::look(session, rewritten, sink).await?;
    let of_nothing =
        |name: &&String| graded.iter().all(|one| !one.is_approved || one.finding.name() != **name);
    for name in review.approved.iter().filter(of_nothing) {
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
fn told(graded: &Graded) -> Finding {
    let Graded { migration, finding: found, is_approved, .. } = graded;
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
    if *is_approved {
        sentence.push_str("; approved");
    }
    let name = found.rule.name();
    let finding =
        if graded.blocks() { Finding::no(name, sentence) } else { Finding::ok(name, sentence) };
    finding.fix(found.fix.clone())
}
