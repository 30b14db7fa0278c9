//! Owns statements of our own that may have to wait for somebody else's lock: whoever holds the
//! history's table makes a run wait before it has done anything. It says so, names who holds it, and
//! stops when it is asked to.

use crate::error::{Error, Kind};
use crate::interrupt::Interrupt;
use crate::observe::{Locks, Notes, Observer, Watching, watch};
use crate::progress::Sink;
use crate::session::Session;
use std::cell::RefCell;
use std::time::Duration;

/// How long a statement may take before it is worth a look at what it waits for.
const WORTH_A_LOOK: Duration = Duration::from_secs(1);

/// How long until a read is tried again that a `lock_timeout` ended.
const AGAIN: Duration = Duration::from_millis(50);

/// Reads again where a time limit for locks ended it: one that the role or the database gives its sessions
/// is meant for scripts, and nothing of ours is lost by waiting.
pub(crate) async fn despite_limits<T>(
    work: impl AsyncFn() -> Result<T, Error>,
) -> Result<T, Error> {
    loop {
        match work().await {
            Err(error) if error.sqlstate.as_deref() == Some("55P03") => {
                tokio::time::sleep(AGAIN).await;
            }
            done => return done,
        }
    }
}

/// Does `work`, which is `doing` something with statements that change nothing.
pub(crate) async fn patiently<T>(
    (session, doing): (&Session, &str),
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::pin!(work);
    tokio::select! {
        biased;
        done = &mut work => return done,
        () = interrupt.wait() => {}
        () = tokio::time::sleep(WORTH_A_LOOK) => {}
    }
    let mut never = interrupt.clone();
    let looking = async {
        // Boxed: connecting is large.
        let opening = Observer::open(session.settings(), Notes::Nothing, sink, &mut never);
        let observer = Box::pin(opening).await;
        let watching = Watching {
            observer: &observer,
            backend: session.backend,
            doing: doing.to_owned(),
            seen: &RefCell::default(),
            locks: Locks::Longer,
            notices: None,
        };
        watch(&watching, sink, std::future::pending::<()>()).await;
    };
    tokio::select! {
        biased;
        done = &mut work => return done,
        () = interrupt.wait() => {}
        () = looking => {}
    }
    session.cancel().await;
    Err(Error::new(Kind::Interrupted, format!("interrupted while {doing}")))
}
