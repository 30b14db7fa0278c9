//! Owns what the tests of `examples/` share: a checkout that can be changed, and containers without
//! a container engine: what a Dockerfile copies, sets and starts, as files and a process.

mod container;
mod image;
mod kubernetes;
mod laptop;
mod plain_server;
mod release_command;
mod start_up;
mod wrapped;

use crate::support::{World, search_path};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;
use tokio::process::Command;

/// A copy of an example, to be changed like a commit would.
pub(crate) struct Checkout {
    folder: TempDir,
}

impl Checkout {
    pub(crate) fn of(example: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        image::copy(&root().join("examples").join(example), folder.path());
        Self { folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Adds a migration, or writes over it.
    pub(crate) fn migration(&self, name: &str, script: &str) -> &Self {
        let folder = self.migrations().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("migration.sql"), script).unwrap();
        self
    }

    /// Names of the migrations, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.migrations()).unwrap().map(Result::unwrap);
        let folders = entries.filter(|entry| entry.path().is_dir());
        let mut names: Vec<String> =
            folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Where Prisma's marker is.
    fn migrations(&self) -> PathBuf {
        fn find(folder: &Path) -> Option<PathBuf> {
            if folder.join("migration_lock.toml").exists() {
                return Some(folder.to_owned());
            }
            let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            entries.filter(|path| path.is_dir()).find_map(|path| find(&path))
        }
        find(self.path()).expect("a folder with migration_lock.toml")
    }
}

/// A script of an example, with programs of ours before those of the machine.
pub(crate) fn script_of(checkout: &Checkout, name: &str, programs: &Path) -> Command {
    let mut command = Command::new(checkout.path().join(name));
    command
        .env("PATH", format!("{}:{}", programs.display(), search_path()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Writes a program of a test: a shell script.
pub(crate) fn program(folder: &Path, name: &str, script: &str) {
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

impl World {
    /// `PGHOST` and its kin, as secrets hold them.
    pub(crate) fn parts(&self) -> Vec<(String, String)> {
        let url = url::Url::parse(&self.url).unwrap();
        let port = url.port().unwrap().to_string();
        let parts = [
            ("PGHOST", url.host_str().unwrap()),
            ("PGPORT", &port),
            ("PGDATABASE", &self.database),
            ("PGUSER", "postgres"),
            ("PGPASSWORD", "any #/@ %"),
        ];
        parts.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    /// Every migration is there exactly once, and nothing else.
    async fn has_exactly(&self, names: &[String]) {
        let mut applied = self.history().await;
        applied.sort();
        let wanted: Vec<String> = names.iter().map(|name| format!("{name} applied 1")).collect();
        assert_eq!(applied, wanted);
    }
}
