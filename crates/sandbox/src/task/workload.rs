//! Owns what runs as one container: a local process or a script.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::control::{Control, Ended};
use super::process::Process;
use crate::core::Core;
use crate::image::{Launch, Program};
use crate::logs::LineSink;
use crate::script::Script;

/// A container that is ready to start.
#[derive(Debug)]
pub(crate) struct Workload {
    pub(crate) index: usize,
    pub(crate) program: Program,
    pub(crate) launch: Launch,
    /// The definition's, for an image that stands for no command of its own.
    pub(crate) entry_point: Vec<String>,
    pub(crate) output: LineSink,
    pub(crate) stop_timeout: Duration,
}

/// A container that was started.
#[derive(Debug)]
pub(crate) enum Started {
    Process(Process),
    Script(Script),
}

impl Workload {
    /// The error is the text behind `CannotStartContainerError: `.
    pub(crate) fn start(&self, core: &Core) -> Result<Started, String> {
        let first = match &self.program {
            Program::Scripted(script) => return Ok(Started::Script(script(&self.launch))),
            Program::Command(words) if words.is_empty() => &self.entry_point,
            Program::Command(words) => words,
        };
        let words = [first.as_slice(), &self.launch.arguments].concat();
        Process::start(core, &words, &self.launch.environment)
            .map(Started::Process)
            .map_err(|error| runtime_error(words.first(), &error))
    }
}

impl Started {
    pub(crate) async fn run(self, core: Arc<Core>, control: Control, output: LineSink) -> Ended {
        match self {
            Self::Process(process) => process.run(&core, control, output).await,
            Self::Script(script) => script.run(control, output).await,
        }
    }
}

/// What the container runtime says (aws-facts 1.5, C1).
fn runtime_error(command: Option<&String>, error: &io::Error) -> String {
    let Some(command) = command else {
        return "no command specified".to_owned();
    };
    let kind = error.kind();
    let cause = if kind == io::ErrorKind::NotFound && command.contains('/') {
        format!("stat {command}: no such file or directory")
    } else if kind == io::ErrorKind::NotFound {
        "executable file not found in $PATH".to_owned()
    } else if kind == io::ErrorKind::PermissionDenied {
        "permission denied".to_owned()
    } else {
        error.to_string()
    };
    format!(
        "ResourceInitializationError: failed to create new container runtime task: failed to create shim task: OCI \
         runtime create failed: exec: \"{command}\": {cause}: unknown"
    )
}
