//! Owns what a script may leave in its session, as far as its words prove it: taking everything back costs
//! a fifth of a small migration. PURE.

use super::{Class, Script};
use squawk_lexer::{TokenKind, tokenize};

/// What a script may leave in its session when its transaction is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaves {
    /// Nothing but what the session knows of sequences, unless a function does that is not the
    /// server's own.
    Sequences,
    /// Anything: settings, roles, temporary objects, what new sessions begin with.
    Anything,
}

/// Statements that change the catalog or rows, and nothing of the session.
const CHANGES_NO_SESSION: [&[&str]; 16] = [
    &["CREATE", "TABLE"],
    &["CREATE", "INDEX"],
    &["CREATE", "UNIQUE", "INDEX"],
    &["CREATE", "TYPE"],
    &["CREATE", "SEQUENCE"],
    &["ALTER", "TABLE"],
    &["ALTER", "INDEX"],
    &["ALTER", "TYPE"],
    &["ALTER", "SEQUENCE"],
    &["DROP", "TABLE"],
    &["DROP", "INDEX"],
    &["DROP", "TYPE"],
    &["COMMENT", "ON"],
    &["INSERT", "INTO"],
    &["UPDATE"],
    &["DELETE", "FROM"],
];

/// In the names of the server's own functions that change the session, or run a text that may, and of
/// what is temporary. All of the first are VOLATILE (`pg_proc`), and most begin with `pg_`.
const NAMES: [&str; 7] =
    ["temp", "set_config", "setseed", "to_xml", "ts_rewrite", "ts_stat", "binary_upgrade"];

/// What it may leave.
pub(super) fn of(script: &Script) -> Leaves {
    let proved = script.unparsable.is_none()
        && script.statements.iter().all(|statement| match statement.class {
            Class::Ordinary | Class::Data | Class::EnumValue { .. } | Class::CreateEnum { .. } => {
                is_proved(script.text_of(statement))
            }
            Class::Begin { plain: true } | Class::Commit { plain: true } => true,
            Class::Setting
            | Class::TransactionMode
            | Class::ReadOnly
            | Class::Opaque
            | Class::Alone(_)
            | Class::ConcurrentIndex { .. }
            | Class::ConcurrentDrop { .. }
            | Class::Begin { plain: false }
            | Class::Commit { plain: false }
            | Class::Rollback
            | Class::CopyByClient => false,
        });
    if proved { Leaves::Sequences } else { Leaves::Anything }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "no other token is a name")]
fn is_proved(statement: &str) -> bool {
    let mut at = 0;
    let mut first: Vec<String> = Vec::new();
    for token in tokenize(statement) {
        let start = at;
        at += usize::try_from(token.len).unwrap_or(0);
        match token.kind {
            TokenKind::Ident | TokenKind::QuotedIdent { .. } => {
                // With an escape in it a name could be any.
                let name = statement[start..at].trim_matches('"').to_ascii_lowercase();
                let may = name.starts_with("pg_") || name.contains('\\');
                if may || NAMES.iter().any(|word| name.contains(word)) {
                    return false;
                }
                if first.len() < 3 {
                    first.push(name.to_ascii_uppercase());
                }
            }
            _ => {}
        }
    }
    let begins =
        |words: &[&str]| words.iter().zip(&first).filter(|(a, b)| a == b).count() == words.len();
    CHANGES_NO_SESSION.iter().any(|words| begins(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_proved_leaves_nothing() {
        for sql in [
            "CREATE TABLE \"t\" (\"id\" SERIAL PRIMARY KEY, \"name\" TEXT DEFAULT now());\nINSERT INTO t VALUES (nextval('s'));",
            "BEGIN; ALTER TABLE t ADD COLUMN a int, DROP b; CREATE UNIQUE INDEX \"i\" ON t (a); COMMIT;",
            "-- a comment; SET x\nUPDATE t SET a = 'SET ROLE'; DELETE FROM t WHERE a = 1; COMMENT ON TABLE t IS 'temp';",
            "CREATE TYPE mood AS ENUM ('a'); ALTER TYPE mood RENAME TO m; DROP TABLE t CASCADE; DROP INDEX i; DROP TYPE m;",
        ] {
            assert_eq!(Script::parse(sql).leaves(), Leaves::Sequences, "{sql}");
        }
        for sql in [
            "SET search_path = a",
            "RESET ALL",
            "SELECT 1",
            "CREATE TEMP TABLE t(a int)",
            "CREATE LOCAL TEMPORARY TABLE t(a int)",
            "CREATE TABLE pg_temp.t(a int)",
            "CREATE TABLE \"pg_temp\".t(a int)",
            "CREATE TABLE U&\"\\0070g_temp\".t(a int)",
            "INSERT INTO t VALUES (set_config('a.b', 'c', false))",
            "INSERT INTO t VALUES (\"set_config\"('a.b', 'c', false))",
            "INSERT INTO t VALUES (pg_catalog.set_config('a.b', 'c', false))",
            "DELETE FROM t WHERE pg_advisory_lock(1) IS NULL",
            "UPDATE t SET a = query_to_xml('SELECT 1', true, true, '')",
            "CREATE INDEX CONCURRENTLY i ON t(a)",
            "WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x",
            "DO $$ BEGIN END $$",
            "CALL p()",
            "ALTER DATABASE d SET search_path = a",
            "ALTER ROLE r SET search_path = a",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE EXTENSION x",
            "LISTEN c",
            "PREPARE p AS SELECT 1",
            "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
            "FROBNICATE",
            "CREATE TABLE t(a int); SET x = 1; INSERT INTO t VALUES (1)",
        ] {
            assert_eq!(Script::parse(sql).leaves(), Leaves::Anything, "{sql}");
        }
    }
}
