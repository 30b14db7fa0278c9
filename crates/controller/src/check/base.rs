//! Owns what the base branch has of a directory of migrations.

use super::tree::{SCRIPT, then};
use crate::changes::{Git, Origin};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

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

/// Asks git, and holds the files as they are on disk against it: what is not committed yet is checked
/// too. Or why nobody can know.
pub(crate) async fn base(directory: &Path, origin: &Origin) -> Result<Base, String> {
    let then = then(directory, origin).await?;
    let mut base = Base {
        commit: then.first().map(|then| then.commit.clone()).unwrap_or_default(),
        ..Base::default()
    };
    // Of several bases, where histories crossed, each has its say: none of them may lose a migration.
    for (place, then) in then.iter().enumerate() {
        let names: BTreeSet<String> = then.scripts.keys().cloned().collect();
        base.names = if place == 0 { names } else { &base.names & &names };
        for (name, script) in &then.scripts {
            match std::fs::read(directory.join(name).join(SCRIPT)) {
                Ok(here) if is_the_same(&here, script) => {}
                Ok(_) if cleaned_is_the_same(directory, name, script).await => {}
                Ok(_) => {
                    base.edited.insert(name.clone());
                }
                Err(cause) if is_missing(&cause) => {
                    let script = String::from_utf8_lossy(script).into_owned();
                    base.gone.insert(name.clone(), script);
                }
                // That it cannot be read is a finding of its own.
                Err(_) => {}
            }
        }
    }
    Ok(base)
}

fn is_missing(cause: &std::io::Error) -> bool {
    matches!(cause.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// Whatever the line ends: `core.autocrlf` is no edit, and Prisma sees none.
fn is_the_same(here: &[u8], then: &[u8]) -> bool {
    fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
        text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
    }
    lines(here).eq(lines(then))
}

/// Whether git would commit the same: git-lfs and git-crypt keep another content than the checkout has.
async fn cleaned_is_the_same(directory: &Path, name: &str, then: &[u8]) -> bool {
    let git = Git::at(directory);
    let file = format!("{name}/{SCRIPT}");
    let Ok(object) = git.ask(&["hash-object", "--", &file]).await else { return false };
    git.object_of(then).await.is_ok_and(|known| known == object.trim())
}
