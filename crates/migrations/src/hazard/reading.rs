//! Owns what a script's statements do to which objects, as far as their words tell.

use super::action::{Action, Column, ConstraintKind, Deed, Verb};
use super::conversion::conversion;
use super::search_path::SearchPath;
use super::view;
use super::words::{Reader, Word, closing, parts, words};
use crate::script::Script;
use std::ops::Range;

/// A script as far as its words tell.
pub(super) struct Reading {
    /// Everything that it does, in its order.
    pub(super) actions: Vec<Action>,
    /// From which byte on names without a schema are in which, where that changes.
    paths: Vec<(usize, String)>,
}

impl Reading {
    /// The schema of names without one in the statement that begins there.
    pub(super) fn schema_at(&self, start: usize) -> &str {
        let before = self.paths.iter().rfind(|(from, _)| *from <= start);
        before.map_or("", |(_, schema)| schema)
    }
}

/// Reads a script.
pub(super) fn read(script: &Script) -> Reading {
    let mut reading = Reading { actions: Vec::new(), paths: Vec::new() };
    let mut path = SearchPath::of(&script.form);
    for statement in &script.statements {
        let words = words(&script.text, statement.range.clone());
        let mut found = of_statement(Reader::in_path(&words, path.schema()));
        if let [only] = found.as_mut_slice() {
            only.range = statement.range.clone();
        }
        reading.actions.extend(found);
        let before = path.schema().to_owned();
        path.follow(&words);
        if path.schema() != before {
            reading.paths.push((statement.range.end, path.schema().to_owned()));
        }
    }
    reading
}

/// Everything that a script does, in its order.
pub(super) fn actions(script: &Script) -> Vec<Action> {
    read(script).actions
}

fn range(words: &[Word<'_>]) -> Range<usize> {
    match (words.first(), words.last()) {
        (Some(first), Some(last)) => first.start..last.start + last.text.len(),
        (_, _) => 0..0,
    }
}

fn of_statement(mut reader: Reader<'_>) -> Vec<Action> {
    let (words, whole) = (reader.left, reader);
    let one = |table: Option<String>, deed| vec![Action { range: range(words), table, deed }];
    if reader.eat("ALTER TABLE") {
        return alter_table(reader);
    }
    if reader.eat("CREATE") {
        return match create(reader) {
            Some((table, deed)) => one(table, deed),
            None => one(None, other(words)),
        };
    }
    if reader.eat("ALTER TYPE") {
        let from = reader.name().unwrap_or_default();
        if reader.eat("RENAME TO") {
            let to = reader.name().unwrap_or_default();
            return one(None, Deed::RenameType { from, to });
        }
        return one(None, Deed::Other(from));
    }
    if reader.eat("ALTER INDEX") {
        reader.eat("IF EXISTS");
        return one(None, Deed::RenameIndex(reader.name().unwrap_or_default()));
    }
    if reader.eat("ALTER SCHEMA") {
        let from = reader.name().unwrap_or_default();
        if reader.eat("RENAME TO") {
            let to = reader.name().unwrap_or_default();
            return one(None, Deed::RenameSchema { from, to });
        }
        return one(None, Deed::Other(from));
    }
    if reader.eat("LOCK") {
        reader.eat("TABLE");
        let tables = reader.tables();
        let weak = ["IN ACCESS SHARE MODE", "IN ROW SHARE MODE", "IN ROW EXCLUSIVE MODE"];
        let deed = match reader.eat_one(&weak) {
            Some(_) => Deed::Other(String::new()),
            None => Deed::Lock,
        };
        let of = |table| Action { range: range(words), table: Some(table), deed: deed.clone() };
        return tables.into_iter().map(of).collect();
    }
    if reader.eat("DROP OWNED BY") {
        let of = |role| Action { range: range(words), table: None, deed: Deed::DropOwned(role) };
        return reader.names().into_iter().map(of).collect();
    }
    if Reader::new(words).eat_one(&["SELECT", "WITH"]).is_some()
        && let Some((table, temporary)) = selected_into(whole)
    {
        return one(
            Some(table),
            Deed::CreateTable { columns: Vec::new(), perhaps: false, temporary },
        );
    }
    if reader.eat("DROP") {
        return dropped(reader, range(words)).unwrap_or_else(|| one(None, other(words)));
    }
    if reader.eat("TRUNCATE") {
        reader.eat("TABLE");
        let tables = reader.tables();
        let deed = Deed::Truncate { cascade: reader.has("CASCADE") };
        let of = |table| Action { range: range(words), table: Some(table), deed: deed.clone() };
        return tables.into_iter().map(of).collect();
    }
    if let Some(verb) = reader.eat_one(&["UPDATE", "DELETE FROM"]) {
        let verb = if verb == "UPDATE" { Verb::Update } else { Verb::Delete };
        reader.eat("ONLY");
        let table = reader.table();
        return one(table, Deed::Data { verb, bounded: reader.has_outside("WHERE") });
    }
    if reader.eat("REFRESH MATERIALIZED VIEW") {
        let concurrently = reader.eat("CONCURRENTLY");
        return one(reader.table(), Deed::Refresh { concurrently });
    }
    if reader.eat("REINDEX") || reader.eat("VACUUM") || reader.eat("CLUSTER") {
        if reader.left.first().is_some_and(|word| word.is("(")) {
            reader.left = &reader.left[closing(reader.left)..];
        }
        let of_index = reader.left.first().is_some_and(|word| word.is("INDEX"));
        while reader
            .eat_one(&["FULL", "FREEZE", "VERBOSE", "ANALYZE", "TABLE", "INDEX", "CONCURRENTLY"])
            .is_some()
        {}
        let name = if of_index { reader.name() } else { reader.table() };
        return if of_index {
            one(None, Deed::Other(name.unwrap_or_default()))
        } else if Reader::new(words).eat("CLUSTER") || Reader::new(words).has("FULL") {
            one(name, Deed::Rewrite)
        } else {
            one(name, Deed::Other(String::new()))
        };
    }
    if reader.eat_one(&["ROLLBACK", "ABORT"]).is_some() {
        return one(None, Deed::Rollback);
    }
    if reader.eat("DO") {
        return one(None, Deed::Opaque);
    }
    one(None, other(words))
}

/// What is behind the last `ON`, else behind the second word.
fn other(words: &[Word<'_>]) -> Deed {
    let behind = words.iter().rposition(|word| word.is("ON")).map_or(2, |at| at + 1);
    let mut reader = Reader::new(words.get(behind..).unwrap_or_default());
    reader.eat("TABLE");
    reader.eat("IF EXISTS");
    Deed::Other(reader.name().unwrap_or_default())
}

/// The table that `SELECT … INTO` makes.
fn selected_into(mut reader: Reader<'_>) -> Option<(String, bool)> {
    let mut depth = 0_usize;
    let into = reader.left.iter().position(|word| {
        if word.is("(") {
            depth += 1;
        } else if word.is(")") {
            depth = depth.saturating_sub(1);
        }
        depth == 0 && word.is("INTO")
    })?;
    // `WITH … INSERT INTO`
    let before = into.checked_sub(1).and_then(|at| reader.left.get(at));
    if before.is_some_and(|word| word.is("INSERT") || word.is("MERGE")) {
        return None;
    }
    reader.left = &reader.left[into + 1..];
    let kept = reader.eat_one(&["TEMPORARY", "TEMP", "UNLOGGED"]);
    reader.eat("TABLE");
    Some((reader.table()?, kept.is_some_and(|word| word != "UNLOGGED")))
}

fn create(mut reader: Reader<'_>) -> Option<(Option<String>, Deed)> {
    reader.eat("OR REPLACE");
    reader.eat_one(&["GLOBAL", "LOCAL"]);
    let kept = reader.eat_one(&["TEMPORARY", "TEMP", "UNLOGGED"]);
    reader.eat("UNIQUE");
    if reader.eat("TABLE") {
        let perhaps = reader.eat("IF NOT EXISTS");
        let table = reader.table()?;
        let mut columns = Vec::new();
        if reader.left.first().is_some_and(|word| word.is("(")) {
            let end = closing(reader.left) - 1;
            let inside = reader.left.get(1..end).unwrap_or_default();
            columns = parts(inside).into_iter().filter_map(column).collect();
        }
        let temporary = kept.is_some_and(|word| word != "UNLOGGED");
        return Some((Some(table), Deed::CreateTable { columns, perhaps, temporary }));
    }
    if reader.eat_one(&["MATERIALIZED VIEW", "RECURSIVE VIEW", "VIEW"]).is_some() {
        reader.eat("IF NOT EXISTS");
        let view = reader.table()?;
        return Some((Some(view), Deed::CreateView(view::columns(reader))));
    }
    if reader.eat("RULE") {
        let name = reader.name()?;
        let to = reader.left.iter().position(|word| word.is("TO"))?;
        reader.left = &reader.left[to + 1..];
        return Some((reader.table(), Deed::CreateRule(name)));
    }
    if reader.eat("INDEX") {
        reader.eat("CONCURRENTLY");
        reader.eat("IF NOT EXISTS");
        let name = if reader.eat("ON") { None } else { reader.name() };
        reader.eat("ON");
        reader.eat("ONLY");
        let table = reader.table()?;
        let name = name.unwrap_or_else(|| table.clone());
        return Some((Some(table), Deed::CreateIndex { name }));
    }
    if reader.eat("TYPE") {
        return Some((None, Deed::CreateType(reader.name()?)));
    }
    None
}

/// Words that begin something else than a column.
const NO_COLUMN: [&str; 7] =
    ["CONSTRAINT", "PRIMARY KEY", "UNIQUE", "FOREIGN KEY", "CHECK", "EXCLUDE", "LIKE"];

/// Words that end a column's type.
const AFTER_TYPE: [&str; 11] = [
    "NOT",
    "NULL",
    "DEFAULT",
    "CONSTRAINT",
    "PRIMARY",
    "UNIQUE",
    "REFERENCES",
    "CHECK",
    "COLLATE",
    "GENERATED",
    "USING",
];

fn column(words: &[Word<'_>]) -> Option<Column> {
    let mut reader = Reader::new(words);
    if NO_COLUMN.iter().any(|phrase| Reader::new(words).eat(phrase)) {
        return None;
    }
    let name = reader.name()?;
    let kind = kind(&mut reader);
    let key = reader.has_outside("PRIMARY KEY");
    Some(Column {
        name,
        kind,
        not_null: key || reader.has_outside("NOT NULL"),
        has_default: reader.has_outside("DEFAULT") || reader.has_outside("GENERATED"),
        checked: reader.has_outside("CHECK"),
        indexed: key || reader.has_outside("UNIQUE"),
        perhaps: false,
    })
}

pub(super) fn kind(reader: &mut Reader<'_>) -> String {
    let mut kind = String::new();
    while let Some((word, rest)) = reader.left.split_first() {
        if AFTER_TYPE.iter().any(|end| word.is(end)) {
            break;
        }
        let text = word.text.trim_matches('"').to_lowercase();
        let spaced = text.starts_with(char::is_alphanumeric)
            && kind.ends_with(|last: char| last.is_alphanumeric() || last == ')');
        if spaced {
            kind.push(' ');
        }
        kind.push_str(&text);
        reader.left = rest;
    }
    kind
}

fn alter_table(mut reader: Reader<'_>) -> Vec<Action> {
    reader.eat("IF EXISTS");
    reader.eat("ONLY");
    let table = reader.table();
    reader.eat("*");
    let of = |part: &[Word<'_>]| Action {
        range: range(part),
        table: table.clone(),
        deed: table_action(reader.with(part)),
    };
    parts(reader.left).into_iter().map(of).collect()
}

fn table_action(mut reader: Reader<'_>) -> Deed {
    let whole = reader.left;
    if reader.eat("ADD") {
        if let Some(constraint) = constraint(reader) {
            return constraint;
        }
        reader.eat("COLUMN");
        let perhaps = reader.eat("IF NOT EXISTS");
        let added = column(reader.left).map(|added| Column { perhaps, ..added });
        return added.map_or_else(|| Deed::Other(String::new()), Deed::AddColumn);
    }
    if reader.eat("DROP") {
        let what = if reader.eat("CONSTRAINT") { "CONSTRAINT" } else { "COLUMN" };
        reader.eat("COLUMN");
        reader.eat("IF EXISTS");
        let name = reader.name().unwrap_or_default();
        return Deed::Drop { what: what.to_owned(), name, cascade: reader.has("CASCADE") };
    }
    if reader.eat("ALTER") && !reader.eat("CONSTRAINT") {
        reader.eat("COLUMN");
        let column = reader.name().unwrap_or_default();
        if reader.eat_one(&["SET DATA TYPE", "TYPE"]).is_some() {
            let to = kind(&mut reader);
            let conversion = conversion(&column, reader);
            return Deed::ChangeType { column, to, conversion };
        }
        if reader.eat("SET NOT NULL") {
            return Deed::SetNotNull(column);
        }
        if reader.eat("SET DEFAULT") {
            return Deed::SetDefault(column);
        }
        return Deed::Column(column);
    }
    if reader.eat("RENAME TO") {
        return Deed::RenameTable { to: reader.name().unwrap_or_default() };
    }
    if reader.eat("SET SCHEMA") {
        return Deed::SetSchema { to: reader.name().unwrap_or_default() };
    }
    if reader.eat("INHERIT") {
        return Deed::Inherit(reader.table().unwrap_or_default());
    }
    let off = ["DISABLE TRIGGER", "ENABLE REPLICA TRIGGER", "DISABLE RULE", "ENABLE REPLICA RULE"];
    if reader.eat_one(&off).is_some() {
        return Deed::Disable(reader.name().unwrap_or_default());
    }
    if reader.eat("RENAME CONSTRAINT") {
        return Deed::RenameConstraint { from: reader.name().unwrap_or_default() };
    }
    if reader.eat("RENAME") {
        reader.eat("COLUMN");
        let from = reader.name().unwrap_or_default();
        reader.eat("TO");
        return Deed::RenameColumn { from, to: reader.name().unwrap_or_default() };
    }
    if reader.eat("VALIDATE CONSTRAINT") {
        return Deed::ValidateConstraint(reader.name().unwrap_or_default());
    }
    if reader.eat("ATTACH PARTITION") {
        return Deed::AttachPartition(reader.table().unwrap_or_default());
    }
    let rewrites = ["SET UNLOGGED", "SET LOGGED", "SET ACCESS METHOD", "SET TABLESPACE"];
    if Reader::new(whole).eat_one(&rewrites).is_some() {
        return Deed::Rewrite;
    }
    Deed::Other(String::new())
}

fn constraint(mut reader: Reader<'_>) -> Option<Deed> {
    let name = if reader.eat("CONSTRAINT") { reader.name() } else { None };
    let kinds = ["CHECK", "UNIQUE", "PRIMARY KEY", "FOREIGN KEY", "EXCLUDE", "NOT NULL"];
    let found = reader.eat_one(&kinds)?;
    let kind = match found {
        _ if reader.has_outside("USING INDEX") && !reader.has_outside("TABLESPACE") => {
            ConstraintKind::UsingIndex
        }
        "CHECK" => ConstraintKind::Check,
        "UNIQUE" => ConstraintKind::Unique,
        "PRIMARY KEY" => ConstraintKind::PrimaryKey,
        "FOREIGN KEY" => ConstraintKind::ForeignKey,
        "EXCLUDE" => ConstraintKind::Exclusion,
        _ => ConstraintKind::NotNull,
    };
    Some(Deed::AddConstraint {
        name: name.unwrap_or_else(|| found.to_lowercase().replace(' ', "-")),
        kind,
        not_valid: reader.has_outside("NOT VALID"),
    })
}

fn dropped(mut reader: Reader<'_>, range: Range<usize>) -> Option<Vec<Action>> {
    let what = reader.eat_one(&[
        "TABLE",
        "INDEX",
        "MATERIALIZED VIEW",
        "VIEW",
        "TYPE",
        "FUNCTION",
        "PROCEDURE",
        "SEQUENCE",
        "SCHEMA",
        "DOMAIN",
        "EXTENSION",
        "DATABASE",
        "TRIGGER",
        "POLICY",
        "RULE",
    ])?;
    reader.eat("CONCURRENTLY");
    reader.eat("IF EXISTS");
    let names = match what {
        "TABLE" | "VIEW" | "MATERIALIZED VIEW" => reader.tables(),
        _ => reader.names(),
    };
    let table = if reader.eat("ON") { reader.table() } else { None };
    let cascade = reader.has("CASCADE");
    let of = |name: String| match what {
        "TABLE" => Action { range: range.clone(), table: Some(name), deed: Deed::DropTable },
        _ => Action {
            range: range.clone(),
            table: table.clone(),
            deed: Deed::Drop { what: what.to_owned(), name, cascade },
        },
    };
    Some(names.into_iter().map(of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(sql: &str) -> Vec<(String, Option<String>)> {
        let script = Script::parse(sql);
        assert_eq!(script.unparsable, None, "{sql}");
        actions(&script).iter().map(|action| (action.object(), action.table.clone())).collect()
    }

    #[test]
    fn every_part_knows_its_object() {
        for (sql, object, table) in [
            ("ALTER TABLE ONLY public.\"User\" ADD COLUMN \"b\" INT", "User.b", Some("User")),
            ("ALTER TABLE app.Users DROP IF EXISTS b CASCADE", "app.users.b", Some("app.users")),
            ("CREATE UNIQUE INDEX CONCURRENTLY \"I\" ON t (lower(a))", "I", Some("t")),
            ("CREATE INDEX ON t (a)", "t", Some("t")),
            ("ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES b(id)", "t.c", Some("t")),
            ("ALTER TABLE t ADD UNIQUE (a, b)", "t.unique", Some("t")),
            ("DROP TYPE IF EXISTS \"Old\"", "Old", None),
            ("DROP FUNCTION f(int, text)", "f", None),
            ("REVOKE SELECT ON t FROM app", "t", None),
            ("DROP POLICY p ON t", "t.p", Some("t")),
            ("TRUNCATE TABLE ONLY a RESTART IDENTITY", "a", Some("a")),
            ("VACUUM (FULL, ANALYZE) t", "t", Some("t")),
            ("REINDEX TABLE CONCURRENTLY t", "t", Some("t")),
            ("ALTER DOMAIN d ADD CONSTRAINT c CHECK (VALUE > 0)", "d", None),
        ] {
            assert_eq!(objects(sql), [(object.to_owned(), table.map(str::to_owned))], "{sql}");
        }
        let two = objects("ALTER TABLE t ADD a numeric(10, 2) DEFAULT f(1, 2), DROP b");
        assert_eq!(
            two.iter().map(|(object, _)| object.as_str()).collect::<Vec<_>>(),
            ["t.a", "t.b"]
        );
        assert_eq!(objects("DROP TABLE a, b").len(), 2);
    }

    #[test]
    fn a_column_knows_its_type() {
        let script = Script::parse(
            "CREATE TABLE t (a VARCHAR(10) NOT NULL, \"B\" timestamp(3) with time zone DEFAULT now(), \
             c text[] , PRIMARY KEY (a), e \"Role\" CONSTRAINT x CHECK (e <> 'a'))",
        );
        let [Action { deed: Deed::CreateTable { columns, .. }, .. }] = &actions(&script)[..] else {
            panic!("{:?}", actions(&script))
        };
        let seen: Vec<_> =
            columns.iter().map(|c| (c.name.as_str(), c.kind.as_str(), c.not_null)).collect();
        assert_eq!(
            seen,
            [
                ("a", "varchar(10)", true),
                ("B", "timestamp(3) with time zone", false),
                ("c", "text[]", false),
                ("e", "role", false)
            ]
        );
    }
}
