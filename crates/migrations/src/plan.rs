//! What has to be applied, or why nothing may be.
//!
//! Strict by default: `prisma migrate deploy` applies whatever has no live row and never looks at a
//! checksum, so an edited, a deleted and a late migration all pass it unseen.

mod share;

pub use share::Share;

use crate::directory::{Directory, Migration};
use crate::history::Row;
use crate::order;
use crate::script::Script;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// What a run will do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Names of the migrations on disk that are applied.
    pub applied: Vec<String>,
    /// Migrations to apply, in order.
    pub pending: Vec<Migration>,
    /// Names of applied migrations that are newer than everything on disk.
    pub ahead: Vec<String>,
    /// Differences that a permission covers.
    pub allowed: Vec<Difference>,
    /// Names of pending migrations that wait for the rollout, in order; none of them is in
    /// `pending`.
    pub waiting: Vec<String>,
    /// Names of those that are left to the share before this one; pending all the same.
    pub left: Vec<String>,
}

/// How the history differs from the directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// The script changed since it was applied.
    Edited {
        /// Name of the migration.
        name: String,
        /// Digest that the history holds.
        recorded: String,
        /// Digest of the file.
        found: String,
    },
    /// Applied, but its directory is gone, though newer ones are there.
    Missing {
        /// Name of the migration.
        name: String,
    },
    /// Not applied, though newer ones are.
    OutOfOrder {
        /// Name of the migration.
        name: String,
        /// The newest one that is applied.
        newest_applied: String,
    },
    /// Pending and not in this share, though a newer one is.
    Overtaken {
        /// Name of the migration.
        name: String,
        /// The newest one that would be applied.
        by: String,
    },
}

impl Difference {
    /// The permission that covers it, as `--allow` takes it.
    pub fn permission(&self) -> String {
        match self {
            Self::Edited { name, .. } => format!("edited:{name}"),
            Self::Missing { name } => format!("missing:{name}"),
            Self::OutOfOrder { name, .. } | Self::Overtaken { name, .. } => {
                format!("out-of-order:{name}")
            }
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edited { name, recorded, found } => {
                let (recorded, found) = (short(recorded), short(found));
                write!(
                    f,
                    "`{name}` was edited after it was applied (checksum {recorded} then, {found} now)"
                )
            }
            Self::Missing { name } => {
                write!(f, "`{name}` is applied, but its directory is gone")
            }
            Self::OutOfOrder { name, newest_applied } => {
                write!(f, "`{name}` is not applied, but the newer `{newest_applied}` is")
            }
            Self::Overtaken { name, by } => {
                write!(
                    f,
                    "`{name}` is not of this phase and stays pending, but the newer `{by}` is to be applied"
                )
            }
        }
    }
}

fn short(checksum: &str) -> &str {
    checksum.get(..8).unwrap_or(checksum)
}

/// Which differences are allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowances {
    /// Everything that Prisma lets pass.
    pub everything: bool,
    /// Permissions as given: `edited:NAME`, `missing:NAME`, `out-of-order:NAME`.
    pub permissions: BTreeSet<String>,
}

/// A permission that is none.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a permission")]
pub struct NotPermission(String);

impl FromStr for Allowances {
    type Err = NotPermission;

    /// One permission, as `--allow` takes it.
    fn from_str(text: &str) -> Result<Self, NotPermission> {
        match text.split_once(':') {
            Some(("edited" | "missing" | "out-of-order", name)) if !name.is_empty() => {
                Ok(Self { everything: false, permissions: BTreeSet::from([text.to_owned()]) })
            }
            Some(_) | None => Err(NotPermission(text.to_owned())),
        }
    }
}

/// Why nothing may be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blocker {
    /// Attempts that neither finished nor were rolled back, and are not ours to settle.
    Unfinished(Vec<Row>),
    /// There is nothing on disk, and so many are applied: a wrong folder, or an image without its files.
    NothingHere(usize),
    /// The history differs from the directory, and no permission covers it.
    Differs(Vec<Difference>),
    /// A pending migration that says something of itself that is not understood.
    Misspelt {
        /// Name of the migration.
        name: String,
        /// What it says, as a sentence.
        sentence: String,
    },
    /// A pending migration whose script cannot be read.
    Unreadable {
        /// Name of the migration.
        name: String,
        /// The path, and what the operating system said.
        cause: String,
    },
}

impl Plan {
    /// Holds the directory against the history. Rows are in the order of their start.
    pub fn make(
        directory: &Directory,
        rows: &[Row],
        allowances: &Allowances,
    ) -> Result<Self, Blocker> {
        let unfinished: Vec<Row> = rows.iter().filter(|row| row.unfinished()).cloned().collect();
        if !unfinished.is_empty() {
            return Err(Blocker::Unfinished(unfinished));
        }
        // The latest row of a name counts: an earlier one may be of a script that failed.
        let live: BTreeMap<&str, &Row> =
            rows.iter().filter(|row| row.applied()).map(|row| (row.name.as_str(), row)).collect();
        if directory.migrations.is_empty() && !live.is_empty() && !allowances.everything {
            return Err(Blocker::NothingHere(live.len()));
        }
        let newest_applied = live.keys().copied().max_by(|a, b| order::compare(a, b));
        let newest_on_disk = directory.newest();

        let mut plan = Self::default();
        let mut differences = Vec::new();
        for migration in &directory.migrations {
            let name = migration.name.as_str();
            match (live.get(name), newest_applied) {
                (Some(row), _) => {
                    plan.applied.push(name.to_owned());
                    differences.extend(edited(migration, row));
                }
                (None, Some(newest)) if order::compare(name, newest).is_lt() => {
                    differences.push(Difference::OutOfOrder {
                        name: name.to_owned(),
                        newest_applied: newest.to_owned(),
                    });
                    plan.pending.push(migration.clone());
                }
                (None, _) => plan.pending.push(migration.clone()),
            }
        }
        for name in live.keys().filter(|name| directory.get(name).is_none()) {
            if newest_on_disk.is_some_and(|newest| order::compare(name, newest).is_lt()) {
                differences.push(Difference::Missing { name: (*name).to_owned() });
            } else {
                plan.ahead.push((*name).to_owned());
            }
        }
        plan.ahead.sort_by(|a, b| order::compare(a, b));
        let (allowed, forbidden): (Vec<_>, Vec<_>) =
            differences.into_iter().partition(|difference| {
                allowances.everything || allowances.permissions.contains(&difference.permission())
            });
        if !forbidden.is_empty() {
            return Err(Blocker::Differs(forbidden));
        }
        plan.allowed = allowed;
        if allowances.everything {
            return Ok(plan);
        }
        if let Some((migration, cause)) = plan
            .pending
            .iter()
            .find_map(|migration| Some((migration, migration.script.as_ref().err()?)))
        {
            return Err(Blocker::Unreadable {
                name: migration.name.clone(),
                cause: format!("{}: {cause}", migration.path.display()),
            });
        }
        for migration in &plan.pending {
            let text = migration.read().unwrap_or_default();
            if let Err(sentence) = Script::phase_of(&text) {
                return Err(Blocker::Misspelt { name: migration.name.clone(), sentence });
            }
        }
        Ok(plan)
    }
}

/// A script that cannot be read any more is not called edited: only pending ones need theirs.
fn edited(migration: &Migration, row: &Row) -> Option<Difference> {
    let script = migration.script.as_ref().ok()?;
    (!script.is_recorded_as(&row.checksum)).then(|| Difference::Edited {
        name: migration.name.clone(),
        recorded: row.checksum.clone(),
        found: script.digest().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum;
    use crate::script_file::ScriptFile;

    fn directory(names: &[&str]) -> Directory {
        Directory {
            migrations: names
                .iter()
                .map(|name| {
                    let path: std::path::PathBuf = format!("{name}/migration.sql").into();
                    let script = Ok(ScriptFile::of_text(path.clone(), &format!("-- {name}")));
                    Migration { name: (*name).to_owned(), path, script }
                })
                .collect(),
            ..Directory::default()
        }
    }

    fn row(name: &str) -> Row {
        Row {
            name: name.to_owned(),
            checksum: checksum::checksum(&format!("-- {name}")),
            finished_at: Some("2026-11-21".into()),
            ..Row::default()
        }
    }

    fn rolled_back(name: &str) -> Row {
        Row { finished_at: None, rolled_back_at: Some("2026-11-21".into()), ..row(name) }
    }

    fn plan(disk: &[&str], rows: &[Row]) -> Result<Plan, Blocker> {
        Plan::make(&directory(disk), rows, &Allowances::default())
    }

    fn pending(plan: &Plan) -> Vec<&str> {
        plan.pending.iter().map(|migration| migration.name.as_str()).collect()
    }

    #[test]
    fn what_has_no_live_row_is_pending() {
        let plan = plan(&["1", "2", "3"], &[row("1"), rolled_back("2")]).unwrap();
        assert_eq!(plan.applied, ["1"]);
        assert_eq!(pending(&plan), ["2", "3"]);
        assert!(plan.ahead.is_empty());
    }

    #[test]
    fn an_unfinished_row_blocks_whatever_is_on_disk() {
        let unfinished = Row { finished_at: None, ..row("0") };
        let blocker = plan(&["1"], std::slice::from_ref(&unfinished)).unwrap_err();
        assert_eq!(blocker, Blocker::Unfinished(vec![unfinished]));
    }

    #[test]
    fn nothing_on_disk_is_a_wrong_folder_once_something_is_applied() {
        assert_eq!(plan(&[], &[row("1"), row("2")]).unwrap_err(), Blocker::NothingHere(2));
        assert_eq!(plan(&[], &[]).unwrap(), Plan::default());
    }

    #[test]
    fn rows_newer_than_everything_on_disk_mean_ahead() {
        let plan = plan(&["1"], &[row("1"), row("2"), row("3")]).unwrap();
        assert!(plan.pending.is_empty());
        assert_eq!(plan.ahead, ["2", "3"]);
    }

    #[test]
    fn each_difference_is_named_and_has_its_own_permission() {
        let mut edited = row("1");
        edited.checksum = "0".repeat(64);
        let rows = [edited, row("2"), row("5")];
        let disk = directory(&["1", "3", "5", "6"]);
        let Blocker::Differs(differences) =
            Plan::make(&disk, &rows, &Allowances::default()).unwrap_err()
        else {
            panic!("not a difference");
        };
        let permissions: Vec<String> = differences.iter().map(Difference::permission).collect();
        assert_eq!(permissions, ["edited:1", "out-of-order:3", "missing:2"]);

        let allowances =
            Allowances { permissions: permissions.into_iter().collect(), ..Allowances::default() };
        let plan = Plan::make(&disk, &rows, &allowances).unwrap();
        assert_eq!(pending(&plan), ["3", "6"]);
        assert_eq!(plan.allowed.len(), 3);
    }

    #[test]
    fn a_pending_one_older_than_a_row_without_directory_is_out_of_order() {
        let Blocker::Differs(differences) = plan(&["1"], &[row("2")]).unwrap_err() else {
            panic!()
        };
        assert_eq!(differences[0].permission(), "out-of-order:1");
    }

    #[test]
    fn the_latest_live_row_of_a_name_is_compared() {
        let mut first = row("1");
        first.checksum = "0".repeat(64);
        assert!(plan(&["1"], &[first, row("1")]).is_ok());
    }

    #[test]
    fn an_unreadable_script_matters_only_while_pending() {
        let mut disk = directory(&["1"]);
        disk.migrations[0].script = Err("no such file".into());
        assert!(Plan::make(&disk, &[row("1")], &Allowances::default()).is_ok());
        let blocker = Plan::make(&disk, &[], &Allowances::default()).unwrap_err();
        assert!(matches!(blocker, Blocker::Unreadable { .. }));
    }

    #[test]
    fn a_permission_is_one_of_three() {
        assert!("edited:1".parse::<Allowances>().is_ok());
        for text in ["edited", "edited:", "all", "anything:1"] {
            assert_eq!(text.parse::<Allowances>(), Err(NotPermission(text.into())));
        }
    }
}
