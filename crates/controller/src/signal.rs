//! Owns the signals that end a run early, as a small enum that tests can send.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// A request to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: Ctrl-C, and the first thing that GitHub Actions sends on cancel.
    Interrupt,
    /// SIGTERM: what GitHub Actions sends 7.5 s later.
    Terminate,
}

/// Where signals come from. Handlers are installed only by `listen`, so that a command
/// that does not listen dies of Ctrl-C as any process does.
#[derive(Debug)]
pub enum Signals {
    /// The operating system.
    OfTheProcess,
    /// A test.
    From(mpsc::Receiver<Signal>),
}

/// Signals as they arrive.
#[derive(Debug)]
pub(crate) struct Listener {
    receiver: mpsc::Receiver<Signal>,
}

impl Signal {
    /// Its name in `kill -l`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }
}

impl Signals {
    /// Starts to listen; from here on the default action is off.
    pub(crate) fn listen(self) -> std::io::Result<Listener> {
        let receiver = match self {
            Self::From(receiver) => receiver,
            Self::OfTheProcess => {
                let mut interrupt = signal(SignalKind::interrupt())?;
                let mut terminate = signal(SignalKind::terminate())?;
                let (sender, receiver) = mpsc::channel(8);
                tokio::spawn(async move {
                    loop {
                        let signal = tokio::select! {
                            _ = interrupt.recv() => Signal::Interrupt,
                            _ = terminate.recv() => Signal::Terminate,
                        };
                        if sender.send(signal).await.is_err() {
                            return;
                        }
                    }
                });
                receiver
            }
        };
        Ok(Listener { receiver })
    }
}

impl Listener {
    /// The next signal; waits for ever when no more can come.
    pub(crate) async fn next(&mut self) -> Signal {
        match self.receiver.recv().await {
            Some(signal) => signal,
            None => std::future::pending().await,
        }
    }
}
