//! Owns the command line: global flags and the list of commands.

use crate::commands::Command;
use crate::settings::{Flags, Key};
use clap::{Args, Parser};
use std::ffi::OsString;

/// Run a migration as a one-off ECS task and gate the deployment on how it ended
///
/// Settings come from ecs-migrate.toml, then the environment, then flags. AWS credentials, Region
/// and endpoint come from the AWS SDK's own chain.
#[derive(Debug, Parser)]
#[command(name = "ecs-migrate", version, max_term_width = 100)]
pub(crate) struct CommandLine {
    #[command(flatten)]
    pub(crate) global: GlobalArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Debug, Args)]
pub(crate) struct GlobalArguments {
    /// Form of the output: auto, text, json or github
    #[arg(long, global = true, help_heading = "Everywhere", value_name = "FORM")]
    pub(crate) output: Option<String>,
    /// AWS Region
    #[arg(long, global = true, help_heading = "Everywhere", value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// Profile of the AWS configuration
    #[arg(long, global = true, help_heading = "Everywhere", value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Role for new credentials from GitHub's OIDC endpoint when the given ones expire
    #[arg(long, global = true, help_heading = "Everywhere", value_name = "ARN")]
    pub(crate) oidc_role: Option<String>,
    /// Settings file instead of ecs-migrate.toml
    #[arg(long, global = true, help_heading = "Everywhere", value_name = "FILE")]
    pub(crate) config: Option<String>,
}

impl GlobalArguments {
    pub(crate) fn flags(&self) -> Flags {
        flags([
            (Key::Output, &self.output),
            (Key::Region, &self.region),
            (Key::Profile, &self.profile),
            (Key::OidcRole, &self.oidc_role),
        ])
    }
}

/// The flags that were given.
pub(crate) fn flags<const N: usize>(given: [(Key, &Option<String>); N]) -> Flags {
    given.into_iter().filter_map(|(key, value)| value.clone().map(|value| (key, value))).collect()
}

/// Reads a command line.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<CommandLine, clap::Error> {
    CommandLine::try_parse_from(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        CommandLine::command().debug_assert();
    }
}
