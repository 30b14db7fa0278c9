//! What shows afterwards whether a statement was done that runs without a transaction: its end and
//! the journal's row are two commits, and between them everything can die. PURE.

use super::words::Words;

/// What shows that a statement was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trace {
    /// A second time changes nothing more.
    Repeatable,
    /// The thing is there, and was not before.
    Made(Thing),
    /// The thing is gone, and was there before.
    Gone(Thing),
    /// The thing's entry in the catalog is another one than before.
    Altered(Thing),
    /// Nothing does.
    Nothing,
}

/// What the catalog can be asked for; names as written, literals without their quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thing {
    /// A database of the server.
    Database(String),
    /// A tablespace.
    Tablespace(String),
    /// A subscription of this database.
    Subscription(String),
    /// A replication slot.
    Slot(String),
    /// A prepared transaction, by its identifier.
    Prepared(String),
    /// A table, view, sequence or index.
    Relation(String),
    /// An index that is valid, in the schema of its table.
    Index {
        /// The index.
        index: String,
        /// The table.
        table: String,
    },
    /// One more valid index of a table, whatever its name.
    IndexOf(String),
    /// That one table is a partition of another.
    Partition {
        /// The partitioned table.
        parent: String,
        /// The partition.
        child: String,
    },
    /// A type.
    Type(String),
    /// A value of an enum.
    EnumValue {
        /// The enum.
        type_name: String,
        /// The value.
        value: String,
    },
}

/// What shows that the statement was done.
pub(super) fn of(statement: &str) -> Trace {
    let words = Words::of(statement);
    match words.upper(0) {
        "VACUUM" | "ANALYZE" | "ANALYSE" | "REINDEX" | "CLUSTER" | "CHECKPOINT" | "DISCARD"
        | "REFRESH" => Trace::Repeatable,
        "CREATE" => created(&words),
        "DROP" => dropped(&words),
        "ALTER" => altered(&words),
        "SELECT" => slot(&words),
        "PREPARE" => words.literal(2).map_or(Trace::Nothing, |id| Trace::Made(Thing::Prepared(id))),
        "COMMIT" | "ROLLBACK" if words.upper(1) == "PREPARED" => {
            words.literal(2).map_or(Trace::Nothing, |id| Trace::Gone(Thing::Prepared(id)))
        }
        // Alone it ends nothing.
        "COMMIT" | "END" | "ROLLBACK" | "ABORT" => Trace::Repeatable,
        _ => Trace::Nothing,
    }
}

/// Index and table of a `CREATE [UNIQUE] INDEX [CONCURRENTLY] IF NOT EXISTS`, as written.
pub(super) fn index_if_not_exists(statement: &str) -> Option<(String, String)> {
    let words = Words::of(statement);
    let at = 1 + usize::from(words.upper(1) == "UNIQUE");
    if words.upper(0) != "CREATE" || words.upper(at) != "INDEX" {
        return None;
    }
    let skips = at + 1 + usize::from(words.upper(at + 1) == "CONCURRENTLY");
    if words.upper(skips) != "IF" {
        return None;
    }
    match index(&words, at + 1) {
        Trace::Made(Thing::Index { index, table }) => Some((index, table)),
        Trace::Made(_)
        | Trace::Repeatable
        | Trace::Gone(_)
        | Trace::Altered(_)
        | Trace::Nothing => None,
    }
}

fn created(words: &Words<'_>) -> Trace {
    if words.has(&["IF", "NOT", "EXISTS"]) && !words.has(&["CONCURRENTLY"])
        || words.has(&["OR", "REPLACE"])
    {
        return Trace::Repeatable;
    }
    let sorts = ["UNIQUE", "UNLOGGED", "MATERIALIZED", "RECURSIVE"];
    let at = (1..words.len()).find(|at| !sorts.contains(&words.upper(*at))).unwrap_or(1);
    let thing: fn(String) -> Thing = match words.upper(at) {
        "DATABASE" => Thing::Database,
        "TABLESPACE" => Thing::Tablespace,
        "SUBSCRIPTION" => Thing::Subscription,
        "TABLE" | "VIEW" | "SEQUENCE" => Thing::Relation,
        "TYPE" | "DOMAIN" => Thing::Type,
        "INDEX" => return index(words, at + 1),
        _ => return Trace::Nothing,
    };
    words.name(at + 1).map_or(Trace::Nothing, |(name, _end)| Trace::Made(thing(name)))
}

/// `[CONCURRENTLY] [IF NOT EXISTS] [name] ON [ONLY] table`
fn index(words: &Words<'_>, mut at: usize) -> Trace {
    at += usize::from(words.upper(at) == "CONCURRENTLY");
    at += 3 * usize::from(words.upper(at) == "IF");
    let index = if words.upper(at) == "ON" { None } else { words.name(at) };
    at = index.as_ref().map_or(at, |(_name, end)| *end) + 1;
    at += usize::from(words.upper(at) == "ONLY");
    let Some((table, _end)) = words.name(at) else { return Trace::Nothing };
    Trace::Made(match index {
        Some((index, _end)) => Thing::Index { index, table },
        None => Thing::IndexOf(table),
    })
}

fn dropped(words: &Words<'_>) -> Trace {
    let mut at = 1 + usize::from(words.upper(1) == "MATERIALIZED");
    let thing: fn(String) -> Thing = match words.upper(at) {
        "DATABASE" => Thing::Database,
        "TABLESPACE" => Thing::Tablespace,
        "SUBSCRIPTION" => Thing::Subscription,
        "TABLE" | "VIEW" | "SEQUENCE" | "INDEX" => Thing::Relation,
        "TYPE" | "DOMAIN" => Thing::Type,
        _ => return Trace::Nothing,
    };
    at += 1;
    at += usize::from(words.upper(at) == "CONCURRENTLY");
    if words.upper(at) == "IF" {
        return Trace::Repeatable;
    }
    match words.name(at) {
        // Of several the first one says as much: they go together.
        Some((name, _end)) => Trace::Gone(thing(name)),
        None => Trace::Nothing,
    }
}

fn altered(words: &Words<'_>) -> Trace {
    match words.upper(1) {
        "SYSTEM" => Trace::Repeatable,
        "DATABASE" if words.has(&["RENAME"]) => gone(words, Thing::Database),
        "DATABASE" => Trace::Repeatable,
        "TABLESPACE" if words.has(&["RENAME"]) => gone(words, Thing::Tablespace),
        "SUBSCRIPTION" if words.has(&["RENAME"]) => gone(words, Thing::Subscription),
        "SUBSCRIPTION" if words.upper(3) == "REFRESH" => Trace::Repeatable,
        "SUBSCRIPTION" => words
            .name(2)
            .map_or(Trace::Nothing, |(name, _end)| Trace::Altered(Thing::Subscription(name))),
        "TABLE" => detached(words),
        "TYPE" => enum_value(words),
        _ => Trace::Nothing,
    }
}

/// `ALTER … name RENAME TO …`
fn gone(words: &Words<'_>, thing: fn(String) -> Thing) -> Trace {
    words.name(2).map_or(Trace::Nothing, |(name, _end)| Trace::Gone(thing(name)))
}

/// `ALTER TABLE [IF EXISTS] [ONLY] parent DETACH PARTITION child CONCURRENTLY | FINALIZE`
fn detached(words: &Words<'_>) -> Trace {
    let mut at = 2 + 2 * usize::from(words.upper(2) == "IF");
    at += usize::from(words.upper(at) == "ONLY");
    let Some((parent, end)) = words.name(at) else { return Trace::Nothing };
    if (words.upper(end), words.upper(end + 1)) != ("DETACH", "PARTITION") {
        return Trace::Nothing;
    }
    match words.name(end + 2) {
        Some((child, _end)) => Trace::Gone(Thing::Partition { parent, child }),
        None => Trace::Nothing,
    }
}

/// `ALTER TYPE name ADD VALUE [IF NOT EXISTS] 'value'`
fn enum_value(words: &Words<'_>) -> Trace {
    let Some((type_name, end)) = words.name(2) else { return Trace::Nothing };
    if (words.upper(end), words.upper(end + 1)) != ("ADD", "VALUE") {
        return Trace::Nothing;
    }
    match words.literal(end + 2) {
        Some(value) => Trace::Made(Thing::EnumValue { type_name, value }),
        None if words.upper(end + 2) == "IF" => Trace::Repeatable,
        None => Trace::Nothing,
    }
}

/// `SELECT … pg_create_…_replication_slot('name', …)`, and no second such call. A slot is not undone
/// by a rollback (PostgreSQL, "Replication Management Functions").
fn slot(words: &Words<'_>) -> Trace {
    let mut calls = (0..words.len()).filter(|at| changes_slots(words.word(*at)));
    let (Some(at), None) = (calls.next(), calls.next()) else { return Trace::Nothing };
    let called = words.word(at).to_ascii_lowercase();
    let argument = |number: usize| words.literal(at + 2 + 2 * number);
    let (makes, name) = match called.as_str() {
        "pg_drop_replication_slot" => (false, argument(0)),
        name if name.starts_with("pg_copy_") => (true, argument(1)),
        _ => (true, argument(0)),
    };
    match (name, makes) {
        (Some(name), true) => Trace::Made(Thing::Slot(name)),
        (Some(name), false) => Trace::Gone(Thing::Slot(name)),
        (None, _) => Trace::Nothing,
    }
}

/// Whether this is a function that makes, copies or drops a replication slot.
pub(super) fn changes_slots(word: &str) -> bool {
    [
        "pg_create_logical_replication_slot",
        "pg_create_physical_replication_slot",
        "pg_copy_logical_replication_slot",
        "pg_copy_physical_replication_slot",
        "pg_drop_replication_slot",
    ]
    .iter()
    .any(|function| word.eq_ignore_ascii_case(function))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(name: &str) -> Thing {
        Thing::Relation(name.into())
    }

    #[test]
    fn what_shows_that_a_statement_was_done() {
        let partition = || Thing::Partition { parent: "app.\"P\"".into(), child: "app.q".into() };
        let index =
            |index: &str, table: &str| Thing::Index { index: index.into(), table: table.into() };
        for (statement, trace) in [
            ("VACUUM FULL t", Trace::Repeatable),
            ("REINDEX TABLE CONCURRENTLY p", Trace::Repeatable),
            ("discard all", Trace::Repeatable),
            ("ALTER SYSTEM SET work_mem = '8MB'", Trace::Repeatable),
            ("ALTER DATABASE d SET TABLESPACE t", Trace::Repeatable),
            ("ALTER DATABASE d RENAME TO e", Trace::Gone(Thing::Database("d".into()))),
            ("CREATE DATABASE \"D e\" OWNER o", Trace::Made(Thing::Database("\"D e\"".into()))),
            ("DROP DATABASE d WITH (FORCE)", Trace::Gone(Thing::Database("d".into()))),
            ("DROP DATABASE IF EXISTS d", Trace::Repeatable),
            ("CREATE TABLESPACE s LOCATION '/x'", Trace::Made(Thing::Tablespace("s".into()))),
            (
                "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p",
                Trace::Made(Thing::Subscription("s".into())),
            ),
            ("DROP SUBSCRIPTION s", Trace::Gone(Thing::Subscription("s".into()))),
            (
                "ALTER SUBSCRIPTION s ADD PUBLICATION q",
                Trace::Altered(Thing::Subscription("s".into())),
            ),
            ("ALTER SUBSCRIPTION s REFRESH PUBLICATION", Trace::Repeatable),
            (
                "SELECT * FROM pg_create_logical_replication_slot('a''b', 'pgoutput')",
                Trace::Made(Thing::Slot("a'b".into())),
            ),
            (
                "SELECT pg_catalog.pg_drop_replication_slot('s')",
                Trace::Gone(Thing::Slot("s".into())),
            ),
            (
                "SELECT pg_copy_physical_replication_slot('s', 't')",
                Trace::Made(Thing::Slot("t".into())),
            ),
            (
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots",
                Trace::Nothing,
            ),
            (
                "ALTER TABLE IF EXISTS ONLY app.\"P\" DETACH /* x */ PARTITION app.q CONCURRENTLY",
                Trace::Gone(partition()),
            ),
            ("ALTER TABLE app.\"P\" DETACH PARTITION app.q FINALIZE", Trace::Gone(partition())),
            (
                "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY app.t (a)",
                Trace::Made(index("i", "app.t")),
            ),
            ("CREATE INDEX CONCURRENTLY ON t (a)", Trace::Made(Thing::IndexOf("t".into()))),
            ("DROP INDEX CONCURRENTLY app.i", Trace::Gone(relation("app.i"))),
            (
                "CREATE MATERIALIZED VIEW m WITH (timescaledb.continuous) AS SELECT 1",
                Trace::Made(relation("m")),
            ),
            ("CREATE OR REPLACE VIEW v AS SELECT 1", Trace::Repeatable),
            (
                "ALTER TYPE m ADD VALUE 'x'",
                Trace::Made(Thing::EnumValue { type_name: "m".into(), value: "x".into() }),
            ),
            ("ALTER TYPE m ADD VALUE IF NOT EXISTS 'x'", Trace::Repeatable),
            ("PREPARE TRANSACTION 'g'", Trace::Made(Thing::Prepared("g".into()))),
            ("COMMIT PREPARED 'g'", Trace::Gone(Thing::Prepared("g".into()))),
            ("CALL fill()", Trace::Nothing),
            ("DO $$ BEGIN END $$", Trace::Nothing),
            ("", Trace::Nothing),
        ] {
            assert_eq!(of(statement), trace, "{statement}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(CREATE|DROP|ALTER TYPE|ALTER TABLE|SELECT|PREPARE)?[ -~'\";$.é]{0,60}") {
            let _trace = of(&text);
        }
    }
}
