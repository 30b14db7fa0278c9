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
    /// From now on; a signal that whoever started us had us ignore, as `nohup` does, stays ignored.
    pub(super) fn listen() -> std::io::Result<Self> {
        let ignored = ignored(&std::fs::read_to_string("/proc/self/status").unwrap_or_default());
        let listen =
            |number: Signal| Ok((number, unix::signal(SignalKind::from_raw(number.as_raw()))?));
        FORWARDED
            .into_iter()
            .filter(|signal| !ignored(*signal))
            .map(listen)
            .collect::<Result<_, _>>()
            .map(Self)
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

/// What the process's status in /proc says of signals; without /proc none counts as ignored.
fn ignored(status: &str) -> impl Fn(Signal) -> bool + use<> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    move |signal| mask >> (signal.as_raw() - 1) & 1 == 1
}

/// Whether it asks to end.
pub(super) fn ends(signal: Signal) -> bool {
    signal == Signal::TERM || signal == Signal::INT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_read_from_the_mask() {
        let none = ignored("");
        let hangup = ignored("Name:\trunner\nSigIgn:\t0000000000001001\nSigCgt:\tff\n");
        for signal in FORWARDED {
            assert!(!none(signal));
            assert_eq!(hangup(signal), signal == Signal::HUP, "{signal:?}");
        }
    }
}
