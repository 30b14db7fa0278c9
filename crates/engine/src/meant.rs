//! Owns which schema is meant where nobody names one and the search path leads to no history: the one that
//! a run was once given by name. The history's table bears that as its comment, so that it needs no
//! right that whoever made the table lacks, and whoever looks at it is told.

use crate::error::{Fault, Loss};
use crate::history::History;
use crate::progress::{Progress, Sink};
use crate::quote;
use crate::session::Session;
use tokio_postgres::types::Type;

/// Whether a run that names no schema takes the one that an earlier run named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unnamed {
    /// It does.
    Remembered,
    /// It takes what the search path says, as Prisma does.
    SearchPath,
}

const COMMENT: &str =
    "ecs-migrate: this schema was named; a run that names none, and finds no history, takes it";

/// The schema that was named, for a question about the session: none where the search path shows a
/// history, or several were named. A stranger's table is no word of ours, whatever its comment says; and
/// for a superuser, who is everybody's member, whoever is none is a stranger.
pub(crate) fn asked() -> String {
    format!(
        "(SELECT pg_catalog.min(n.nspname::text) FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relname = '_prisma_migrations' AND c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' \
         AND pg_catalog.obj_description(c.oid, 'pg_class') = {} \
         AND pg_catalog.to_regclass('_prisma_migrations') IS NULL \
         AND pg_catalog.pg_has_role(session_user, c.relowner, 'USAGE') \
         AND (SELECT o.rolsuper OR NOT u.rolsuper FROM pg_catalog.pg_roles o, pg_catalog.pg_roles u \
           WHERE o.oid = c.relowner AND u.rolname = session_user) HAVING pg_catalog.count(*) = 1)",
        quote::literal(COMMENT)
    )
}

/// Keeps the schema that this run was given, unless the search path leads there anyway. Best effort: the
/// comment is its owner's, and one that says something else stays.
pub(crate) async fn keep(
    session: &Session,
    history: &History,
    sink: &mut dyn Sink,
) -> Result<(), Fault> {
    if session.settings().schema.is_none() || session.schema_remembered.is_some() {
        return Ok(());
    }
    let table = history.table();
    session.run("BEGIN; SET LOCAL search_path TO DEFAULT").await?;
    let needed = session
        .one(
            "SELECT pg_catalog.to_regclass('_prisma_migrations') IS DISTINCT FROM pg_catalog.to_regclass($1) \
             AND pg_catalog.obj_description(pg_catalog.to_regclass($1)::oid, 'pg_class') IS NULL",
            &[(&table, Type::TEXT)],
        )
        .await
        .and_then(|row| row.get::<bool>(0));
    session.run("ROLLBACK").await?;
    if !needed? {
        return Ok(());
    }
    let kept =
        session.run(&format!("COMMENT ON TABLE {table} IS {}", quote::literal(COMMENT))).await;
    let text = match kept {
        Ok(()) => {
            format!(
                "the schema `{}` is remembered: a run that names none, and finds no history, takes it",
                history.schema()
            )
        }
        Err(Fault::Server(db)) => format!(
            "the schema `{}` is not remembered, so every run has to name it: {}",
            history.schema(),
            db.message()
        ),
        Err(fault @ (Fault::Lost(Loss { .. }) | Fault::Answer(_))) => return Err(fault),
    };
    sink.emit(Progress::Notice { code: "schema_named", text });
    Ok(())
}
