//! Runs the real binary with an environment that holds nothing else.

use crate::shown::schema;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Output, Stdio};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

const BINARY: &str = env!("CARGO_BIN_EXE_ecs-migrate");

/// Who is started by a shell's background job is born deaf to Ctrl-C.
const HEEDING: &str = "env --default-signal=INT,QUIT";

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
            // Nobody listens there: no registry outside of this machine is asked what a tag is.
            ("HTTPS_PROXY", "http://127.0.0.1:9"),
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
    pub(crate) fn start(&self) -> Started {
        let mut child = self.start_unread();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Started { child, lines, out: String::new(), arguments: self.arguments.clone() }
    }

    /// Starts it as a step of GitHub Actions does: in a shell that gets a script, `before` the
    /// command line and `after` it, as the leader of a process group.
    pub(crate) fn start_in_step(&self, before: &str, after: &str) -> Child {
        let quoted: Vec<String> =
            self.arguments.iter().map(|argument| format!("'{argument}'")).collect();
        let script = format!("{before} {BINARY} {} {after}\n", quoted.join(" "));
        std::fs::write(self.directory.path().join("step.sh"), script).unwrap();
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc", "-eo", "pipefail", "step.sh"]).process_group(0);
        self.spawn(command)
    }

    /// Starts it at a terminal: its standard input is what is typed, its standard output the screen.
    pub(crate) fn start_on_terminal(&self) -> Child {
        let line = format!("{HEEDING} {BINARY} {}", self.arguments.join(" "));
        let mut command = Command::new("script");
        command.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
        self.spawn_with(command, Stdio::piped())
    }

    /// Starts it as the foreground of a terminal, which is all of its streams.
    pub(crate) fn start_on(&self, terminal: &std::fs::File) -> Child {
        let stream = || Stdio::from(terminal.try_clone().unwrap());
        Command::new("setsid")
            .args(["--ctty", "--wait"])
            .args(HEEDING.split(' '))
            .arg(BINARY)
            .args(&self.arguments)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .envs(&self.environment)
            .current_dir(self.directory.path())
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    fn spawn(&self, command: Command) -> Child {
        self.spawn_with(command, Stdio::null())
    }

    fn spawn_with(&self, mut command: Command, stdin: Stdio) -> Child {
        command
            .env_clear()
            .envs(&self.environment)
            .current_dir(self.directory.path())
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    /// Runs it to its end.
    pub(crate) async fn run(&self) -> Ended {
        let output = self.start_unread().wait_with_output().await.unwrap();
        let ended = Ended::of(output);
        keeps(&self.arguments, &ended);
        ended
    }

    fn start_unread(&self) -> Child {
        let mut command = Command::new(BINARY);
        command.args(&self.arguments);
        self.spawn(command)
    }
}

/// A process that goes on. What it writes is held against the schema as of any other.
#[must_use = "a story looks at the end"]
pub(crate) struct Started {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    out: String,
    arguments: Vec<String>,
}

impl Started {
    /// Waits for a line with this text.
    pub(crate) async fn says(&mut self, text: &str) {
        while !self
            .next_line()
            .await
            .unwrap_or_else(|| panic!("no {text}: {}", self.out))
            .contains(text)
        {}
    }

    async fn next_line(&mut self) -> Option<String> {
        let line = self.lines.next_line().await.unwrap()?;
        self.out += &line;
        self.out.push('\n');
        Some(line)
    }

    /// Sends SIGINT.
    pub(crate) async fn interrupt(&self) {
        let process = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args(["-INT", &process]).status().await.unwrap();
        assert!(sent.success());
    }

    /// What it left.
    pub(crate) async fn ended(mut self) -> Ended {
        while self.next_line().await.is_some() {}
        let mut ended = Ended::of(self.child.wait_with_output().await.unwrap());
        ended.out = self.out;
        keeps(&self.arguments, &ended);
        ended
    }
}

fn keeps(arguments: &[String], ended: &Ended) {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    schema::keeps(&arguments, &ended.out, ended.code);
}

impl Ended {
    fn of(output: Output) -> Self {
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
