//! Owns how a child ended. As process 1 of a container, every orphan is our child too: what nobody
//! waits for would stay a zombie.

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpid, wait, waitpid};
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

/// Listening for the ends of children; to be had before one is started.
pub(super) struct Reaper {
    ends: unix::Signal,
    first: bool,
}

impl Reaper {
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self { ends: unix::signal(SignalKind::child())?, first: getpid().is_init() })
    }

    /// Waits for the end of `child`.
    pub(super) async fn end_of(&mut self, child: Pid) -> Exit {
        loop {
            if let Some(exit) = self.look(Some(child)) {
                return exit;
            }
            self.ends.recv().await;
        }
    }

    /// Takes what has ended, and says how `child` did.
    pub(super) fn look(&self, child: Option<Pid>) -> Option<Exit> {
        if !self.first {
            let (_, status) = waitpid(child, WaitOptions::NOHANG).ok()??;
            return Some(exit(status));
        }
        let mut found = None;
        // No children, or none that has ended.
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            if Some(pid) == child {
                found = Some(exit(status));
            }
        }
        found
    }
}

fn exit(status: WaitStatus) -> Exit {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Exit::Code(u8::try_from(code).unwrap_or(u8::MAX)),
        (None, signal) => Exit::Signal(signal.unwrap_or_default()),
    }
}
