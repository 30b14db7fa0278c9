//! `check` on real repositories.

use crate::changes::git;
use crate::shown::schema::Closed;
use crate::support::binary::{Ended, Invocation};
use crate::support::real::{Database, runner};
use serde_json::Value;
use std::path::PathBuf;

const INIT: &str = "20260101000000_init";

/// A repository whose main branch has two migrations, and a branch `topic` that is checked out.
struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    fn new() -> Self {
        let new = Self { folder: tempfile::tempdir().unwrap() };
        git(new.folder.path(), &["init", "-q", "-b", "main"]);
        new.migration(
            INIT,
            "CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL, age int);\n",
        );
        new.migration("20260201000000_add_posts", "CREATE TABLE posts (id int PRIMARY KEY);\n");
        new.write("migrations/migration_lock.toml", "provider = \"postgresql\"\n");
        new.commit();
        git(new.folder.path(), &["checkout", "-q", "-b", "topic"]);
        new
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join("prisma").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn migration(&self, name: &str, sql: &str) {
        self.write(&format!("migrations/{name}/migration.sql"), sql);
    }

    fn directory(&self, name: &str) -> PathBuf {
        self.folder.path().join("prisma/migrations").join(name)
    }

    fn commit(&self) {
        git(self.folder.path(), &["add", "-A"]);
        git(self.folder.path(), &["commit", "-q", "-m", "x"]);
    }

    async fn check(&self, arguments: &[&str]) -> Ended {
        let directory = self.directory("");
        let directory = directory.to_str().unwrap();
        Invocation::new("http://127.0.0.1:9", &[&["check", directory], arguments].concat())
            .with("PATH", "/usr/local/bin:/usr/bin:/bin")
            .with("HTTPS_PROXY", "http://proxy")
            .with("GITHUB_WORKSPACE", self.folder.path().to_str().unwrap())
            .run()
            .await
    }

    /// Names of the findings, with `*` for those that block.
    async fn names(&self, arguments: &[&str]) -> (i32, Vec<String>) {
        let ended = self.check(&[arguments, &["--output", "json"]].concat()).await;
        Closed::read().holds_text("check", &ended.out);
        let lines: Vec<Value> =
            ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let names = lines.iter().filter(|line| line["type"] == "finding").map(|line| {
            let star = if line["level"] == "block" { "*" } else { "" };
            format!("{star}{}:{}", line["rule"].as_str().unwrap(), line["object"].as_str().unwrap())
        });
        (ended.code, names.collect())
    }
}

#[tokio::test]
async fn a_branch_that_only_adds_is_green() {
    let repository = Repository::new();
    repository.migration("20260301000000_add_nick", "ALTER TABLE users ADD COLUMN nick text;");
    let ended = repository.check(&["--base", "main"]).await;
    assert_eq!(
        (ended.code, ended.out.trim()),
        (0, "OK: nothing found in 1 of 3 new"),
        "{}",
        ended.err
    );
}

#[tokio::test]
async fn what_may_not_change_in_a_history_is_found() {
    let repository = Repository::new();
    repository.migration(INIT, "CREATE TABLE users (id bigint);");
    let (from, to) = ("20260201000000_add_posts", "20260201000001_add_posts");
    std::fs::rename(repository.directory(from), repository.directory(to)).unwrap();
    repository.migration("20260115000000_changes", "SELECT 1;");
    let expected = [
        "*edited-migration:20260101000000_init",
        "name-says-nothing:20260115000000_changes",
        "*out-of-order-migration:20260115000000_changes",
        "*renamed-migration:20260201000001_add_posts",
    ];
    // Committed or not.
    assert_eq!(
        repository.names(&["--base", "main"]).await,
        (14, expected.map(str::to_owned).into())
    );
    repository.commit();
    assert_eq!(repository.names(&["--base", "main"]).await.1, expected);
    std::fs::remove_dir_all(repository.directory(INIT)).unwrap();
    let (_, names) = repository.names(&["--base", "main"]).await;
    assert_eq!(names[0], "*deleted-migration:20260101000000_init");
}

#[tokio::test]
async fn hazards_are_graded_and_the_team_says_what_blocks() {
    let repository = Repository::new();
    repository.migration(
        "20260301000000_tidy_users",
        "-- ecs-migrate: allow=drop-column:users.age reason=\"unused since 4.2\"\n\
         ALTER TABLE users DROP COLUMN age;\nCREATE INDEX i ON users (email);\n",
    );
    let names = ["drop-column:users.age", "*create-index:i"].map(str::to_owned);
    assert_eq!(repository.names(&["--base", "main"]).await, (14, names.to_vec()));
    let shown = repository.check(&["--base", "main"]).await;
    assert!(shown.out.contains("migration.sql:3:1\n"), "{}", shown.out);
    assert!(shown.out.contains("allowed: unused since 4.2"), "{}", shown.out);
    assert!(
        shown.out.ends_with("BLOCKED: 1 finding blocks in 1 of 3 new; 1 more to look at\n"),
        "{}",
        shown.out
    );
    let config = repository.folder.path().join("ecs-migrate.toml");
    std::fs::write(&config, "[check]\nblocks = \"advice\"\n").unwrap();
    let config = config.to_str().unwrap();
    let names = ["drop-column:users.age", "create-index:i"].map(str::to_owned);
    assert_eq!(
        repository.names(&["--base", "main", "--config", config]).await,
        (0, names.to_vec())
    );
}

#[tokio::test]
async fn github_shows_findings_on_their_lines_and_code_scanning_gets_sarif() {
    let repository = Repository::new();
    repository.migration(
        "20260301000000_drop_age",
        "-- why, ::error::x\nALTER TABLE users DROP COLUMN \"a,b\";",
    );
    let sarif = repository.folder.path().join("out.sarif");
    let ended = repository
        .check(&["--base", "main", "--output", "github", "--sarif", sarif.to_str().unwrap()])
        .await;
    assert_eq!(ended.code, 14, "{}", ended.everything());
    let line = ended.out.lines().find(|line| line.starts_with("::error file=")).unwrap();
    // GitHub knows files by their way from the checkout's root, wherever the step works.
    let file = "prisma/migrations/20260301000000_drop_age/migration.sql";
    let expected = "::error file=prisma/migrations/20260301000000_drop_age/migration.sql,line=2,col=1,title=drop-column%3A loses data%2C breaks the running API::`users.a,b` is gone";
    assert!(line.starts_with(expected), "{line}");
    let sarif: Value = serde_json::from_str(&std::fs::read_to_string(sarif).unwrap()).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!((&sarif["version"], &result["ruleId"]), (&"2.1.0".into(), &"drop-column".into()));
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(sarif["runs"][0]["tool"]["driver"]["rules"][index]["id"], "drop-column");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(
        (&place["artifactLocation"]["uri"], &place["region"]["startLine"]),
        (&file.into(), &2.into())
    );
}

#[tokio::test]
async fn a_checkout_in_a_folder_of_the_workspace_has_its_own_top() {
    let repository = Repository::new();
    repository.migration("20260301000000_drop_age", "ALTER TABLE users DROP COLUMN age;");
    let directory = repository.directory("");
    let sarif = repository.folder.path().join("out.sarif");
    let arguments = ["check", directory.to_str().unwrap(), "--base", "main"];
    let more = ["--output", "github", "--sarif", sarif.to_str().unwrap()];
    let ended = Invocation::new("http://127.0.0.1:9", &[&arguments[..], &more].concat())
        .with("PATH", "/usr/local/bin:/usr/bin:/bin")
        .with("GITHUB_WORKSPACE", repository.folder.path().parent().unwrap().to_str().unwrap())
        .run()
        .await;
    let file = "prisma/migrations/20260301000000_drop_age/migration.sql";
    let expected = format!("::error file={file},line=1,");
    assert!(ended.out.contains(&expected), "{}", ended.everything());
    let sarif = std::fs::read_to_string(sarif).unwrap();
    assert!(sarif.contains(&format!("\"uri\":\"{file}\"")), "{sarif}");
}

#[tokio::test]
async fn bad_input_gets_a_sentence() {
    let repository = Repository::new();
    let nowhere = repository.check(&["--base", "nope"]).await;
    assert_eq!(nowhere.code, 2, "{}", nowhere.everything());
    assert!(
        nowhere.err.contains("cannot compare with nope: there is no commit nope here"),
        "{}",
        nowhere.err
    );
    let alone = repository.check(&[]).await;
    assert_eq!(alone.code, 0, "{}", alone.everything());
    assert!(alone.out.contains("[skip]    the history was compared with nothing"), "{}", alone.out);
    repository.write("migrations/migration_lock.toml", "provider = \"mysql\"\n");
    assert_eq!(
        repository.names(&["--base", "main"]).await,
        (14, vec!["*migration-lock:file".to_owned()])
    );
    let missing = Invocation::new("http://127.0.0.1:9", &["check", "nowhere"]).run().await;
    assert!(missing.code == 2 && missing.err.contains("no directory `nowhere`"), "{}", missing.err);
    let unsaid = Invocation::new("http://127.0.0.1:9", &["check"]).run().await;
    assert!(
        unsaid.code == 2 && unsaid.err.contains("no directory of migrations here"),
        "{}",
        unsaid.err
    );
}

#[tokio::test]
async fn everything_is_replayed_and_held_against_the_schema() {
    let Some(database) = Database::fresh().await else { return };
    runner().await;
    let repository = Repository::new();
    repository.migration("20260301000000_add_nick", "ALTER TABLE users ADD COLUMN nick text;");
    let replay = ["--base", "main", "--replay", &database.url];
    let ended = repository.check(&replay).await;
    assert_eq!(ended.code, 0, "{}", ended.everything());
    assert!(
        ended.out.contains("[skip]    the result was not compared with schema.prisma: there is no"),
        "{}",
        ended.out
    );
    // Whatever stands for Prisma's CLI: it is asked with the scratch database, and 2 is a difference.
    repository.write("schema.prisma", "");
    repository.write("../node_modules/prisma/package.json", "{\"version\": \"7.1.0\"}");
    let prisma = "../node_modules/.bin/prisma";
    repository.write(
        prisma,
        "#!/bin/sh\necho \"$@\" >&2\ncase $DATABASE_URL in *scratch*) exit 2;; esac\n",
    );
    let file = repository.folder.path().join("node_modules/.bin/prisma");
    std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    assert_eq!(
        repository.names(&replay).await,
        (14, vec!["*schema-differs:schema.prisma".to_owned()])
    );
    repository.write(prisma, "#!/bin/sh\necho \"no engine: $HTTPS_PROXY\" >&2; exit 1\n");
    let broken = repository.check(&replay).await;
    assert_eq!(broken.code, 2, "{}", broken.everything());
    assert!(broken.err.contains("with schema.prisma: no engine: http://proxy"), "{}", broken.err);
    repository
        .migration("20260301000000_add_nick", "SELECT 1;\nALTER TABLE nope ADD COLUMN nick text;");
    let ended = repository.check(&replay).await;
    assert_eq!(ended.code, 14, "{}", ended.everything());
    assert!(ended.out.contains("20260301000000_add_nick/migration.sql:2:1\n"), "{}", ended.out);
    assert!(ended.out.contains("\"nope\" does not exist"), "{}", ended.out);
    let wrong = repository
        .check(&[
            "--base",
            "main",
            "--replay",
            "postgresql://u:hunter2@127.0.0.1:1/x?connect_timeout=1",
        ])
        .await;
    assert_eq!(wrong.code, 2, "{}", wrong.everything());
    assert!(!wrong.everything().contains("hunter2"), "{}", wrong.everything());
    // The runner was found, so what it says to do is what helps.
    assert!(wrong.err.contains("is the database, or the port forward"), "{}", wrong.everything());
    let left = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(database.ask(left).await, "0");
}
