//! Owns the commands for the one on call that only read: `logs`, `runs`, `explain`.

pub(super) mod explain;
mod family;
mod follow;
mod locate;
pub(super) mod logs;
mod plan;
mod rollouts;
pub(super) mod runs;
mod summaries;

pub(super) use family::name as family_name;

use crate::cli;
use crate::settings::{Flags, Key};
use clap::Args;

/// Whose runs.
#[derive(Debug, Args)]
struct FamilyArguments {
    /// Registered task definition: family, family:revision or ARN
    #[arg(long, value_name = "NAME")]
    task_definition: Option<String>,
    /// File with a task definition as JSON: its family counts
    #[arg(long, value_name = "FILE", conflicts_with = "task_definition")]
    template: Option<String>,
    #[command(flatten)]
    place: super::arguments::PlaceArguments,
}

impl FamilyArguments {
    fn flags(&self) -> Flags {
        let mut flags = self.place.flags();
        flags.extend(cli::flags([
            (Key::TaskDefinition, &self.task_definition),
            (Key::Template, &self.template),
        ]));
        flags
    }
}
