//! Owns what the base branch has of a directory of migrations.

use crate::changes::{Git, Origin};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The file of a migration.
const SCRIPT: &str = "migration.sql";

/// The migrations of the base branch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Base {
    /// The commit.
    pub(crate) commit: String,
    /// Their names.
    pub(crate) names: BTreeSet<String>,
    /// Those whose script is another one here.
    pub(crate) edited: BTreeSet<String>,
    /// The scripts of those that are gone here.
    pub(crate) gone: BTreeMap<String, String>,
}

/// Asks git; or why nobody can know.
pub(crate) async fn base(directory: &Path, origin: &Origin) -> Result<Base, String> {
    let git = Git { folder: directory };
    let commit = git.origin(origin, "HEAD").await?;
    let listed = git.ask(&["ls-tree", "-r", "--name-only", "-z", &commit, "--", "."]).await?;
    let names = listed.split('\0').filter_map(migration).map(str::to_owned).collect();
    // Against the working tree: what is not committed yet is checked too.
    let options = ["diff", "--name-status", "-z", "--no-renames", "--no-ext-diff", "--relative"];
    let changed = git.ask(&[&options[..], &[&commit, "--", "."]].concat()).await?;
    let mut fields = changed.split('\0');
    let mut base = Base { commit, names, ..Base::default() };
    while let (Some(status), Some(path)) = (fields.next(), fields.next()) {
        let Some(name) = migration(path) else { continue };
        match status {
            "A" => {}
            "D" => {
                let shown = format!("{}:./{path}", base.commit);
                base.gone.insert(name.to_owned(), git.ask(&["show", &shown]).await?);
            }
            _ => {
                base.edited.insert(name.to_owned());
            }
        }
    }
    Ok(base)
}

/// `NAME/migration.sql`.
fn migration(path: &str) -> Option<&str> {
    match path.split_once('/') {
        Some((name, SCRIPT)) => Some(name),
        Some(_) | None => None,
    }
}
