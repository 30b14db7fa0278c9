//! Owns the replay of everything on an empty database: runs `ecs-migrate-runner replay`, since the
//! controller touches no database, and says what became of it.

use crate::error::Error;
use crate::task::{LogLine, LogText, RawEvent, Transcript};
use migrations::hazard::{Finding, Rule};
use protocol::Event;
use protocol::env;
use protocol::event::RunFinished;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

const RUNNER: &str = "ecs-migrate-runner";

/// What a replay found: its findings with the names of their migrations, and what could not be
/// looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Replayed {
    pub(crate) findings: Vec<(String, Finding)>,
    pub(crate) skipped: Vec<String>,
}

/// Prisma's CLI and the schema that the migrations were made from.
struct Prisma {
    program: PathBuf,
    schema: PathBuf,
    major: u32,
}

/// Replays `directory` on the server of `url`. No message holds the URL.
pub(crate) async fn replay(
    directory: &Path,
    url: &str,
    environment: &BTreeMap<String, String>,
) -> Result<Replayed, Error> {
    let full = std::path::absolute(directory).map_err(|cause| cannot(&cause.to_string()))?;
    let prisma = Prisma::beside(&full);
    let mut command = Command::new(runner());
    command
        .arg("replay")
        .arg("--migrations")
        .arg(&full)
        .env_clear()
        .envs(environment.iter().filter(|(name, _)| is_passed_on(name)))
        .env(env::SCRATCH_URL, url)
        .env(env::LOG_FORMAT, "json")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let mut replayed = Replayed::default();
    match &prisma {
        Ok(prisma) => {
            command.arg("--then").arg(prisma.compare());
        }
        Err(why) => {
            replayed.skipped.push(format!("the result was not compared with schema.prisma: {why}"));
        }
    }
    let output = command.output().await.map_err(|cause| cannot(&format!("{RUNNER}: {cause}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let said: Vec<RawEvent> =
        text.lines().map(|line| RawEvent { at: 0, message: line.to_owned() }).collect();
    let mut transcript = Transcript::new(RUNNER, None);
    let last = transcript.take(&said).into_iter().rev().find_map(written).unwrap_or_default();
    let ended = transcript.finished();
    let ended = ended.ok_or_else(|| cannot(&format!("{RUNNER} said nothing in the end")))?;
    if ended.exit_code != 0 {
        replayed.findings.push(finding(ended, &last)?);
    }
    Ok(replayed)
}

/// What the command behind the replay wrote in this line.
fn written(line: LogLine) -> Option<String> {
    let LogText::Event(line) = line.text else { return None };
    let Event::Output(output) = line.event else { return None };
    (!output.text.trim().is_empty()).then_some(output.text)
}

/// Prisma's CLI may need whatever a job has set, a proxy or a mirror; nothing may lead the runner or
/// Prisma to another database than the scratch one.
fn is_passed_on(name: &str) -> bool {
    let others = ["ECS_MIGRATE_", "PG", "AWS_"].iter().any(|prefix| name.starts_with(prefix));
    !others && !matches!(name, env::DATABASE_URL | "DIRECT_URL")
}

fn cannot(cause: &str) -> Error {
    Error::usage(format!("the migrations cannot be replayed: {cause}"))
        .hinted("ecs-migrate-runner belongs beside ecs-migrate or on the PATH; --replay needs an empty server that may be written to")
}

/// What a failed replay means; or why it means nothing for the migrations. `last` is the last line that
/// Prisma's CLI wrote.
fn finding(ended: &RunFinished, last: &str) -> Result<(String, Finding), Error> {
    let failure = ended.failure.clone().unwrap_or_default();
    match (ended.passed_through, ended.exit_code, failure.migration) {
        // `prisma migrate diff --exit-code`: 2 is a difference, 1 an error of its own.
        (true, 2, _) => {
            let sentence = "the migrations do not make what schema.prisma says".to_owned();
            Ok((String::new(), Finding::of_file(Rule::SchemaDiffers, "schema.prisma", sentence)))
        }
        (true, _, _) => {
            let text =
                "everything applies, but Prisma's CLI cannot compare the result with schema.prisma";
            Err(Error::usage(format!("{text}: {last}")).hinted(
                "see whether `prisma migrate diff` works here; without node_modules it is skipped",
            ))
        }
        (false, _, Some(migration)) => {
            let line = failure.statement.map_or(1, |statement| statement.line);
            let sentence = format!("on an empty database: {}", failure.message);
            let finding = Finding::of_file(Rule::Replay, &migration, sentence);
            Ok((migration, Finding { line, ..finding }))
        }
        (false, _, None) => {
            let error =
                Error::usage(format!("the migrations cannot be replayed: {}", failure.message));
            Err(match failure.hint {
                Some(hint) => error.hinted(hint),
                None => error,
            })
        }
    }
}

/// The runner beside us, else the one on the PATH.
fn runner() -> PathBuf {
    let beside = std::env::current_exe().ok().and_then(|ours| Some(ours.parent()?.join(RUNNER)));
    beside.filter(|path| path.is_file()).unwrap_or_else(|| PathBuf::from(RUNNER))
}

impl Prisma {
    /// The schema beside the migrations, and the CLI of a `node_modules` above them.
    fn beside(directory: &Path) -> Result<Self, String> {
        let folder = directory.parent().ok_or("there is no folder above the migrations")?;
        let schema = folder.join("schema.prisma");
        if !schema.is_file() {
            return Err(format!("there is no schema.prisma beside {}", directory.display()));
        }
        let above = folder.ancestors().map(|folder| folder.join("node_modules"));
        let modules = above
            .filter(|modules| modules.join(".bin/prisma").is_file())
            .find_map(|modules| {
                let package = std::fs::read(modules.join("prisma/package.json")).ok()?;
                let package: serde_json::Value = serde_json::from_slice(&package).ok()?;
                let major = package["version"].as_str()?.split('.').next()?.parse().ok()?;
                Some((modules, major))
            })
            .ok_or("the Prisma CLI is not installed here")?;
        Ok(Self { program: modules.0.join(".bin/prisma"), schema, major: modules.1 })
    }

    /// Its command line. Prisma 7 takes the database from prisma.config.ts, 6 and older from the
    /// schema; both get `DATABASE_URL` from the runner.
    fn compare(&self) -> String {
        let quote = |path: &Path| {
            let text = path.display().to_string().replace('\'', "'\\''");
            format!("'{text}'")
        };
        let (program, schema) = (quote(&self.program), quote(&self.schema));
        let from_to = if self.major >= 7 {
            format!("--from-config-datasource --to-schema {schema}")
        } else {
            format!("--from-schema-datasource {schema} --to-schema-datamodel {schema}")
        };
        format!("{program} migrate diff {from_to} --exit-code")
    }
}
