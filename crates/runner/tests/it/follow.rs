//! A runner whose lines are read while it runs.

use crate::support::{Ended, ended};
use protocol::{Event, Line};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

pub(crate) struct Follow {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    stdout: String,
}

impl Follow {
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, stdout: String::new() }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Reads until an event is `wanted`.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Event) -> bool) {
        let reading = async {
            loop {
                let text = self.lines.next_line().await.unwrap();
                let text = text.unwrap_or_else(|| panic!("it ended before: {}", self.stdout));
                self.stdout.push_str(&text);
                self.stdout.push('\n');
                if let Line::Event(line) = Line::decode(&text)
                    && wanted(&line.event)
                {
                    return;
                }
            }
        };
        let read = tokio::time::timeout(Duration::from_secs(30), reading).await;
        assert!(read.is_ok(), "it never came: {}", self.stdout);
    }

    /// Until it tries again because of `cause`.
    pub(crate) async fn until_waiting(&mut self, cause: &str) {
        self.until(
            |event| matches!(event, Event::ConnectWaiting(waiting) if waiting.cause.contains(cause)),
        )
        .await;
    }

    pub(crate) async fn finish(mut self) -> Ended {
        let reading = async {
            while let Some(text) = self.lines.next_line().await.unwrap() {
                self.stdout.push_str(&text);
                self.stdout.push('\n');
            }
            let mut stderr = String::new();
            self.child.stderr.take().unwrap().read_to_string(&mut stderr).await.unwrap();
            (self.child.wait().await.unwrap(), stderr)
        };
        let (status, stderr) =
            tokio::time::timeout(Duration::from_mins(1), reading).await.expect("it ends");
        ended(status.code().unwrap_or(-1), self.stdout, stderr)
    }
}
