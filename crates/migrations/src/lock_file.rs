//! `migration_lock.toml`: Prisma's note of the database that the migrations were made for.

use crate::contained;
use std::io::Read as _;
use std::path::Path;

/// The lock file is for another database than PostgreSQL (Prisma's P3019).
#[derive(Debug, thiserror::Error)]
#[error("migration_lock.toml is for `{provider}`, not for `postgresql`")]
pub struct LockFileError {
    /// What it names.
    pub provider: String,
}

/// Checks the lock file in `directory`; without one there is nothing to check.
pub(crate) fn check(directory: &Path) -> Result<(), LockFileError> {
    let Ok(mut file) = contained::open(directory, &directory.join("migration_lock.toml")) else {
        return Ok(());
    };
    let mut text = String::new();
    match file.read_to_string(&mut text) {
        Ok(_length) => check_text(&text),
        Err(_) => Ok(()),
    }
}

/// Prisma compares a line of exactly its own shape; we also accept other quotes, blanks and
/// comments, which Prisma refuses for no reason a person could see.
fn check_text(text: &str) -> Result<(), LockFileError> {
    let provider = text.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "provider").then(|| {
            let value = value.split('#').next().unwrap_or_default().trim();
            value.trim_matches(['"', '\'']).to_owned()
        })
    });
    match provider.as_deref() {
        Some("postgresql" | "postgres") => Ok(()),
        Some(other) => Err(LockFileError { provider: other.to_owned() }),
        None => Err(LockFileError { provider: "<PROVIDER NOT FOUND>".into() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_provider_decides() {
        for text in [
            "# note\r\nprovider = \"postgresql\"\r\n",
            "provider=\"postgresql\"",
            "provider = 'postgresql' # quotes",
            "provider = \"postgres\"",
        ] {
            assert!(check_text(text).is_ok(), "{text}");
        }
        for (text, provider) in [("provider = \"mysql\"", "mysql"), ("", "<PROVIDER NOT FOUND>")] {
            assert_eq!(check_text(text).unwrap_err().provider, provider);
        }
    }
}
