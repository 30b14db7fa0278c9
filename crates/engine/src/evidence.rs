//! What is known of an attempt whose end nobody recorded.

use crate::error::Fault;
use crate::session::Session;
use migrations::Script;
use migrations::script::Object;
use std::fmt;
use tokio_postgres::types::Type;

/// What the catalog shows of the things that a script makes.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// Those that are there.
    pub(crate) present: Vec<String>,
    /// Those that are not.
    pub(crate) absent: Vec<String>,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.present.as_slice(), self.absent.as_slice()) {
            ([], []) => f.write_str("the script makes nothing that the catalog could show"),
            (present, []) => {
                write!(f, "everything that the script makes is there: {}", present.join(", "))
            }
            ([], absent) => {
                write!(f, "nothing that the script makes is there: {}", absent.join(", "))
            }
            (present, absent) => {
                write!(f, "there: {}; not there: {}", present.join(", "), absent.join(", "))
            }
        }
    }
}

/// Looks for what the script makes.
pub(crate) async fn gather(session: &Session, script: &Script) -> Result<Evidence, Fault> {
    let mut evidence = Evidence::default();
    for object in script.statements.iter().filter_map(|statement| statement.makes.as_ref()) {
        let (words, there) = look(session, object).await?;
        if there { evidence.present.push(words) } else { evidence.absent.push(words) }
    }
    Ok(evidence)
}

async fn look(session: &Session, object: &Object) -> Result<(String, bool), Fault> {
    let (words, row) = match object {
        Object::Relation(name) => return relation(session, name).await,
        Object::Type(name) => (
            format!("type {name}"),
            session.one("SELECT pg_catalog.to_regtype($1) IS NOT NULL", &[(name, Type::TEXT)]).await?,
        ),
        Object::Column { table, column } => (
            format!("{table}.{column}"),
            session
                .one(
                    "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass($1) \
                     AND attname = (pg_catalog.parse_ident($2))[1] AND NOT attisdropped)",
                    &[(table, Type::TEXT), (column, Type::TEXT)],
                )
                .await?,
        ),
    };
    Ok((words, row.get(0)?))
}

/// An invalid index serves no query: it is what a failed build leaves.
async fn relation(session: &Session, name: &str) -> Result<(String, bool), Fault> {
    let row = session
        .one(
            "SELECT pg_catalog.to_regclass($1) IS NOT NULL, EXISTS (SELECT FROM pg_catalog.pg_index \
             WHERE indexrelid = pg_catalog.to_regclass($1) AND NOT indisvalid)",
            &[(&name, Type::TEXT)],
        )
        .await?;
    Ok(match (row.get(0)?, row.get(1)?) {
        (true, true) => (format!("{name} (an invalid index)"), false),
        (there, _) => (name.to_owned(), there),
    })
}
