//! No loss without a finding: random scripts, and an oracle that knows nothing of statements. Every value has a
//! mark of its own; a mark that is nowhere in the database after the script was lost by it.

use crate::random::{Cases, one};
use crate::support::{World, finish, search_path};
use std::collections::BTreeSet;

/// Tables with rows, two of them alike by name.
const BEFORE: &str = "\
CREATE SCHEMA app; CREATE DOMAIN mail AS text; CREATE TYPE mood AS ENUM ('mark_glad'); CREATE TYPE pair AS (a text, b text);
CREATE TABLE users (id int PRIMARY KEY, email text, name varchar(40)); INSERT INTO users SELECT g, 'mark_ue' || g || '_', 'mark_un' || g || '_' FROM generate_series(1, 3) g;
CREATE TABLE app.users (id int, email text); INSERT INTO app.users VALUES (1, 'mark_au1_');
CREATE TABLE logs (id int, email text); CREATE TABLE app.logs (id int, email text); INSERT INTO app.logs VALUES (1, 'mark_al1_');
CREATE TABLE parents (id int, email text); CREATE TABLE children (more text) INHERITS (parents); INSERT INTO children VALUES (1, 'mark_c1_', 'mark_c2_');
CREATE TABLE parted (id int, email text) PARTITION BY LIST (id); CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1); INSERT INTO parted VALUES (1, 'mark_p1_');
CREATE TABLE keys (id int PRIMARY KEY, email text); CREATE TABLE held (id int REFERENCES keys ON DELETE CASCADE, email text);
INSERT INTO held VALUES (NULL, 'mark_h1_');
CREATE TABLE letters (id int, email mail, feel mood, both_of pair); INSERT INTO letters VALUES (1, 'mark_l1_', 'mark_glad', ('mark_l2_', 'mark_l3_'));
CREATE VIEW people AS SELECT id, email FROM users; CREATE VIEW app.people AS SELECT id, email FROM app.users;
CREATE MATERIALIZED VIEW kept AS SELECT 'mark_m1_'::text AS email;";

const TABLES: &[&str] = &[
    "users", "logs", "parents", "children", "parted", "parted_1", "keys", "held", "letters", "t",
    "u", "people", "\"Odd\"",
];
const SCHEMAS: &[&str] = &[
    "",
    "",
    "",
    "public.",
    "app.",
    "pg_temp.",
    "here.public.",
    "here.app.",
    "\"app\".",
    "PUBLIC.",
];

/// Few names meet more often.
const FEW: &[&str] = &["users", "logs", "t"];

fn table(random: &mut fastrand::Rng, names: &[&str]) -> String {
    format!("{}{}", one(random, SCHEMAS), one(random, names))
}

/// What moves names, and makes new ones.
const MOVES: &[&str] = &[
    "ALTER TABLE {a} RENAME TO {n}",
    "ALTER TABLE IF EXISTS {a} RENAME TO {n}",
    "ALTER TABLE {a} SET SCHEMA app",
    "ALTER TABLE {a} SET SCHEMA public",
    "ALTER VIEW {a} RENAME TO {n}",
    "ALTER VIEW {a} SET SCHEMA app",
    "ALTER TABLE {a} RENAME COLUMN email TO mail",
    "ALTER TABLE {a} RENAME mail TO email",
    "ALTER SCHEMA app RENAME TO past",
    "ALTER SCHEMA past RENAME TO app",
    "SET search_path TO app",
    "SET search_path = app, public",
    "SET LOCAL search_path TO app",
    "SET search_path TO pg_temp, app",
    "SELECT set_config('search_path', 'app', false)",
    "SELECT pg_catalog.set_config('search_' || 'path', 'app', true)",
    "SET SCHEMA 'app'",
    "SET ROLE {role}",
    "SET LOCAL ROLE {role}",
    "RESET ROLE",
    "RESET search_path",
    "SET search_path TO DEFAULT",
    "SET search_path TO public",
    "SET search_path TO \"$user\", app",
    "CREATE TABLE {a} (id int, email text)",
    "CREATE TABLE IF NOT EXISTS {a} (id int, email text)",
    "CREATE TEMP TABLE {n} (id int, email text)",
    "CREATE TEMPORARY TABLE {n} ON COMMIT DROP AS SELECT 1 AS id, 'x'::text AS email",
    "CREATE TABLE {a} AS SELECT 1 AS id, 'x'::text AS email",
    "CREATE TABLE IF NOT EXISTS {a} AS SELECT 1 AS id, 'x'::text AS email",
    "SELECT 1 AS id INTO {a}",
    "SELECT 1 AS id INTO TEMP {n}",
    "CREATE VIEW {a} AS SELECT * FROM {b}",
    "CREATE OR REPLACE VIEW {a} AS SELECT id, email FROM {b}",
    "CREATE TEMP VIEW {n} AS SELECT id, email FROM {b}",
    "ALTER TABLE {a} INHERIT {b}",
    "ALTER TABLE {a} NO INHERIT {b}",
    "ALTER TABLE parted DETACH PARTITION parted_1",
    "ALTER TABLE {a} ATTACH PARTITION {b} DEFAULT",
    "CREATE TABLE {a} (id int, email text) PARTITION BY LIST (id)",
    "CREATE TABLE {a} (LIKE {b})",
    "CREATE TABLE {a} () INHERITS ({b})",
    "CREATE TABLE {a} PARTITION OF {b} FOR VALUES IN (7)",
    "ALTER TABLE {a} ADD COLUMN more text",
    "ALTER TABLE {a} ADD COLUMN IF NOT EXISTS email text",
    "ALTER TABLE {a} ADD mail text",
    "CREATE SCHEMA past",
    "CREATE SCHEMA IF NOT EXISTS app",
    "ALTER DOMAIN mail RENAME TO post",
    "ALTER DOMAIN mail SET SCHEMA app",
    "ALTER TYPE mood RENAME TO feeling",
    "CREATE DOMAIN app.mail AS text",
    "CREATE TYPE app.mood AS ENUM ('x')",
    "ALTER TYPE mood SET SCHEMA app",
    "SAVEPOINT s",
    "ROLLBACK TO s",
    "DROP VIEW people",
    "DROP VIEW IF EXISTS {a}",
    "INSERT INTO {a} (id) VALUES (1)",
    "CREATE INDEX ON {a} (id)",
    "LOCK TABLE {a}",
    "COMMENT ON TABLE {a} IS 'x'",
    "CREATE FUNCTION go() RETURNS void LANGUAGE sql AS 'DELETE FROM public.users'",
    "ALTER TABLE {a} ALTER email TYPE text",
    "ALTER TABLE {a} ALTER email SET DEFAULT 'x'",
];

/// What may take something away.
const TAKES: &[&str] = &[
    "DROP TABLE {a}",
    "DROP TABLE {a} CASCADE",
    "DROP TABLE IF EXISTS {a}, {b} CASCADE",
    "DELETE FROM {a}",
    "DELETE FROM ONLY {a} WHERE id > 0",
    "DELETE FROM {a} USING {b} AS z WHERE true",
    "TRUNCATE {a}",
    "TRUNCATE {a} CASCADE",
    "TRUNCATE TABLE ONLY {a}, {b} CASCADE",
    "UPDATE {a} SET email = NULL",
    "UPDATE {a} SET email = 'x' WHERE email IS NOT NULL",
    "UPDATE {a} SET mail = 'x'",
    "UPDATE {a} SET more = NULL",
    "UPDATE {a} SET (id, email) = (1, 'x')",
    "ALTER TABLE {a} DROP COLUMN email",
    "ALTER TABLE {a} DROP COLUMN mail CASCADE",
    "ALTER TABLE {a} DROP email CASCADE",
    "ALTER TABLE {a} DROP COLUMN IF EXISTS more",
    "ALTER TABLE {a} ALTER email TYPE varchar(3) USING left(email, 3)",
    "ALTER TABLE {a} ALTER COLUMN email TYPE text USING 'x'",
    "DROP DOMAIN mail CASCADE",
    "DROP DOMAIN post CASCADE",
    "DROP DOMAIN app.mail CASCADE",
    "DROP TYPE mood CASCADE",
    "DROP TYPE feeling CASCADE",
    "DROP TYPE app.mood CASCADE",
    "DROP TYPE pair CASCADE",
    "DROP SCHEMA app CASCADE",
    "DROP SCHEMA past CASCADE",
    "ALTER TYPE pair DROP ATTRIBUTE b CASCADE",
    "WITH d AS (DELETE FROM {a} RETURNING 1) SELECT * FROM d",
    "WITH d AS (UPDATE {a} SET email = 'x' RETURNING 1) INSERT INTO {b} (id) SELECT 1 FROM d",
    "INSERT INTO {a} (id, email) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET email = 'x'",
    "MERGE INTO {a} AS z USING (SELECT 1) o ON true WHEN MATCHED THEN DELETE",
    "DO $$ BEGIN DELETE FROM {a}; END $$",
    "DO $$ BEGIN EXECUTE 'TRUNCATE {a}'; END $$",
    "SELECT go()",
    "DROP OWNED BY CURRENT_USER CASCADE",
    "CREATE RULE r AS ON INSERT TO {a} DO ALSO DELETE FROM {b}; INSERT INTO {a} (id) VALUES (1)",
    "DROP MATERIALIZED VIEW kept",
    "REFRESH MATERIALIZED VIEW kept WITH NO DATA",
    "CREATE TABLE {a} AS WITH d AS (DELETE FROM {b} RETURNING 1) SELECT * FROM d",
    "EXPLAIN ANALYZE DELETE FROM {a}",
    "PREPARE p AS DELETE FROM {a}; EXECUTE p",
    "DECLARE c CURSOR FOR SELECT * FROM {a}; FETCH c; DELETE FROM {a} WHERE CURRENT OF c",
    "ALTER TABLE {a} ALTER email SET DATA TYPE mood USING NULL",
    "ALTER TABLE {a} ADD CONSTRAINT k FOREIGN KEY (id) REFERENCES {b}; DROP TABLE {b} CASCADE",
];

fn statement(random: &mut fastrand::Rng, (of, names): (&[&str], &[&str]), here: &str) -> String {
    let text = one(random, of).to_owned();
    let text = text.replace("{a}", &table(random, names)).replace("{b}", &table(random, names));
    let text = text.replace("{role}", &format!("{here}_role"));
    text.replace("{n}", one(random, names)).replace("here.", &format!("{here}."))
}

/// Files of statements; the last of them may take something away.
fn files(random: &mut fastrand::Rng, here: &str) -> Vec<Vec<String>> {
    let mut files = vec![Vec::new()];
    let names = one(random, &[TABLES, FEW]);
    for _move in 0..random.usize(..5) {
        let moved = statement(random, (MOVES, names), here);
        files.last_mut().unwrap().push(moved);
        if random.u8(..4) == 0 {
            files.push(Vec::new());
        }
    }
    files.last_mut().unwrap().push(statement(random, (TAKES, names), here));
    files.retain(|file| !file.is_empty());
    files
}

/// Every mark that is in any table.
async fn marks(world: &World) -> BTreeSet<String> {
    let tables = world
        .column(
            "SELECT format('SELECT r::text FROM ONLY %s AS r', c.oid::regclass) FROM pg_class c \
             WHERE relkind = 'r' AND relpersistence <> 't' AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')",
        )
        .await;
    if tables.is_empty() {
        return BTreeSet::new();
    }
    let rows = world.column(&tables.join(" UNION ALL ")).await;
    let all = rows.join(" ");
    all.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("mark_"))
        .map(str::to_owned)
        .collect()
}

/// What the files lose, by the server's own doing in a transaction that is rolled back; none where they fail.
async fn lost(world: &World, files: &[Vec<String>], path: &str) -> Option<Vec<String>> {
    let before = marks(world).await;
    world.sql("BEGIN").await;
    let mut is_done = true;
    for file in files {
        let fresh = format!(
            "CLOSE ALL; DEALLOCATE ALL; DISCARD TEMP; RESET ROLE; RESET ALL; SET search_path = {path}"
        );
        let text = format!("{fresh}; {}", file.join(";\n"));
        is_done = is_done && world.client.batch_execute(&text).await.is_ok();
    }
    let after = if is_done { Some(marks(world).await) } else { None };
    world.sql("ROLLBACK; RESET ROLE; RESET search_path; DEALLOCATE ALL").await;
    let after = after?;
    Some(before.into_iter().filter(|mark| !after.contains(mark)).collect())
}

#[tokio::test]
async fn nothing_is_lost_without_a_finding() {
    let mut judged = 0;
    let mut wrong = Vec::new();
    for (schema, path) in [("", "\"$user\", public"), ("?schema=app", "app")] {
        let world = World::new().await;
        world.migration("1_before", "SELECT 1;");
        world.sql(BEFORE).await;
        // A role with a schema of its own, which comes first in the search path once it is taken on.
        let role = format!("{}_role", world.database);
        world
            .sql(&format!(
                "CREATE ROLE {role} SUPERUSER; CREATE SCHEMA {role}; CREATE TABLE {role}.logs(id int, email text); \
                 INSERT INTO {role}.logs VALUES (1, 'mark_r1_'); CREATE TABLE {role}.t(id int, email text); INSERT INTO {role}.t VALUES (1, 'mark_r2_')"
            ))
            .await;
        let url = format!("{}{schema}", world.url);
        let run = async |arguments: &[&str]| {
            let mut command = world.command(arguments);
            finish(command.env("DATABASE_URL", &url).env("PATH", search_path()).spawn().unwrap())
                .await
        };
        run(&["resolve", "--applied", "1_before", "--force"]).await.succeeded();
        for (seed, mut random) in Cases::new(COUNT) {
            let files = files(&mut random, &world.database);
            let Some(lost) = lost(&world, &files, path).await else { continue };
            if lost.is_empty() {
                continue;
            }
            judged += 1;
            for (number, file) in files.iter().enumerate() {
                world.migration(&format!("2_{number}"), &format!("{};\n", file.join(";\n")));
            }
            // It stops before anything is changed, if it is asked for.
            let backup = ["deploy", "--keep-before", "loss", "--backup-command", "false"];
            let ended = run(&backup).await;
            for number in 0..files.len() {
                world.remove(&format!("2_{number}"));
            }
            if ended.code != 14 {
                wrong
                    .push(format!("seed {seed}{schema}: {files:?} loses {lost:?}: {}", ended.code));
                if ended.code != 0 {
                    wrong.push(ended.stdout);
                }
                break;
            }
        }
        world
            .sql(&format!(
                "DROP OWNED BY {role} CASCADE; DROP SCHEMA {role} CASCADE; DROP ROLE {role}"
            ))
            .await;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(judged > JUDGED, "only {judged} of the scripts lose anything");
}

/// How many scripts are made, for each way to connect.
const COUNT: u64 = 1_000;

/// How many of them must lose something, or this shows nothing.
const JUDGED: u32 = 50;
