//! Owns which form the output takes.

use crate::cli::CommandLine;
use crate::settings::OutputChoice;
use protocol::env;
use std::collections::BTreeMap;

/// A form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Github,
    Json,
}

impl Format {
    /// The form that was chosen; `auto` is GitHub's inside a GitHub Actions step.
    pub(crate) fn of(choice: OutputChoice, environment: &BTreeMap<String, String>) -> Self {
        let in_github = in_github(environment);
        match choice {
            OutputChoice::Text => Self::Text,
            OutputChoice::Json => Self::Json,
            OutputChoice::Github => Self::Github,
            OutputChoice::Auto if in_github => Self::Github,
            OutputChoice::Auto => Self::Text,
        }
    }
}

/// Whether this is a step of GitHub Actions.
pub(super) fn in_github(environment: &BTreeMap<String, String>) -> bool {
    environment.get(env::GITHUB_ACTIONS).is_some_and(|value| value == "true")
}

/// The form for what goes wrong before the settings are read.
pub(crate) fn format_before_settings(
    command_line: &CommandLine,
    environment: &BTreeMap<String, String>,
) -> Format {
    let flag = command_line.global.output.as_deref();
    let wanted = flag.or_else(|| environment.get(env::OUTPUT).map(String::as_str));
    let choice = match wanted {
        Some("text") => OutputChoice::Text,
        Some("json") => OutputChoice::Json,
        Some("github") => OutputChoice::Github,
        Some(_) | None => OutputChoice::Auto,
    };
    Format::of(choice, environment)
}
