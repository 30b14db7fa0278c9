//! Owns everything that a check finds, and what it comes to.

use super::base::Base;
use super::replay::Replayed;
use super::{history, name};
use migrations::directory::{Directory, DirectoryError};
use migrations::hazard::{Finding, Grade, Known, Level, Policy, Rule, assess};
use migrations::script::Script;
use protocol::ExitCode;
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// A finding and its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Located {
    pub(crate) migration: String,
    pub(crate) path: PathBuf,
    pub(crate) finding: Finding,
    pub(crate) level: Level,
}

/// With what it was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Compared {
    Commit(String),
    /// With nothing, and why.
    Nothing(String),
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Review {
    pub(crate) directory: PathBuf,
    pub(crate) compared: Compared,
    /// How many migrations there are.
    pub(crate) all: usize,
    /// How many of them were looked into.
    pub(crate) looked: usize,
    /// What is said, the migrations in their order.
    pub(crate) findings: Vec<Located>,
    /// What could not be looked at, and why.
    pub(crate) skipped: Vec<String>,
}

impl Review {
    /// What blocks.
    pub(crate) fn blocking(&self) -> impl Iterator<Item = &Located> {
        self.findings.iter().filter(|located| located.level == Level::Block)
    }

    /// The class of the whole.
    pub(crate) fn class(&self) -> ExitCode {
        if self.blocking().next().is_some() { ExitCode::StoppedByCheck } else { ExitCode::Success }
    }
}

/// Looks into every migration that the base branch does not have; without a base branch into all,
/// each for itself.
pub(crate) fn review(
    directory: &Path,
    (base, replayed): (Result<Base, String>, Replayed),
    policy: &Policy,
) -> Result<Review, DirectoryError> {
    let mut review = Review {
        directory: directory.to_owned(),
        compared: match &base {
            Ok(base) => Compared::Commit(base.commit.clone()),
            Err(why) => Compared::Nothing(why.clone()),
        },
        all: 0,
        looked: 0,
        findings: Vec::new(),
        skipped: replayed.skipped,
    };
    let mut found = replayed.findings;
    let lock_file = |sentence: String| Finding::of_file(Rule::LockFile, "file", sentence);
    let read = match Directory::read(directory) {
        Err(DirectoryError::LockFile(cause)) => {
            found.push((String::new(), lock_file(cause.to_string())));
            review.findings = located(directory, found, policy);
            return Ok(review);
        }
        read => read?,
    };
    if !directory.join("migration_lock.toml").exists() {
        let finding = lock_file("there is no migration_lock.toml".to_owned());
        found.push((String::new(), Finding { grades: vec![Grade::Advice], ..finding }));
    }
    let scripts: Vec<(String, Result<Cow<'_, str>, String>)> = read
        .migrations
        .iter()
        // Editors and git keep directories of theirs here.
        .filter(|migration| !migration.name.starts_with('.'))
        .map(|migration| (migration.name.clone(), migration.read()))
        .collect();
    review.all = scripts.len();
    let mut known = Known::default();
    for (name, script) in &scripts {
        let is_old = base.as_ref().is_ok_and(|base| base.names.contains(name));
        let text = match script {
            Ok(text) => text,
            Err(cause) => {
                let sentence = format!("the script cannot be read: {cause}");
                found.push((name.clone(), Finding::of_file(Rule::Unreadable, name, sentence)));
                continue;
            }
        };
        let script = Script::parse(&**text);
        if is_old {
            known.read(&script);
            continue;
        }
        let findings = assess(&script, &mut known);
        review.looked += 1;
        found.extend(name::complaint(name).map(|finding| (name.clone(), finding)));
        found.extend(findings.into_iter().map(|finding| (name.clone(), finding)));
        if base.is_err() {
            known.settle();
        }
    }
    if let Ok(base) = &base {
        let here: Vec<(String, Cow<'_, str>)> =
            scripts.into_iter().filter_map(|(name, script)| Some((name, script.ok()?))).collect();
        found.extend(history::differences(base, &here));
    }
    review.findings = located(directory, found, policy);
    Ok(review)
}

fn located(directory: &Path, found: Vec<(String, Finding)>, policy: &Policy) -> Vec<Located> {
    let mut findings: Vec<Located> = found
        .into_iter()
        .map(|(migration, finding)| Located {
            path: match migration.as_str() {
                "" if finding.rule == Rule::SchemaDiffers => {
                    directory.with_file_name("schema.prisma")
                }
                "" => directory.join("migration_lock.toml"),
                name => directory.join(name).join("migration.sql"),
            },
            level: policy.level(&finding),
            migration,
            finding,
        })
        .filter(|located| located.level != Level::Off)
        .collect();
    findings.sort_by(|a, b| {
        let place = |located: &Located| (located.finding.line, located.finding.column);
        migrations::order::compare(&a.migration, &b.migration).then(place(a).cmp(&place(b)))
    });
    findings
}
