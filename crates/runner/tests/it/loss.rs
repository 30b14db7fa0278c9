//! What may lose data calls for a backup, and is asked about by the check.

use crate::support::{Ended, World, finish, search_path};

/// A table with rows, and what other sessions made by hand.
const BEFORE: &str = "\
CREATE TABLE users (id serial PRIMARY KEY, email text, name varchar(50), total numeric(10,2));
INSERT INTO users (email, name, total) SELECT 'a' || g, repeat('n', 40), 1.55 FROM generate_series(1, 30) g;
CREATE TABLE parents (id int); CREATE TABLE children (b int) INHERITS (parents); INSERT INTO children VALUES (1, 2);
CREATE TABLE keys (id int PRIMARY KEY); CREATE TABLE held (id int REFERENCES keys); INSERT INTO held VALUES (NULL);
CREATE VIEW people AS SELECT * FROM users; CREATE SCHEMA app; CREATE TABLE app.logs AS SELECT 1 AS id;
CREATE TABLE hand AS SELECT 1 AS id; CREATE DOMAIN mail AS text; CREATE TABLE letters (a mail, b int); INSERT INTO letters VALUES ('a', 1);";

/// What no script tells: functions behind things.
const BY_HAND: &str = "\
CREATE FUNCTION purge() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM users; RETURN NEW; END $$;
CREATE FUNCTION row_purge() RETURNS int LANGUAGE sql AS 'DELETE FROM users; SELECT 1';
CREATE TABLE inbox (a int); CREATE TRIGGER purge AFTER INSERT ON inbox FOR EACH ROW EXECUTE FUNCTION purge();
CREATE TABLE defaulted (a int, b int DEFAULT row_purge()); CREATE TABLE checked (a int CHECK (row_purge() >= a));
CREATE VIEW looks AS SELECT row_purge() AS a; CREATE VIEW looks_again AS SELECT * FROM looks; CREATE DOMAIN positive AS int CHECK (row_purge() <= VALUE);
CREATE FUNCTION same(int, int) RETURNS bool LANGUAGE sql AS 'SELECT row_purge() = 1'; CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = same);
CREATE TYPE pair AS (a int, b int); CREATE FUNCTION first(pair) RETURNS int LANGUAGE sql AS 'SELECT row_purge()'; CREATE CAST (pair AS int) WITH FUNCTION first(pair);
CREATE TABLE parted (a int) PARTITION BY LIST (a); CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TRIGGER purge AFTER INSERT ON parted_1 FOR EACH ROW EXECUTE FUNCTION purge();
CREATE TABLE audit (a int); CREATE TABLE noted (a int, at timestamptz); CREATE TABLE forwarded (a int);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit VALUES (NEW.a); RETURN NULL; END $$;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.at = now(); RETURN NEW; END $$;
CREATE FUNCTION forward() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO inbox VALUES (NEW.a); RETURN NULL; END $$;
CREATE TRIGGER note AFTER INSERT ON noted FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON noted FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER forward AFTER INSERT ON forwarded FOR EACH ROW EXECUTE FUNCTION forward();";

async fn deploy(world: &World, arguments: &[&str]) -> Ended {
    let arguments = [&["deploy", "--keep-before", "loss", "--backup-command"], arguments].concat();
    let mut command = world.command(&arguments);
    command.env("PATH", search_path());
    finish(command.spawn().unwrap()).await
}

async fn world(scripts: &[&str]) -> World {
    let world = World::new().await;
    world.migration("1_before", BEFORE);
    world.deploy().await.succeeded();
    world.sql(BY_HAND).await;
    for (number, script) in scripts.iter().enumerate() {
        world.migration(&format!("2_{number}"), script);
    }
    world
}

#[tokio::test]
async fn a_backup_is_made_and_the_check_asks_before_rows_or_values_go() {
    let mut wrong = Vec::new();
    for scripts in [
        &["DELETE FROM users WHERE true;"][..],
        &["WITH d AS (DELETE FROM users RETURNING *) SELECT count(*) FROM d;"],
        &["UPDATE users SET email = NULL;"],
        &["ALTER TABLE users ALTER COLUMN name TYPE varchar(10) USING left(name, 10);"],
        &["ALTER TABLE users ALTER COLUMN total TYPE numeric(10,0);"],
        &["DO $$ BEGIN DROP TABLE users CASCADE; END $$;"],
        &["CREATE FUNCTION z() RETURNS void LANGUAGE sql AS 'DELETE FROM users'; SELECT z();"],
        &["ALTER TABLE users RENAME TO old; DROP TABLE old CASCADE;"],
        &["ALTER TABLE users RENAME TO old;", "DROP TABLE old CASCADE;"],
        &["SET search_path TO app; DROP TABLE logs;"],
        &["ALTER SCHEMA app RENAME TO past;", "DROP TABLE past.logs;"],
        &["DELETE FROM parents;"],
        &["DROP TABLE parents CASCADE;"],
        &["TRUNCATE keys CASCADE;"],
        &["DELETE FROM people WHERE id > 0;"],
        &["CREATE TABLE IF NOT EXISTS hand (id int); DROP TABLE hand;"],
        &["DROP DOMAIN mail CASCADE;"],
        &["DROP OWNED BY CURRENT_USER;"],
        // By functions that no statement names.
        &["INSERT INTO inbox VALUES (1);"],
        &["DO $$ BEGIN INSERT INTO inbox VALUES (1); END $$;"],
        &["INSERT INTO forwarded VALUES (1);"],
        &["INSERT INTO parted VALUES (1);"],
        &["INSERT INTO defaulted (a) VALUES (1);"],
        &["INSERT INTO checked VALUES (1);"],
        &["SELECT a FROM looks_again;"],
        &["CREATE TABLE t AS SELECT a FROM looks;"],
        &["SELECT 1 === 2;"],
        &["CREATE TABLE t (a int); INSERT INTO t SELECT (1, 2)::pair::int;"],
        &["CREATE TABLE t (a positive); INSERT INTO t VALUES (1);"],
        &["ALTER TABLE noted ADD COLUMN b int; UPDATE noted SET b = 1;"],
        &[
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM users; RETURN NEW; END $$; \
           CREATE TRIGGER f AFTER INSERT ON keys FOR EACH ROW EXECUTE FUNCTION f();",
            "INSERT INTO keys VALUES (9);",
        ],
        &["CREATE TABLE t (a int DEFAULT row_purge());", "INSERT INTO t DEFAULT VALUES;"],
        // Under a name that the database does not know yet.
        &["CREATE VIEW v AS SELECT * FROM users; DELETE FROM v WHERE true;"],
        &["CREATE VIEW v AS SELECT * FROM users;", "UPDATE v SET email = NULL;"],
        &[
            "CREATE TABLE p (id int) PARTITION BY LIST (id); ALTER TABLE p ATTACH PARTITION app.logs DEFAULT; DROP TABLE p;",
        ],
        &["CREATE TABLE p (id int); ALTER TABLE hand INHERIT p; DELETE FROM p WHERE true;"],
        &["DO $$ BEGIN ALTER TABLE users RENAME TO old; END $$; DROP TABLE old CASCADE;"],
        &[
            "DO $$ BEGIN ALTER TABLE users RENAME TO old; END $$;",
            "DROP TABLE IF EXISTS old CASCADE;",
        ],
        &["ALTER VIEW people RENAME TO p2; DELETE FROM p2;"],
        &[
            "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE ft (a int) SERVER s;",
            "DELETE FROM ft;",
        ],
        &["CREATE EXTENSION IF NOT EXISTS plpgsql; DROP EXTENSION plpgsql;"],
    ] {
        let world = world(scripts).await;
        let (kept, asked) = (world.path("kept"), world.path("asked"));
        let stopped = deploy(&world, &[&format!("touch {asked}"), "--check"]).await;
        if stopped.code != 14 {
            wrong.push(format!("{scripts:?}: the check let it through ({})", stopped.code));
            continue;
        }
        if std::path::Path::new(&asked).exists() {
            wrong.push(format!("{scripts:?}: a backup of what is stopped anyway"));
        }
        // A backup that fails stops before anything is changed, so this costs no rows.
        let backup = format!("sh -c \"touch {kept}; exit 3\"");
        let ended = deploy(&world, &[&backup]).await;
        if ended.code != 14 || !std::path::Path::new(&kept).exists() {
            wrong.push(format!("{scripts:?}: no backup was made ({})", ended.code));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn what_takes_nothing_away_needs_no_backup_and_passes_the_check() {
    let mut wrong = Vec::new();
    for scripts in [
        &[
            "CREATE TABLE t (id int); INSERT INTO t VALUES (1); UPDATE t SET id = 2; DELETE FROM t; DROP TABLE t;",
        ][..],
        &["SELECT * INTO t FROM users; DELETE FROM t WHERE id > 1;"],
        &["CREATE TABLE t (id int);", "ALTER TABLE t RENAME TO u; DROP TABLE u;"],
        &["DELETE FROM keys;"],
        &["ALTER TABLE users ADD COLUMN a int; UPDATE users SET a = id;"],
        &["UPDATE users SET email = '' WHERE email IS NULL;"],
        &["INSERT INTO users (email) VALUES ('x') ON CONFLICT DO NOTHING;"],
        &[
            "DO $$ BEGIN CREATE TYPE mood AS ENUM ('a'); EXCEPTION WHEN duplicate_object THEN null; END $$;",
        ],
        &["INSERT INTO noted (a) VALUES (1); CREATE INDEX noted_a ON noted (a);"],
        &["ALTER TABLE inbox ADD COLUMN b int; CREATE TABLE t (a int); INSERT INTO t VALUES (1);"],
    ] {
        let world = world(scripts).await;
        let kept = world.path("kept");
        let ended = deploy(&world, &[&format!("touch {kept}"), "--check"]).await;
        if ended.code != 0 || std::path::Path::new(&kept).exists() {
            wrong.push(format!("{scripts:?}: {} {}", ended.code, ended.stdout));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
