//! Owns the second hand on the lock: while somebody else works under it, two sessions of ours share it,
//! so that one may be lost and nobody can come in between.
//!
//! Everybody takes the lock for himself alone: an older runner, a team's script, `psql`. Whoever shares it
//! keeps all of them out, and needs no table and no right for that. The session that only observes is
//! the second hand; a role that has one connection has one hand.

use crate::lock;
use crate::observe::Observer;
use std::sync::{Arc, Mutex, PoisonError};

/// Which backends share the lock, as far as it is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Hands {
    /// The lock's own session; 0 while nobody can say it.
    first: i32,
    /// The other one.
    second: Option<i32>,
}

/// The second hand.
#[derive(Debug, Clone)]
pub struct Hand {
    key: i64,
    hands: Arc<Mutex<Hands>>,
}

impl Hand {
    pub(crate) fn new(key: i64) -> Self {
        Self { key, hands: Arc::default() }
    }

    pub(crate) fn key(&self) -> i64 {
        self.key
    }

    /// The backend that holds the lock now, without a gap.
    pub(crate) fn set_first(&self, backend: i32) {
        self.with(|hands| hands.first = backend);
    }

    /// Nobody holds it any more for sure.
    pub(crate) fn open(&self) {
        self.with(|hands| *hands = Hands::default());
    }

    /// The other backend, if there is one.
    pub(crate) fn second(&self) -> Option<i32> {
        self.with(|hands| hands.second)
    }

    /// Takes hold with the observer's session, as long as the first one holds. Whether it has hold.
    pub(crate) async fn take(&self, observer: &Observer) -> bool {
        let first = self.with(|hands| hands.first);
        if first == 0 {
            return false;
        }
        // Whoever looks after taking it knows that the first one had it all the time.
        let take = format!("SELECT {}, pg_catalog.pg_backend_pid()", lock::shared_fence(self.key));
        let Some((true, backend)) = observer.ask(&take, &[]).await.and_then(|rows| {
            let row = rows.first()?;
            Some((row.get::<bool>(0).ok()?, row.get::<i32>(1).ok()?))
        }) else {
            return false;
        };
        let look = format!("SELECT {}", lock::is_sharing(self.key, first));
        let seen = observer.ask(&look, &[]).await;
        let held = seen.and_then(|rows| rows.first()?.get::<bool>(0).ok()).unwrap_or(false);
        let taken = held
            && self.with(|hands| {
                let same = hands.first == first;
                if same {
                    hands.second = Some(backend);
                }
                same
            });
        if !taken {
            let sql = format!("SELECT pg_catalog.pg_advisory_unlock_shared({})", self.key);
            let _let_go = observer.ask(&sql, &[]).await;
        }
        taken
    }

    fn with<T>(&self, work: impl FnOnce(&mut Hands) -> T) -> T {
        work(&mut self.hands.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
