//! Owns what a running container is told, and how it says that it ended.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

/// What stops a container.
#[derive(Debug)]
pub(crate) struct Control {
    /// Becomes true when the task is to stop.
    pub(crate) stop: watch::Receiver<bool>,
    /// A fault: how long nothing comes of that.
    pub(crate) stop_delay: Duration,
    /// `stopTimeout`: from SIGTERM to SIGKILL.
    pub(crate) grace: Duration,
    /// A fault: when it runs out of memory.
    pub(crate) memory_lasts: Option<Duration>,
}

/// How a container ended, with its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Exited(i32),
    OutOfMemory(i32),
}

impl Control {
    pub(crate) async fn stopped(&self) {
        // The sender lives in the task's record; without it nobody is left to wait for an end.
        drop(self.stop.clone().wait_for(|stop| *stop).await);
        sleep(self.stop_delay).await;
    }

    pub(crate) async fn out_of_memory(&self) {
        match self.memory_lasts {
            Some(memory_lasts) => sleep(memory_lasts).await,
            None => std::future::pending().await,
        }
    }
}
