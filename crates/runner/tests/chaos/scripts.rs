//! The migrations of a round: every way of running, and everything that can be left behind.

/// A role that scripts take on, one that they become, and a login that begins as the owner of everything.
pub(crate) const ROLES: &str = "CREATE ROLE chaos_owner; CREATE ROLE chaos_user IN ROLE chaos_owner; \
     CREATE ROLE chaos_login LOGIN SUPERUSER; ALTER ROLE chaos_login SET role = postgres";

/// What some statements need of the server; it is restarted behind them.
pub(crate) const SETTINGS: [&str; 2] =
    ["ALTER SYSTEM SET wal_level = logical", "ALTER SYSTEM SET max_prepared_transactions = 5"];

/// Each leaves a number, so that a repetition shows.
const ALWAYS: &[(&str, &str)] = &[
    (
        "01_table",
        "CREATE TABLE done(n int, id int GENERATED ALWAYS AS IDENTITY); INSERT INTO done VALUES (1);\n\
         CREATE SCHEMA app; CREATE TABLE app.t(a int); CREATE TABLE public.t(a int);\n\
         GRANT ALL ON SCHEMA app, public TO chaos_owner, chaos_user; GRANT ALL ON done, app.t, public.t TO chaos_owner;",
    ),
    ("02_insert", "INSERT INTO done SELECT 2 FROM pg_sleep(0.02);"),
    ("03_index", "CREATE INDEX CONCURRENTLY by_n ON done(n);"),
    (
        "04_mixed",
        "INSERT INTO done VALUES (4);\nCREATE UNIQUE INDEX CONCURRENTLY by_id ON done(id);\nINSERT INTO done VALUES (4);",
    ),
    (
        "05_own",
        "BEGIN; INSERT INTO done VALUES (5); COMMIT; BEGIN; INSERT INTO done VALUES (5); COMMIT;",
    ),
    ("06_block", "DO $$ BEGIN PERFORM pg_sleep(0.02); INSERT INTO done VALUES (6); END $$;"),
    ("07_last", "INSERT INTO done VALUES (7); DROP INDEX CONCURRENTLY by_n;"),
    // Which `t` is meant depends on what the unit before it set.
    (
        "08_path",
        "BEGIN; SET search_path = app; INSERT INTO t VALUES (1); COMMIT;\n\
         CREATE INDEX CONCURRENTLY t_a ON t(a);\nINSERT INTO t VALUES (2);\n\
         BEGIN; SET LOCAL search_path = public; INSERT INTO t VALUES (1); COMMIT;\nINSERT INTO t VALUES (3);\n\
         SELECT set_config('search_path', 'public', false);\nINSERT INTO t VALUES (2);\nVACUUM t;\nINSERT INTO t VALUES (3);",
    ),
    (
        "09_role",
        "SET ROLE chaos_owner;\nCREATE TABLE app.owned(a int);\nVACUUM app.owned;\n\
         BEGIN; SET SESSION AUTHORIZATION DEFAULT; SET SESSION AUTHORIZATION chaos_user; CREATE TABLE app.used(a int); COMMIT;\n\
         VACUUM app.used;\nINSERT INTO app.used VALUES (1);\nRESET SESSION AUTHORIZATION;\nINSERT INTO done VALUES (9);",
    ),
    (
        "10_leaves_much",
        "CREATE TEMP TABLE t(a int); INSERT INTO t VALUES (99); PREPARE p AS SELECT 1; LISTEN c; SET work_mem = '7MB';\n\
         SELECT pg_advisory_unlock_all(); INSERT INTO done VALUES (10);",
    ),
    (
        "11_finds_nothing",
        "INSERT INTO t VALUES (4); INSERT INTO done SELECT 11 WHERE current_setting('work_mem') <> '7MB'; PREPARE p AS SELECT 2;",
    ),
    (
        "12_alone",
        "CREATE INDEX CONCURRENTLY ON done(n);\nREINDEX TABLE CONCURRENTLY done;\nVACUUM done;\n\
         INSERT INTO done VALUES (12);\nDROP INDEX CONCURRENTLY by_id;\nDISCARD ALL;\nINSERT INTO done VALUES (12);",
    ),
    (
        "13_server",
        "CREATE DATABASE chaos_other;\nSELECT pg_create_physical_replication_slot('chaos');\nINSERT INTO done VALUES (13);\n\
         DROP DATABASE chaos_other;\nSELECT pg_drop_replication_slot('chaos');\nINSERT INTO done VALUES (13);",
    ),
    (
        "14_off",
        "-- ecs-migrate: transaction=off\nCREATE TABLE parts(a int) PARTITION BY RANGE(a);\n\
         CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (9);\nCREATE INDEX parts_a ON parts(a);\n\
         REINDEX TABLE parts;\nINSERT INTO parts VALUES (1);\nDO $$ BEGIN INSERT INTO done VALUES (14); END $$;\nSELECT count(*) FROM parts;",
    ),
    ("15_enum", "CREATE TYPE mood AS ENUM ('a');\nCREATE TABLE moods(m mood);"),
    ("16_value", "ALTER TYPE mood ADD VALUE 'b';\nINSERT INTO moods VALUES ('b');"),
    (
        "17_defaults",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = app, public', current_database()); END $$;\n\
         CREATE TABLE placed_early(a int);",
    ),
    (
        "18_defaulted",
        "CREATE TABLE placed(a int); INSERT INTO t VALUES (4); INSERT INTO done VALUES (18);",
    ),
];

/// From PostgreSQL 14 on.
const DETACH: (&str, &str) = (
    "19_detach",
    "ALTER TABLE parts DETACH PARTITION parts_1 CONCURRENTLY;\nINSERT INTO parts_1 VALUES (2);",
);

/// Behind it, on every version.
const AFTER: &[(&str, &str)] = &[
    (
        "20_prepared",
        "BEGIN; INSERT INTO done VALUES (20); PREPARE TRANSACTION 'chaos';\nVACUUM done;\nCOMMIT PREPARED 'chaos';\n\
         INSERT INTO done VALUES (20);",
    ),
    (
        "21_logical",
        "SELECT pg_create_logical_replication_slot('chaos_l', 'pgoutput');\nINSERT INTO done VALUES (21);\n\
         SELECT pg_drop_replication_slot('chaos_l');\nINSERT INTO done VALUES (21);",
    ),
    (
        "22_subscription",
        "CREATE SUBSCRIPTION chaos CONNECTION 'host=nowhere' PUBLICATION a WITH (connect = false, slot_name = NONE);\nVACUUM done;\n\
         ALTER SUBSCRIPTION chaos SET PUBLICATION b WITH (refresh = false);\nINSERT INTO done VALUES (22);\n\
         DROP SUBSCRIPTION chaos;\nINSERT INTO done VALUES (22);",
    ),
    (
        "23_calls",
        "CREATE PROCEDURE notes(n int) LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.done VALUES (n); PERFORM set_config('app.noted', n::text, false); END $$;\n\
         CALL notes(23);\nVACUUM done;\nINSERT INTO done SELECT current_setting('app.noted')::int;\n\
         BEGIN; CREATE TEMP TABLE helper(a int) ON COMMIT DROP; INSERT INTO helper VALUES (23); INSERT INTO done SELECT a FROM helper; COMMIT;\n\
         REINDEX TABLE CONCURRENTLY done;\nINSERT INTO done SELECT current_setting('app.noted')::int;",
    ),
];

/// From PostgreSQL 15 on: a tablespace that needs no folder of its own.
const TABLESPACE: (&str, &str) = (
    "24_tablespace",
    "SET allow_in_place_tablespaces = on;\nCREATE TABLESPACE chaos_space LOCATION '';\nINSERT INTO done VALUES (24);\n\
     DROP TABLESPACE chaos_space;\nINSERT INTO done VALUES (24);",
);

/// The migrations that a server of this major version knows.
pub(crate) fn known_to(major: u32) -> Vec<(&'static str, &'static str)> {
    let detach = (major >= 14).then_some(DETACH);
    let tablespace = (major >= 15).then_some(TABLESPACE);
    let always = ALWAYS.iter().copied().chain(detach);
    always.chain(AFTER.iter().copied()).chain(tablespace).collect()
}
