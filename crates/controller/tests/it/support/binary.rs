//! Runs the real binary with an environment that holds nothing else.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Output, Stdio};
use tokio::process::{Child, Command};

/// One invocation of `ecs-migrate`.
pub(crate) struct Invocation {
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    directory: tempfile::TempDir,
}

/// What it left.
#[must_use = "a story looks at the exit code"]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Invocation {
    /// In an empty directory, against `endpoint`.
    pub(crate) fn new(endpoint: &str, arguments: &[&str]) -> Self {
        let environment = [
            ("AWS_ENDPOINT_URL", endpoint),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        Self {
            arguments: arguments.iter().map(ToString::to_string).collect(),
            environment: environment
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// Sets a variable; an empty value removes it.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        if value.is_empty() {
            self.environment.remove(name);
        } else {
            self.environment.insert(name.to_owned(), value.to_owned());
        }
        self
    }

    /// Where it runs.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Starts it; its output can be read while it runs.
    pub(crate) fn start(&self) -> Child {
        Command::new(env!("CARGO_BIN_EXE_ecs-migrate"))
            .args(&self.arguments)
            .env_clear()
            .envs(&self.environment)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    /// Runs it to its end.
    pub(crate) async fn run(&self) -> Ended {
        Ended::of(self.start().wait_with_output().await.unwrap())
    }
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// Everything that was shown, for a failing assertion.
    pub(crate) fn everything(&self) -> String {
        format!("exit {}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.out, self.err)
    }
}
