//! Owns telling an edit from another way of writing the same. The server writes some expressions
//! differently once they were dumped and restored (`IN` on a varchar), so a copied or upgraded
//! database would seem to drift. Written anew on one server, both sides come out alike.

use super::compare::{Difference, How};
use crate::error::Fault;
use crate::session::Session;
use tokio_postgres::types::Type;

/// Takes out what is the same when the scratch database, which is ours, writes both sides anew.
pub(super) async fn settle(
    scratch: &Session,
    differences: Vec<Difference>,
) -> Result<Vec<Difference>, Fault> {
    let mut real = Vec::new();
    for difference in differences {
        if !same(scratch, &difference).await? {
            real.push(difference);
        }
    }
    Ok(real)
}

async fn same(scratch: &Session, difference: &Difference) -> Result<bool, Fault> {
    let How::Changed { facet, database: Some(database), migrations: Some(migrations) } =
        &difference.how
    else {
        return Ok(false);
    };
    let one = written_anew(scratch, (difference, facet), database).await?;
    let other = written_anew(scratch, (difference, facet), migrations).await?;
    Ok(one.is_some() && one == other)
}

/// The definition as the server writes it after reading it; none where it cannot be made here.
async fn written_anew(
    scratch: &Session,
    place: (&Difference, &str),
    definition: &str,
) -> Result<Option<String>, Fault> {
    let Some(attempt) = attempt(place, definition) else { return Ok(None) };
    scratch.run("BEGIN; SET LOCAL search_path = pg_catalog").await?;
    let written = async {
        scratch.run(&attempt.make).await?;
        let row = scratch.one(attempt.read, &[(&attempt.name, Type::TEXT)]).await?;
        row.get(0)
    };
    let written = written.await;
    scratch.run("ROLLBACK").await?;
    match written {
        Ok(text) => Ok(text),
        Err(Fault::Server(_)) => Ok(None),
        Err(fault @ (Fault::Lost(_) | Fault::Answer(_))) => Err(fault),
    }
}

/// How an object is made again, and read.
struct Attempt {
    make: String,
    read: &'static str,
    name: String,
}

/// A name that no migration uses.
const NAME: &str = "ecs_migrate_written_anew";

fn attempt((difference, facet): (&Difference, &str), definition: &str) -> Option<Attempt> {
    let name = &difference.name;
    match (difference.sort.as_str(), facet) {
        // An expression of a row is written in a CHECK as it is anywhere else.
        ("column", "default" | "generated" | "generated when read")
        | ("policy", "using" | "check") => Some(Attempt {
            make: format!(
                "ALTER TABLE {} ADD CONSTRAINT {NAME} CHECK (({definition}) IS NULL) NOT VALID",
                difference.parent.as_deref()?
            ),
            read: "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1",
            name: NAME.to_owned(),
        }),
        (sort @ ("trigger" | "rule"), "definition") => {
            let table = difference.parent.as_deref()?;
            let own = name.strip_prefix(table)?.strip_prefix('.')?;
            Some(Attempt {
                make: format!("DROP {sort} {own} ON {table}; {definition}"),
                read: if sort == "trigger" {
                    "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = $1::regclass ORDER BY oid DESC LIMIT 1"
                } else {
                    "SELECT pg_get_ruledef(oid) FROM pg_rewrite WHERE ev_class = $1::regclass ORDER BY oid DESC LIMIT 1"
                },
                name: table.to_owned(),
            })
        }
        ("constraint", "definition") => Some(Attempt {
            make: format!(
                "ALTER TABLE {} ADD CONSTRAINT {NAME} {definition}",
                difference.parent.as_deref()?
            ),
            read: "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1",
            name: NAME.to_owned(),
        }),
        ("index", "definition") => Some(Attempt {
            make: format!("DROP INDEX {name}; {definition}"),
            read: "SELECT pg_get_indexdef($1::regclass)",
            name: name.clone(),
        }),
        ("view", "definition") => Some(Attempt {
            make: format!("CREATE TEMPORARY VIEW {NAME} AS {definition}"),
            read: "SELECT pg_get_viewdef(oid) FROM pg_class WHERE relname = $1",
            name: NAME.to_owned(),
        }),
        _ => None,
    }
}
