//! Owns running a container's command as a local process: the one place where children are started.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::control::{Control, Ended};
use crate::core::Core;
use crate::logs::LineSink;

/// A process that left the container's group may hold the pipes open; its output is not waited for.
const DRAIN: Duration = Duration::from_secs(2);

/// A child that is the leader of its own process group.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    leader: Pid,
}

impl Process {
    pub(crate) fn start(
        core: &Core,
        words: &[String],
        environment: &BTreeMap<String, String>,
    ) -> io::Result<Self> {
        let (program, arguments) =
            words.split_first().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let child = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let leader = child
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?))
            .ok_or_else(|| io::Error::other("the child has no process id"))?;
        core.process_groups.add(leader);
        Ok(Self { child, leader })
    }

    /// Runs until the process ends; whatever is left of its group dies with it, as a container's processes do.
    pub(crate) async fn run(mut self, core: &Core, control: Control, output: LineSink) -> Ended {
        let mut readers = JoinSet::new();
        if let Some(stdout) = self.child.stdout.take() {
            readers.spawn(copy_lines(stdout, output.clone()));
        }
        if let Some(stderr) = self.child.stderr.take() {
            readers.spawn(copy_lines(stderr, output));
        }
        let ended = self.wait(core, &control).await;
        core.process_groups.end(self.leader);
        let _ = timeout(DRAIN, async { while readers.join_next().await.is_some() {} }).await;
        ended
    }

    /// SIGTERM goes to the leader alone, as ECS sends it to PID 1. Unlike a real PID 1, a process without a
    /// handler dies of it.
    async fn wait(&mut self, core: &Core, control: &Control) -> Ended {
        tokio::select! {
            status = self.child.wait() => return Ended::Exited(exit_code(&status)),
            () = control.out_of_memory() => {
                core.process_groups.kill(self.leader);
                return Ended::OutOfMemory(exit_code(&self.child.wait().await));
            }
            () = control.stopped() => {}
        }
        // It may have ended in this moment, which the wait below finds out.
        let _ = kill_process(self.leader, Signal::TERM);
        tokio::select! {
            status = self.child.wait() => return Ended::Exited(exit_code(&status)),
            () = sleep(control.grace) => {}
        }
        core.process_groups.kill(self.leader);
        Ended::Exited(exit_code(&self.child.wait().await))
    }
}

/// 128 + n for a process that died of signal n.
fn exit_code(status: &io::Result<ExitStatus>) -> i32 {
    const UNKNOWN: i32 = 255;
    let Ok(status) = status else {
        return UNKNOWN;
    };
    status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(UNKNOWN)
}

async fn copy_lines(pipe: impl AsyncRead + Unpin, output: LineSink) {
    let mut pipe = BufReader::new(pipe);
    loop {
        let mut line = Vec::new();
        match pipe.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                if line.last() == Some(&b'\n') {
                    line.pop();
                }
                output.send(line).await;
            }
        }
    }
}
