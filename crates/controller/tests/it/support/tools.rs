//! Programs of others that the project's own scripts install.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Says that a test cannot be done on this machine; `scripts/test.sh` counts these lines.
#[expect(clippy::disallowed_methods, reason = "tests read the environment where they need it")]
#[expect(clippy::print_stdout, reason = "the test's own output")]
pub(crate) fn skip(why: &str) {
    use std::io::Write as _;
    println!("skipped: {why}");
    if let Ok(path) = std::env::var("ECS_MIGRATE_TEST_SKIPS") {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        writeln!(file, "{why}").unwrap();
    }
}

/// What a script prints, `None` when it fails.
pub(crate) async fn script(name: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(root().join("scripts").join(name))
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .await
        .unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

/// The Python with the pinned tools; skips the test without it.
pub(crate) async fn python() -> Option<String> {
    let python = script("python-tools.sh", &[]).await;
    if python.is_none() {
        skip("cfn-lint and MiniStack cannot be installed with pip");
    }
    python
}
