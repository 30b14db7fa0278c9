//! `ecs-migrate`: runs a migration as a one-off ECS task and gates the deployment on how it ended.
//!
//! | module | owns |
//! |---|---|
//! | `cli` | the command line |
//! | `settings` | file, environment and flags: which value counts, and where it came from |
//! | `commands` | one file a command: its arguments, its help, what it does |
//! | `task_definition` | a task definition as JSON: read, changed, compared |
//! | `service` | one service from UpdateService to what became of it |
//! | `task` | one task from launch to verdict |
//! | `runs` | runs of the past and in flight: which there are, which one is meant |
//! | `infrastructure` | the CloudFormation stacks, and what has to know about them |
//! | `doctor` | the ready-to-deploy list, a file a check |
//! | `check` | what a directory of migrations would do, before it is merged |
//! | `image` | the migration image, made and pushed without a container engine |
//! | `changes` | which parts of the repository a push touches |
//! | `aws` | the only module that names an `aws_sdk_*` type |
//! | `report` | the only writer of stdout and stderr |
//! | `error` | whose fault a failure is, what it says, its exit code |
//! | `github` | asking GitHub, by `gh` |
//! | `on_finish` | the command that is told how a run ended |
//! | `surroundings`, `signal`, `question` | what the process gets from outside |

mod aws;
mod changes;
mod check;
mod cli;
mod commands;
mod doctor;
mod error;
mod github;
mod image;
mod infrastructure;
mod on_finish;
mod question;
mod report;
mod runs;
mod service;
mod settings;
mod signal;
mod surroundings;
mod task;
mod task_definition;
mod words;

pub use aws::AwsAccess;
pub use question::Questions;
pub use report::Terminal;
pub use signal::{Signal, Signals};
pub use surroundings::{Clock, Registries, Surroundings};
pub use task::Pace;

use report::{Event, Report};
use std::ffi::OsString;
use tokio::time::Instant;

/// Runs one command line in the given surroundings; the answer is the process's exit code.
pub async fn run(
    arguments: impl IntoIterator<Item = OsString>,
    mut surroundings: Surroundings,
) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let command_line = match cli::parse(arguments.clone()) {
        Ok(command_line) => command_line,
        Err(refusal) => return report::show_usage(&refusal, &arguments, &mut surroundings),
    };
    let mut report = Report::new(
        report::format_before_settings(&command_line, &surroundings.environment),
        &mut surroundings,
    );
    report.begin(command_line.command.name());
    // Boxed, because the futures of all commands together are large.
    let watcher = report.watcher();
    let done = tokio::select! {
        biased;
        done = Box::pin(commands::dispatch(command_line, surroundings, &mut report)) => done,
        never = watcher.break_silence() => match never {},
    };
    let code = match done {
        Ok(code) => code,
        Err(error) => {
            let code = error.exit_code();
            report.emit(&Event::Failed(Box::new(error)));
            code
        }
    };
    report.close(code);
    // The command that is told may want to send it.
    report.finish_the_page();
    if let Some((command, result)) = report.take_to_tell() {
        let until = on_finish::deadline(Instant::now(), report.signalled());
        if let Some(complaint) = on_finish::tell(&command, &result, until).await {
            report.complain(&complaint);
        }
    }
    code
}
