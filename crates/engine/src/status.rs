//! What the history says of the directory, without a lock and without writing.

use crate::environment;
use crate::error::Error;
use crate::history::History;
use crate::interrupt::Interrupt;
use crate::part_way;
use crate::progress::Sink;
use crate::reach::{Purpose, reach};
use crate::settings::ConnectionSettings;
use migrations::{Allowances, Directory, Plan, Row, order};
use std::collections::{BTreeSet, HashMap};

/// What is known of one migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Applied, and its script is the same.
    Applied,
    /// To be applied.
    Pending,
    /// An attempt neither finished nor was rolled back.
    Unfinished,
    /// Applied, but its script changed since.
    Edited,
    /// Applied, but its directory is gone.
    Missing,
    /// Applied, and newer than everything in the directory.
    Ahead,
}

impl State {
    /// Whether the next deployment brings it to its end, unless something blocks.
    pub const fn awaits_deployment(self) -> bool {
        match self {
            Self::Pending | Self::Unfinished => true,
            Self::Applied | Self::Edited | Self::Missing | Self::Ahead => false,
        }
    }

    /// The word in event lines and on a terminal.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Pending => "pending",
            Self::Unfinished => "unfinished",
            Self::Edited => "edited",
            Self::Missing => "missing",
            Self::Ahead => "ahead",
        }
    }
}

/// One migration and its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationState {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: State,
}

/// The answer.
#[derive(Debug, Clone)]
pub struct Status {
    /// Every migration on disk or in the history, in the order of their names.
    pub migrations: Vec<MigrationState>,
    /// Whether the database has a history at all.
    pub managed: bool,
    /// The environment whose database it is, if it bears a name.
    pub environment: Option<String>,
    /// Why a deployment would stop before it applies anything.
    pub blocker: Option<Error>,
}

impl Status {
    /// How many the next deployment applies, or goes on with.
    pub fn pending(&self) -> usize {
        self.migrations.iter().filter(|migration| migration.state.awaits_deployment()).count()
    }
}

/// Reads the history. Neither creates nor settles anything, so a row of ours that the next
/// deployment would settle or go on with shows as unfinished, but does not block.
pub async fn status(
    connection: &ConnectionSettings,
    directory: &Directory,
    allowances: &Allowances,
    sink: &mut dyn Sink,
) -> Result<Status, Error> {
    // Whoever asks does so in a future that can be dropped.
    let (_interrupter, mut never) = Interrupt::pair();
    let wanted = (Purpose::Read, connection.connect_wait);
    let mut session = reach(connection, wanted, sink, &mut never).await?;
    let read = async {
        environment::meet(&mut session, connection).await?;
        let history = History::locate(&session).await?;
        sink.emit(session.connected(connection, history.schema()));
        let stranger = if history.exists() || directory.migrations.is_empty() {
            None
        } else {
            history.refuse_strangers(&session).await.err()
        };
        let rows = history.rows_patiently(&session, (sink, &mut never)).await?;
        let stuck = part_way::stuck(&session, directory, &rows).await?;
        Ok::<_, Error>((rows, history.exists(), stuck.or(stranger)))
    };
    let read = read.await;
    let environment = session.environment.clone();
    session.close().await;
    let (rows, managed, stands) = read?;
    let judged = judge(directory, &rows, allowances);
    // As a deployment meets them: what is half done comes before what the plan says.
    let blocker = stands.or(judged.blocker);
    Ok(Status { managed, environment, blocker, ..judged })
}

pub(crate) fn judge(directory: &Directory, rows: &[Row], allowances: &Allowances) -> Status {
    let settled: Vec<Row> =
        rows.iter().filter(|row| !(row.unfinished() && row.marker().is_some())).cloned().collect();
    let blocker = Plan::make(directory, &settled, allowances).err().map(crate::blocked::blocked);
    let on_disk = directory.migrations.iter().map(|migration| migration.name.as_str());
    let live = rows.iter().filter(|row| row.rolled_back_at.is_none());
    let names: BTreeSet<&str> = on_disk.chain(live.map(|row| row.name.as_str())).collect();
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_by(|a, b| order::compare(a, b));
    let mut by_name: HashMap<&str, Vec<&Row>> = HashMap::new();
    for row in rows {
        by_name.entry(row.name.as_str()).or_default().push(row);
    }
    let state = |name: &str| state(name, directory, by_name.get(name).map_or(&[], Vec::as_slice));
    let migrations = names
        .into_iter()
        .map(|name| MigrationState { name: name.to_owned(), state: state(name) })
        .collect();
    Status { migrations, blocker, environment: None, managed: true }
}

/// `rows` are of that name.
fn state(name: &str, directory: &Directory, rows: &[&Row]) -> State {
    if rows.iter().any(|row| row.unfinished()) {
        return State::Unfinished;
    }
    match (rows.iter().rfind(|row| row.applied()), directory.get(name)) {
        (None, _) => State::Pending,
        (Some(_), None)
            if directory.newest().is_some_and(|newest| order::compare(name, newest).is_lt()) =>
        {
            State::Missing
        }
        (Some(_), None) => State::Ahead,
        (Some(row), Some(migration)) => match &migration.script {
            Ok(script) if !script.is_recorded_as(&row.checksum) => State::Edited,
            Ok(_) | Err(_) => State::Applied,
        },
    }
}
