//! Owns the advisory lock while somebody else works under it: a wrapped command, a step after the
//! migrations.

mod again;

use crate::environment;
use crate::error::{DatabaseState, Error, Fault, Kind};
use crate::hand::Hand;
use crate::history::History;
use crate::interrupt::Interrupt;
use crate::lock;
use crate::opening::{self, MissingDatabase};
use crate::progress::{Progress, Sink};
use crate::session::Session;
use crate::settings::ConnectionSettings;
use std::time::Duration;
use tokio::time::sleep;

/// How often the lock is looked at. It also keeps NAT gateways and `idle_session_timeout` from
/// ending a connection that says nothing.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A held lock.
pub struct Hold {
    pub(crate) session: Session,
    settings: ConnectionSettings,
    key: i64,
    hand: Hand,
    /// Whether the session has it itself, and not the second hand only.
    by_itself: bool,
    /// Whether the lock was free for a moment, so that anybody may have been there.
    gap: bool,
    /// The history that the step under way follows.
    pub(crate) history: Option<History>,
}

impl Hold {
    /// Connects and takes the lock `key`, waiting for it at most as long as said.
    pub async fn acquire(
        settings: &ConnectionSettings,
        (key, wait): (i64, Duration),
        sink: &mut dyn Sink,
        interrupt: &mut Interrupt,
    ) -> Result<Self, Error> {
        let session = opening::open(settings, MissingDatabase::Refuse, sink, interrupt).await?;
        sink.emit(session.connected(settings, settings.schema.as_deref().unwrap_or_default()));
        let locked = async {
            lock::acquire(&session, &[key], wait, sink, interrupt).await?;
            environment::claim(&session, settings, sink).await
        };
        match locked.await {
            Ok(()) => Ok(Self::of(session, settings, key)),
            Err(error) => {
                session.close().await;
                Err(error)
            }
        }
    }

    /// A session that has the lock `key` already.
    pub(crate) fn of(session: Session, settings: &ConnectionSettings, key: i64) -> Self {
        Self {
            session,
            settings: settings.clone(),
            key,
            hand: Hand::new(key),
            by_itself: true,
            gap: false,
            history: None,
        }
    }

    /// Lets a second session of ours take hold as well, see [`Hand`]: before somebody else works under
    /// the lock.
    pub async fn share(&mut self) -> Result<(), Error> {
        let key = self.key;
        self.retry(async |session, _fence| lock::share(session, key).await).await?;
        self.hand.set_first(self.session.backend);
        Ok(())
    }

    /// The second hand, for whoever has a session for it.
    #[must_use]
    pub fn hand(&self) -> Hand {
        self.hand.clone()
    }

    /// Whether nobody else can have held the lock since it was taken; the error says that it is not
    /// proved. To be asked when the work is over, before anybody calls it done.
    pub async fn kept(&mut self) -> Result<(), Error> {
        if !self.ours().await {
            self.again().await.map_err(|error| error.database(DatabaseState::Unknown))?;
        }
        self.without_gap()
    }

    fn without_gap(&self) -> Result<(), Error> {
        if !self.gap {
            return Ok(());
        }
        Err(Error::new(
            Kind::LockNotObtained,
            format!(
                "the connection that held the advisory lock {} was lost, and whether somebody else held the lock before it was taken again cannot be known",
                self.key
            ),
        )
        .hint("look what else was run against the database meanwhile, then run again")
        .database(DatabaseState::Unknown))
    }

    /// Lets a second key go that the session has beside ours: a wrapped `prisma migrate` waits 10 s
    /// for its own key and then gives up.
    pub(crate) async fn let_go(&self, key: i64) -> Result<(), Error> {
        Ok(lock::let_go(&self.session, key).await?)
    }

    /// The session, which has the lock alone again.
    pub(crate) async fn into_session(mut self) -> Result<Session, Error> {
        let alone = match self.kept().await {
            Ok(()) => lock::alone(&self.session, self.key).await.map_err(Error::from),
            Err(error) => Err(error),
        };
        let error = match alone {
            Ok(true) => return Ok(self.session),
            Ok(false) => Error::new(
                Kind::LockNotObtained,
                format!("the advisory lock {} is shared by a session that does not go", self.key),
            )
            .hint("run again"),
            Err(error) => error,
        };
        self.session.close().await;
        Err(error)
    }

    /// Watches the lock. Returns only when it is lost for good: somebody else has it, or the
    /// database cannot be asked. A connection that was lost while nobody else took the lock is
    /// replaced, with a notice. May be dropped at any moment.
    pub async fn lost(&mut self, sink: &mut dyn Sink) -> Error {
        loop {
            sleep(LOOK_EVERY).await;
            if self.ours().await {
                continue;
            }
            match self.again().await {
                Ok(()) => {
                    let meanwhile = if self.gap {
                        "whether somebody else held it in between cannot be known"
                    } else {
                        "nobody else can have had it in between"
                    };
                    sink.emit(Progress::Notice {
                        code: "lock_taken_again",
                        text: format!(
                            "the connection that held the advisory lock {} was lost; the lock was taken again, and {meanwhile}",
                            self.key
                        ),
                    });
                }
                Err(error) => return error.database(DatabaseState::Unknown),
            }
        }
    }

    /// Runs something of our own on the session; with a new session if the old one is gone. It gets a
    /// condition that is true if the lock is ours.
    pub(crate) async fn retry<T>(
        &mut self,
        work: impl AsyncFn(&Session, &str) -> Result<T, Fault>,
    ) -> Result<T, Error> {
        match work(&self.session, &self.fence()).await {
            Err(Fault::Lost(_)) => {
                self.again().await?;
                self.without_gap()?;
                Ok(work(&self.session, &self.fence()).await?)
            }
            answer => Ok(answer?),
        }
    }

    /// How the lock's session was reached.
    pub(crate) fn settings(&self) -> &ConnectionSettings {
        &self.settings
    }

    /// Lets the lock go.
    pub async fn release(self) {
        self.session.close().await;
    }
}
