//! Owns a database that stands for another one, and what is played in it: nothing beyond it may change
//! by that, neither by what a script says nor by what its functions do.

use crate::error::{Error, Fault, Kind};
use crate::reach;
use crate::session::Session;
use crate::transaction::Stop;
use migrations::Script;
use migrations::script::{Beyond, Ground, Rehearsal};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The database for which a scratch database stands.
#[derive(Debug)]
pub struct StandIn {
    /// Scripts that name it mean the scratch database.
    database: String,
    ground: Ground,
    writes_files: bool,
    /// Functions of the history that act beyond the database at once.
    reaching: Mutex<BTreeSet<String>>,
}

/// What is compared of the catalogs that all databases share; a scratch database's own part is left out.
/// Roles and the like need no comparison: a transaction that changes them keeps a lock (PostgreSQL,
/// `user.c`), and nothing in a database needs one.
const SHARED: &str = "pg_catalog.md5(pg_catalog.concat( \
    (SELECT pg_catalog.string_agg(s::text, ',' ORDER BY setdatabase, setrole) FROM pg_catalog.pg_db_role_setting s \
     WHERE setdatabase NOT IN (SELECT oid FROM pg_catalog.pg_database WHERE datname ~ '^ecs_migrate_scratch_')), \
    (SELECT pg_catalog.string_agg(pg_catalog.concat(d.oid, datname, datdba, datacl, datconnlimit, datallowconn, datistemplate), ',' ORDER BY d.oid) \
     FROM pg_catalog.pg_database d WHERE datname !~ '^ecs_migrate_scratch_'), \
    (SELECT pg_catalog.string_agg(c::text, ',' ORDER BY c::text) FROM pg_catalog.pg_shdescription c \
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_database d WHERE d.oid = c.objoid AND datname ~ '^ecs_migrate_scratch_'))))";

/// Whether who signed in, or any role that it may take on, writes files or starts programs (PostgreSQL,
/// "COPY"). No role of RDS does.
const WRITES_FILES: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_roles r \
    WHERE (r.rolsuper OR r.rolname IN ('pg_write_server_files', 'pg_execute_server_program')) \
    AND pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER'))";

impl StandIn {
    /// One for `database` on the server of `session`. It is `live` if that is the database's own server.
    pub(crate) async fn new(
        database: &str,
        session: &Session,
        live: bool,
    ) -> Result<Arc<Self>, Fault> {
        let ground = if live {
            Ground::Live
        } else {
            let roles = session.query("SELECT rolname::text FROM pg_catalog.pg_roles", &[]).await?;
            let names = roles.iter().map(|row| row.get(0));
            Ground::Apart(names.collect::<Result<_, _>>()?)
        };
        let writes_files = session.one(WRITES_FILES, &[]).await?.get(0)?;
        let database = database.to_owned();
        Ok(Arc::new(Self { database, ground, writes_files, reaching: Mutex::default() }))
    }

    /// What is played of a script in the scratch database of this name, and what is not.
    pub(crate) fn script(
        &self,
        scratch: &str,
        migration: &str,
        text: &str,
    ) -> Result<(String, Vec<Beyond>), Error> {
        let text = Script::for_database(text, &self.database, scratch);
        let mut reaching = self.reaching.lock().unwrap_or_else(PoisonError::into_inner);
        let mut place = Rehearsal {
            database: scratch,
            ground: &self.ground,
            writes_files: self.writes_files,
            reaching: &mut reaching,
        };
        match Script::rehearsed(&text, &mut place) {
            Ok(played) => Ok((played.text, played.left_out)),
            Err(Beyond { line, what }) => {
                Err(elsewhere(migration, &format!("{what} (line {line}) acts beyond its database")))
            }
        }
    }

    /// Whether the scratch database is on the live server.
    fn is_live(&self) -> bool {
        self.ground == Ground::Live
    }
}

/// Before a transaction commits, if this is a rehearsal on a live server: it must not have changed
/// anything beyond the scratch database, by whatever function it did so.
pub(crate) async fn check_within(session: &Session, migration: &str) -> Result<(), Stop> {
    if !is_watched(session) {
        return Ok(());
    }
    let held = "FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation \
        WHERE l.pid = pg_catalog.pg_backend_pid() AND l.granted AND l.locktype = 'relation' \
        AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')";
    let sql = format!(
        "SELECT (SELECT pg_catalog.string_agg(DISTINCT c.relname::text, ', ') {held} \
           AND (l.database = 0 AND c.relname IN ('pg_authid', 'pg_auth_members', 'pg_tablespace', \
             'pg_subscription', 'pg_replication_origin', 'pg_parameter_acl', 'pg_shseclabel') \
             OR l.database <> 0 AND c.relkind = 'f' AND l.mode = 'RowExclusiveLock')), \
         EXISTS (SELECT {held} AND l.database = 0 \
           AND c.relname IN ('pg_db_role_setting', 'pg_database', 'pg_shdescription'))"
    );
    let row = session.one(&sql, &[]).await?;
    let changed = match (row.get::<Option<String>>(0)?, row.get(1)?) {
        (Some(locked), _) => locked,
        (None, true) if !shares_are_kept(session).await? => {
            "what is set or said of other databases or of roles".to_owned()
        }
        (None, _) => return Ok(()),
    };
    let sentence = format!("it changes {changed}, beyond its database");
    Err(Stop::Failed(Box::new(elsewhere(migration, &sentence))))
}

/// Whether the session plays in a rehearsal on a live server.
pub(crate) fn is_watched(session: &Session) -> bool {
    live(session).is_some()
}

/// Others may change the same meanwhile, and what they commit both see: so it is looked at again.
const LOOKS: usize = 3;

/// Whether a session beside this one, which sees nothing of its transaction, sees the same in the
/// catalogs that all databases share.
async fn shares_are_kept(session: &Session) -> Result<bool, Stop> {
    let sql = format!("SELECT {SHARED}");
    let beside =
        reach::beside(session.settings()).await.map_err(|error| Stop::Failed(Box::new(error)))?;
    let compare = async {
        for _look in 0..LOOKS {
            let inside: String = session.one(&sql, &[]).await?.get(0)?;
            let outside: String = beside.one(&sql, &[]).await?.get(0)?;
            if inside == outside {
                return Ok(true);
            }
        }
        Ok::<_, Fault>(false)
    };
    let kept = compare.await;
    beside.close().await;
    Ok(kept?)
}

/// Nobody can look before a statement commits by itself.
pub(crate) fn check_can_be_looked_at(session: &Session, migration: &str) -> Result<(), Stop> {
    match live(session) {
        None => Ok(()),
        Some(_) => Err(Stop::Failed(Box::new(elsewhere(
            migration,
            "it commits by itself, so nobody can see before whether it acts beyond its database",
        )))),
    }
}

fn live(session: &Session) -> Option<&StandIn> {
    session.settings().stands_for.as_deref().filter(|stand_in| stand_in.is_live())
}

fn elsewhere(migration: &str, why: &str) -> Error {
    Error::new(
        Kind::Configuration,
        format!("`{migration}` is not played on the database's own server: {why}"),
    )
    .hint("--scratch-url (ECS_MIGRATE_SCRATCH_URL) names another server, where it may be played")
    .migration(migration)
}

/// The notice of what is left out.
pub(crate) const LEFT_OUT: &str = "left_out_of_rehearsal";

/// What to say of what is left out.
pub(crate) fn left_out(migration: &str, beyond: &[Beyond]) -> Option<String> {
    let named: Vec<String> = beyond
        .iter()
        .take(5)
        .map(|beyond| format!("{} (line {})", beyond.what, beyond.line))
        .collect();
    let more = beyond.len().saturating_sub(named.len());
    let and_more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!named.is_empty()).then(|| {
        format!(
            "`{migration}` acts beyond its database: {}{and_more} left out of the scratch database",
            named.join(", ")
        )
    })
}
