//! Owns a container that goes on: its lines as they come, its page, its end.

use crate::support::{Ended, ended};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};

const LIMIT: Duration = Duration::from_mins(1);

pub(crate) struct Container {
    pub(crate) child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    seen: String,
}

impl Container {
    pub(crate) fn run(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, seen: String::new() }
    }

    /// Reads until a line has this in it, and gives that line.
    pub(crate) async fn until(&mut self, word: &str) -> String {
        let reading = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                self.seen += &line;
                self.seen.push('\n');
                if line.contains(word) {
                    return Some(line);
                }
            }
            None
        };
        if let Ok(Some(line)) = tokio::time::timeout(LIMIT, reading).await {
            return line;
        }
        let _ended = self.child.start_kill();
        let mut errors = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).await.unwrap();
        panic!("no line with `{word}`:\n{}{errors}", self.seen);
    }

    /// Its port, once it listens.
    pub(crate) async fn port(&mut self) -> u16 {
        let line = self.until(" listens on ").await;
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    }

    /// What it has written so far.
    pub(crate) fn so_far(&self) -> Ended {
        ended(0, self.seen.clone(), String::new())
    }

    /// Waits for its end.
    pub(crate) async fn end(mut self) -> Ended {
        let ending = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                self.seen += &line;
                self.seen.push('\n');
            }
            self.child.wait_with_output().await.unwrap()
        };
        let output = tokio::time::timeout(LIMIT, ending).await.unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        ended(output.status.code().unwrap_or(-1), self.seen, errors)
    }
}

/// What a load balancer's health check sees: status line and body.
pub(crate) async fn health(port: u16) -> String {
    let asking = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let request = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    tokio::time::timeout(LIMIT, asking).await.unwrap()
}
