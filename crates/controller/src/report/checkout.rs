//! Owns where a migration's file lies in the checkout, for an annotation on the line that failed.

use migrations::contained;
use protocol::Failure;
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

/// How deep below the checkout's root a directory of migrations is looked for.
const DEPTH: usize = 6;

/// How many directories are looked into: an annotation is not worth a walk through a monorepo.
const DIRECTORIES: usize = 2_000;

/// A place in the checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Relative to the repository's top, as GitHub wants it.
    pub(super) file: String,
    /// A line that the file has; absent when what ran was not what is checked out.
    pub(super) line: Option<u32>,
}

/// Where `failure` happened, if its migration is in the checkout at `root` once.
pub(super) fn find(root: &Path, failure: &Failure) -> Option<Place> {
    let migration = failure.migration.as_deref()?;
    let mut parts = Path::new(migration).components();
    // The name comes from a log: nothing but a plain name is looked for.
    let (Some(Component::Normal(_)), None) = (parts.next(), parts.next()) else {
        return None;
    };
    let mut found = files(root, migration).into_iter();
    let (file, content) = found.next()?;
    if found.next().is_some() {
        return None;
    }
    let whole = root.join(file);
    let file = whole.strip_prefix(top(root, &whole)).ok()?.to_str()?.to_owned();
    let line = failure.statement.as_ref().map(|statement| statement.line);
    let lines = content.lines().count();
    Some(Place { file, line: line.filter(|line| (1..=lines).contains(&(*line as usize))) })
}

/// The top of the repository that has the file, at or below the workspace: `actions/checkout` may put it
/// into a folder of its own (`path:`). Of several, one in another, the outermost is the workflow's.
pub(super) fn top(workspace: &Path, file: &Path) -> PathBuf {
    let inside = |folder: &&Path| folder.starts_with(workspace) && folder.join(".git").exists();
    file.ancestors().filter(inside).last().unwrap_or(workspace).to_owned()
}

/// Every `<directory>/<migration>/migration.sql`, with its content.
fn files(root: &Path, migration: &str) -> Vec<(String, String)> {
    let mut queue = VecDeque::from([(root.to_owned(), 0)]);
    let mut looked = 0;
    let mut found = Vec::new();
    while let Some((directory, depth)) = queue.pop_front() {
        looked += 1;
        if looked > DIRECTORIES {
            break;
        }
        let file = directory.join(migration).join("migration.sql");
        if let (Some(content), Ok(relative)) = (read(root, &file), file.strip_prefix(root))
            && let Some(relative) = relative.to_str()
        {
            found.push((relative.to_owned(), content));
        }
        if depth < DEPTH {
            queue.extend(below(&directory).into_iter().map(|child| (child, depth + 1)));
        }
    }
    found
}

/// What is in `file`, if it is a plain file of the checkout.
fn read(root: &Path, file: &Path) -> Option<String> {
    let mut content = String::new();
    contained::open(root, file).ok()?.read_to_string(&mut content).ok()?;
    Some(content)
}

/// Directories in `directory` that may hold migrations; links are not followed.
fn below(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut directories: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter(|entry| !is_skipped(&entry.file_name()))
        .map(|entry| entry.path())
        .collect();
    directories.sort();
    directories
}

fn is_skipped(name: &OsStr) -> bool {
    name.to_str().is_none_or(|name| {
        name.starts_with('.') || matches!(name, "node_modules" | "target" | "dist" | "vendor")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::failure::FailedStatement;

    fn failure(migration: &str, line: u32) -> Failure {
        Failure {
            migration: Some(migration.to_owned()),
            statement: Some(FailedStatement { line, ..FailedStatement::default() }),
            ..Failure::default()
        }
    }

    fn put(root: &Path, directory: &str) {
        let directory = root.join(directory);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("migration.sql"), "SELECT 1;\nSELECT 2;\n").unwrap();
    }

    #[test]
    fn a_migration_is_found_where_it_is_and_only_when_it_is_there_once() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        put(root, "apps/api/prisma/migrations/2_b");
        put(root, "node_modules/x/prisma/migrations/2_b");
        put(root, "one/migrations/3_c");
        put(root, "two/migrations/3_c");
        let file = "apps/api/prisma/migrations/2_b/migration.sql".to_owned();
        for (migration, line, expected) in [
            ("2_b", 2, Some(Place { file: file.clone(), line: Some(2) })),
            ("2_b", 3, Some(Place { file: file.clone(), line: None })),
            ("2_b", 0, Some(Place { file, line: None })),
            ("3_c", 1, None),
            ("4_d", 1, None),
            ("../2_b", 1, None),
            ("/etc", 1, None),
            ("", 1, None),
            ("a\0b", 1, None),
        ] {
            assert_eq!(find(root, &failure(migration, line)), expected, "{migration:?} {line}");
        }
        assert_eq!(find(&root.join("nowhere"), &failure("2_b", 1)), None);
        // The repository is in a folder of the workspace, and has one of its own.
        put(root, "code/db/migrations/5_e");
        std::fs::create_dir_all(root.join("code/.git")).unwrap();
        std::fs::create_dir_all(root.join("code/db/.git")).unwrap();
        let place = find(root, &failure("5_e", 1)).unwrap();
        assert_eq!(place.file, "db/migrations/5_e/migration.sql");
        assert_eq!(find(root, &Failure::default()), None);
    }
}
