//! Signals. As process 1 of a container we get none unless we ask for them.

use crate::emit::Emitter;
use engine::Interrupt;
use protocol::Event;
use protocol::event::Interrupted;
use tokio::signal::unix::{SignalKind, signal};

/// Runs `work` with an interrupt that SIGTERM and SIGINT set off.
pub(crate) async fn guard<W, F>(emitter: &Emitter, work: W) -> std::io::Result<F::Output>
where
    W: FnOnce(Interrupt) -> F,
    F: Future,
{
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (interrupter, token) = Interrupt::pair();
    let work = work(token);
    tokio::pin!(work);
    loop {
        let name = tokio::select! {
            output = &mut work => return Ok(output),
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        let msg = format!("{name}: stopping, what is open is rolled back");
        emitter.emit(Event::Interrupted(Interrupted { signal: name.to_owned() }), msg);
        interrupter.interrupt();
    }
}
