//! Owns `check`.

use super::changes::occasion;
use super::context::Context;
use crate::changes::{Asked, Origin, last_green, origin};
use crate::check::{Base, Compared, Replayed, base, find, replay, review};
use crate::error::Error;
use crate::report::{Event, sarif};
use clap::Args;
use protocol::env;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Look at migrations before they are merged: history, names, hazards
///
/// Compared with the base branch: edited, deleted, renamed and late migrations. Each statement of a new
/// one is graded: does it break the API that runs, block its traffic, lose data? 14 when something blocks;
/// the table [check] of ecs-migrate.toml says what does. AWS is not asked, and a database only with --replay.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Directory of the migrations [default: Prisma's, when there is only one]
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Commit or branch that it is to be merged into [default: as the event of GitHub says]
    #[arg(long, value_name = "REF")]
    base: Option<String>,
    /// Compare with this commit itself: what was green last
    #[arg(long, value_name = "COMMIT", conflicts_with = "base")]
    since: Option<String>,
    /// Also apply everything to a scratch database on the server of this URL, and compare the result with
    /// schema.prisma when the Prisma CLI is installed; needs ecs-migrate-runner
    /// [env: ECS_MIGRATE_REPLAY_URL]
    #[arg(long, value_name = "URL")]
    replay: Option<String>,
    /// Also write the findings as SARIF 2.1.0, for GitHub's code scanning
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
}

impl fmt::Debug for Arguments {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password.
        formatter
            .debug_struct("Arguments")
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

/// Looks, and says what it found.
pub(super) async fn check(arguments: Arguments, context: Context<'_>) -> Result<u8, Error> {
    let directory = match &arguments.directory {
        Some(directory) => directory.clone(),
        None => find(Path::new("."))?,
    };
    if !directory.is_dir() {
        return Err(Error::usage(format!("there is no directory `{}`", directory.display()))
            .hinted("name the directory of the migrations: ecs-migrate check DIR"));
    }
    let compared = compare(&directory, &arguments, &context.environment).await?;
    let url = arguments.replay.as_ref().or_else(|| context.environment.get(env::REPLAY_URL));
    let replayed = match url.filter(|url| !url.is_empty()) {
        Some(url) => replay(&directory, url, &context.environment).await?,
        None => Replayed::default(),
    };
    let mut found =
        review(&directory, (compared, replayed), &context.layers.check).map_err(|cause| {
            Error::usage(format!("cannot read the migrations in `{}`", directory.display()))
                .caused_by(cause)
        })?;
    if let Compared::Nothing(why) = &found.compared {
        found.skipped.push(format!("the history was compared with nothing: {why}"));
    }
    if let Some(path) = &arguments.sarif {
        let workspace = context.environment.get(env::GITHUB_WORKSPACE).map(Path::new);
        std::fs::write(path, sarif(&found, workspace).to_string()).map_err(|cause| {
            Error::usage(format!("cannot write {}", path.display())).caused_by(cause)
        })?;
    }
    let code = found.class().code();
    context.report.emit(&Event::Reviewed(Box::new(found)));
    Ok(code)
}

/// What there is to compare with, or why there is nothing. What has to be compared, because a flag
/// or a pull request asks for it, and cannot be is a mistake.
async fn compare(
    directory: &Path,
    arguments: &Arguments,
    environment: &BTreeMap<String, String>,
) -> Result<Result<Base, String>, Error> {
    let asked =
        Asked { base: arguments.base.clone(), since: arguments.since.clone(), deployed_to: None };
    let occasion = occasion(environment);
    let mut origin = origin(&asked, &occasion);
    if let Origin::Green(green) = &origin {
        origin = match last_green(green, environment).await {
            Ok(baseline) => Origin::Commit(baseline.green),
            Err(why) => Origin::Unknown(why),
        };
    }
    let compared = base(directory, &origin).await;
    let with = match (&arguments.base, &arguments.since) {
        (Some(named), _) | (None, Some(named)) if !named.trim().is_empty() => named.clone(),
        _ if occasion.asks_to_be_merged() => "the base of the pull request".to_owned(),
        _ => return Ok(compared),
    };
    match compared {
        Ok(base) => Ok(Ok(base)),
        Err(why) => Err(Error::usage(format!("cannot compare with {with}: {why}")).hinted(
            "fetch what it is compared with: actions/checkout with fetch-depth: 0, submodules too \
             (submodules: true) where the migrations are in one; by hand, git fetch --unshallow origin",
        )),
    }
}
