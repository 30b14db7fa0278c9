//! Which statements may lose data, with what is known of the objects at that point of the script.

use migrations::hazard::{Finding, Grade, Known, Rule, assess};
use migrations::script::Script;

/// What the databases have already.
const BEFORE: &str = "\
CREATE TABLE users (id int PRIMARY KEY, email text, name varchar(50), total numeric(10,2), seen timestamp(6));
CREATE TABLE logs (id int);
CREATE VIEW people AS SELECT id, email FROM users;
CREATE VIEW every AS SELECT * FROM users;";

fn findings(files: &[&str]) -> Vec<Finding> {
    let mut known = Known::default();
    assess(&Script::parse(BEFORE), &mut known);
    known.settle();
    let found = files.iter().flat_map(|sql| assess(&Script::parse(*sql), &mut known));
    found.filter(|one| one.rule != Rule::Style).collect()
}

/// The names of what loses, as an approval says them.
fn losses(files: &[&str]) -> Vec<String> {
    let losing = |finding: &&Finding| finding.grades.contains(&Grade::Loses);
    findings(files).iter().filter(losing).map(Finding::name).collect()
}

#[test]
fn what_is_not_provably_harmless_may_lose() {
    let mut wrong = Vec::new();
    for (sql, expected) in [
        ("DELETE FROM users WHERE true", "delete-rows:users"),
        // Its tables go with it, and what they hold.
        ("DROP EXTENSION postgis", "drop-extension:postgis"),
        ("DROP EXTENSION IF EXISTS postgis RESTRICT", "drop-extension:postgis"),
        ("DELETE FROM users WHERE id > 0", "delete-rows:users"),
        ("DELETE FROM users", "delete-all:users"),
        ("WITH d AS (DELETE FROM users RETURNING *) SELECT count(*) FROM d", "delete-rows:users"),
        (
            "MERGE INTO users u USING (SELECT 1) o ON true WHEN MATCHED THEN DELETE",
            "delete-rows:users",
        ),
        ("UPDATE users SET email = NULL", "overwrite-rows:users"),
        ("UPDATE users SET email = lower(email) WHERE id > 3", "overwrite-rows:users"),
        (
            "INSERT INTO users (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET email = 'x'",
            "overwrite-rows:users",
        ),
        (
            "ALTER TABLE users ALTER COLUMN name TYPE varchar(10) USING left(name, 10)",
            "change-column-type:users.name",
        ),
        (
            "ALTER TABLE users ALTER COLUMN name TYPE varchar(10) USING name::varchar(10)",
            "change-column-type:users.name",
        ),
        (
            "ALTER TABLE users ALTER COLUMN total TYPE numeric(10,0)",
            "change-column-type:users.total",
        ),
        (
            "ALTER TABLE users ALTER COLUMN name TYPE text USING NULL",
            "change-column-type:users.name",
        ),
        ("ALTER TABLE users ALTER COLUMN seen TYPE timestamp(3)", "change-column-type:users.seen"),
        ("ALTER TABLE users ALTER COLUMN seen TYPE date", "change-column-type:users.seen"),
        ("ALTER TABLE other ALTER COLUMN x TYPE int", "change-column-type:other.x"),
        ("DO $$ BEGIN DROP TABLE users; END $$", "opaque-block:"),
        ("DO $$ BEGIN EXECUTE 'DROP TABLE users'; END $$", "opaque-block:"),
        ("DO $$ BEGIN DELETE FROM users; END $$", "delete-rows:users"),
        (
            "CREATE FUNCTION z() RETURNS void LANGUAGE sql AS 'DELETE FROM users'; SELECT z();",
            "opaque-call:z",
        ),
        ("CALL p()", "may-lose:CALL"),
        ("DROP OWNED BY app", "drop-owned:app"),
        ("ALTER TABLE users DISABLE TRIGGER ALL", "disable-trigger:users.all"),
        ("ALTER TABLE users ENABLE REPLICA TRIGGER t", "disable-trigger:users.t"),
        ("CREATE RULE r AS ON INSERT TO users DO INSTEAD NOTHING", "create-rule:users.r"),
        // The rule is on a new table, what it deletes from is not.
        (
            "CREATE TABLE t (id int); CREATE RULE r AS ON INSERT TO t DO ALSO DELETE FROM users;",
            "delete-rows:users",
        ),
        (
            "CREATE TABLE t (id int); CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO logs VALUES (1); UPDATE users SET email = '');",
            "overwrite-rows:users",
        ),
        ("DROP DOMAIN d CASCADE", "drop-domain:d"),
        ("DROP TYPE mood CASCADE", "drop-type:mood"),
        ("DROP FUNCTION f() CASCADE", "may-lose:DROP … CASCADE"),
        ("FROBNICATE users", "may-lose:what the parser does not know"),
        // Objects are what they are at that point of the script.
        ("ALTER TABLE users RENAME TO old; DROP TABLE old;", "drop-table:old"),
        ("ALTER TABLE users SET SCHEMA app; DROP TABLE app.users;", "drop-table:app.users"),
        ("SET search_path TO app; DROP TABLE users;", "drop-table:app.users"),
        ("SET search_path TO app, public; DELETE FROM users WHERE true;", "delete-rows:users"),
        (
            "CREATE TABLE t (id int); SET search_path TO app; DELETE FROM t WHERE true;",
            "delete-rows:app.t",
        ),
        ("DROP TABLE db.public.users", "drop-table:users"),
        ("CREATE TABLE IF NOT EXISTS hand (id int); DROP TABLE hand;", "drop-table:hand"),
        ("CREATE VIEW v AS SELECT * FROM users; DELETE FROM v WHERE true;", "delete-rows:v"),
        (
            "CREATE TABLE p (id int) PARTITION BY LIST (id); ALTER TABLE p ATTACH PARTITION logs DEFAULT; DROP TABLE p;",
            "drop-table:p",
        ),
        (
            "CREATE TABLE p (id int); ALTER TABLE logs INHERIT p; DELETE FROM p WHERE true;",
            "delete-rows:p",
        ),
        (
            "ALTER TABLE users ADD COLUMN a int; UPDATE users SET a = 1, email = '';",
            "overwrite-rows:users",
        ),
    ] {
        let found = losses(&[sql]);
        if found != [expected] {
            wrong.push(format!("{sql}: {found:?}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_as_new_as_the_deployment_loses_nothing() {
    let mut wrong = Vec::new();
    for sql in [
        "CREATE TABLE t (id int); INSERT INTO t VALUES (1); DELETE FROM t; UPDATE t SET id = 2; DROP TABLE t;",
        "CREATE TABLE t AS SELECT * FROM users; DELETE FROM t WHERE id > 1; DROP TABLE t;",
        "SELECT * INTO t FROM users; DELETE FROM t WHERE id > 1; DROP TABLE t;",
        "SELECT id INTO TEMP TABLE t FROM users; UPDATE t SET id = 1; TRUNCATE t;",
        "CREATE TEMP TABLE t (id int); WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d;",
        "SET search_path TO app; CREATE TABLE t (id int); DELETE FROM t WHERE true;",
        "CREATE TABLE t (a text); ALTER TABLE t RENAME TO u; ALTER TABLE u ALTER COLUMN a TYPE int USING 1;",
        "ALTER TABLE users ADD COLUMN a int; UPDATE users SET a = id; UPDATE users SET a = 2 WHERE id = 1;",
        "UPDATE users SET email = '' WHERE email IS NULL",
        "ALTER TABLE users ALTER COLUMN name TYPE varchar(10)",
        "ALTER TABLE users ALTER COLUMN name TYPE text USING name::text",
        "DO $$ BEGIN CREATE TYPE mood AS ENUM ('a'); EXCEPTION WHEN duplicate_object THEN null; END $$",
        "DROP DOMAIN d; DROP VIEW people CASCADE; DROP FUNCTION f();",
        "CREATE TABLE t (id int); CREATE RULE r AS ON UPDATE TO t DO ALSO INSERT INTO logs VALUES (NEW.id);",
        "CREATE TABLE IF NOT EXISTS hand (id int); CREATE INDEX i ON hand (id);",
    ] {
        wrong.extend(losses(&[sql]).into_iter().map(|name| format!("{sql}: {name}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_table_is_followed_from_file_to_file_to_the_name_that_the_database_knows() {
    let found = findings(&[
        "ALTER TABLE users RENAME TO old; CREATE TABLE users (id int);",
        "ALTER TABLE old SET SCHEMA app; DELETE FROM users;",
        "DROP TABLE app.old;",
    ]);
    let dropped = found.iter().find(|one| one.name() == "drop-table:app.old").unwrap();
    assert_eq!(dropped.table.as_deref(), Some("users"));
    assert!(!found.iter().any(|one| one.name().starts_with("delete-all")), "{found:?}");
    let schema = findings(&["ALTER SCHEMA app RENAME TO past", "DROP TABLE past.users"]);
    assert_eq!(schema.last().unwrap().table.as_deref(), Some("app.users"));
    // Nobody can tell which one that is.
    let untold = findings(&["SET search_path TO a, b; DROP TABLE users;"]);
    assert_eq!((untold[0].object.as_str(), untold[0].table.as_deref()), ("users", None));
}

#[test]
fn what_the_running_code_or_its_traffic_meets_is_graded_so() {
    let mut wrong = Vec::new();
    for (sql, expected) in [
        (
            "ALTER TABLE users ALTER COLUMN name TYPE varchar(10)",
            "change-column-type:users.name breaks",
        ),
        ("ALTER TABLE users ALTER COLUMN email SET NOT NULL", "set-not-null:users.email breaks"),
        (
            "ALTER TABLE users ADD COLUMN a int DEFAULT 0; ALTER TABLE users ALTER COLUMN a SET NOT NULL;",
            "set-not-null:users.a blocks",
        ),
        ("ALTER TABLE users ADD COLUMN a int CHECK (a > 0)", "add-check:users.a blocks"),
        ("ALTER TABLE users ADD COLUMN a int UNIQUE", "add-unique:users.a blocks"),
        ("LOCK TABLE users", "lock-table:users blocks"),
        ("LOCK users IN SHARE MODE", "lock-table:users blocks"),
        ("DROP RULE r ON users", "drop-rule:users.r breaks"),
        (
            "DROP VIEW people; CREATE VIEW people AS SELECT id FROM users;",
            "drop-view:people breaks",
        ),
        (
            "DROP VIEW IF EXISTS people; CREATE VIEW people (id) AS SELECT id FROM users;",
            "drop-view:people breaks",
        ),
    ] {
        let found: Vec<String> = findings(&[sql])
            .iter()
            .map(|one| format!("{} {}", one.name(), one.grade().word()))
            .collect();
        if found != [expected] {
            wrong.push(format!("{sql}: {found:?}, not {expected}"));
        }
    }
    for sql in [
        "LOCK TABLE users IN ACCESS SHARE MODE",
        "DROP VIEW people; CREATE VIEW people AS SELECT id, email, name FROM users;",
        "DROP VIEW every; CREATE VIEW every AS SELECT * FROM users;",
    ] {
        wrong.extend(findings(&[sql]).iter().map(|one| format!("{sql}: {}", one.name())));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

proptest::proptest! {
    #[test]
    fn any_text_is_judged_without_a_panic(text in "(DELETE FROM |UPDATE |SET |SELECT |WITH |INTO |DO \\$\\$|\\$\\$|BEGIN |END |IF |THEN |LOOP |FOR |IN |CASE |CREATE VIEW |AS |USING |ALTER TABLE t ALTER a TYPE |::|\\(|\\)|,|\"|t|'|;|\\.|search_path|=|ä| ){0,30}") {
        assess(&Script::parse(text), &mut Known::default());
    }
}
