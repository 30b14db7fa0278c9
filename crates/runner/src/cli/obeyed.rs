//! Owns which variables a command obeys: those of its own options.

use protocol::RunnerCommand;

/// What a command obeys.
pub(super) trait Obeys {
    /// Whether `variable` is one of an option of this command.
    fn obeys(self, program: &clap::Command, variable: &str) -> bool;
}

impl Obeys for RunnerCommand {
    fn obeys(self, program: &clap::Command, variable: &str) -> bool {
        program.find_subcommand(self.name()).is_some_and(|command| {
            command
                .get_arguments()
                .any(|argument| argument.get_env().is_some_and(|known| known == variable))
        })
    }
}
