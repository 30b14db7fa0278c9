//! What a pull request is compared with, by `check` and by `changes`, in real repositories.

use crate::changes::git;
use crate::support::binary::{Ended, Invocation};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const DROP: &str = "ALTER TABLE users DROP COLUMN age;\n";

/// An origin with a branch `main`, on which there is one migration, and a branch `topic`.
struct Origin {
    folder: tempfile::TempDir,
}

impl Origin {
    fn new() -> Self {
        let new = Self { folder: tempfile::tempdir().unwrap() };
        git(new.folder.path(), &["init", "-q", "-b", "main", "origin"]);
        git(&new.path(), &["config", "uploadpack.allowAnySHA1InWant", "true"]);
        new.migration("20260101000000_init", "CREATE TABLE users (id int PRIMARY KEY, age int);\n");
        new.commit();
        git(&new.path(), &["checkout", "-q", "-b", "topic"]);
        new
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("origin")
    }

    fn write(&self, file: &str, text: &str) {
        let file = self.path().join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    fn migration(&self, name: &str, sql: &str) {
        self.write(&format!("prisma/migrations/{name}/migration.sql"), sql);
        self.write("prisma/migrations/migration_lock.toml", "provider = \"postgresql\"\n");
    }

    fn commit(&self) -> String {
        git(&self.path(), &["add", "-A"]);
        git(&self.path(), &["commit", "-q", "--allow-empty", "-m", "x"]);
        self.head()
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(&self.path(), arguments)
    }

    fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// A clone of what is checked out, in a step for a pull request of this base and head.
    fn checkout(&self, depth: &[&str], base: &str, head: &str) -> Checkout {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("file://{}", self.path().display());
        let branch = self.git(&["rev-parse", "--abbrev-ref", "HEAD"]);
        let work = folder.path().join("work");
        let clone = ["clone", "-q", "--no-tags", "--recurse-submodules", "-b", &branch];
        git(folder.path(), &[&clone[..], depth, &[&url, work.to_str().unwrap()]].concat());
        let event = json!({"pull_request": {
            "base": {"sha": base, "ref": "main"}, "head": {"sha": head}
        }});
        std::fs::write(folder.path().join("event.json"), event.to_string()).unwrap();
        Checkout { folder, event: "pull_request", directory: "prisma/migrations" }
    }
}

struct Checkout {
    folder: tempfile::TempDir,
    event: &'static str,
    directory: &'static str,
}

impl Checkout {
    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    async fn run(&self, arguments: &[&str]) -> Ended {
        Invocation::new("http://127.0.0.1:9", arguments)
            .with("PATH", "/usr/local/bin:/usr/bin:/bin")
            .with("GITHUB_EVENT_NAME", self.event)
            .with("GITHUB_EVENT_PATH", self.folder.path().join("event.json").to_str().unwrap())
            .with("GITHUB_REF", "refs/pull/7/merge")
            .run()
            .await
    }

    /// How the check ended, and its findings or its sentence.
    async fn check(&self) -> (i32, String) {
        let directory = self.work().join(self.directory);
        let ended = self.run(&["check", directory.to_str().unwrap(), "--output", "json"]).await;
        let objects: Vec<Value> =
            ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let findings = objects.iter().filter(|object| object["type"] == "finding");
        let mut said: Vec<&str> = findings.filter_map(|found| found["rule"].as_str()).collect();
        let result = objects.last().unwrap();
        if said.is_empty() {
            said.extend(result["sentence"].as_str());
        }
        (ended.code, said.join(" "))
    }

    /// Which parts changed: `x` is a folder, `y` another one.
    async fn changed(&self) -> String {
        let config = self.folder.path().join("ecs-migrate.toml");
        std::fs::write(&config, "[changes]\nx = \"prisma\"\ny = \"elsewhere/lib/**\"\n").unwrap();
        let config = config.to_str().unwrap();
        let work = self.work();
        let place = ["--config", config, "--repository", work.to_str().unwrap()];
        let ended = self.run(&[&["changes"], &place[..]].concat()).await;
        assert_eq!(ended.code, 0, "{}", ended.everything());
        ended.out.lines().last().unwrap().to_owned() + " " + ended.out.lines().nth(2).unwrap()
    }
}

/// Nobody can know, so it must not pass.
async fn red(checkout: &Checkout, words: &str) {
    let (code, said) = checkout.check().await;
    assert_eq!(code, 2, "{said}");
    assert!(said.starts_with("cannot compare with the base of the pull request: "), "{said}");
    assert!(said.contains(words), "{said}");
}

#[tokio::test]
async fn a_head_that_is_a_merge_of_main_is_not_compared_with_itself() {
    let origin = Origin::new();
    origin.migration("20260201000000_drop_age", DROP);
    origin.commit();
    origin.git(&["checkout", "-q", "main"]);
    origin.write("README.md", "more");
    let base = origin.commit();
    origin.git(&["checkout", "-q", "topic"]);
    origin.git(&["merge", "-q", "--no-ff", "-m", "Merge main", "main"]);
    let head = origin.head();
    for depth in [&[][..], &["--depth", "1"]] {
        let checkout = origin.checkout(depth, &base, &head);
        assert_eq!(checkout.check().await, (14, "drop-column".to_owned()));
        assert_eq!(checkout.changed().await, "known=true changed=[\"x\"]");
    }
}

#[tokio::test]
async fn the_merge_that_github_makes_is_compared_with_its_first_parent() {
    let origin = Origin::new();
    origin.migration("20260201000000_drop_age", DROP);
    let head = origin.commit();
    origin.git(&["checkout", "-q", "main"]);
    // The base moved on after the event.
    let base = origin.head();
    origin.migration("20260115000000_of_main", "CREATE TABLE posts (id int PRIMARY KEY);\n");
    origin.commit();
    origin.git(&["checkout", "-q", "-b", "merged"]);
    origin.git(&["merge", "-q", "--no-ff", "-m", "Merge", &head]);
    let checkout = origin.checkout(&["--depth", "1"], &base, &head);
    assert_eq!(checkout.check().await, (14, "drop-column".to_owned()));
    assert_eq!(checkout.changed().await, "known=true changed=[\"x\"]");
}

#[tokio::test]
async fn what_cannot_be_compared_is_red() {
    let origin = Origin::new();
    origin.migration("20260201000000_drop_age", "SELECT 1;");
    let head = origin.commit();
    origin.git(&["checkout", "-q", "main"]);
    origin.write("README.md", "more");
    let base = origin.commit();
    // What `pull_request_target` checks out when nobody says otherwise: the base itself.
    let mut checkout = origin.checkout(&[], &base, &head);
    checkout.event = "pull_request_target";
    red(&checkout, "what is checked out is not the pull request").await;
    assert_eq!(checkout.changed().await, "known=false changed=[\"x\",\"y\"]");
    origin.git(&["checkout", "-q", "topic"]);
    let shallow = origin.checkout(&["--depth", "1"], &base, &head);
    red(&shallow, "set fetch-depth: 0").await;
    assert_eq!(shallow.changed().await, "known=false changed=[\"x\",\"y\"]");
    let nowhere = origin.checkout(&[], &"1".repeat(40), &head);
    red(&nowhere, "origin does not give it").await;
    let unsaid = origin.checkout(&[], "", &head);
    std::fs::write(unsaid.folder.path().join("event.json"), "{}").unwrap();
    red(&unsaid, "the event does not name the base").await;
    std::fs::remove_dir_all(unsaid.work().join(".git")).unwrap();
    red(&unsaid, "not a git repository").await;
}

#[tokio::test]
async fn a_cut_that_hides_nothing_is_deep_enough() {
    let origin = Origin::new();
    let base = origin.head();
    origin.migration("20260201000000_drop_age", DROP);
    origin.commit();
    origin.write("README.md", "more");
    let head = origin.commit();
    let url = format!("file://{}", origin.path().display());
    let checkout = origin.checkout(&["--depth", "3"], &base, &head);
    assert_eq!(checkout.check().await, (14, "drop-column".to_owned()));
    // The base is there, and the way to it is not.
    let cut = origin.checkout(&["--depth", "2"], &base, &head);
    git(&cut.work(), &["fetch", "-q", "--depth=1", &url, &base]);
    red(&cut, "set fetch-depth: 0").await;
}

#[tokio::test]
async fn a_directory_that_moved_is_compared_with_where_it_was() {
    let origin = Origin::new();
    let base = origin.head();
    let to = "apps/[api]/prisma/migrations";
    std::fs::create_dir_all(origin.path().join("apps/[api]/prisma")).unwrap();
    origin.git(&["mv", "prisma/migrations", to]);
    let head = origin.commit();
    let mut moved = origin.checkout(&[], &base, &head);
    moved.directory = to;
    assert_eq!(moved.check().await, (0, "nothing found in 0 of 1 new".to_owned()));
    origin.write(&format!("{to}/20260101000000_init/migration.sql"), "SELECT 1;");
    let head = origin.commit();
    let mut edited = origin.checkout(&[], &base, &head);
    edited.directory = to;
    assert_eq!(edited.check().await, (14, "edited-migration".to_owned()));
}

#[tokio::test]
async fn migrations_in_a_submodule_are_compared_with_what_it_was() {
    let library = Origin::new();
    let library_path = library.path();
    let url = format!("file://{}", library_path.display());
    let origin = Origin::new();
    origin.git(&["submodule", "--quiet", "add", &url, "elsewhere/lib"]);
    let base = origin.commit();
    library.migration("20260201000000_drop_age", DROP);
    library.commit();
    git(&origin.path().join("elsewhere/lib"), &["pull", "-q", "origin", "topic"]);
    // Whoever does not want to see it in `git status`.
    origin.git(&["config", "-f", ".gitmodules", "submodule.elsewhere/lib.ignore", "all"]);
    origin.git(&["add", "-f", ".gitmodules", "elsewhere/lib"]);
    let head = origin.commit();
    let mut checkout = origin.checkout(&[], &base, &head);
    for name in ["diff.relative", "diff.noprefix", "core.quotepath"] {
        git(&checkout.work(), &["config", name, "true"]);
    }
    git(&checkout.work(), &["config", "diff.ignoreSubmodules", "all"]);
    assert_eq!(checkout.changed().await, "known=true changed=[\"y\"]");
    checkout.directory = "elsewhere/lib/prisma/migrations";
    assert_eq!(checkout.check().await, (14, "drop-column".to_owned()));
    // Its files are not here.
    let files = checkout.work().join("elsewhere/lib");
    std::fs::remove_dir_all(&files).unwrap();
    std::fs::create_dir(&files).unwrap();
    checkout.directory = "elsewhere/lib";
    red(&checkout, "elsewhere/lib is a submodule that is not checked out").await;
}

#[tokio::test]
async fn line_ends_and_filters_are_no_edit_and_attributes_hide_none() {
    let origin = Origin::new();
    let base = origin.head();
    origin.write(".gitattributes", "*.sql -diff binary\n");
    let head = origin.commit();
    let checkout = origin.checkout(&[], &base, &head);
    let file = checkout.work().join("prisma/migrations/20260101000000_init/migration.sql");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace('\n', "\r\n")).unwrap();
    assert_eq!(checkout.check().await.0, 0);
    std::fs::write(&file, "SELECT 1;\n").unwrap();
    git(&checkout.work(), &["update-index", "--assume-unchanged", file.to_str().unwrap()]);
    assert_eq!(checkout.check().await, (14, "edited-migration".to_owned()));
    // git commits what the filter makes of it, which is what the base has.
    let clean = format!("echo '{}'", text.trim_end());
    git(&checkout.work(), &["config", "filter.kept.clean", &clean]);
    std::fs::write(checkout.work().join(".git/info/attributes"), "*.sql filter=kept\n").unwrap();
    assert_eq!(checkout.check().await.0, 0);
    assert!(Path::new(&file).exists());
}
