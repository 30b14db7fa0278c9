//! Owns asking GitHub: by `gh`, which knows whose token counts.

use std::io::ErrorKind;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

/// How long `gh` may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs `gh`; what it says on stderr is the failure.
pub(crate) async fn gh(arguments: &[&str]) -> Result<String, String> {
    let running = Command::new("gh")
        .args(arguments)
        .env("GH_PROMPT_DISABLED", "1")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    match timeout(PATIENCE, running).await {
        Err(_) => Err("gh did not end in 30 s".to_owned()),
        Ok(Err(cause)) if cause.kind() == ErrorKind::NotFound => {
            Err("gh is not installed (https://cli.github.com)".to_owned())
        }
        Ok(Err(cause)) => Err(format!("gh cannot be run: {cause}")),
        Ok(Ok(output)) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        Ok(Ok(output)) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(said.lines().map(str::trim).collect::<Vec<_>>().join("; "))
        }
    }
}
