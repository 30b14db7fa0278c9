//! Owns `man`.

use crate::cli::CommandLine;
use crate::error::Error;
use crate::report::{Event, Report};
use clap::{Args, CommandFactory};
use std::path::PathBuf;

/// Write the manual pages into a directory
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where to; it is made if it does not exist
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

/// Writes one page for the whole and one for each command that is shown in the help.
pub(super) fn man(arguments: &Arguments, report: &mut Report) -> Result<(), Error> {
    let directory = &arguments.directory;
    let command = CommandLine::command().disable_help_subcommand(true);
    let written = std::fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(command, directory));
    let shown = directory.display();
    written.map_err(|cause| {
        Error::usage(format!("cannot write manual pages into {shown}")).caused_by(cause)
    })?;
    report.emit(&Event::Note(format!(
        "manual pages are in {shown}; `man -l {shown}/ecs-migrate.1` shows one"
    )));
    Ok(())
}
