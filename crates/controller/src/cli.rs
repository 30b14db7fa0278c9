//! Owns the command line: global flags and the list of commands.

mod blank;

use crate::commands::Command;
use crate::settings::{Flags, Key};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser};
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
    let mut command = CommandLine::command();
    let matches = command.try_get_matches_from_mut(arguments)?;
    if let Some(flag) = blank::find(&command, &matches) {
        let message = format!(
            "flag --{flag} is blank\n\n  see whether the variable that it is made of is set here, or \
             leave it out"
        );
        return Err(command.error(ErrorKind::InvalidValue, message));
    }
    CommandLine::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Result<CommandLine, clap::Error> {
        parse(["ecs-migrate"].iter().chain(words).map(OsString::from))
    }

    /// Every flag of every command that takes a text, but those that have a word of their own for it.
    #[test]
    fn no_flag_is_blank() {
        fn flags(command: &clap::Command, before: &[String], found: &mut Vec<Vec<String>>) {
            for argument in command.get_arguments().filter(|argument| !argument.is_positional()) {
                let takes = argument.get_action().takes_values();
                if let (true, Some(flag)) = (takes, argument.get_long()) {
                    found.push([before, &[format!("--{flag}")]].concat());
                }
            }
            for below in command.get_subcommands() {
                flags(below, &[before, &[below.get_name().to_owned()]].concat(), found);
            }
        }
        let mut all = Vec::new();
        flags(&CommandLine::command(), &[], &mut all);
        assert!(all.len() > 100, "{all:?}");
        for words in all {
            let flag = words.last().unwrap().trim_start_matches('-').to_owned();
            let others = ["base", "since", "applied", "rolled-back", "baseline"];
            let of_settings =
                |key: &Key| key.name() == flag && key.shape() != crate::settings::Shape::List;
            if others.contains(&flag.as_str()) || Key::ALL.iter().any(of_settings) {
                continue;
            }
            for blank in ["", " ", "\t\r\n"] {
                let line: Vec<String> = [&words[..], &[blank.to_owned()]].concat();
                let line: Vec<&str> = line.iter().map(String::as_str).collect();
                let refused = of(&line).expect_err(&format!("{line:?}"));
                assert!(refused.use_stderr(), "{line:?}: {refused}");
            }
        }
        for line in [
            &["run", "--env", "A=", "--", "psql", "-c", ""][..],
            &["changes", "--base", ""],
            &["exec", "--", "echo", ""],
        ] {
            assert!(of(line).is_ok(), "{line:?}");
        }
        let words = ["deploy-service", "--without-verdict", " "];
        assert!(of(&words).unwrap_err().to_string().contains("flag --without-verdict is blank"));
        let words = ["deploy-service", "--service", "api", "--service", ""];
        assert!(of(&words).unwrap_err().to_string().contains("flag --service is blank"));
    }

    #[test]
    fn the_command_line_is_sound() {
        CommandLine::command().debug_assert();
    }
}
