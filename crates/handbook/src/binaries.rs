//! Owns the binaries of this workspace: builds them and asks them.

use crate::root;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// Set where everything was built a moment ago: a build of a part of it has other features, and makes
/// most dependencies again.
const BUILT: &str = "ECS_MIGRATE_BUILT";

/// Builds what the pages speak of, unless `ECS_MIGRATE_BUILT` says that it is, and answers the folder that it is in.
///
/// # Errors
///
/// Cargo cannot be started, or does not build them.
#[expect(
    clippy::disallowed_methods,
    reason = "the one module that runs children and is told by cargo how"
)]
pub async fn binaries() -> Result<PathBuf, String> {
    let packages = ["ecs-migrate", "ecs-migrate-runner", "ecs-migrate-sandbox"];
    if std::env::var_os(BUILT).is_some() {
        return beside(packages[0]);
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--locked", "--quiet"]).current_dir(root());
    for package in packages {
        build.args(["--package", package]);
    }
    let built = build.status().await.map_err(|error| error.to_string())?;
    if !built.success() {
        return Err("cargo build failed".to_owned());
    }
    beside(packages[0])
}

fn beside(binary: &str) -> Result<PathBuf, String> {
    // target/debug/handbook, or target/debug/deps/it-….
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let beside = this.ancestors().skip(1).find(|folder| folder.join(binary).is_file());
    beside.map(Path::to_owned).ok_or_else(|| "the binaries are not beside this one".to_owned())
}

/// What a binary in `folder` answers, in an empty environment.
pub async fn answer(folder: PathBuf, words: Vec<String>) -> String {
    let mut command = Command::new(folder.join(&words[0]));
    let output = command.args(&words[1..]).env_clear().output().await;
    output.map_or_else(
        |error| error.to_string(),
        |output| String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}
