//! Whether a script can be one transaction.

use super::parse::Parsed;
use super::{Class, Form, Statement, TRANSACTION_OFF, line_at};
use squawk_lexer::{TokenKind, tokenize};
use std::ops::Range;

/// Decides from the statements alone; what fails in a transaction for reasons that cannot be seen
/// here is rolled back whole by the server, and the message then offers the directive.
pub(super) fn form(text: &str, parsed: &Parsed, transaction_off: bool) -> Form {
    let statements = parsed.statements.as_slice();
    if let Some(refused) = refused(text, parsed) {
        return refused;
    }
    if transaction_off {
        return by_units(statements, format!("the file says `{TRANSACTION_OFF}`"));
    }
    let sent = inside_own_transaction(statements).unwrap_or(0..statements.len());
    match reason(text, &statements[sent.clone()]) {
        None => Form::Transaction { sent },
        Some(reason) => by_units(statements, reason),
    }
}

/// What cannot run at all.
fn refused(text: &str, parsed: &Parsed) -> Option<Form> {
    let refuse = |reason: &str, hint: &str, line| {
        Some(Form::Refused { reason: reason.into(), hint: hint.into(), line })
    };
    if let Some(at) = text.find('\0') {
        return refuse(
            "the script has a NUL character, which no text of PostgreSQL can have",
            "save the file as UTF-8: an editor may have saved it as UTF-16",
            line_at(text, at),
        );
    }
    if let Some(copy) = parsed.statements.iter().find(|s| s.class == Class::CopyByClient) {
        let comes = text[copy.range.clone()].to_ascii_lowercase().contains("stdin");
        return if comes {
            refuse(
                "COPY FROM STDIN has nobody to send the rows",
                "write the rows as INSERT statements",
                copy.line,
            )
        } else {
            refuse(
                "COPY TO STDOUT has nobody to take the rows",
                "leave it out: a migration shows nothing to anybody",
                copy.line,
            )
        };
    }
    if let Some(copy) = parsed.statements.iter().find(|s| copies_out(text, s)) {
        return refuse(
            "COPY TO STDOUT has nobody to send its rows to",
            "leave it out, or copy into a table",
            copy.line,
        );
    }
    if let Some(mode) = parsed.statements.iter().find(|s| s.class == Class::ReadOnly) {
        return refuse(
            "a read-only transaction changes nothing, and cannot record that it ran",
            "leave out READ ONLY",
            mode.line,
        );
    }
    if parsed.unparsable.is_some()
        && let Some(line) = text.lines().position(meta_command)
    {
        return refuse(
            "the script has a psql command, which only psql understands",
            "leave out the lines that start with a backslash",
            u32::try_from(line + 1).unwrap_or(u32::MAX),
        );
    }
    if let Some(chained) = parsed.statements.iter().find(|s| chains(text, s)) {
        return refuse(
            "AND CHAIN begins a transaction that nothing in the script shows",
            "write COMMIT and BEGIN as statements of their own",
            chained.line,
        );
    }
    let mut open = None;
    for statement in &parsed.statements {
        match statement.class {
            Class::Begin { .. } => open = Some(statement.line),
            Class::Commit { .. } | Class::Rollback => open = None,
            Class::Ordinary
            | Class::Data
            | Class::Setting
            | Class::TransactionMode
            | Class::ReadOnly
            | Class::Opaque
            | Class::Alone(_)
            | Class::ConcurrentIndex { .. }
            | Class::ConcurrentDrop { .. }
            | Class::EnumValue { .. }
            | Class::CreateEnum { .. }
            | Class::CopyByClient => {}
        }
    }
    refuse(
        "the script begins a transaction and never commits it, so all of it would be lost",
        "add COMMIT, or leave out BEGIN: a migration is one transaction anyway",
        open?,
    )
}

/// `COPY … TO STDOUT`; a literal or a quoted name is one token.
fn copies_out(text: &str, statement: &Statement) -> bool {
    let text = &text[statement.range.clone()];
    // Most statements are something else.
    if !text.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("copy")) {
        return false;
    }
    let (mut at, mut words) = (0, Vec::new());
    for token in tokenize(text) {
        let start = at;
        at += usize::try_from(token.len).unwrap_or(0);
        if token.kind == TokenKind::Ident {
            words.push(text[start..at].to_ascii_lowercase());
        }
    }
    words.windows(2).any(|pair| pair == ["to", "stdout"])
}

fn chains(text: &str, statement: &Statement) -> bool {
    let ends = matches!(statement.class, Class::Commit { .. } | Class::Rollback);
    let words = text[statement.range.clone()].to_ascii_uppercase();
    let words: Vec<&str> = words.split_ascii_whitespace().collect();
    ends && words.windows(2).any(|pair| pair == ["AND", "CHAIN"])
}

/// `\connect`, `\i file`, `\.`: a backslash at the start of a line is no SQL.
fn meta_command(line: &str) -> bool {
    line.trim_start().starts_with('\\')
}

/// The statements inside `BEGIN; … COMMIT;`, if that is the whole script: the pair then says what
/// holds anyway, and without it the history row can be part of the transaction.
fn inside_own_transaction(statements: &[Statement]) -> Option<Range<usize>> {
    let [first, inside @ .., last] = statements else {
        return None;
    };
    let own = |s: &Statement| {
        matches!(s.class, Class::Begin { .. } | Class::Commit { .. } | Class::Rollback)
    };
    (first.class == Class::Begin { plain: true }
        && last.class == Class::Commit { plain: true }
        && !inside.iter().any(own))
    .then_some(1..statements.len() - 1)
}

/// Why these statements cannot be one transaction.
fn reason(text: &str, statements: &[Statement]) -> Option<String> {
    statements.iter().enumerate().find_map(|(at, statement)| match &statement.class {
        Class::Alone(words) => Some(format!("line {}: {words} cannot run in a transaction", statement.line)),
        Class::ConcurrentIndex { .. } => {
            Some(format!("line {}: CREATE INDEX CONCURRENTLY cannot run in a transaction", statement.line))
        }
        Class::ConcurrentDrop { .. } => {
            Some(format!("line {}: DROP INDEX CONCURRENTLY cannot run in a transaction", statement.line))
        }
        Class::Begin { .. } | Class::Commit { .. } | Class::Rollback => {
            Some(format!("line {}: the script has transactions of its own", statement.line))
        }
        Class::EnumValue { type_name, value } => {
            let made_here = statements[..at].iter().any(
                |earlier| matches!(&earlier.class, Class::CreateEnum { type_name: made } if made == type_name),
            );
            let used = statements[at + 1..].iter().find(|later| {
                !matches!(later.class, Class::EnumValue { .. })
                    && text[later.range.clone()].contains(value.as_str())
            });
            match used {
                Some(used) if !made_here => {
                    Some(format!("line {}: the new enum value {value} is used in the same file", used.line))
                }
                Some(_) | None => None,
            }
        }
        Class::Ordinary | Class::Data | Class::Setting | Class::TransactionMode | Class::ReadOnly | Class::Opaque | Class::CreateEnum { .. } | Class::CopyByClient => None,
    })
}

/// Each statement by itself, but what the script makes a transaction as one.
pub(super) fn by_units(statements: &[Statement], reason: String) -> Form {
    let mut units = Vec::new();
    let mut begun = None;
    for (at, statement) in statements.iter().enumerate() {
        match (begun, &statement.class) {
            (None, Class::Begin { .. }) => begun = Some(at),
            (Some(first), Class::Commit { .. } | Class::Rollback) => {
                units.push(first..at + 1);
                begun = None;
            }
            (Some(_), _) => {}
            (None, _) => units.push(at..at + 1),
        }
    }
    Form::Statements { reason, units }
}

#[cfg(test)]
mod tests {
    use super::super::{Script, line_at};
    use super::*;

    fn forms(text: &str) -> Form {
        Script::parse(text).form
    }

    #[test]
    fn ordinary_scripts_are_one_transaction() {
        for (text, count) in [
            ("", 0),
            ("-- nothing; here\n", 0),
            (";;", 0),
            ("CREATE TABLE a(b int); INSERT INTO a VALUES (1);", 2),
            ("DO $$ BEGIN PERFORM 1; PERFORM 2; END $$;", 1),
            (
                "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$; -- a; b\nSELECT 1",
                2,
            ),
            ("ALTER TYPE t ADD VALUE 'x'; ALTER TYPE t ADD VALUE 'y';", 2),
            (
                "CREATE TYPE t AS ENUM ('a'); ALTER TYPE t ADD VALUE 'x'; CREATE TABLE u(v t DEFAULT 'x')",
                3,
            ),
            ("SAVEPOINT s; ROLLBACK TO SAVEPOINT s;", 2),
            ("DISCARD TEMP; CLUSTER t; ALTER DATABASE d SET search_path = app;", 3),
            ("CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (connect = false);", 1),
            ("INSERT INTO a VALUES (E'\\\\;', 'it''s;', $q$;$q$)", 1),
            ("\u{feff}SELECT 1;\r\nSELECT 2;\r\n", 2),
        ] {
            let script = Script::parse(text);
            assert_eq!(script.unparsable, None, "{text}");
            assert_eq!(script.form, Form::Transaction { sent: 0..count }, "{text}");
        }
    }

    #[test]
    fn a_pair_around_everything_is_left_out() {
        assert_eq!(
            forms("BEGIN;\nSELECT 1;\nSELECT 2;\nCOMMIT;"),
            Form::Transaction { sent: 1..3 }
        );
        assert_eq!(forms("start transaction; select 1; end;"), Form::Transaction { sent: 1..2 });
    }

    #[test]
    fn what_cannot_be_one_transaction_runs_by_units() {
        for (text, count, word) in [
            ("CREATE INDEX CONCURRENTLY i ON t (a);", 1, "CREATE INDEX CONCURRENTLY"),
            ("SELECT 1; DROP INDEX CONCURRENTLY i;", 2, "DROP INDEX CONCURRENTLY"),
            ("REINDEX INDEX CONCURRENTLY i;", 1, "REINDEX"),
            ("REINDEX (CONCURRENTLY) TABLE t;", 1, "REINDEX"),
            ("ALTER TABLE p DETACH PARTITION q CONCURRENTLY;", 1, "DETACH"),
            ("VACUUM t; SELECT 1;", 2, "VACUUM"),
            ("DISCARD ALL;", 1, "DISCARD ALL"),
            ("ALTER DATABASE d SET TABLESPACE t;", 1, "SET TABLESPACE"),
            ("CLUSTER;", 1, "CLUSTER"),
            ("CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p;", 1, "CREATE SUBSCRIPTION"),
            ("SELECT pg_create_logical_replication_slot('s', 'pgoutput');", 1, "replication slots"),
            ("ALTER TYPE t ADD VALUE 'x'; UPDATE a SET b = 'x';", 2, "'x'"),
            (
                "BEGIN; SELECT 1; COMMIT; SELECT 2; BEGIN; SELECT 3; SELECT 4; COMMIT;",
                3,
                "of its own",
            ),
            ("BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT 1; COMMIT;", 1, "of its own"),
            ("-- ecs-migrate: transaction=off\n\nSELECT 1; SELECT 2;", 2, "transaction=off"),
        ] {
            let Form::Statements { reason, units } = forms(text) else {
                panic!("{text}: {:?}", forms(text))
            };
            assert_eq!(units.len(), count, "{text}: {units:?}");
            assert!(reason.contains(word), "{text}: {reason}");
        }
    }

    #[test]
    fn the_directive_counts_only_at_the_top() {
        assert!(matches!(
            forms("SELECT 1;\n-- ecs-migrate: transaction=off\n"),
            Form::Transaction { .. }
        ));
    }

    #[test]
    fn what_must_not_run_is_refused_with_its_line() {
        for (text, line, word) in [
            ("SELECT 1;\nCOPY t FROM STDIN;", 2, "COPY"),
            ("SELECT 1;\nCOPY (SELECT 1) TO STDOUT WITH CSV;", 2, "COPY TO STDOUT"),
            ("SELECT 1;\nSELECT '\0';", 2, "NUL"),
            ("S\0E\0L\0E\0C\0T\0 \x001\0;\0", 1, "NUL"),
            ("\n\\connect other\nSELECT 1;", 2, "psql"),
            ("SELECT 1;\n\nBEGIN;\nSELECT 2;", 3, "never commits"),
            ("SET TRANSACTION READ ONLY;\nSELECT 1;", 1, "read-only"),
            ("SELECT 1;\nBEGIN READ ONLY;\nSELECT 1;\nCOMMIT;", 2, "read-only"),
        ] {
            let Form::Refused { line: found, reason, .. } = forms(text) else {
                panic!("{text}: {:?}", forms(text))
            };
            assert_eq!(found, line, "{text}");
            assert!(reason.contains(word), "{text}: {reason}");
        }
    }

    #[test]
    fn what_the_parser_does_not_know_is_sent_whole() {
        let script = Script::parse("\n  FROBNICATE ALL THE TABLES; SELECT 1;\n");
        assert!(script.unparsable.is_some());
        assert_eq!(script.form, Form::Transaction { sent: 0..1 });
        assert_eq!(script.text_of(&script.statements[0]), "FROBNICATE ALL THE TABLES; SELECT 1;");
        assert_eq!(script.statements[0].line, 2);
    }

    #[test]
    fn statements_know_their_lines_and_lose_their_semicolons() {
        let script =
            Script::parse("-- first\nSELECT 1 ;\n\n/* second */ SELECT\n 2;\nSELECT 'ä;';");
        let found: Vec<(u32, &str)> =
            script.statements.iter().map(|s| (s.line, script.text_of(s))).collect();
        assert_eq!(found, [(2, "SELECT 1"), (4, "SELECT\n 2"), (6, "SELECT 'ä;'")]);
    }

    #[test]
    fn an_index_knows_its_name_and_table() {
        let script = Script::parse(
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"I x\" ON app.\"T\" (a);",
        );
        assert_eq!(
            script.statements[0].class,
            Class::ConcurrentIndex { index: Some("\"I x\"".into()), table: "app.\"T\"".into() }
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken_apart_without_a_panic(text in "[ -~\\n'\";$éÄ]{0,120}") {
            let script = Script::parse(&text);
            for statement in &script.statements {
                let _text = script.text_of(statement);
            }
            let _line = line_at(&text, text.len());
        }
    }
}
