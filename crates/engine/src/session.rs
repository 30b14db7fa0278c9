//! One connection that runs everything: lock, scripts, history.

use crate::awake;
use crate::cancel;
use crate::custom::{self, FIRST_OF_OTHERS};
use crate::error::{Error, Fault, Loss};
use crate::interrupt::Interrupt;
use crate::lock;
use crate::meant::{self, Unnamed};
use crate::notices::Notices;
use crate::progress::Progress;
use crate::quote;
use crate::row::{self, Row};
use crate::secret::Secret;
use crate::settings::{ConnectionSettings, TlsMode};
use crate::transport::{Negotiate, Place, Raw, Wire};
use futures_util::TryStreamExt as _;
use migrations::script::{Leaves, Script};
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{AbortHandle, JoinHandle};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, Client, Connection, SimpleQueryMessage, Statement};

/// How long the server has to answer a cancel before the connection is given up.
const CANCEL_GRACE: Duration = Duration::from_millis(1_500);

/// How long it has before it is asked another way.
const CANCEL_ANSWER: Duration = Duration::from_millis(400);

/// How a session's server was reached.
pub(crate) struct Reached {
    pub(crate) place: Place,
    pub(crate) tls: Negotiate,
}

/// When a database was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    /// Before the run.
    Before,
    /// By the run: there is nothing in it.
    Now,
}

/// A connection, and what has to be set on it again after a script changed it.
pub(crate) struct Session {
    client: Arc<Client>,
    driver: JoinHandle<()>,
    /// Keeps it from being idle.
    awake: Option<AbortHandle>,
    reached: Reached,
    /// What the server says beside its answers.
    pub(crate) notices: Notices,
    settings: ConnectionSettings,
    /// What takes back whatever a script left, and asks what a new session would begin with.
    reset: String,
    /// What the server gives a new session of this role in this database, when this one began.
    defaults: Vec<Option<String>>,
    /// Whether a new session would begin with something else than this one did.
    outdated: Cell<bool>,
    /// Whether the database has functions of its own, which triggers and defaults may call: then no
    /// script proves what it leaves.
    has_functions: Cell<bool>,
    /// The advisory keys that are ours; every other lock of the session is a script's.
    keys: RefCell<Vec<i64>>,
    /// Whether something in the database may change a session without a function of its own, as the
    /// server's `set_config` in a default does.
    is_armed: Cell<bool>,
    /// Its schema, where an earlier run named it and this one did not.
    pub(crate) schema_remembered: Option<String>,
    /// Who signed in.
    pub(crate) signed_in: String,
    /// The role that the session began with; `none` unless the server sets one.
    pub(crate) first_role: String,
    /// Process id of the backend.
    pub(crate) backend: i32,
    /// The server's version as it gives it.
    pub(crate) server_version: String,
    /// When the backend started; process ids are used again.
    pub(crate) backend_start: String,
    /// Whether it is encrypted.
    pub(crate) encrypted: bool,
    /// Whether the server is a replica.
    pub(crate) standby: bool,
    /// Whether transactions are read-only unless they say otherwise.
    pub(crate) read_only: bool,
    /// The environment whose database this is, where that was asked and there is one.
    pub(crate) environment: Option<String>,
    /// Which database it is, whatever its address; empty if nobody can say it.
    pub(crate) identity: String,
    /// When its database was made.
    pub(crate) made: Made,
    /// When the server started: another one, or the same after a crash, started at another time.
    pub(crate) server_start: String,
}

/// What a session asks of its server first. The function, not the views over it: a new backend takes
/// longer to read the views' definitions than to answer.
const ABOUT: &str = "pg_catalog.pg_backend_pid(), COALESCE(own.ssl, false), pg_catalog.pg_is_in_recovery(), \
    pg_catalog.current_setting('default_transaction_read_only')::bool, \
    pg_catalog.pg_postmaster_start_time()::text, own.backend_start::text, \
    session_user::text, pg_catalog.current_setting('role'), \
    pg_catalog.to_regrole(pg_catalog.quote_ident(session_user))::pg_catalog.oid, \
    (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())";

/// Its own row among the server's activities.
const FROM_OWN: &str = "FROM (VALUES (1)) AS one \
    LEFT JOIN pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) AS own ON true";

/// When the backend started; NULL for who is no member of the role that signed in.
const BACKEND_START: &str = "SELECT backend_start::text FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid()";

/// What `ALTER ROLE … SET` and `ALTER DATABASE … SET` give a new session like this one. Only a new one
/// gets it (PostgreSQL, "ALTER ROLE"); everybody may read the catalog. By number, because it
/// is asked after every migration, and a look-up of names takes five
/// times as long. As a digest: all databases of a server share that catalog, and another one's encoding
/// makes what is no text in this one. Then, whether a function has left a setting, and whether there are
/// functions that are not the server's own.
fn defaults_of(database: u32, role: u32) -> String {
    format!(
        "SELECT setdatabase, setrole, pg_catalog.md5(setconfig::text) FROM pg_catalog.pg_db_role_setting \
         WHERE setdatabase IN (0, {database}) AND setrole IN (0, {role}) ORDER BY 1, 2; {}; \
         SELECT EXISTS (SELECT FROM pg_catalog.pg_proc WHERE oid >= {FIRST_OF_OTHERS})",
        custom::is_left()
    )
}

/// Whether a default, a rule or view, a constraint or a policy of the database calls the server's own
/// `set_config`, whose number is the same everywhere (PostgreSQL, `pg_proc.dat`).
const ARMED: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_attrdef WHERE adbin::text LIKE '%:funcid 2078 %') \
    OR EXISTS (SELECT FROM pg_catalog.pg_rewrite WHERE oid >= 16384 AND ev_action::text LIKE '%:funcid 2078 %') \
    OR EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conbin::text LIKE '%:funcid 2078 %') \
    OR EXISTS (SELECT FROM pg_catalog.pg_policy WHERE polqual::text LIKE '%:funcid 2078 %' OR polwithcheck::text LIKE '%:funcid 2078 %')";

/// How a statement ended that could be interrupted.
pub(crate) enum Ran {
    /// The server finished it, perhaps just before the cancel arrived; so many rows were touched.
    Done(u64),
    /// The server cancelled it: nothing of it is left.
    Cancelled,
}

impl Session {
    pub(crate) async fn start(
        (client, mut connection, reached): (Client, Connection<Raw, Wire>, Reached),
        settings: &ConnectionSettings,
        password: Option<&Secret>,
    ) -> Result<Self, Error> {
        let server_version = connection.parameter("server_version").unwrap_or("unknown").to_owned();
        let notices = Notices::new(password);
        let heard = notices.clone();
        let driver = tokio::spawn(async move {
            // The client reports the end of the connection to whoever waits for an answer.
            while let Some(Ok(message)) =
                std::future::poll_fn(|context| connection.poll_message(context)).await
            {
                if let AsyncMessage::Notice(said) = message {
                    heard.note(&said);
                }
            }
        });
        let mut session = Self {
            client: Arc::new(client),
            driver,
            awake: None,
            reached,
            notices,
            settings: settings.clone(),
            reset: String::new(),
            defaults: Vec::new(),
            outdated: Cell::new(false),
            has_functions: Cell::new(true),
            keys: RefCell::default(),
            is_armed: Cell::new(false),
            schema_remembered: None,
            signed_in: String::new(),
            first_role: String::new(),
            backend: 0,
            server_version,
            backend_start: String::new(),
            encrypted: false,
            standby: false,
            read_only: false,
            environment: None,
            identity: String::new(),
            made: Made::Before,
            server_start: String::new(),
        };
        // Nothing is set yet, so nothing is taken back.
        let mut own = own_settings(settings, &session.server_version);
        session.run(&own).await?;
        let is_asked = settings.schema.is_none() && settings.unnamed == Unnamed::Remembered;
        let remembered = if is_asked { meant::asked() } else { "NULL".to_owned() };
        let about = format!("SELECT {ABOUT}, {}, {remembered} {FROM_OWN}", awake::LIMIT);
        let row = session.one(&about, &[]).await?;
        session.schema_remembered = row.get(11)?;
        if session.schema_remembered.is_some() {
            session.settings.schema.clone_from(&session.schema_remembered);
            own = own_settings(&session.settings, &session.server_version);
            session.run(&own).await?;
        }
        session.backend = row.get(0)?;
        session.encrypted = settings.tls != TlsMode::Disable && row.get(1)?;
        session.standby = row.get(2)?;
        session.read_only = row.get(3)?;
        session.server_start = row.get(4)?;
        session.signed_in = row.get(6)?;
        session.first_role = row.get(7)?;
        let role: Option<u32> = row.get(8)?;
        let defaults = defaults_of(row.get(9)?, role.unwrap_or_default());
        let begun_with = format!("{ARMED}; {defaults}");
        let begun_with = session.client.simple_query(&begun_with).await.map_err(Fault::from)?;
        let mut begun_with = rows(&begun_with);
        let armed = if begun_with.is_empty() { None } else { begun_with.remove(0) };
        session.is_armed.set(armed.as_deref() != Some("f"));
        session.defaults = session.defaults_among(begun_with);
        session.reset = format!("{TAKE_BACK}{own}{defaults}");
        session.awake = Some(awake::keep(&session.client, row.get(10)?));
        session.backend_start = match row.get(5)? {
            Some(at) => at,
            // The role that was taken on at once may not see what belongs to the login.
            None => {
                let rows = session.query_as_login(BACKEND_START, &[]).await?;
                row::first::<Option<String>>(&rows, 0)?.flatten().unwrap_or_default()
            }
        };
        Ok(session)
    }

    /// What to say of the connection.
    pub(crate) fn connected(&self, settings: &ConnectionSettings, schema: &str) -> Progress {
        Progress::Connected {
            host: settings.host.clone(),
            port: settings.port,
            database: settings.database.clone(),
            user: settings.user.clone(),
            schema: schema.to_owned(),
            server_version: self.server_version.clone(),
            backend: self.backend,
            environment: self.environment.clone(),
            identity: self.identity.clone(),
            tls: self.encrypted,
        }
    }

    /// Whether a script leaves nothing that has to be taken back but for sequences.
    pub(crate) fn stays(&self, leaves: Leaves) -> bool {
        leaves == Leaves::Sequences && !self.has_functions.get() && !self.is_armed.get()
    }

    /// An advisory lock is ours from now on.
    pub(crate) fn holds(&self, key: i64) {
        self.keys.borrow_mut().push(key);
    }

    /// It is not ours any more.
    pub(crate) fn lets_go(&self, key: i64) {
        self.keys.borrow_mut().retain(|held| *held != key);
    }

    /// A script is about to run: what it may put behind a default, a rule or a view.
    pub(crate) fn arm(&self, script: &Script) {
        self.is_armed.set(self.is_armed.get() || script.may_arm());
    }

    /// Takes back what a script left on the session, so that the next one begins as in a new one; and
    /// looks whether a new one would begin otherwise by now. All of it is one message.
    pub(crate) async fn reset(&self) -> Result<(), Fault> {
        self.take_back(&self.resetting(), &Cell::default()).await
    }

    /// Commits, and resets in the same message what the transaction may have left.
    pub(crate) async fn commit_and_reset(&self, leaves: Leaves) -> Result<(), Fault> {
        let ended = Cell::default();
        let taken = if self.stays(leaves) {
            let touched = self.rows_touched("COMMIT; DISCARD SEQUENCES", &ended).await;
            touched.map(|_rows| ()).map_err(Fault::from)
        } else {
            self.take_back(&format!("COMMIT; {}", self.resetting()), &ended).await
        };
        match taken {
            // It is committed: a cancel that came too late for it has hit the reset. However often
            // that happens, nothing takes the commit back; the next migration begins in a new session.
            Err(Fault::Server(_)) if ended.get() > 0 => {
                if let Err(Fault::Server(_)) = self.reset().await {
                    self.outdated.set(true);
                }
                Ok(())
            }
            taken => taken,
        }
    }

    /// Asks for the script's locks first: which they are is known to the server only.
    fn resetting(&self) -> String {
        format!("{}; {}", lock::releasing_others(&self.keys.borrow()), self.reset)
    }

    async fn take_back(&self, sql: &str, ended: &Cell<usize>) -> Result<(), Fault> {
        let messages = self.client.simple_query_raw(sql).await?;
        let messages: Vec<_> =
            messages.inspect_ok(|message| count(message, ended)).try_collect().await?;
        let mut values = rows(&messages);
        let release = if values.is_empty() { None } else { values.remove(0) };
        if self.defaults_among(values) != self.defaults {
            self.outdated.set(true);
        }
        match release {
            Some(release) => self.run(&release).await,
            None => Ok(()),
        }
    }

    /// What new sessions begin with, out of the answer to [`defaults_of`]; its last value is kept.
    fn defaults_among(&self, mut values: Vec<Option<String>>) -> Vec<Option<String>> {
        self.has_functions.set(values.pop().flatten().as_deref() != Some("f"));
        values
    }

    /// Whether a new session would begin with something else than this one goes on with.
    pub(crate) fn is_outdated(&self) -> bool {
        self.outdated.get()
    }

    /// Notices settings with a dot that no reset takes back whole: an empty text stays where there was
    /// nothing (PostgreSQL, "Customized Options").
    pub(crate) async fn notice_custom(&self, names: &[String]) -> Result<(), Fault> {
        if names.is_empty() {
            return Ok(());
        }
        let row = self
            .one(
                "SELECT EXISTS (SELECT FROM pg_catalog.unnest($1) AS name \
                 WHERE pg_catalog.current_setting(name, true) = '')",
                &[(&names, Type::TEXT_ARRAY)],
            )
            .await?;
        if row.get(0)? {
            self.outdated.set(true);
        }
        Ok(())
    }

    /// Runs statements of our own, or one of a script, to their end.
    pub(crate) async fn run(&self, sql: &str) -> Result<(), Fault> {
        self.client.batch_execute(sql).await.map_err(Fault::from)
    }

    /// Runs a statement that may take long; an interrupt cancels it on the server.
    pub(crate) async fn run_interruptible(
        &self,
        sql: &str,
        interrupt: &mut Interrupt,
    ) -> Result<Ran, Fault> {
        self.run_counted_interruptible((sql, &Cell::default()), interrupt).await
    }

    /// The same for statements in one message; `ended` counts them, so that it is known which one failed.
    pub(crate) async fn run_counted_interruptible(
        &self,
        (sql, ended): (&str, &Cell<usize>),
        interrupt: &mut Interrupt,
    ) -> Result<Ran, Fault> {
        let running = self.rows_touched(sql, ended);
        tokio::pin!(running);
        tokio::select! {
            biased;
            () = interrupt.wait() => {}
            ended = &mut running => return ended.map(Ran::Done).map_err(Fault::from),
        }
        let cancelled = async {
            // The answer to the statement says whether the cancel arrived.
            self.send_cancel().await;
            match tokio::time::timeout(CANCEL_ANSWER, &mut running).await {
                Ok(ended) => ended,
                Err(_) => {
                    // Boxed: connecting is large, and every statement would carry room for it.
                    let aside = Box::pin(cancel::aside(&self.settings, self.backend));
                    tokio::select! {
                        ended = running => ended,
                        never = aside => match never {},
                    }
                }
            }
        };
        match tokio::time::timeout(CANCEL_GRACE, cancelled).await {
            Ok(Ok(rows)) => Ok(Ran::Done(rows)),
            Ok(Err(error)) => match Fault::from(error) {
                Fault::Server(_) => Ok(Ran::Cancelled),
                fault @ (Fault::Lost(_) | Fault::Answer(_)) => Err(fault),
            },
            Err(_) => Err(Fault::Lost(Loss {
                cause: "the server did not answer the cancel".to_owned(),
                sqlstate: None,
            })),
        }
    }

    /// How it was reached.
    pub(crate) fn settings(&self) -> &ConnectionSettings {
        &self.settings
    }

    /// Ends what the server does for the session, as far as it listens.
    pub(crate) async fn cancel(&self) {
        // What does not arrive in time is found by the server, when we are gone.
        let _sent = tokio::time::timeout(CANCEL_ANSWER, self.send_cancel()).await;
    }

    async fn send_cancel(&self) {
        if let Ok(raw) = self.reached.place.open().await {
            let cancel = self.client.cancel_token();
            let _sent = cancel.cancel_query_raw(raw, self.reached.tls.clone()).await;
        }
    }

    /// Whether the server still takes writes; a session that is gone takes none.
    pub(crate) async fn can_write(&self) -> bool {
        let row = self.one(&format!("SELECT {ABOUT} {FROM_OWN}"), &[]).await;
        row.is_ok_and(|row| {
            let no = |column| row.get(column).is_ok_and(|yes: bool| !yes);
            no(2) && no(3)
        })
    }

    /// Runs statements and lets go of what they return, row by row.
    async fn rows_touched(
        &self,
        sql: &str,
        ended: &Cell<usize>,
    ) -> Result<u64, tokio_postgres::Error> {
        let messages = self.client.simple_query_raw(sql).await?;
        tokio::pin!(messages);
        let mut touched = 0;
        while let Some(message) = messages.try_next().await? {
            count(&message, ended);
            if let SimpleQueryMessage::CommandComplete(rows) = message {
                touched += rows;
            }
        }
        Ok(touched)
    }

    /// Whether the other one is of the same server: no two of them started at the same microsecond.
    pub(crate) fn is_of_server(&self, other: &Self) -> bool {
        self.server_start == other.server_start
    }

    /// The server's major version.
    pub(crate) fn major(&self) -> u32 {
        major(&self.server_version)
    }

    /// Rows of a query of our own.
    pub(crate) async fn query(
        &self,
        sql: &str,
        parameters: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, Fault> {
        let rows = self.client.query_typed(sql, parameters).await?;
        Ok(rows.into_iter().map(Row::from).collect())
    }

    /// The same as whoever signed in: a role that is taken on at once, by `ALTER ROLE … SET role` or
    /// the options of the connection, may neither see nor end what belongs to the login.
    pub(crate) async fn query_as_login(
        &self,
        sql: &str,
        parameters: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, Fault> {
        // All of it is on its way at once.
        let (as_login, rows, back) = tokio::join!(
            self.run("SET ROLE NONE"),
            self.query(sql, parameters),
            self.run("RESET ROLE")
        );
        as_login?;
        back?;
        rows
    }

    /// A query of our own that is asked often: the server plans it once.
    pub(crate) async fn prepare(&self, sql: &str, types: &[Type]) -> Result<Statement, Fault> {
        self.client.prepare_typed(sql, types).await.map_err(Fault::from)
    }

    /// Rows of such a query.
    pub(crate) async fn query_prepared(
        &self,
        statement: &Statement,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Fault> {
        let rows = self.client.query(statement, parameters).await?;
        Ok(rows.into_iter().map(Row::from).collect())
    }

    /// The only row of a query of our own.
    pub(crate) async fn one(
        &self,
        sql: &str,
        parameters: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Row, Fault> {
        Ok(self.client.query_typed_one(sql, parameters).await?.into())
    }

    /// How many rows a statement of our own touched.
    pub(crate) async fn execute(
        &self,
        sql: &str,
        parameters: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<u64, Fault> {
        self.client.execute_typed(sql, parameters).await.map_err(Fault::from)
    }

    /// Releases the locks and says goodbye. Closing alone would release them too, but only when the
    /// server gets to it: a run that says it has finished must not hold up the next one.
    pub(crate) async fn close(self) {
        let Self { client, driver, awake, .. } = self;
        if let Some(awake) = awake {
            awake.abort();
        }
        let goodbye = async {
            // A connection that is gone holds no lock.
            let _released =
                client.batch_execute("SELECT pg_catalog.pg_advisory_unlock_all()").await;
            drop(client);
            let _closed = driver.await;
        };
        // What does not close in time is closed by the end of the process.
        let _closed = tokio::time::timeout(Duration::from_secs(1), goodbye).await;
    }
}

/// What `DISCARD ALL` does, but for the advisory locks, which it would release; nor can it be sent with
/// anything else. The order is its own (PostgreSQL, "DISCARD").
const TAKE_BACK: &str = "CLOSE ALL; RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; DEALLOCATE ALL; \
    UNLISTEN *; DISCARD PLANS; DISCARD TEMP; DISCARD SEQUENCES;";

/// Counts a statement's end.
fn count(message: &SimpleQueryMessage, ended: &Cell<usize>) {
    if let SimpleQueryMessage::CommandComplete(_) = message {
        ended.set(ended.get() + 1);
    }
}

/// The values of an answer's rows.
fn rows(messages: &[SimpleQueryMessage]) -> Vec<Option<String>> {
    let mut values = Vec::new();
    for message in messages {
        if let SimpleQueryMessage::Row(row) = message {
            let value = |at| row.try_get(at).ok().flatten().map(str::to_owned);
            values.extend((0..row.len()).map(value));
        }
    }
    values
}

/// What [`own_settings`] sets beside the path. They are of the connection: over a socket file the first
/// four have no effect, and are 0.
pub(crate) const OF_THE_CONNECTION: [&str; 5] = [
    "tcp_keepalives_idle",
    "tcp_keepalives_interval",
    "tcp_keepalives_count",
    "tcp_user_timeout",
    "client_connection_check_interval",
];

/// The settings that every script starts with. They are set after connecting, not in the startup
/// packet, which poolers refuse before we could say why.
fn own_settings(settings: &ConnectionSettings, server_version: &str) -> String {
    let mut sql = String::new();
    if let Some(schema) = &settings.schema {
        sql = format!("SET search_path = {};", quote::identifier(schema));
    }
    // A client that vanished without a word keeps its locks until the server misses it; the kernel's
    // default is two hours. No effect on a socket file.
    sql.push_str(
        "SET tcp_keepalives_idle = 20; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; SET tcp_user_timeout = 35000;",
    );
    // Since PostgreSQL 14 the server can notice that its client was killed while a statement runs;
    // without it the statement, and the lock, live on until the statement ends.
    if major(server_version) >= 14 {
        sql.push_str("SET client_connection_check_interval = '1s';");
    }
    sql
}

fn major(server_version: &str) -> u32 {
    server_version
        .split(|c: char| !c.is_ascii_digit())
        .next()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}
