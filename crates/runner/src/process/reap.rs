//! Owns how a child ended, and that nothing stays a zombie: as process 1 of a container, every orphan
//! is our child too.

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpid, wait, waitpgid};
use tokio::signal::unix::{self, SignalKind};

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// By itself, with this code.
    Code(u8),
    /// By this signal.
    Signal(i32),
}

impl Exit {
    /// What a shell would make of it: 128 and the signal's number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal(number) => u8::try_from(128 + number).unwrap_or(u8::MAX),
        }
    }

    /// In words, after the program's name.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Code(code) => format!("ended with exit code {code}"),
            Self::Signal(number) => {
                let named = NAMES.iter().find(|(signal, _)| signal.as_raw() == number);
                match named {
                    Some((_, name)) => format!("was ended by {name}"),
                    None => format!("was ended by signal {number}"),
                }
            }
        }
    }
}

/// The names of the signals that end programs in practice.
const NAMES: [(Signal, &str); 7] = [
    (Signal::TERM, "SIGTERM"),
    (Signal::INT, "SIGINT"),
    (Signal::KILL, "SIGKILL"),
    (Signal::HUP, "SIGHUP"),
    (Signal::QUIT, "SIGQUIT"),
    (Signal::SEGV, "SIGSEGV"),
    (Signal::ABORT, "SIGABRT"),
];

/// Listening for the ends of children; to be had before one is started. As long as it lives, what a
/// child leaves behind becomes ours, so that its end does not depend on an init that reaps.
pub(super) struct Reaper {
    ends: unix::Signal,
}

impl Reaper {
    pub(super) fn listen() -> std::io::Result<Self> {
        let ends = unix::signal(SignalKind::child())?;
        adopt(Some(getpid()));
        Ok(Self { ends })
    }

    /// Waits for the end of `child`, the leader of its group.
    pub(super) async fn end_of(&mut self, child: Pid) -> Exit {
        loop {
            if let Some(exit) = Self::look(child) {
                return exit;
            }
            self.ends.recv().await;
        }
    }

    /// Takes what has ended of the group that `child` leads, and says how `child` did. Process 1
    /// takes everybody; nobody else does, because a library may wait for a child of its own.
    pub(super) fn look(child: Pid) -> Option<Exit> {
        let next = || {
            if getpid().is_init() {
                wait(WaitOptions::NOHANG)
            } else {
                waitpgid(child, WaitOptions::NOHANG)
            }
        };
        let mut found = None;
        // No children, or none that has ended.
        while let Ok(Some((pid, status))) = next() {
            if pid == child {
                found = Some(exit(status));
            }
        }
        found
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        // It would outlive exec(2), and the application has not asked for it.
        adopt(None);
    }
}

/// Whether orphans below us become our children.
#[cfg(target_os = "linux")]
fn adopt(us: Option<Pid>) {
    // Without it they go to process 1, as everywhere else.
    let _adopting = rustix::process::set_child_subreaper(us);
}

#[cfg(not(target_os = "linux"))]
fn adopt(_us: Option<Pid>) {}

fn exit(status: WaitStatus) -> Exit {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Exit::Code(u8::try_from(code).unwrap_or(u8::MAX)),
        (None, signal) => Exit::Signal(signal.unwrap_or_default()),
    }
}
