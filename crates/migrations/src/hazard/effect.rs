//! Owns what a statement may do to data, from its syntax tree. Conservative: only what is in the list of
//! harmless kinds is harmless, and the compiler asks for each kind that the parser knows.
//!
//! Tables that go away, columns that go away and types that change are judged in `assess`, which knows
//! more of them; inside of a block nobody judges them, so there they are [`Effect::Unseen`].

mod block;
mod harmless;
mod kind;
mod query;

use super::words::{Kind as WordKind, Reader, words};
use crate::script::Script;
use squawk_syntax::SourceFile;
use squawk_syntax::ast::AstNode as _;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Something that a statement may do to data that is there. Names are as PostgreSQL
/// stores them, a table's in its parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effect {
    /// Rows go.
    Deletes { table: Vec<String>, rows: Rows },
    /// Values are written over; no columns stand for any.
    Overwrites { table: Vec<String>, columns: Vec<String> },
    /// A function is called that may do anything.
    Calls(String),
    /// A `DO` block whose inside is not understood, or does this.
    Block(String),
    /// It cannot be seen here what it does.
    Unseen(&'static str),
}

/// Which rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rows {
    /// Those with a value that the script writes out: somebody meant them.
    Named,
    /// Any.
    Any,
}

/// Where a statement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the script: what goes away is judged by the rules.
    Script,
    /// In a block.
    Block,
}

/// A statement of a script, and what it may do.
pub(super) struct Statement {
    pub(super) range: Range<usize>,
    pub(super) effects: Vec<Effect>,
}

/// What the script's statements may do, in their order; those that are harmless are left out.
pub(super) fn effects(script: &Script) -> Vec<Statement> {
    let found = if script.text.len() > crate::script::LARGE {
        let each = script.statements.iter().map(|statement| {
            let range = statement.range.clone();
            let text = &script.text[range.clone()];
            let effects =
                if is_plain_data(text) { Vec::new() } else { of_text(text, Place::Script) };
            Statement { range, effects }
        });
        each.collect()
    } else if script.unparsable.is_some() {
        whole(script)
    } else {
        let each = || of_script(&script.text);
        catch_unwind(AssertUnwindSafe(each)).unwrap_or_else(|_| whole(script))
    };
    found.into_iter().filter(|statement| !statement.effects.is_empty()).collect()
}

/// A script that the parser does not know may do anything.
fn whole(script: &Script) -> Vec<Statement> {
    let all = script.statements.first().zip(script.statements.last());
    let Some((first, last)) = all else { return Vec::new() };
    let range = first.range.start..last.range.end;
    vec![Statement { range, effects: vec![Effect::Unseen("what the parser does not know")] }]
}

fn of_script(text: &str) -> Vec<Statement> {
    let each = SourceFile::parse(text).tree().stmts().map(|statement| {
        let range = statement.syntax().text_range();
        Statement {
            range: usize::from(range.start())..usize::from(range.end()),
            effects: sorted(kind::of(&statement, Place::Script)),
        }
    });
    each.collect()
}

/// What the statements of a text may do that stands by itself.
fn of_text(text: &str, place: Place) -> Vec<Effect> {
    let read = || {
        let parse = SourceFile::parse(text);
        if !parse.errors().is_empty() {
            return None;
        }
        Some(parse.tree().stmts().flat_map(|one| kind::of(&one, place)).collect::<Vec<_>>())
    };
    let unknown = || vec![Effect::Unseen("what the parser does not know")];
    sorted(catch_unwind(AssertUnwindSafe(read)).ok().flatten().unwrap_or_else(unknown))
}

/// What a function of this text may do.
pub(super) fn of_function(language: &str, text: &str) -> Vec<Effect> {
    // One that was written as a statement (`BEGIN ATOMIC`) has no text.
    if text.trim().is_empty() {
        return vec![Effect::Block("is not understood".to_owned())];
    }
    match language {
        "plpgsql" => sorted(block::of_body(text)),
        "sql" => of_text(text, Place::Block),
        _ => vec![Effect::Block("is not understood".to_owned())],
    }
}

/// The functions that a statement calls and that may do anything.
pub(super) fn calls_in(text: &str) -> Vec<String> {
    let read = || {
        let tree = SourceFile::parse(text).tree();
        tree.stmts().flat_map(|one| query::calls(one.syntax())).collect::<Vec<_>>()
    };
    let calls = catch_unwind(AssertUnwindSafe(read)).unwrap_or_default();
    let name = |effect| match effect {
        Effect::Calls(name) => Some(name),
        Effect::Deletes { .. }
        | Effect::Overwrites { .. }
        | Effect::Block(_)
        | Effect::Unseen(_) => None,
    };
    calls.into_iter().filter_map(name).collect()
}

/// The text of a literal, with quotes or dollars around it.
pub(super) fn quoted(literal: &str) -> Option<String> {
    block::body(literal)
}

fn sorted(mut effects: Vec<Effect>) -> Vec<Effect> {
    effects.sort();
    effects.dedup();
    effects
}

/// `INSERT … VALUES` of literals, many of them perhaps: a tree of it would take fifty times the text.
fn is_plain_data(text: &str) -> bool {
    let all = words(text, 0..text.len());
    let mut statements = all.split(|word| word.is(";")).filter(|words| !words.is_empty());
    statements.all(|words| {
        let mut reader = Reader::new(words);
        if !reader.eat("INSERT INTO") || reader.name().is_none() {
            return false;
        }
        let Some(values) = reader.left.iter().position(|word| word.is("VALUES")) else {
            return false;
        };
        let literal = |word: &super::words::Word<'_>| match word.kind {
            WordKind::Literal | WordKind::Symbol => true,
            WordKind::Bare => ["NULL", "TRUE", "FALSE", "DEFAULT"].iter().any(|one| word.is(one)),
            WordKind::Quoted => false,
        };
        // The columns before, nothing but literals behind.
        let (before, behind) = reader.left.split_at(values);
        let names = |word: &super::words::Word<'_>| !word.is("SELECT") && !word.is("WITH");
        before.iter().all(names) && behind[1..].iter().all(literal)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sql: &str) -> Vec<Effect> {
        effects(&Script::parse(sql)).into_iter().flat_map(|one| one.effects).collect()
    }

    fn parts(table: &str) -> Vec<String> {
        table.split('.').map(str::to_owned).collect()
    }

    fn deletes(table: &str) -> Effect {
        Effect::Deletes { table: parts(table), rows: Rows::Any }
    }

    fn overwrites(table: &str, columns: &[&str]) -> Effect {
        let columns = columns.iter().map(ToString::to_string).collect();
        Effect::Overwrites { table: parts(table), columns }
    }

    #[test]
    fn what_takes_rows_or_values_away_is_known() {
        for (sql, effect) in [
            ("DELETE FROM users", deletes("users")),
            ("DELETE FROM ONLY app.users u USING x WHERE true", deletes("app.users")),
            ("DELETE FROM db.public.\"Users\" WHERE id > 0", deletes("db.public.Users")),
            ("WITH d AS (DELETE FROM users RETURNING *) SELECT count(*) FROM d", deletes("users")),
            (
                "WITH d AS (DELETE FROM users RETURNING *) INSERT INTO a SELECT * FROM d",
                deletes("users"),
            ),
            ("EXPLAIN ANALYZE DELETE FROM users", deletes("users")),
            (
                "CREATE TABLE a AS WITH d AS (DELETE FROM users RETURNING *) SELECT * FROM d",
                deletes("users"),
            ),
            ("COPY (DELETE FROM users RETURNING *) TO STDOUT", deletes("users")),
            (
                "MERGE INTO users u USING (SELECT 1) o ON true WHEN MATCHED THEN DELETE",
                deletes("users"),
            ),
            (
                "MERGE INTO users u USING o ON true WHEN MATCHED THEN UPDATE SET a = 1, b = o.b",
                overwrites("users", &["a", "b"]),
            ),
            ("UPDATE users SET email = NULL", overwrites("users", &["email"])),
            ("UPDATE users u SET (a, b) = (1, 2)", overwrites("users", &[])),
            ("UPDATE users SET a = 1, b = 2 WHERE a IS NULL", overwrites("users", &["b"])),
            ("UPDATE users SET a = 1 WHERE a IS NULL OR b", overwrites("users", &["a"])),
            ("UPDATE users SET a = 1 WHERE NOT (a IS NULL)", overwrites("users", &["a"])),
            (
                "WITH u AS (UPDATE users SET a = 1 RETURNING 1) SELECT 1 FROM u",
                overwrites("users", &["a"]),
            ),
            (
                "INSERT INTO users (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 1",
                overwrites("users", &["b"]),
            ),
            ("SELECT z()", Effect::Calls("z".into())),
            ("SELECT * FROM app.z()", Effect::Calls("app.z".into())),
            ("SELECT 1 WHERE EXISTS (SELECT * FROM t WHERE \"Z\"(a))", Effect::Calls("Z".into())),
            ("INSERT INTO t SELECT z(1)", Effect::Calls("z".into())),
            ("ALTER TABLE t ADD COLUMN a int DEFAULT z()", Effect::Calls("z".into())),
            ("ALTER TABLE t ALTER COLUMN a TYPE int USING z(a)", Effect::Calls("z".into())),
            ("CALL p()", Effect::Unseen("CALL")),
            ("EXECUTE plan", Effect::Unseen("EXECUTE")),
            ("COPY t FROM PROGRAM 'x'", Effect::Unseen("COPY with a program")),
            ("ALTER TYPE pair DROP ATTRIBUTE a", Effect::Unseen("a change of a composite type")),
            ("DROP COLLATION c CASCADE", Effect::Unseen("DROP … CASCADE")),
            ("LOAD 'x'", Effect::Unseen("LOAD")),
            ("FROBNICATE ALL", Effect::Unseen("what the parser does not know")),
        ] {
            assert_eq!(of(sql), [effect], "{sql}");
        }
    }

    #[test]
    fn rows_are_named_by_values_that_are_written_out() {
        for (filter, rows) in [
            ("id = 1", Rows::Named),
            ("u.kind = 'x' AND id > 0", Rows::Named),
            ("kind IN ('a', 'b')", Rows::Named),
            ("id > 0", Rows::Any),
            ("true", Rows::Any),
            ("1 = 1", Rows::Any),
            ("id = 1 OR true", Rows::Any),
            ("id = other", Rows::Any),
            ("id IN (SELECT id FROM t)", Rows::Any),
            ("NOT id = 1", Rows::Any),
        ] {
            let found = of(&format!("DELETE FROM users u WHERE {filter}"));
            assert_eq!(found, [Effect::Deletes { table: parts("users"), rows }], "{filter}");
        }
    }

    #[test]
    fn what_only_adds_is_harmless() {
        for sql in [
            "SELECT 1",
            "SELECT count(*), lower(a), now(), pg_catalog.set_config('search_path', '', false) FROM t WHERE EXISTS (SELECT 1)",
            "SELECT setval('s', coalesce((SELECT max(id) FROM t), 1))",
            "INSERT INTO t (a, b) VALUES (1, gen_random_uuid()) ON CONFLICT DO NOTHING",
            "INSERT INTO t (a) SELECT a FROM u WHERE a IN (1, 2) RETURNING a",
            "UPDATE t SET a = 1 WHERE a IS NULL AND b > 1",
            "UPDATE t x SET \"A\" = 1, b = now() WHERE x.\"A\" IS NULL AND x.b IS NULL",
            "MERGE INTO t USING u ON t.a = u.a WHEN NOT MATCHED THEN INSERT (a) VALUES (u.a)",
            "CREATE TABLE t (a int DEFAULT z())",
            "CREATE FUNCTION z() RETURNS void LANGUAGE sql AS 'DELETE FROM users'",
            "CREATE VIEW v AS SELECT z()",
            "CREATE INDEX i ON t (lower(a))",
            "CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\"",
            "ALTER TABLE t ADD COLUMN a uuid DEFAULT gen_random_uuid(), ADD CHECK (char_length(b) > 0)",
            "DROP VIEW v CASCADE",
            "GRANT SELECT ON t TO a; COMMENT ON TABLE t IS 'x'; SET lock_timeout = '1s'; ANALYZE t;",
            "PREPARE p AS DELETE FROM users",
        ] {
            assert_eq!(of(sql), [], "{sql}");
        }
    }

    #[test]
    fn a_large_script_is_judged_statement_by_statement() {
        let rows = "INSERT INTO t (a, b) VALUES (1, 'x'), (-2, NULL);\n".repeat(90_000);
        assert_eq!(of(&rows), []);
        let calls = "INSERT INTO t VALUES (z());\n";
        assert_eq!(of(&format!("{rows}{calls}")), [Effect::Calls("z".into())]);
        let after = format!(
            "{rows}DELETE FROM t;\nINSERT INTO t VALUES (1) ON CONFLICT DO UPDATE SET a = 1;"
        );
        assert!(of(&after).contains(&deletes("t")));
    }
}
