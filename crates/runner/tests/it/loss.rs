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
