//! Owns asking the catalog whether a statement was done whose end nobody recorded: what is there now
//! against what was there before it.

use crate::error::Fault;
use crate::session::Session;
use migrations::script::{Thing, Trace};
use tokio_postgres::types::{ToSql, Type};

/// What the journal writes where there was nothing.
const ABSENT: &str = "absent";

/// Whether a statement was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    Yes,
    /// Or a second time changes nothing.
    No,
    /// Nobody can tell.
    Unclear,
}

/// What is there of the statement's thing now, for the journal. Run with the session as the script
/// has it: names mean there what they mean to the script.
pub(crate) async fn look(session: &Session, trace: &Trace) -> Result<String, Fault> {
    let thing = match trace {
        Trace::Made(thing) | Trace::Gone(thing) | Trace::Altered(thing) => thing,
        Trace::Repeatable | Trace::Nothing => return Ok(ABSENT.to_owned()),
    };
    Ok(entry(session, thing).await?.unwrap_or_else(|| ABSENT.to_owned()))
}

/// Whether it was done, by what the journal has of before and what is there `now`. PURE.
pub(crate) fn judge(trace: &Trace, before: Option<&str>, now: &str) -> Done {
    let (before, now) = match trace {
        Trace::Made(Thing::IndexOf(_)) => (before.map(valid), valid(now)),
        Trace::Made(_)
        | Trace::Gone(_)
        | Trace::Altered(_)
        | Trace::Repeatable
        | Trace::Nothing => (before, now),
    };
    let (was, is) = (before.map(|before| before != ABSENT), now != ABSENT);
    match (trace, was) {
        (Trace::Repeatable, _) => Done::No,
        (Trace::Nothing, _) => Done::Unclear,
        (Trace::Made(_), Some(false)) if is => Done::Yes,
        (Trace::Made(_), _) if !is => Done::No,
        // What was there before still is: a rebuild of another one has a new number as well.
        (Trace::Made(Thing::IndexOf(_)), Some(true)) if before != Some(now) => {
            let now: Vec<&str> = now.split_whitespace().collect();
            let stay = before
                .is_some_and(|before| before.split_whitespace().all(|oid| now.contains(&oid)));
            if stay { Done::Yes } else { Done::Unclear }
        }
        // It was there before: the statement says so, or passes it by.
        (Trace::Made(_), Some(_)) => {
            if before == Some(now) {
                Done::No
            } else {
                Done::Unclear
            }
        }
        (Trace::Gone(_), _) if is => Done::No,
        (Trace::Gone(_), Some(true)) => Done::Yes,
        (Trace::Gone(_), Some(false)) => Done::No,
        (Trace::Altered(_), Some(_)) => {
            if before == Some(now) {
                Done::No
            } else {
                Done::Yes
            }
        }
        // A journal of an older version, or none: an index speaks for itself.
        (Trace::Made(Thing::Index { .. }) | Trace::Gone(Thing::Relation(_)), None) => Done::Yes,
        (Trace::Made(_) | Trace::Gone(_) | Trace::Altered(_), None) => Done::Unclear,
    }
}

/// An entry of the catalog, by what changes whenever it does.
/// The valid ones of a table's indexes; the others stand behind them.
fn valid(indexes: &str) -> &str {
    let valid = indexes.split_once('|').map_or(indexes, |(valid, _invalid)| valid);
    if valid.is_empty() { ABSENT } else { valid }
}

/// The invalid ones that were there before; none where a journal of an older version does not say it.
pub(crate) fn invalid_before(indexes: &str) -> Option<Vec<&str>> {
    let (_valid, invalid) = indexes.split_once('|')?;
    Some(invalid.split_whitespace().collect())
}

async fn entry(session: &Session, thing: &Thing) -> Result<Option<String>, Fault> {
    if let Thing::Subscription(name) = thing {
        return subscription(session, name).await;
    }
    let question = question(thing);
    let mut parameters: Vec<(&(dyn ToSql + Sync), Type)> = vec![(&question.name, Type::TEXT)];
    if let Some(second) = &question.second {
        parameters.push((second, Type::TEXT));
    }
    let rows = session.query(question.sql, &parameters).await?;
    Ok(crate::row::first::<Option<String>>(&rows, 0)?.flatten())
}

/// What everybody may read of a subscription, whoever asks: another run may have another role. Its
/// connection, which has a password, is not among it, and more columns in each version are
/// (PostgreSQL, "pg_subscription"); nor is where the server skips to, which it changes by itself.
const SUBSCRIPTION_COLUMNS: &str = "SELECT pg_catalog.string_agg('s.' || pg_catalog.quote_ident(attname), ', ' ORDER BY attnum) \
    FROM pg_catalog.pg_attribute WHERE attrelid = 'pg_catalog.pg_subscription'::pg_catalog.regclass \
    AND attnum > 0 AND NOT attisdropped AND attname <> 'subskiplsn' \
    AND pg_catalog.has_column_privilege('public', attrelid, attnum, 'SELECT')";

/// A subscription of this database. A change of what nobody may read, such as its connection, is made a
/// second time, which changes nothing.
async fn subscription(session: &Session, name: &str) -> Result<Option<String>, Fault> {
    let rows = session.query(SUBSCRIPTION_COLUMNS, &[]).await?;
    let columns: Option<String> = crate::row::first(&rows, 0)?.flatten();
    let sql = format!(
        "SELECT pg_catalog.concat_ws(' ', {}) FROM pg_catalog.pg_subscription s \
         WHERE s.subname = (pg_catalog.parse_ident($1))[1]::pg_catalog.name AND s.subdbid = \
         (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())",
        columns.as_deref().unwrap_or("s.subname")
    );
    let rows = session.query(&sql, &[(&name, Type::TEXT)]).await?;
    crate::row::first(&rows, 0)
}

struct Question<'a> {
    sql: &'static str,
    name: &'a str,
    second: Option<&'a str>,
}

fn question(thing: &Thing) -> Question<'_> {
    let about = |sql, name| Question { sql, name, second: None };
    match thing {
        Thing::Database(name) => about(
            "SELECT oid::text FROM pg_catalog.pg_database WHERE datname = (pg_catalog.parse_ident($1))[1]::pg_catalog.name",
            name,
        ),
        Thing::Tablespace(name) => about(
            "SELECT oid::text FROM pg_catalog.pg_tablespace WHERE spcname = (pg_catalog.parse_ident($1))[1]::pg_catalog.name",
            name,
        ),
        Thing::Subscription(name) => about(SUBSCRIPTION_COLUMNS, name),
        Thing::Slot(name) => about(
            "SELECT slot_name::text FROM pg_catalog.pg_replication_slots WHERE slot_name = $1::pg_catalog.name",
            name,
        ),
        Thing::Prepared(id) => about(
            "SELECT transaction::text FROM pg_catalog.pg_prepared_xacts \
             WHERE gid = $1 AND database = pg_catalog.current_database()",
            id,
        ),
        Thing::Relation(name) => {
            about("SELECT pg_catalog.to_regclass($1)::pg_catalog.oid::text", name)
        }
        Thing::Type(name) => about("SELECT pg_catalog.to_regtype($1)::pg_catalog.oid::text", name),
        Thing::IndexOf(table) => about(
            "SELECT pg_catalog.concat_ws('|', \
             pg_catalog.array_to_string(ARRAY(SELECT i.indexrelid::text FROM pg_catalog.pg_index i \
               WHERE i.indisvalid AND i.indrelid = pg_catalog.to_regclass($1) ORDER BY i.indexrelid), ' '), \
             pg_catalog.array_to_string(ARRAY(SELECT i.indexrelid::text FROM pg_catalog.pg_index i \
               WHERE NOT i.indisvalid AND i.indrelid = pg_catalog.to_regclass($1) ORDER BY i.indexrelid), ' '))",
            table,
        ),
        Thing::Index { index, table } => Question {
            sql: "SELECT i.indexrelid::text FROM pg_catalog.pg_index i \
                  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid WHERE i.indisvalid \
                  AND i.indrelid = pg_catalog.to_regclass($2) AND c.relname = (pg_catalog.parse_ident($1))[1]::pg_catalog.name",
            name: index,
            second: Some(table),
        },
        Thing::Partition { parent, child } => Question {
            sql: "SELECT i.inhrelid::text FROM pg_catalog.pg_inherits i \
                  WHERE i.inhparent = pg_catalog.to_regclass($1) AND i.inhrelid = pg_catalog.to_regclass($2)",
            name: parent,
            second: Some(child),
        },
        Thing::EnumValue { type_name, value } => Question {
            sql: "SELECT e.oid::text FROM pg_catalog.pg_enum e \
                  WHERE e.enumtypid = pg_catalog.to_regtype($1) AND e.enumlabel = $2::pg_catalog.name",
            name: type_name,
            second: Some(value),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_held_against_what_was_there() {
        let made = || Trace::Made(Thing::Database("d".into()));
        let gone = || Trace::Gone(Thing::Database("d".into()));
        let altered = || Trace::Altered(Thing::Subscription("s".into()));
        let index = || Trace::Made(Thing::Index { index: "i".into(), table: "t".into() });
        let indexes = || Trace::Made(Thing::IndexOf("t".into()));
        for (trace, before, now, done) in [
            (made(), Some("absent"), "1", Done::Yes),
            (made(), Some("absent"), "absent", Done::No),
            (made(), Some("1"), "1", Done::No),
            (made(), Some("1"), "2", Done::Unclear),
            (made(), None, "1", Done::Unclear),
            (made(), None, "absent", Done::No),
            (gone(), Some("1"), "absent", Done::Yes),
            (gone(), Some("absent"), "absent", Done::No),
            (gone(), Some("1"), "1", Done::No),
            (gone(), None, "absent", Done::Unclear),
            (altered(), Some("1 7"), "1 8", Done::Yes),
            (altered(), Some("1 7"), "1 7", Done::No),
            (altered(), None, "1 7", Done::Unclear),
            (index(), None, "1", Done::Yes),
            (index(), Some("absent"), "1", Done::Yes),
            (index(), Some("1"), "1", Done::No),
            (indexes(), Some("1"), "1 2", Done::Yes),
            (indexes(), Some("1"), "1", Done::No),
            (indexes(), Some("1"), "2", Done::Unclear),
            (indexes(), Some("1 2|"), "1|", Done::Unclear),
            (indexes(), Some("1"), "1|2", Done::No),
            (indexes(), Some("|1"), "2|1", Done::Yes),
            (indexes(), Some("|"), "|1", Done::No),
            (indexes(), Some("absent"), "1|", Done::Yes),
            (indexes(), Some("1|"), "1 2|3", Done::Yes),
            (Trace::Gone(Thing::Relation("i".into())), None, "absent", Done::Yes),
            (Trace::Repeatable, None, "absent", Done::No),
            (Trace::Nothing, Some("absent"), "absent", Done::Unclear),
        ] {
            assert_eq!(judge(&trace, before, now), done, "{trace:?} {before:?} {now}");
        }
    }
}
