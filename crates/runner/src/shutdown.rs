//! Signals. As process 1 of a container we get none unless we ask for them.

use crate::emit::Emitter;
use engine::Interrupt;
use protocol::Event;
use protocol::event::Interrupted;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

/// Listening for the signals that end a run.
pub(crate) struct Listener {
    terminate: Signal,
    interrupt: Signal,
}

impl Listener {
    /// From now on.
    pub(crate) fn listen() -> std::io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Runs `work` with an interrupt that SIGTERM and SIGINT set off; `meaning` says what they mean
    /// for it.
    pub(crate) async fn guard<W, F>(
        &mut self,
        emitter: &Emitter,
        meaning: &str,
        work: W,
    ) -> F::Output
    where
        W: FnOnce(Interrupt) -> F,
        F: Future,
    {
        let (interrupter, token) = Interrupt::pair();
        let work = work(token);
        tokio::pin!(work);
        loop {
            let kind = tokio::select! {
                output = &mut work => return output,
                kind = self.next() => kind,
            };
            let name = if kind == SignalKind::terminate() { "SIGTERM" } else { "SIGINT" };
            let msg = format!("{name}: {meaning}");
            emitter.emit(Event::Interrupted(Interrupted { signal: name.to_owned() }), msg);
            interrupter.interrupt();
        }
    }

    /// A signal that came and that nobody has acted on, as a shell's exit code.
    pub(crate) async fn arrived(&mut self) -> Option<u8> {
        // Not to wait for one: to let the runtime take notice of those that have come.
        let kind = timeout(Duration::from_millis(1), self.next()).await.ok()?;
        u8::try_from(128 + kind.as_raw_value()).ok()
    }

    async fn next(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.interrupt.recv() => SignalKind::interrupt(),
        }
    }
}
