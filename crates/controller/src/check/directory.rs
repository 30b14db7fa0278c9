//! Owns where the migrations are when nobody says it: Prisma's conventions.

use crate::error::Error;
use std::path::{Path, PathBuf};

/// Where Prisma puts them, in a repository of one package and of several.
const PLACES: [&str; 2] = ["prisma/migrations", "migrations"];
const FOLDERS: [&str; 3] = ["apps", "packages", "services"];

/// The only directory of migrations under `root`.
pub(crate) fn find(root: &Path) -> Result<PathBuf, Error> {
    let mut roots = vec![root.to_owned()];
    for folder in FOLDERS {
        let entries = std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
        roots.extend(entries.map(|entry| entry.path()));
    }
    let mut found: Vec<PathBuf> = roots
        .iter()
        .filter_map(|root| PLACES.iter().map(|place| root.join(place)).find(|path| path.is_dir()))
        .collect();
    found.sort();
    let shown = |path: &PathBuf| path.strip_prefix(root).unwrap_or(path).display().to_string();
    match found.as_slice() {
        [] => Err(Error::usage("there is no directory of migrations here")
            .hinted("name it: ecs-migrate check DIR")),
        [one] => Ok(one.strip_prefix(".").unwrap_or(one).to_owned()),
        several => {
            let names: Vec<String> = several.iter().map(shown).collect();
            Err(Error::usage(format!(
                "there are several directories of migrations: {}",
                names.join(", ")
            ))
            .hinted("name one: ecs-migrate check DIR"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_one_is_found() {
        let root = tempfile::tempdir().unwrap();
        let make = |path: &str| std::fs::create_dir_all(root.path().join(path)).unwrap();
        assert!(find(root.path()).is_err());
        make("apps/api/prisma/migrations");
        assert!(find(root.path()).unwrap().ends_with("apps/api/prisma/migrations"));
        make("packages/db/prisma/migrations");
        let error = find(root.path()).unwrap_err().to_string();
        assert!(
            error.ends_with("apps/api/prisma/migrations, packages/db/prisma/migrations"),
            "{error}"
        );
    }
}
