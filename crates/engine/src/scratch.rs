//! Owns databases of our own, in which migrations show what they make.

use crate::deploy::{Deploy, Habits, Report, Turn, deploy};
use crate::error::{Error, Fault, Kind};
use crate::foresee::{KeepBefore, Reached, Start};
use crate::interrupt::Interrupt;
use crate::opening::MissingDatabase;
use crate::progress::Progress;
use crate::quote;
use crate::reach::beside as connect;
use crate::session::Session;
use crate::settings::ConnectionSettings;
use crate::stand_in::{LEFT_OUT, StandIn};
use migrations::{Allowances, Directory, Share};
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::types::Type;

/// A database that nobody else uses, on the server of another one.
pub struct Scratch {
    /// How to reach it.
    pub settings: ConnectionSettings,
    beside: ConnectionSettings,
    /// Who made it: as long as that session is there, the database is somebody's.
    maker: Session,
}

impl Scratch {
    /// Makes one on a server, for the database `live` if there is one. Without [`Scratch::remove`] it
    /// stays until another one is made.
    pub async fn create(
        server: &ConnectionSettings,
        live: Option<&ConnectionSettings>,
    ) -> Result<Self, Error> {
        let maker = connect(server).await?;
        match Box::pin(made(&maker, server, live)).await {
            Ok(settings) => Ok(Self { settings, beside: server.clone(), maker }),
            Err(error) => {
                maker.close().await;
                Err(error)
            }
        }
    }

    /// Drops it.
    pub async fn remove(self) -> Result<(), Error> {
        let Self { settings, beside, maker } = self;
        let dropped = match drop_database(&maker, &settings.database).await {
            Err(error) if error.kind == Kind::ConnectionLost => {
                let session = connect(&beside).await?;
                let dropped = drop_database(&session, &settings.database).await;
                session.close().await;
                dropped
            }
            dropped => dropped,
        };
        maker.close().await;
        dropped
    }
}

/// A scratch database by a session of its server.
async fn made(
    maker: &Session,
    server: &ConnectionSettings,
    live: Option<&ConnectionSettings>,
) -> Result<ConnectionSettings, Error> {
    let is_live = match live {
        None => false,
        Some(live) => {
            let session = connect(live).await?;
            let same = session.is_of_server(maker);
            session.close().await;
            same
        }
    };
    let database = &live.unwrap_or(server).database;
    let stand_in = StandIn::new(database, maker, is_live).await?;
    Ok(scratch_of(server, stand_in, create(maker).await?))
}

/// What is rehearsed.
pub(crate) struct Rehearsal<'a> {
    /// The server, by any database of it.
    pub(crate) server: &'a ConnectionSettings,
    /// The database that the scratch database stands for.
    pub(crate) connection: &'a ConnectionSettings,
    /// A session of that database.
    pub(crate) live: &'a Session,
    /// Where its history lives.
    pub(crate) schema: &'a str,
    /// The migrations.
    pub(crate) directory: &'a Directory,
}

/// What a rehearsal showed.
pub(crate) struct Seen<T> {
    /// What was looked for.
    pub(crate) seen: T,
    /// What was not played, a sentence for each migration.
    pub(crate) left_out: Vec<String>,
}

/// The name says when it was made, and by which backend, so that what a killed run left is found.
const PREFIX: &str = "ecs_migrate_scratch_";

/// Applies the migrations to an empty database, looks, and drops it again, also after a failure.
/// `session` is one of the same server.
pub(crate) async fn rehearse<T>(
    rehearsal: &Rehearsal<'_>,
    session: &Session,
    interrupt: &mut Interrupt,
    look: impl AsyncFnOnce(&Session) -> Result<T, Error>,
) -> Result<Seen<T>, Error> {
    let is_live = rehearsal.live.is_of_server(session);
    let stand_in = StandIn::new(&rehearsal.connection.database, session, is_live).await?;
    let name = create(session).await?;
    let scratch = scratch_of(rehearsal.server, stand_in, name.clone());
    let seen = async {
        let schema = schema_of(rehearsal, &scratch).await?;
        let scratch = ConnectionSettings { schema, ..scratch };
        let left_out = replay(&scratch, rehearsal.directory, interrupt).await?;
        let session = connect(&scratch).await?;
        let seen = look(&session).await;
        session.close().await;
        Ok(Seen { seen: seen?, left_out })
    };
    let seen = seen.await;
    drop_database(session, &name).await?;
    seen
}

/// How to reach the scratch database `name`.
fn scratch_of(
    server: &ConnectionSettings,
    stand_in: Arc<StandIn>,
    name: String,
) -> ConnectionSettings {
    ConnectionSettings {
        database: name,
        stands_for: Some(stand_in),
        environment: None,
        ..server.clone()
    }
}

/// The schema that has to be named for the history to come where it is in the database: none where the
/// search path leads there, so that what the migrations do to the path does the same here.
async fn schema_of(
    rehearsal: &Rehearsal<'_>,
    scratch: &ConnectionSettings,
) -> Result<Option<String>, Error> {
    let named = Some(rehearsal.schema.to_owned());
    if rehearsal.connection.schema.is_some() {
        return Ok(named);
    }
    let unnamed = ConnectionSettings { schema: None, ..scratch.clone() };
    let session = connect(&unnamed).await?;
    let asked = async {
        let schema = quote::identifier(rehearsal.schema);
        session.run(&format!("CREATE SCHEMA IF NOT EXISTS {schema}")).await?;
        session.one("SELECT pg_catalog.current_schema()::text", &[]).await
    };
    let leads: Result<Option<String>, Fault> = asked.await.and_then(|row| row.get(0));
    session.close().await;
    let leads = leads?;
    Ok(if leads == named { None } else { named })
}

/// Makes an empty one; its name.
async fn create(session: &Session) -> Result<String, Error> {
    let now = sweep(session).await?;
    // Of 63 bytes.
    let random = fastrand::u64(..);
    let name = format!("{PREFIX}{now}_{}_{random:016x}", session.backend);
    match session.run(&format!("CREATE DATABASE {}", quote::identifier(&name))).await {
        Ok(()) => Ok(name),
        Err(fault) => {
            let error = Error::from(fault);
            Err(Error {
                message: format!("cannot make a scratch database: {}", error.message),
                hint: Some("let the owner run ALTER ROLE … CREATEDB".to_owned()),
                ..error
            })
        }
    }
}

/// A backend of an interrupted rehearsal may still be there.
async fn drop_database(session: &Session, name: &str) -> Result<(), Error> {
    let force = if session.major() >= 13 { " WITH (FORCE)" } else { "" };
    let sql = format!("DROP DATABASE IF EXISTS {}{force}", quote::identifier(name));
    match session.run(&sql).await {
        // An autovacuum of it is nobody's whom we may end; without FORCE the server ends it by itself.
        Err(Fault::Server(db)) if db.code().code() == "42501" && !force.is_empty() => {
            let patient = format!("DROP DATABASE IF EXISTS {}", quote::identifier(name));
            Ok(session.run(&patient).await?)
        }
        dropped => Ok(dropped?),
    }
}

/// Drops what killed runs left behind, best effort: another run may be about to do the same. Gives
/// back the server's time in seconds, which the name of a new one begins with.
async fn sweep(session: &Session) -> Result<i64, Error> {
    let now: i64 = session
        .one("SELECT extract(epoch FROM pg_catalog.clock_timestamp())::bigint", &[])
        .await?
        .get(0)?;
    // A backend of that number which started later is somebody else's; of another role's nobody knows.
    let left = session
        .query_as_login(
            "SELECT d.datname::text FROM pg_catalog.pg_database d \
             WHERE CASE WHEN d.datname ~ ('^' || $1 || '[0-9]{1,12}_[0-9]{1,9}_[0-9a-f]{16}$') \
               THEN NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a \
                 WHERE a.datid = d.oid OR a.pid = pg_catalog.split_part(d.datname, '_', 5)::int \
                   AND COALESCE(a.backend_start <= pg_catalog.to_timestamp(pg_catalog.split_part(d.datname, '_', 4)::int8 + 1), true)) \
               ELSE false END AND pg_catalog.pg_has_role(d.datdba, 'USAGE')",
            &[(&PREFIX, Type::TEXT)],
        )
        .await?;
    for row in left {
        let _dropped = drop_database(session, row.get(0)?).await;
    }
    Ok(now)
}

/// What was not played of it.
async fn replay(
    scratch: &ConnectionSettings,
    directory: &Directory,
    interrupt: &mut Interrupt,
) -> Result<Vec<String>, Error> {
    let steps = Deploy {
        connection: scratch,
        directory,
        allowances: &Allowances::default(),
        run: "scratch",
        lock_keys: &[crate::DEFAULT_LOCK_KEY],
        lock_wait: Duration::from_secs(1),
        missing_database: MissingDatabase::Refuse,
        habits: Habits::Safer,
        // Nobody else is in it.
        traffic: crate::traffic::Traffic::NONE,
        turn: Turn::Always,
        steps: &[],
        share: Share::All,
        review: None,
        drift: None,
        keep: KeepBefore::Never,
    };
    let mut left_out = Vec::new();
    let mut quiet = |progress: Progress| {
        if let Progress::Notice { code: LEFT_OUT, text } = progress {
            left_out.push(text);
        }
    };
    // A deployment looks for drift, which rehearses a deployment: the box ends the circle.
    let deployed: std::pin::Pin<Box<dyn Future<Output = Result<(), Error>>>> =
        Box::pin(async move {
            let told = (&mut quiet as &mut dyn crate::Sink, interrupt);
            match deploy(&steps, Start::Fresh, &mut Report::default(), told).await? {
                Reached::End(Some(hold)) => hold.release().await,
                Reached::Pause(pause) => pause.hold.release().await,
                Reached::End(None) => {}
            }
            Ok(())
        });
    let ended = deployed.await;
    ended.map_err(|error| {
        // It was not tried.
        if error.kind == Kind::Configuration {
            return error;
        }
        Error {
            kind: if error.kind == Kind::Interrupted { error.kind } else { Kind::Contradicted },
            message: format!("the migrations do not apply to an empty database: {}", error.message),
            hint: left_out.first().map_or(error.hint, |text| {
                Some(format!("{text}; --scratch-url names a server where it may be played"))
            }),
            ..error
        }
    })?;
    Ok(left_out)
}
