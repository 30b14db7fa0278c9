//! Owns which signals a child gets when we get them.

use rustix::process::Signal;
use std::task::Poll;
use tokio::signal::unix::{self, SignalKind};

/// The signals that a supervisor passes on; SIGTERM and SIGINT end the run as well.
const FORWARDED: [Signal; 6] =
    [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT, Signal::USR1, Signal::USR2];

/// Listening from now on.
pub(super) struct Signals(Vec<(Signal, unix::Signal)>);

impl Signals {
    pub(super) fn listen() -> std::io::Result<Self> {
        let listen =
            |number: Signal| Ok((number, unix::signal(SignalKind::from_raw(number.as_raw()))?));
        FORWARDED.into_iter().map(listen).collect::<Result<_, _>>().map(Self)
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Signal {
        std::future::poll_fn(|context| {
            for (number, stream) in &mut self.0 {
                if let Poll::Ready(Some(())) = stream.poll_recv(context) {
                    return Poll::Ready(*number);
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// Whether it asks to end.
pub(super) fn ends(signal: Signal) -> bool {
    signal == Signal::TERM || signal == Signal::INT
}
