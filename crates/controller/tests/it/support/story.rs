//! Runs the library against a sandbox in memory: hours pass in milliseconds on a paused clock.

use super::sdk;
use crate::shown::schema;
use anstream::StripStream;
use controller::{AwsAccess, Clock, Pace, Registries, Signal, Signals, Surroundings};
use sandbox::{Config, Program, Sandbox, Script, Speed, WallClock};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// A sandbox, and what invocations against it are given.
pub(crate) struct Story {
    pub(crate) sandbox: Sandbox,
    environment: BTreeMap<String, String>,
    template: tempfile::NamedTempFile,
    signals: Vec<(Duration, Signal)>,
    answers: std::collections::VecDeque<String>,
    clock: Clock,
    colour: bool,
    pace: Pace,
}

/// What an invocation left.
#[must_use = "a story looks at the exit code"]
pub(crate) struct Told {
    pub(crate) code: u8,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) took: Duration,
    /// The longest time in which nothing was shown.
    pub(crate) silence: Duration,
}

impl Story {
    /// A Fargate-like sandbox in which image `app:1` does as the script says. It cannot know its run, so it
    /// is no runner.
    pub(crate) fn of(script: Script) -> Self {
        Self::running(Program::script(script)).plain()
    }

    /// A Fargate-like sandbox with this program.
    pub(crate) fn running(program: Program) -> Self {
        Self::with(config().image("app:1", program))
    }

    /// Any sandbox.
    pub(crate) fn with(config: Config) -> Self {
        Self {
            sandbox: Sandbox::new(config),
            environment: BTreeMap::new(),
            template: template(FAMILY, &[container("migrate", "app:1")]),
            signals: Vec::new(),
            answers: std::collections::VecDeque::new(),
            clock: clock(),
            colour: false,
            pace: Pace { jitter: 0.0, ..Pace::default() },
        }
    }

    /// Somebody else in the same account: another family.
    pub(crate) fn neighbour(&self, family: &str) -> Self {
        Self {
            sandbox: self.sandbox.clone(),
            environment: self.environment.clone(),
            template: template(family, &[container("migrate", "app:1")]),
            signals: Vec::new(),
            answers: std::collections::VecDeque::new(),
            clock: self.clock.clone(),
            colour: false,
            pace: Pace { jitter: 0.0, ..Pace::default() },
        }
    }

    /// The one container does not say that it runs the runner.
    pub(crate) fn plain(self) -> Self {
        self.containers(&[unlabelled("migrate", "app:1")])
    }

    /// Other containers than the one.
    pub(crate) fn containers(mut self, containers: &[Value]) -> Self {
        self.template = template(FAMILY, containers);
        self
    }

    /// Sets a variable of the controller's environment.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// AWS is asked so rarely that a thousand stories are told in a minute.
    pub(crate) fn unhurried(mut self) -> Self {
        self.pace = Pace {
            first_minute: Duration::from_secs(10),
            first_ten_minutes: Duration::from_secs(20),
            later: Duration::from_mins(1),
            ending: Duration::from_secs(10),
            log: Duration::from_secs(20),
            ..self.pace
        };
        self
    }

    /// Colours are not taken away.
    pub(crate) fn coloured(mut self) -> Self {
        self.colour = true;
        self
    }

    /// Somebody at a terminal, who gives these answers in each invocation.
    pub(crate) fn answers(mut self, answers: &[&str]) -> Self {
        self.answers = answers.iter().map(ToString::to_string).collect();
        self
    }

    /// Sends a signal this long after the start of each invocation.
    pub(crate) fn signal(mut self, after: Duration, signal: Signal) -> Self {
        self.signals.push((after, signal));
        self
    }

    /// No signals from here on.
    pub(crate) fn without_signals(mut self) -> Self {
        self.signals.clear();
        self
    }

    /// `ecs-migrate run` with the template and a network, and these arguments on top.
    pub(crate) async fn run(&self, more: &[&str]) -> Told {
        let template = self.template.path().to_str().unwrap();
        let mut arguments = vec![
            "run",
            "--template",
            template,
            "--image",
            "app:1",
            "--subnets",
            "subnet-a",
            "--security-groups",
            "sg-a",
        ];
        arguments.extend(more);
        self.invoke(&arguments).await
    }

    /// `ecs-migrate register` with the template.
    pub(crate) async fn register(&self, more: &[&str]) -> Told {
        let template = self.template_path();
        self.invoke(&[&["register", "--template", &template], more].concat()).await
    }

    /// The template's file.
    pub(crate) fn template_path(&self) -> String {
        self.template.path().to_str().unwrap().to_owned()
    }

    /// Any command line.
    /// As `invoke`, and what runs the migration gets the story's own.
    pub(crate) async fn show(&self, arguments: &[&str]) -> Told {
        match arguments.split_first() {
            Some((&"run", more)) => self.run(more).await,
            Some((&("release" | "deploy-service"), _)) => {
                let template = self.template_path();
                self.invoke(&[arguments, &["--template", &template]].concat()).await
            }
            _ => self.invoke(arguments).await,
        }
    }

    pub(crate) async fn invoke(&self, arguments: &[&str]) -> Told {
        let (out, err) = (Buffer::default(), Buffer::default());
        let err = Buffer { text: err.text, writes: Arc::clone(&out.writes) };
        let (sender, signals) = mpsc::channel(8);
        for (after, signal) in self.signals.clone() {
            let sender = sender.clone();
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                let _gone = sender.send(signal).await;
            });
        }
        let surroundings = Surroundings {
            environment: self.environment.clone(),
            aws: AwsAccess::Given(Box::new(sdk::config(&self.sandbox))),
            signals: Signals::From(signals),
            questions: controller::Questions::Answered(self.answers.clone()),
            stdout: self.stream(&out),
            stderr: self.stream(&err),
            terminal: controller::Terminal::None,
            pace: self.pace.clone(),
            clock: self.clock.clone(),
            registries: Registries::Ecr,
        };
        let line = ["ecs-migrate"].iter().chain(arguments);
        let began = Instant::now();
        let code = controller::run(line.map(std::ffi::OsString::from), surroundings).await;
        let silence = out.silence(began);
        let told = Told { code, out: out.text(), err: err.text(), took: began.elapsed(), silence };
        schema::keeps(arguments, &told.out, told.code.into());
        told
    }

    fn stream(&self, buffer: &Buffer) -> Box<dyn Write + Send> {
        let stream: Box<dyn Write + Send> = Box::new(buffer.clone());
        if self.colour { stream } else { Box::new(StripStream::new(stream)) }
    }

    /// How often an operation was called.
    pub(crate) fn calls(&self, operation: &str) -> usize {
        self.sandbox.journal().iter().filter(|entry| entry.operation == operation).count()
    }

    /// One parameter of every call of an operation.
    pub(crate) fn parameters(&self, operation: &str, name: &str) -> Vec<String> {
        self.sandbox
            .journal()
            .iter()
            .filter(|entry| entry.operation == operation)
            .map(|entry| entry.parameters[name].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

impl Told {
    /// Everything that was shown, for a failing assertion.
    pub(crate) fn everything(&self) -> String {
        format!(
            "exit {} after {:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.code, self.took, self.out, self.err
        )
    }

    /// Asserts the exit code and texts that must be in stdout.
    pub(crate) fn says(&self, code: u8, texts: &[&str]) {
        assert_eq!(self.code, code, "{}", self.everything());
        for text in texts {
            assert!(self.out.contains(text), "no {text:?} in {}", self.everything());
        }
    }

    /// The last object of JSON output.
    pub(crate) fn result(&self) -> Value {
        let last = self.out.lines().last().unwrap();
        serde_json::from_str(last).unwrap()
    }

    /// The newest run of a list of runs.
    pub(crate) fn newest_run(&self) -> Value {
        let objects = self.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        objects.into_iter().find(|object| object["type"] == "run").unwrap()
    }
}

/// The sandbox's time, from its start on: the machine's clock, moved on by tokio's.
fn clock() -> Clock {
    let (began, origin) = (jiff::Timestamp::now().as_millisecond(), Instant::now());
    Clock::showing(move || began + i64::try_from(origin.elapsed().as_millis()).unwrap())
}

/// As slow as AWS, with a log group.
pub(crate) fn config() -> Config {
    Config::new(Speed::Aws).log_group("/ecs/app").wall_clock(WallClock::System)
}

/// A container definition with a log that does not say that it runs the runner.
pub(crate) fn unlabelled(name: &str, image: &str) -> Value {
    let mut container = container(name, image);
    container.as_object_mut().unwrap().remove("dockerLabels");
    container
}

/// A container definition of the runner, with a log.
pub(crate) fn container(name: &str, image: &str) -> Value {
    json!({
        "name": name, "image": image, "essential": true, "stopTimeout": 120,
        "dockerLabels": {"ecs-migrate.runner": "1"},
        "user": "65532:65532", "readonlyRootFilesystem": true,
        "logConfiguration": {"logDriver": "awslogs", "options": {
            "awslogs-group": "/ecs/app", "awslogs-region": "eu-west-1",
            "awslogs-stream-prefix": "p", "mode": "blocking"}}
    })
}

const FAMILY: &str = "app-migrate";

fn template(family: &str, containers: &[Value]) -> tempfile::NamedTempFile {
    let definition = json!({
        "family": family, "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc",
        "cpu": "256", "memory": "512",
        "executionRoleArn": "arn:aws:iam::111122223333:role/exec",
        "containerDefinitions": containers
    });
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(definition.to_string().as_bytes()).unwrap();
    file
}

/// Seconds since the container's start.
pub(crate) fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[derive(Clone, Default)]
struct Buffer {
    text: Arc<Mutex<Vec<u8>>>,
    /// When something was written, to either stream.
    writes: Arc<Mutex<Vec<Instant>>>,
}

impl Buffer {
    fn text(&self) -> String {
        String::from_utf8(self.text.lock().unwrap().clone()).unwrap()
    }

    /// The longest gap between two writes, from `began` to now.
    fn silence(&self, began: Instant) -> Duration {
        let mut times = vec![began];
        times.extend(self.writes.lock().unwrap().iter());
        times.push(Instant::now());
        times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.text.lock().unwrap().extend_from_slice(bytes);
        self.writes.lock().unwrap().push(Instant::now());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
