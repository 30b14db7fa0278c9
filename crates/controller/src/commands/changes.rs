//! Owns `changes`.

use super::context::Context;
use crate::changes::{Asked, Comparison, Occasion, answer, compare_with_list, difference, origin};
use crate::error::Error;
use crate::report::Event;
use clap::Args;
use protocol::env;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Which parts of the repository did this push touch?
///
/// The parts are the table `[changes]` of ecs-migrate.toml, each with the globs of its files. In a
/// step of GitHub Actions every part becomes an output, `true` or `false`; `changed` is a JSON list
/// of the names. What cannot be known counts as changed. A push to the default branch is compared with
/// the last green run of the workflow, which gh has to be asked for: set GH_TOKEN. AWS is not asked.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Compare with where the history parted from this commit or branch [default: as the event of GitHub says]
    #[arg(long, value_name = "REF", conflicts_with = "since")]
    base: Option<String>,
    /// Compare with this commit itself: what is deployed now; empty means nothing is
    #[arg(long, value_name = "COMMIT")]
    since: Option<String>,
    /// Compare with what this workflow deployed to a GitHub environment last, by its job `deployed to NAME`,
    /// and with what it tried since; gh asks, and needs GH_TOKEN
    #[arg(long, value_name = "NAME", conflicts_with_all = ["base", "since"])]
    deployed_to: Option<String>,
    /// The commit that is asked about
    #[arg(long, value_name = "REF", default_value = "HEAD")]
    head: String,
    /// Show the files, for a person; nothing is written for GitHub
    #[arg(long)]
    print: bool,
    /// JSON list of what is built and deployed; each `part` has to be in [changes]
    #[arg(long, value_name = "FILE")]
    parts: Option<PathBuf>,
    /// A folder of the repository
    #[arg(long, value_name = "DIR", default_value = ".")]
    repository: PathBuf,
}

/// Says it.
pub(super) async fn changes(arguments: Arguments, context: Context<'_>) -> Result<u8, Error> {
    let parts = context.layers.parts()?;
    if parts.is_empty() {
        return Err(Error::usage("no parts are set: there is no table [changes]").hinted(
            "in ecs-migrate.toml: [changes], then a line such as migration = [\"apps/api/prisma/**\"]",
        ));
    }
    if let Some(path) = &arguments.parts {
        compare_with_list(path, &parts)?;
    }
    let asked =
        Asked { base: arguments.base, since: arguments.since, deployed_to: arguments.deployed_to };
    let origin = origin(&asked, &occasion(&context.environment));
    let comparison = Comparison {
        folder: &arguments.repository,
        head: &arguments.head,
        environment: &context.environment,
    };
    let answer = answer(&parts, difference(comparison, &origin).await);
    context.report.emit(&if arguments.print {
        Event::ChangesShown(answer)
    } else {
        Event::Changes(answer)
    });
    Ok(0)
}

/// What GitHub says about the push.
pub(super) fn occasion(environment: &BTreeMap<String, String>) -> Occasion {
    let text = |name: &str| environment.get(name).cloned().unwrap_or_default();
    let path = text(env::GITHUB_EVENT_PATH);
    let payload = std::fs::read(Path::new(&path)).ok();
    let payload = payload.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    Occasion {
        event: text(env::GITHUB_EVENT_NAME),
        reference: text(env::GITHUB_REF),
        payload: payload.unwrap_or_default(),
    }
}
