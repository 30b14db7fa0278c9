//! Owns `completions`.

use crate::cli::CommandLine;
use crate::report::{Event, Report};
use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

/// Print the completions for a shell
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// bash, elvish, fish, powershell or zsh
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Prints the script.
pub(super) fn completions(arguments: &Arguments, report: &mut Report) {
    let mut command = CommandLine::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    generate(arguments.shell, &mut command, name, &mut script);
    let script = String::from_utf8_lossy(&script).trim_end().to_owned();
    report.emit(&Event::Data(script));
}
