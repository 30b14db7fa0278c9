//! Runs a block in its place.

use super::dialogue::{agrees, turns};
use super::place::Place;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::process::Command;

/// No page makes a reader wait for longer.
const LONGEST: Duration = Duration::from_secs(90);

/// Printed after each command of a dialogue, with its exit code.
const MARK: &str = "--- the end of a command:";

async fn end(mut command: Command) -> Result<Output, String> {
    command.stdin(Stdio::null());
    match tokio::time::timeout(LONGEST, command.output()).await {
        Ok(output) => Ok(output.unwrap()),
        Err(_) => Err(format!("not over after {LONGEST:?}")),
    }
}

fn everything(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    format!("{}\n{}{}", output.status, text(&output.stdout), text(&output.stderr))
}

/// Every command has to succeed.
pub(crate) async fn run(place: &Place, script: &str) -> Result<(), String> {
    let output = end(place.shell(&format!("set -euo pipefail\n{script}"))).await?;
    if output.status.success() { Ok(()) } else { Err(everything(&output)) }
}

/// The migration that the first line names, deployed.
pub(crate) async fn migrate(place: &Place, script: &str) -> Result<(), String> {
    let named = script.lines().next().and_then(|line| line.strip_prefix("-- "));
    let path = named.filter(|path| path.ends_with("/migration.sql"));
    let path = path.ok_or("the first line is no `-- prisma/migrations/NAME/migration.sql`")?;
    let file = place.team().join(path);
    std::fs::create_dir_all(file.parent().unwrap_or(Path::new("."))).unwrap();
    std::fs::write(file, script).unwrap();
    run(place, "ecs-migrate-runner deploy").await
}

/// What is said has to be what the page says; a code that is not 0 has to be asked for.
pub(crate) async fn talk(place: &Place, text: &str) -> Result<(), String> {
    let turns = turns(text);
    let mut script = "exec 2>&1\n".to_owned();
    for turn in &turns {
        let tell = format!("\n__code=$?\necho \"{MARK} $__code\"\n(exit $__code)\n");
        script.push_str(&turn.command);
        script.push_str(&tell);
    }
    let output = end(place.shell(&script)).await?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = said.lines();
    for (number, turn) in turns.iter().enumerate() {
        let mut answer: Vec<String> = Vec::new();
        let code = loop {
            let line =
                lines.next().ok_or_else(|| format!("it ended early: {}", everything(&output)))?;
            match line.split_once(MARK) {
                Some((rest, code)) => {
                    answer.extend((!rest.is_empty()).then(|| rest.to_owned()));
                    break code.trim().to_owned();
                }
                None => answer.push(line.trim_end().to_owned()),
            }
        };
        let next = turns.get(number + 1).map(|next| next.command.as_str());
        if code != "0" && next != Some("echo $?") {
            return Err(format!(
                "exit code {code}, which the page does not show: {}\n{}",
                turn.command,
                answer.join("\n")
            ));
        }
        if !agrees(&turn.says, &answer) {
            let (page, said) = (turn.says.join("\n"), answer.join("\n"));
            return Err(format!("{}\n--- the page\n{page}\n--- it says\n{said}", turn.command));
        }
    }
    Ok(())
}
