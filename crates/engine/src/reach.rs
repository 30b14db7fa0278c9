//! Owns the patience: a database that starts, fails over, is full or changes its password is tried
//! again in a budget, and every attempt is told.

use crate::connect::{attempt, connect};
use crate::error::{Error, Kind};
use crate::host::Host;
use crate::interrupt::Interrupt;
use crate::progress::{Progress, Sink};
use crate::refusal::{Refusal, Remedy, remedy};
use crate::session::Session;
use crate::settings::ConnectionSettings;
use std::time::Duration;
use tokio::time::Instant;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How often another login is asked for. A rotation changes the password in the database a moment
/// before the secret says so, or after (AWS: "rotation strategies").
const LOGINS: u32 = 3;
const LOGIN_PAUSE: Duration = Duration::from_secs(3);

/// What the session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A replica will do.
    Read,
    /// It must be the primary.
    Write,
}

/// Opens a session for reading with the patience of the first one, and without a word: for
/// connections beside it. Whoever asks does so in a future that can be dropped.
pub(crate) async fn beside(settings: &ConnectionSettings) -> Result<Session, Error> {
    let (_nobody, mut never) = Interrupt::pair();
    let mut quiet = |_progress: Progress| {};
    let wanted = (Purpose::Read, settings.connect_wait);
    // Boxed: connecting is large.
    Box::pin(reach(settings, wanted, &mut quiet, &mut never)).await
}

/// How long to try for a connection that the run can do without, at most.
const FOR_A_SECOND: Duration = Duration::from_secs(5);

/// Opens a second session, which the run can do without; none, if the server gives none, which is
/// said once.
pub(crate) async fn second(
    settings: &ConnectionSettings,
    sink: &mut dyn Sink,
) -> Result<Option<Session>, Error> {
    if settings.second.refused().is_some() {
        return Ok(None);
    }
    let begun = Instant::now();
    let budget = settings.connect_wait.min(FOR_A_SECOND);
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match connect(settings).await {
            Ok(session) => return Ok(Some(session)),
            Err(error) => error,
        };
        // A role or a pool that has one connection only has no other one in a moment either; and where
        // nothing helps but a person, as against a password that is another one now, none is waited
        // for: the first connection stands.
        let full = error.sqlstate.as_deref() == Some("53300");
        let person = error.sqlstate.as_deref().is_some_and(|code| remedy(code) != Remedy::Time);
        if full || person || begun.elapsed() >= budget {
            settings.second.refuse(&error.message);
            sink.emit(Progress::Notice {
                code: "no_second_connection",
                text: format!(
                    "the run goes on with one connection, so who blocks it cannot be named: {}",
                    error.message
                ),
            });
            return Ok(None);
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}

/// Opens a session, for as long as `budget` lasts.
pub(crate) async fn reach(
    settings: &ConnectionSettings,
    (purpose, budget): (Purpose, Duration),
    sink: &mut dyn Sink,
    interrupt: &mut Interrupt,
) -> Result<Session, Error> {
    tokio::select! {
        reached = persist(settings, (purpose, budget), sink) => reached,
        () = interrupt.wait() => Err(Error::new(Kind::Interrupted, "interrupted while connecting")),
    }
}

async fn persist(
    settings: &ConnectionSettings,
    (purpose, budget): (Purpose, Duration),
    sink: &mut dyn Sink,
) -> Result<Session, Error> {
    if purpose == Purpose::Write {
        check_name(settings)?;
    }
    let begun = Instant::now();
    let mut refused = None;
    let (mut attempts, mut logins, mut pause) = (0, 0, FIRST_PAUSE);
    loop {
        attempts += 1;
        // Asked for each time: a token does not live as long as some budgets.
        let login = settings.login(refused.take().as_ref()).await?;
        let opened = match attempt(settings, &login).await {
            Ok(session) if purpose == Purpose::Write => writable(session, settings).await,
            opened => opened,
        };
        let Refusal { error, remedy } = match opened {
            Ok(session) => return Ok(session),
            Err(refusal) => refusal,
        };
        let left = budget.saturating_sub(begun.elapsed());
        let next = match remedy {
            Remedy::Time if !left.is_zero() => pause.mul_f64(0.5 + fastrand::f64() / 2.0).min(left),
            Remedy::Login if settings.logins.is_some() && logins < LOGINS => {
                logins += 1;
                refused = Some(login);
                if logins == 1 { Duration::ZERO } else { LOGIN_PAUSE }
            }
            Remedy::Login if settings.logins.is_some() => {
                let error = given_up(error, attempts, begun.elapsed());
                return Err(error.hint(
                    "the login was fetched anew each time: check the secret and its rotation; for IAM the right rds-db:connect and the role's membership in rds_iam",
                ));
            }
            Remedy::Time | Remedy::Login | Remedy::Person => {
                return Err(given_up(error, attempts, begun.elapsed()));
            }
        };
        sink.emit(Progress::ConnectWaiting {
            attempt: attempts,
            cause: error.message,
            waited: begun.elapsed(),
            next,
        });
        tokio::time::sleep(next).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn given_up(error: Error, attempts: u32, waited: Duration) -> Error {
    if attempts == 1 {
        return error;
    }
    let message =
        format!("{} ({attempts} attempts in {} s)", error.message, waited.as_secs_f64().round());
    Error { message, ..error }
}

/// A name that says that nothing can be written there.
fn check_name(settings: &ConnectionSettings) -> Result<(), Error> {
    let ConnectionSettings { host, port, .. } = settings;
    match settings.host_kind() {
        Host::RdsReader(_) => Err(Error::new(
            Kind::Configuration,
            format!(
                "{host}:{port} is the reader endpoint of a cluster: nothing can be written there"
            ),
        )
        .hint(format!(
            "use the cluster's endpoint: {}",
            host.replacen(".cluster-ro-", ".cluster-", 1)
        ))),
        Host::Rds(_) | Host::RdsProxy(_) | Host::Pooler(_) | Host::Other => Ok(()),
    }
}

/// A replica may be the primary in a moment, or the old one that DNS still names.
async fn writable(session: Session, settings: &ConnectionSettings) -> Result<Session, Refusal> {
    let ConnectionSettings { host, port, .. } = settings;
    let error = if session.standby {
        Error::new(
            Kind::Unreachable,
            format!("the server at {host}:{port} is a replica: nothing can be written there"),
        )
        .hint("name the primary: for RDS the endpoint of the instance or of the cluster, not of a read replica")
    } else if session.read_only {
        Error::new(
            Kind::Unreachable,
            format!("the server at {host}:{port} makes every transaction read-only (default_transaction_read_only)"),
        )
        .hint("wait until a switchover is over, or reset the setting for the role and the database")
    } else {
        return Ok(session);
    };
    session.close().await;
    let sqlstate = Some("25006".to_owned());
    Err(Refusal { error: Error { sqlstate, ..error }, remedy: Remedy::Time })
}
