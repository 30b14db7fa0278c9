//! Owns `check`: what stands between this database and a deployment. Looks, and changes nothing.

mod application;
mod drift;
mod finding;
mod history;
mod rights;
mod server;
mod way;

pub use finding::{Finding, Verdict};

use crate::application::Application;
use crate::drift::DriftSearch;
use crate::error::Error;
use crate::history::READING;
use crate::interrupt::Interrupt;
use crate::progress::{Progress, Sink};
use crate::reach::{Purpose, reach};
use crate::session::Session;
use crate::settings::ConnectionSettings;
use crate::waiting::patiently;
use migrations::{Allowances, Directory};

/// What to look at.
#[derive(Debug)]
pub struct Check<'a> {
    /// The database.
    pub connection: &'a ConnectionSettings,
    /// The migrations, or why they cannot be read.
    pub directory: Result<&'a Directory, &'a Error>,
    /// Differences that are allowed.
    pub allowances: &'a Allowances,
    /// The advisory keys that a deployment takes.
    pub lock_keys: &'a [i64],
    /// The application's role, if it is to be looked at.
    pub application: Option<Application<'a>>,
    /// How to look for drift, if that is asked for.
    pub drift: Option<DriftSearch<'a>>,
}

/// How many findings there were of each kind, and what is to be applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub findings: usize,
    /// Those that block.
    pub blocking: usize,
    /// Migrations to be applied.
    pub pending: usize,
}

/// What is looked at once there is a session; without one each is skipped.
const BEHIND_THE_SIGN_IN: &[&str] = &[
    "server_version",
    "primary",
    "pooler",
    "environment",
    "history",
    "pending",
    "schema_rights",
    "table_rights",
    "journal_rights",
    "statistics_rights",
    "application_role",
    "lock",
];

/// Looks at everything, from the way to the server to the history; a finding for each.
pub async fn check(
    check: &Check<'_>,
    sink: &mut dyn Sink,
    interrupt: &mut Interrupt,
) -> Result<Tally, Error> {
    let mut told = Told { sink, tally: Tally::default() };
    let wanted = (Purpose::Read, check.connection.connect_wait);
    let session = match reach(check.connection, wanted, told.sink, interrupt).await {
        Ok(session) => session,
        Err(error) if error.kind == crate::Kind::Interrupted => return Err(error),
        Err(error) => {
            let name = way::name(check.connection).await;
            let steps = way::refused(check.connection, &error, name.verdict);
            told.tell(name);
            told.tell_all(steps);
            for name in BEHIND_THE_SIGN_IN {
                told.tell(Finding::skip(name, "not looked at, because there is no connection"));
            }
            return Ok(told.tally);
        }
    };
    told.tell(way::name(check.connection).await);
    told.tell_all(way::open(check.connection, session.encrypted));
    let mut stop = interrupt.clone();
    let looked = tokio::select! {
        looked = look(check, &session, (&mut told, &mut stop)) => looked,
        () = interrupt.wait() => {
            Err(Error::new(crate::Kind::Interrupted, "interrupted while looking at the database"))
        }
    };
    let looked = match (looked, check.drift) {
        // Not dropped half-way: its scratch database has to go.
        (Ok(()), Some(search)) => drift::look(check, &session, search, interrupt)
            .await
            .map(|findings| told.tell_all(findings)),
        (looked, _) => looked,
    };
    session.close().await;
    looked.map(|()| told.tally)
}

async fn look(
    check: &Check<'_>,
    session: &Session,
    (told, interrupt): (&mut Told<'_>, &mut Interrupt),
) -> Result<(), Error> {
    told.tell(server::version(session));
    told.tell(server::primary(session, check.connection));
    told.tell(server::pooler(session, check.connection).await);
    told.tell(server::environment(session, check.connection).await?);
    let reading = (session, READING);
    let past = history::look(session, check);
    let past = patiently(reading, (&mut *told.sink, interrupt), past).await?;
    told.tell_all(past.findings);
    told.tally.pending = past.pending.len();
    let place = rights::Place { session, schema: &past.schema, pending: &past.pending };
    told.tell_all(rights::look(&place).await?);
    told.tell_all(application::look(&place, check.application).await?);
    told.tell(history::lock(session, check.lock_keys).await?);
    Ok(())
}

/// Where findings go, and how many went.
struct Told<'a> {
    sink: &'a mut dyn Sink,
    tally: Tally,
}

impl Told<'_> {
    fn tell(&mut self, finding: Finding) {
        self.tally.findings += 1;
        self.tally.blocking += usize::from(finding.verdict == Verdict::No);
        self.sink.emit(Progress::Finding(finding));
    }

    fn tell_all(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            self.tell(finding);
        }
    }
}
