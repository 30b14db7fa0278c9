//! Prisma's directory of migrations, read from disk: `DIR/NAME/migration.sql`.

use crate::lock_file::{self, LockFileError};
use crate::order;
use crate::script::{Phase, Script};
use crate::script_file::ScriptFile;
use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

/// How many bytes of scripts are kept in memory, the newest first: those are the ones to be applied.
const ROOM: usize = 16 * 1024 * 1024;

/// A directory of migrations, in the order in which they apply.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// Where it was read from.
    pub path: PathBuf,
    /// In the order in which they apply.
    pub migrations: Vec<Migration>,
}

/// One migration on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// The name of its directory: what identifies it in the history.
    pub name: String,
    /// Its `migration.sql`.
    pub path: PathBuf,
    /// Its script, or why it could not be read; only a pending migration needs it.
    pub script: Result<ScriptFile, String>,
}

impl Migration {
    /// The script as it was when the directory was read.
    pub fn read(&self) -> Result<Cow<'_, str>, String> {
        self.script.as_ref().map_err(Clone::clone).and_then(ScriptFile::text)
    }

    /// Whether it is marked as one that old code would not survive.
    pub fn waits_for_rollout(&self) -> bool {
        Script::phase_of(&self.read().unwrap_or_default()) == Ok(Phase::AfterDeploy)
    }
}

/// Why a directory of migrations could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// There is no such directory; an error rather than "nothing to do", because an image without
    /// its migrations would otherwise pass the gate.
    #[error("there is no migrations directory `{0}`")]
    Missing(PathBuf),
    /// It is something else.
    #[error("`{0}` is not a directory")]
    NotDirectory(PathBuf),
    /// The operating system refused.
    #[error("cannot read `{0}`")]
    Unreadable(PathBuf, #[source] io::Error),
    /// A name that the history could not hold.
    #[error("the name of the migration `{0}` is not UTF-8")]
    Name(String),
    /// The lock file names another database.
    #[error(transparent)]
    LockFile(#[from] LockFileError),
}

impl Directory {
    /// Reads `path` as `prisma migrate deploy` does: only real directories count, those that start
    /// with a dot too; symbolic links to directories do not; nothing is descended into.
    pub fn read(path: &Path) -> Result<Self, DirectoryError> {
        let unreadable = |error| DirectoryError::Unreadable(path.to_owned(), error);
        let entries = match std::fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(DirectoryError::Missing(path.to_owned()));
            }
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(DirectoryError::NotDirectory(path.to_owned()));
            }
            Err(error) => return Err(unreadable(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(unreadable)?;
            if !entry.file_type().map_err(unreadable)?.is_dir() {
                continue;
            }
            let name = entry
                .file_name()
                .into_string()
                .map_err(|name| DirectoryError::Name(name.to_string_lossy().into_owned()))?;
            names.push(name);
        }
        names.sort_by(|a, b| order::compare(a, b));
        let mut room = ROOM;
        let read = |name: String| {
            let path = path.join(&name).join("migration.sql");
            let script = ScriptFile::read(&path, &mut room);
            Migration { name, path, script }
        };
        let mut migrations: Vec<Migration> = names.into_iter().rev().map(read).collect();
        migrations.reverse();
        lock_file::check(path)?;
        Ok(Self { path: path.to_owned(), migrations })
    }

    /// The name of the one that comes last.
    pub fn newest(&self) -> Option<&str> {
        self.migrations.last().map(|migration| migration.name.as_str())
    }

    /// The migration of that name.
    pub fn get(&self, name: &str) -> Option<&Migration> {
        let place = self.migrations.binary_search_by(|one| order::compare(&one.name, name)).ok()?;
        self.migrations.get(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn migration(root: &Path, name: &str, script: &[u8]) {
        std::fs::create_dir_all(root.join(name)).unwrap();
        std::fs::write(root.join(name).join("migration.sql"), script).unwrap();
    }

    #[test]
    fn only_real_directories_count_in_the_order_of_their_names() {
        let root = tempfile::tempdir().unwrap();
        migration(root.path(), "20260102000000_b", b"SELECT 2;");
        migration(root.path(), "20260101000000_a", b"SELECT 1;");
        migration(root.path(), ".hidden", b"");
        migration(root.path(), "20260103000000_c/nested", b"");
        std::fs::write(root.path().join("README.md"), "").unwrap();
        std::os::unix::fs::symlink(
            root.path().join("20260101000000_a"),
            root.path().join("20260104000000_link"),
        )
        .unwrap();
        let directory = Directory::read(root.path()).unwrap();
        let names: Vec<&str> = directory.migrations.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(names, [".hidden", "20260101000000_a", "20260102000000_b", "20260103000000_c"]);
        assert_eq!(directory.get("20260101000000_a").unwrap().read().as_deref(), Ok("SELECT 1;"));
        assert!(directory.get("20260103000000_c").unwrap().script.is_err());
    }

    #[test]
    fn a_linked_script_is_read_and_a_latin_1_one_refused() {
        let root = tempfile::tempdir().unwrap();
        migration(root.path(), "20260101000000_a", b"SELECT 1; -- caf\xe9");
        std::fs::create_dir(root.path().join("20260102000000_b")).unwrap();
        std::fs::write(root.path().join("shared.sql"), "SELECT 2;").unwrap();
        std::os::unix::fs::symlink(
            root.path().join("shared.sql"),
            root.path().join("20260102000000_b/migration.sql"),
        )
        .unwrap();
        let directory = Directory::read(root.path()).unwrap();
        assert_eq!(directory.migrations[0].script, Err("byte 16 is not UTF-8".into()));
        assert_eq!(directory.migrations[1].read().as_deref(), Ok("SELECT 2;"));
    }

    #[test]
    fn what_lies_elsewhere_or_is_no_file_is_not_read() {
        let root = tempfile::tempdir().unwrap();
        for (name, target) in [("1_a", "/proc/self/environ"), ("2_b", "/dev/zero")] {
            std::fs::create_dir(root.path().join(name)).unwrap();
            std::os::unix::fs::symlink(target, root.path().join(name).join("migration.sql"))
                .unwrap();
        }
        std::fs::create_dir(root.path().join("3_c")).unwrap();
        let socket = root.path().join("3_c/migration.sql");
        let _socket = std::os::unix::net::UnixListener::bind(socket).unwrap();
        let directory = Directory::read(root.path()).unwrap();
        let why: Vec<&str> = directory
            .migrations
            .iter()
            .map(|migration| migration.script.as_ref().unwrap_err().as_str())
            .collect();
        assert!(why[0].contains("outside of the directory"), "{why:?}");
        assert!(why[1].contains("outside of the directory"), "{why:?}");
        assert_eq!(why[2], "it is a socket, not a file");
    }

    #[test]
    fn what_is_no_directory_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        let missing = Directory::read(&root.path().join("nope")).unwrap_err();
        assert!(matches!(missing, DirectoryError::Missing(_)), "{missing}");
        std::fs::write(root.path().join("file"), "").unwrap();
        let file = Directory::read(&root.path().join("file")).unwrap_err();
        assert!(matches!(file, DirectoryError::NotDirectory(_)), "{file}");
    }
}
