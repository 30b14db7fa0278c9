//! Who looks changes nothing: neither a tablespace of the live server nor a file of its machine.

use crate::support::{Ended, World, finish};
use migrations::checksum::checksum;

/// A tablespace and a file, as the server itself sees them.
struct Canary<'a> {
    world: &'a World,
    tablespace: String,
    file: String,
}

impl<'a> Canary<'a> {
    async fn new(world: &'a World) -> Self {
        let tablespace = format!("{}_space", world.database);
        let folder = world.value("SHOW data_directory").await;
        let file = format!("{folder}/{}_file", world.database);
        world.sql("SET allow_in_place_tablespaces = on").await;
        world.sql(&format!("CREATE TABLESPACE {tablespace} LOCATION ''")).await;
        let canary = Self { world, tablespace, file };
        canary.keep().await;
        canary
    }

    /// As it must stay.
    async fn keep(&self) {
        let Self { tablespace, file, .. } = self;
        self.world.sql(&format!("ALTER TABLESPACE {tablespace} SET (random_page_cost = 3)")).await;
        self.world
            .sql(&format!(
                "COMMENT ON TABLESPACE {tablespace} IS 'kept'; COPY (SELECT 'kept') TO '{file}'"
            ))
            .await;
    }

    async fn state(&self) -> String {
        let Self { tablespace, file, .. } = self;
        self.world
            .value(&format!(
                "SELECT concat_ws(' ', (SELECT t::text FROM pg_tablespace t WHERE spcname = '{tablespace}'), (SELECT count(*) FROM pg_tablespace WHERE spcname LIKE '{tablespace}%'), \
                 (SELECT shobj_description(oid, 'pg_tablespace') FROM pg_tablespace WHERE spcname = '{tablespace}'), pg_read_file('{file}'), (SELECT modification FROM pg_stat_file('{file}')), \
                 (SELECT count(*) FROM pg_ls_dir('.') AS f WHERE f LIKE '{}%'))",
                self.world.database
            ))
            .await
    }

    async fn drop(self) {
        self.world.sql(&format!("DROP TABLESPACE {}", self.tablespace)).await;
    }
}

/// A script that was applied once.
async fn applied(world: &World, name: &str, script: &str) {
    world.migration(name, script);
    world
        .sql(&format!(
            "INSERT INTO _prisma_migrations(id, checksum, migration_name, started_at, finished_at, applied_steps_count) \
             VALUES ('{name}', '{}', '{name}', now(), now(), 1)",
            checksum(script)
        ))
        .await;
}

async fn look(world: &World, words: &[&str]) -> Ended {
    finish(world.command(words).spawn().unwrap()).await
}

/// Everything that looks; a deployment looks before it applies.
const LOOKS: &[&[&str]] = &[
    &["status"],
    &["check"],
    &["check", "--drift", "--drift-grants"],
    &["replay"],
    &["deploy", "--on-drift", "warn"],
    &["deploy", "--on-drift", "stop"],
    &["deploy", "--check"],
    &["resolve", "--rolled-back", "9_x"],
    &["resolve", "--applied", "2_b"],
];

/// Whatever writes one, in the open or not.
const WRITES: &[&str] = &[
    "ALTER TABLESPACE {space} SET (random_page_cost = 9);",
    "ALTER TABLESPACE {space} RESET (random_page_cost);",
    "ALTER TABLESPACE {space} RENAME TO {space}_lost;",
    "COMMENT ON TABLESPACE {space} IS 'lost';",
    "GRANT CREATE ON TABLESPACE {space} TO PUBLIC;",
    "DROP TABLESPACE {space};",
    "SET allow_in_place_tablespaces = on;\nCREATE TABLESPACE {space}_2 LOCATION '';",
    "COPY a TO '{file}';",
    "COPY (SELECT 'lost') TO '{file}_2' WITH CSV;",
    "COPY a TO PROGRAM 'echo lost >{file}';",
    "DO $$ BEGIN ALTER TABLESPACE {space} SET (random_page_cost = 9); END $$;",
    "DO $$ BEGIN COPY a TO '{file}'; END $$;",
    "DO $$ BEGIN EXECUTE 'CO' || 'PY a TO ''{file}'''; END $$;",
    "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN COPY a TO '{file}'; END $$;\nSELECT f();",
    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('COPY a TO %L', '{file}'); RETURN NULL; END $$;\n\
     CREATE TRIGGER t AFTER INSERT ON a EXECUTE FUNCTION f();\nINSERT INTO a VALUES (1);",
    "SELECT lo_export(lo_from_bytea(0, 'lost'), '{file}');",
    "PREPARE p AS SELECT lo_export($1, '{file}');\nEXECUTE p(lo_from_bytea(0, 'lost'));",
];

#[tokio::test]
async fn neither_a_tablespace_nor_a_file_is_changed_by_looking() {
    let mut wrong = Vec::new();
    for write in WRITES {
        let world = World::new().await;
        let canary = Canary::new(&world).await;
        world.migration("1_a", "CREATE TABLE a(id int);");
        world.deploy().await.succeeded();
        let script = write.replace("{space}", &canary.tablespace).replace("{file}", &canary.file);
        applied(&world, "2_b", &script).await;
        let before = canary.state().await;
        for words in LOOKS {
            world.migration("3_c", "CREATE TABLE IF NOT EXISTS c(id int);");
            look(&world, words).await;
            let after = canary.state().await;
            if after != before {
                wrong.push(format!("{script} by {words:?}: {before} became {after}"));
                canary.keep().await;
                break;
            }
        }
        // And where there is no history yet.
        world.sql("DROP TABLE _prisma_migrations").await;
        look(&world, &["resolve", "--baseline", "2_b"]).await;
        let after = canary.state().await;
        if after != before {
            wrong.push(format!("{script} by a baseline: {before} became {after}"));
        }
        if wrong.is_empty() {
            canary.drop().await;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
