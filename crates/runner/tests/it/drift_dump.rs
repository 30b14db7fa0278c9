//! Drift sees what a dump sees, each kind of object.

use crate::check::says;
use crate::drift::differences;
use crate::support::World;
use protocol::event::Finding;

/// What the migrations make.
const MADE: &str = "
CREATE TABLE a(id int PRIMARY KEY, t text, u text, n int);
CREATE INDEX a_t ON a(t); CREATE UNIQUE INDEX a_u ON a(id, t);
CREATE TABLE parts(id int, v int) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (20) TO (30);
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN word AS text CONSTRAINT lower CHECK (VALUE = lower(VALUE));
CREATE FUNCTION same(int, int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1 = $2';
CREATE FUNCTION first(pair) RETURNS int LANGUAGE sql AS 'SELECT $1.a';
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = same);
CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE SEQUENCE s; CREATE VIEW v AS SELECT id, t FROM a; CREATE RULE quiet AS ON DELETE TO a WHERE OLD.id < 0 DO INSTEAD NOTHING;
CREATE MATERIALIZED VIEW m AS SELECT 1 AS one WITH NO DATA;
CREATE TABLE parents(p int); CREATE TABLE children() INHERITS (parents);
CREATE PUBLICATION told FOR TABLE a;
CREATE FOREIGN DATA WRAPPER far_data; CREATE SERVER far FOREIGN DATA WRAPPER far_data OPTIONS (host 'one');
CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (password 'hunter2');
CREATE FOREIGN TABLE distant(id int) SERVER far OPTIONS (name 'x');
CREATE TEXT SEARCH CONFIGURATION words (COPY = pg_catalog.simple);
CREATE TEXT SEARCH DICTIONARY stems (TEMPLATE = pg_catalog.simple);
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
COMMENT ON TABLE a IS 'mine';
";

/// The oldest version that knows it, a change by hand, and what is said of it.
const CHANGES: &[(u32, &str, &[&str])] = &[
    (
        13,
        "ALTER TABLE a REPLICA IDENTITY FULL",
        &["table public.a: replica identity is `full`, the migrations make `none`"],
    ),
    (
        13,
        "ALTER TABLE a DROP u; ALTER TABLE a DROP n; ALTER TABLE a ADD n int; ALTER TABLE a ADD u text",
        &["table public.a: columns is `id, t, n, u`, the migrations make `id, t, u, n`"],
    ),
    (13, "ALTER TABLE a SET (fillfactor = 70)", &["table public.a: options is `fillfactor=70`"]),
    (13, "COMMENT ON TABLE a IS 'theirs'", &["table public.a: comment is `theirs`"]),
    (13, "COMMENT ON COLUMN a.t IS 'told'", &["column public.a.t: comment is `told`"]),
    (13, "ALTER TABLE a ALTER t SET STATISTICS 7", &["column public.a.t: statistics is `7`"]),
    (13, "ALTER TABLE a ALTER t SET STORAGE EXTERNAL", &["column public.a.t: storage is `e`"]),
    (
        13,
        "ALTER TABLE a ALTER id SET (n_distinct = 5)",
        &["column public.a.id: options is `n_distinct=5`"],
    ),
    (13, "CLUSTER a USING a_t", &["index public.a_t: clustered is `yes`"]),
    (13, "COMMENT ON INDEX a_t IS 'fast'", &["index public.a_t: comment is `fast`"]),
    (
        13,
        "COMMENT ON CONSTRAINT a_pkey ON a IS 'key'",
        &["constraint public.a.a_pkey: comment is `key`"],
    ),
    (
        13,
        "CREATE STATISTICS more ON t, u FROM a",
        &["statistics public.more is only in the database (CREATE STATISTICS"],
    ),
    (13, "ALTER TABLE a DISABLE RULE quiet", &["rule public.a.quiet: state is `disabled`"]),
    (
        13,
        "ALTER TABLE parts DETACH PARTITION parts_1; ALTER TABLE parts ATTACH PARTITION parts_1 FOR VALUES FROM (0) TO (11)",
        &[
            "table public.parts_1: partition is `public.parts FOR VALUES FROM (0) TO (11)`, the migrations make `public.parts FOR VALUES FROM (0) TO (10)`",
        ],
    ),
    (
        13,
        "CREATE INDEX parts_1_v ON parts_1(v)",
        &["index public.parts_1_v is only in the database"],
    ),
    (
        13,
        "ALTER TABLE parts DETACH PARTITION parts_2",
        &[
            "table public.parts_2: partition is `none`, the migrations make `public.parts FOR VALUES FROM (20) TO (30)`",
        ],
    ),
    (
        13,
        "ALTER DOMAIN word RENAME CONSTRAINT lower TO small",
        &["type public.word: checks is `small CHECK"],
    ),
    (13, "COMMENT ON TYPE pair IS 'two'", &["type public.pair: comment is `two`"]),
    (
        13,
        "ALTER OPERATOR === (int, int) SET (RESTRICT = eqsel)",
        &[
            "operator public.===(integer,integer): definition is `public.same(integer,integer) returns boolean restrict eqsel`",
        ],
    ),
    (
        13,
        "CREATE CAST (pair AS int) WITH FUNCTION first(pair)",
        &[
            "cast public.pair as integer is only in the database (explicit public.first(public.pair))",
        ],
    ),
    (13, "CREATE COLLATION other FROM \"C\"", &["collation public.other is only in the database"]),
    (
        13,
        "CREATE DEFAULT CONVERSION turned FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
        &["conversion public.turned is only in the database"],
    ),
    (
        13,
        "CREATE OPERATOR FAMILY fam USING btree",
        &["operator family public.fam using btree is only in the database"],
    ),
    (
        13,
        "DROP AGGREGATE total(int); CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0', PARALLEL = SAFE)",
        &["routine public.total(integer): definition is `aggregate n"],
    ),
    (13, "ALTER SEQUENCE s CACHE 9", &["sequence public.s: cache is `9`"]),
    (13, "ALTER VIEW v ALTER t SET DEFAULT 'x'", &["view public.v: default of t is `'x'::text`"]),
    (
        13,
        "ALTER TABLE children ALTER p SET STATISTICS 3",
        &["column public.children.p: statistics is `3`"],
    ),
    (
        13,
        "ALTER PUBLICATION told ADD TABLE ONLY parents",
        &["publication told: table public.parents is `whole`"],
    ),
    (
        13,
        "ALTER PUBLICATION told SET (publish = 'insert')",
        &["publication told: definition is `insert`"],
    ),
    (
        13,
        "CREATE PUBLICATION all_of_it FOR ALL TABLES",
        &["publication all_of_it is only in the database (all tables"],
    ),
    (
        13,
        "ALTER SERVER far OPTIONS (SET host 'two')",
        &["foreign server far: foreign options differ (their values are not shown)"],
    ),
    (
        13,
        "ALTER USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (SET password 'hunter3')",
        &["user mapping of the current user for far: foreign options differ"],
    ),
    (
        13,
        "ALTER FOREIGN TABLE distant OPTIONS (SET name 'y')",
        &["foreign table public.distant: foreign options differ"],
    ),
    (
        13,
        "ALTER TEXT SEARCH CONFIGURATION words DROP MAPPING FOR email",
        &["text search configuration public.words: dictionaries is"],
    ),
    (
        13,
        "ALTER TEXT SEARCH DICTIONARY stems (accept = false)",
        &["text search dictionary public.stems: options is `accept = 'false'`"],
    ),
    (
        13,
        "CREATE EVENT TRIGGER seen ON ddl_command_end EXECUTE FUNCTION watch(); ALTER EVENT TRIGGER seen DISABLE",
        &["event trigger seen is only in the database"],
    ),
    (14, "ALTER TABLE a ALTER t SET COMPRESSION lz4", &["column public.a.t: compression is `l`"]),
    (
        15,
        "ALTER PUBLICATION told ADD TABLES IN SCHEMA public",
        &["publication told: tables of public is `all`"],
    ),
    (
        18,
        "ALTER TABLE a ADD CONSTRAINT filled NOT NULL n NOT VALID",
        &["column public.a.n: nullability is `not null by filled, not valid`"],
    ),
    (
        18,
        "ALTER TABLE a ADD twice int GENERATED ALWAYS AS (n * 2)",
        &["column public.a.twice is only in the database"],
    ),
];

/// One version of the server: 15.
async fn major(world: &World) -> u32 {
    let number: u32 = world.value("SHOW server_version_num").await.parse().unwrap();
    number / 10_000
}

/// As many as are told.
const AT_ONCE: usize = 14;

#[tokio::test]
async fn each_kind_that_a_dump_sees_is_named() {
    for changes in CHANGES.chunks(AT_ONCE) {
        let world = World::new().await;
        world.migration("1_a", MADE);
        world.deploy().await.succeeded();
        let clean = world.run(&["check", "--drift"]).await;
        assert_eq!(differences(&clean), [""; 0], "{}", clean.stdout);
        let major = major(&world).await;
        let mut wanted: Vec<&str> = Vec::new();
        for (since, change, expected) in changes.iter().filter(|(since, ..)| *since <= major) {
            let done = world.client.batch_execute(change).await;
            // Not every build compresses with lz4.
            if *since == 14 && done.is_err() {
                continue;
            }
            done.unwrap_or_else(|error| panic!("{change}: {error:?}"));
            wanted.extend(*expected);
        }
        let ended = world.run(&["check", "--drift"]).await;
        ended.failed(14);
        let found = differences(&ended);
        for sentence in &wanted {
            assert!(
                found.iter().any(|found| found.starts_with(sentence)),
                "{sentence}: {found:#?}"
            );
        }
        assert_eq!(found.len(), wanted.len(), "{found:#?}");
        assert!(!ended.stdout.contains("hunter"), "{}", ended.stdout);
    }
}

#[tokio::test]
async fn an_extension_that_somebody_dropped_is_told_to_a_baseline_too() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    world.sql("CREATE TABLE a(id int); DROP EXTENSION plpgsql").await;
    let red = world.run(&["resolve", "--baseline", "1_a"]).await;
    assert_eq!(
        red.failed(14).message,
        "the database is not what these migrations make: 1 difference"
    );
    assert!(
        red.stdout.contains("extension plpgsql is only in the migrations (pg_catalog)"),
        "{}",
        red.stdout
    );
    world.sql("CREATE EXTENSION plpgsql").await;
    world.run(&["resolve", "--baseline", "1_a"]).await.succeeded();
}

/// Partitions are made and dropped as time goes by, and a server is tuned: that is said, and stops nothing.
#[tokio::test]
async fn what_comes_and_goes_is_said_and_not_counted() {
    let world = World::new().await;
    world.migration("1_a", MADE);
    world.deploy().await.succeeded();
    world
        .sql(
            "CREATE TABLE parts_3 PARTITION OF parts FOR VALUES FROM (40) TO (50); DROP TABLE parts_2; \
             ALTER TABLE a SET (autovacuum_enabled = off, toast.autovacuum_enabled = off); REFRESH MATERIALIZED VIEW m",
        )
        .await;
    let ended = world.run(&["check", "--drift"]).await;
    ended.succeeded();
    for part in [
        "table public.parts_2 is only in the migrations (public.parts FOR VALUES FROM (20) TO (30))",
        "table public.parts_3 is only in the database",
        "table public.a: autovacuum is `autovacuum_enabled=off, toast.autovacuum_enabled=off`",
        "materialized view public.m: contents is `filled`",
        "what its applied migrations make (1)",
    ] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
}

/// A name that the server cuts.
#[tokio::test]
async fn a_schema_with_a_long_name_is_compared() {
    let world = World::new().await;
    let long = "s".repeat(70);
    let url = format!("{}?schema={long}", world.url);
    let run = async |arguments: &[&str]| {
        let mut command = world.command(arguments);
        crate::support::finish(command.env("DATABASE_URL", &url).spawn().unwrap()).await
    };
    world.migration("1_a", "CREATE TABLE a(id int);");
    run(&["deploy"]).await.succeeded();
    let clean = run(&["check", "--drift"]).await;
    says(&clean, "drift", Finding::Ok, &["what its applied migrations make (1)"]);
    world.sql(&format!("ALTER TABLE {long}.a ADD extra text")).await;
    let ended = run(&["check", "--drift"]).await;
    ended.failed(14);
    assert_eq!(differences(&ended).len(), 1, "{}", ended.stdout);
}
