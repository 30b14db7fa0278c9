//! `changes` on real repositories, as GitHub's checkout leaves them.

use crate::shown::schema::Closed;
use crate::support::binary::{Ended, Invocation};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

const PARTS: &str = "[changes]\nmigration = \"apps/api/prisma/**\"\napi = [\"apps/api/**\"]\n\
    web = [\"apps/web/**\", \"!**/*.md\"]\n";

/// A repository with a clone of it, as `actions/checkout` makes one.
struct Repository {
    folder: tempfile::TempDir,
}

#[expect(clippy::disallowed_methods, reason = "a repository is made before anything runs")]
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = std::process::Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"])
        .args(["-c", "protocol.file.allow=always"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    assert!(output.status.success(), "git {arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

impl Repository {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        git(folder.path(), &["init", "-q", "-b", "main", "origin"]);
        let new = Self { folder };
        git(&new.origin(), &["config", "uploadpack.allowAnySHA1InWant", "true"]);
        new.commit(&["apps/api/main.rs", "apps/api/prisma/a.sql", "apps/web/index.html"]);
        new
    }

    fn origin(&self) -> PathBuf {
        self.folder.path().join("origin")
    }

    /// Changes files and commits them; the commit.
    fn commit(&self, files: &[&str]) -> String {
        let text = fastrand::u64(..).to_string();
        for file in files {
            let path = self.origin().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, &text).unwrap();
        }
        git(&self.origin(), &["add", "-A"]);
        git(&self.origin(), &["commit", "-q", "--allow-empty", "-m", &text]);
        git(&self.origin(), &["rev-parse", "HEAD"])
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(&self.origin(), arguments)
    }

    /// A checkout of what is checked out in the origin, as deep as asked.
    fn checkout(&self, depth: &[&str]) -> Checkout {
        let folder = tempfile::tempdir().unwrap();
        let (origin, target) = (self.origin(), folder.path().join("work"));
        let url = format!("file://{}", origin.display());
        let branch = self.git(&["rev-parse", "--abbrev-ref", "HEAD"]);
        let clone = ["clone", "-q", "--no-tags", "-b", &branch];
        let target_text = target.to_str().unwrap();
        git(folder.path(), &[&clone[..], depth, &[&url, target_text]].concat());
        std::fs::write(target.join("ecs-migrate.toml"), PARTS).unwrap();
        Checkout { folder, environment: BTreeMap::new() }
    }
}

struct Checkout {
    folder: tempfile::TempDir,
    environment: BTreeMap<&'static str, String>,
}

impl Checkout {
    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// A step of GitHub Actions.
    fn on(mut self, event: &str, reference: &str, payload: &Value) -> Self {
        let path = self.folder.path().join("event.json");
        std::fs::write(&path, payload.to_string()).unwrap();
        let output = self.folder.path().join("output");
        self.environment = BTreeMap::from([
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("GITHUB_EVENT_NAME", event.to_owned()),
            ("GITHUB_EVENT_PATH", path.display().to_string()),
            ("GITHUB_REF", reference.to_owned()),
            ("GITHUB_OUTPUT", output.display().to_string()),
        ]);
        self
    }

    async fn run(&self, more: &[&str]) -> Ended {
        let (work, config) = (self.work(), self.work().join("ecs-migrate.toml"));
        let place = ["--config", config.to_str().unwrap(), "--repository", work.to_str().unwrap()];
        let mut invocation =
            Invocation::new("http://127.0.0.1:9", &[&["changes"], more, &place].concat())
                .with("PATH", "/usr/local/bin:/usr/bin:/bin")
                .with("GIT_CONFIG_COUNT", "1")
                .with("GIT_CONFIG_KEY_0", "protocol.file.allow")
                .with("GIT_CONFIG_VALUE_0", "always");
        for (name, value) in &self.environment {
            invocation = invocation.with(name, value);
        }
        invocation.run().await
    }

    /// What later steps read, and whether it was known.
    async fn outputs(&self, more: &[&str]) -> (Vec<String>, bool) {
        let ended = self.run(more).await;
        assert_eq!(ended.code, 0, "{}", ended.everything());
        let path = self.folder.path().join("output");
        let read = outputs(&std::fs::read_to_string(&path).unwrap());
        std::fs::remove_file(path).unwrap();
        let changed: Vec<String> = serde_json::from_str(&read["changed"]).unwrap();
        for part in ["api", "migration", "web"] {
            assert_eq!(read[part], changed.iter().any(|name| name == part).to_string());
        }
        assert_eq!(read.len(), 5, "{read:?}");
        (changed, read["known"] == "true")
    }
}

/// GITHUB_OUTPUT as the runner of GitHub Actions reads it (actions/runner, FileCommandManager).
fn outputs(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let (name, delimiter) = line.split_once("<<").expect(line);
        let value: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
        found.insert(name.to_owned(), value.join("\n"));
    }
    found
}

fn pushed(before: &str) -> Value {
    json!({"before": before, "repository": {"default_branch": "main"}})
}

const ALL: [&str; 3] = ["api", "migration", "web"];

#[tokio::test]
async fn what_is_deployed_need_not_be_in_the_clone() {
    let repository = Repository::new();
    let before = repository.commit(&["apps/web/index.html"]);
    repository.commit(&["apps/api/prisma/b.sql"]);
    repository.commit(&["README.md", "apps/web/README.md"]);
    // Depth 1 does not have the commit; origin gives it.
    for depth in [&[][..], &["--depth", "1"]] {
        let checkout = repository.checkout(depth).on("push", "refs/heads/main", &pushed(&before));
        let expected = (vec!["api".to_owned(), "migration".to_owned()], true);
        assert_eq!(checkout.outputs(&["--since", &before]).await, expected);
    }
}

#[tokio::test]
async fn what_is_fetched_leaves_a_whole_clone_whole() {
    let repository = Repository::new();
    repository.git(&["checkout", "-q", "-b", "away"]);
    repository.commit(&["apps/web/index.html"]);
    let away = repository.commit(&["apps/api/main.rs"]);
    repository.git(&["checkout", "-q", "main"]);
    repository.git(&["branch", "-q", "-D", "away"]);
    let checkout = repository.checkout(&[]).on("push", "refs/heads/main", &pushed(&away));
    let expected = (vec!["api".to_owned(), "web".to_owned()], true);
    assert_eq!(checkout.outputs(&["--since", &away]).await, expected);
    let work = checkout.work();
    assert_eq!(git(&work, &["rev-parse", "--is-shallow-repository"]), "false");
    assert_eq!(git(&work, &["rev-list", "--count", &away]), "3");
}

#[tokio::test]
async fn what_a_push_to_the_default_branch_follows_was_not_necessarily_green() {
    let repository = Repository::new();
    let red = repository.commit(&["apps/api/prisma/b.sql"]);
    repository.commit(&[]);
    let checkout = repository.checkout(&[]).on("push", "refs/heads/main", &pushed(&red));
    assert_eq!(checkout.outputs(&[]).await, (ALL.map(str::to_owned).to_vec(), false));
    let shown = checkout.run(&["--print"]).await;
    assert!(shown.out.contains("or give --since COMMIT"), "{}", shown.everything());
}

#[tokio::test]
async fn a_branch_is_compared_with_what_it_parted_from_and_with_what_it_was() {
    let repository = Repository::new();
    repository.git(&["checkout", "-q", "-b", "topic"]);
    let red = repository.commit(&["apps/api/prisma/b.sql"]);
    repository.commit(&[]);
    let topic =
        |before: &str| repository.checkout(&[]).on("push", "refs/heads/topic", &pushed(before));
    let expected = (vec!["api".to_owned(), "migration".to_owned()], true);
    assert_eq!(topic(&red).outputs(&[]).await, expected);
    // What a forced push took away changes what there is, too.
    let taken_away = repository.commit(&["apps/web/index.html"]);
    repository.git(&["reset", "-q", "--hard", &red]);
    assert_eq!(topic(&taken_away).outputs(&[]).await, (ALL.map(str::to_owned).to_vec(), true));
    // One that only follows the default branch has nothing of its own.
    repository.git(&["reset", "-q", "--hard", "main"]);
    assert_eq!(topic(&red).outputs(&[]).await, (ALL.map(str::to_owned).to_vec(), false));
}

#[tokio::test]
async fn nothing_changed_is_an_empty_list() {
    let repository = Repository::new();
    let before = repository.git(&["rev-parse", "HEAD"]);
    repository.commit(&["README.md"]);
    let checkout = repository.checkout(&[]).on("push", "refs/heads/main", &pushed(&before));
    assert_eq!(checkout.outputs(&["--since", &before]).await, (Vec::new(), true));
}

#[tokio::test]
async fn first_pushes_tags_and_unknown_events_count_as_everything() {
    let repository = Repository::new();
    for (event, reference, payload) in [
        ("push", "refs/heads/main", pushed(NO_COMMIT)),
        ("push", "refs/tags/v1", pushed(NO_COMMIT)),
        ("workflow_dispatch", "refs/heads/main", json!({})),
        ("push", "refs/heads/main", pushed("1234567890123456789012345678901234567890")),
    ] {
        let checkout = repository.checkout(&[]).on(event, reference, &payload);
        let expected = (ALL.map(str::to_owned).to_vec(), false);
        assert_eq!(checkout.outputs(&[]).await, expected, "{event} {reference}");
    }
    let checkout = repository.checkout(&[]).on("push", "refs/heads/main", &pushed(NO_COMMIT));
    let shown = checkout.run(&[]).await;
    assert!(
        shown.out.contains("everything counts: it is the first push"),
        "{}",
        shown.everything()
    );
}

#[tokio::test]
async fn a_new_branch_and_a_pull_request_count_what_was_done_on_them() {
    let repository = Repository::new();
    repository.git(&["checkout", "-q", "-b", "topic"]);
    let topic = repository.commit(&["apps/web/index.html"]);
    repository.git(&["checkout", "-q", "main"]);
    let base = repository.commit(&["apps/api/main.rs"]);
    repository.git(&["checkout", "-q", "topic"]);
    let web = (vec!["web".to_owned()], true);
    let checkout = repository.checkout(&[]).on("push", "refs/heads/topic", &pushed(NO_COMMIT));
    assert_eq!(checkout.outputs(&[]).await, web);
    let request = json!({"pull_request": {"base": {"sha": base}, "head": {"sha": topic}}});
    let checkout = repository.checkout(&[]).on("pull_request", "refs/pull/7/head", &request);
    assert_eq!(checkout.outputs(&[]).await, web);
    // Too shallow to know where they parted.
    let shallow = repository.checkout(&["--depth", "1"]);
    let shallow = shallow.on("pull_request", "refs/pull/7/head", &request);
    assert_eq!(shallow.outputs(&[]).await, (ALL.map(str::to_owned).to_vec(), false));
    let shown = shallow.run(&["--print"]).await;
    assert!(shown.out.contains("set fetch-depth: 0"), "{}", shown.everything());
    // What GitHub checks out, at depth 1: the merge of both.
    repository.git(&["checkout", "-q", "-b", "merged", "main"]);
    repository.git(&["merge", "-q", "--no-ff", "-m", "Merge", &topic]);
    let merged = repository.checkout(&["--depth", "1"]);
    let merged = merged.on("pull_request", "refs/pull/7/merge", &request);
    assert_eq!(merged.outputs(&[]).await, web);
}

#[tokio::test]
async fn what_is_deployed_may_be_said() {
    let repository = Repository::new();
    let deployed = repository.git(&["rev-parse", "HEAD"]);
    let red = repository.commit(&["apps/api/prisma/b.sql"]);
    repository.commit(&["apps/web/index.html"]);
    let checkout = repository.checkout(&[]).on("push", "refs/heads/main", &pushed(&red));
    // The push before this one was red, so its migration is still to come.
    let since = checkout.outputs(&["--since", &deployed]).await;
    assert_eq!(since, (ALL.map(str::to_owned).to_vec(), true));
    // The workflow found no green run.
    assert_eq!(checkout.outputs(&["--since", ""]).await, (ALL.map(str::to_owned).to_vec(), false));
}

#[tokio::test]
async fn a_renamed_file_counts_at_both_places() {
    let repository = Repository::new();
    let before = repository.git(&["rev-parse", "HEAD"]);
    repository.git(&["mv", "apps/api/main.rs", "apps/web/main.rs"]);
    repository.commit(&[]);
    let checkout = repository.checkout(&[]).on("push", "refs/heads/main", &pushed(&before));
    let since = ["--since", &before];
    assert_eq!(checkout.outputs(&since).await, (vec!["api".to_owned(), "web".to_owned()], true));
}

#[tokio::test]
async fn what_a_file_is_called_reaches_no_output_and_no_command() {
    let repository = Repository::new();
    let before = repository.git(&["rev-parse", "HEAD"]);
    let names = [
        "apps/web/a b",
        "apps/web/\"quoted\" 'twice'",
        "apps/web/x\nmigration=true\n",
        "apps/web/y\nmigration<<E\ntrue\nE",
        "apps/web/z\n::error::injected\n::set-output name=migration::true",
        "apps/web/\u{1b}[31mred",
        "apps/web/é\u{202e}txt",
    ];
    repository.commit(&names);
    let checkout = repository.checkout(&[]).on("push", "refs/heads/main", &pushed(&before));
    let since = ["--since", &before];
    assert_eq!(checkout.outputs(&since).await, (vec!["web".to_owned()], true));
    for arguments in [&since[..], &["--since", &before, "--print"]] {
        let shown = checkout.run(arguments).await;
        let fence = shown.out.lines().next().unwrap().strip_prefix("::stop-commands::");
        let commands = shown.out.lines().filter(|line| line.starts_with("::")).count();
        assert!(fence.is_some() && commands <= 2, "{}", shown.everything());
        assert!(!shown.out.contains(['\u{1b}', '\u{202e}']), "{}", shown.everything());
    }
    let json = checkout.run(&["--since", &before, "--output", "json"]).await;
    Closed::read().holds_text("changes", &json.out);
    let object: Value = serde_json::from_str(json.out.lines().next().unwrap()).unwrap();
    let web =
        object["parts"].as_array().unwrap().iter().find(|part| part["name"] == "web").unwrap();
    let files: Vec<&str> =
        web["files"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for name in names {
        assert!(files.contains(&name), "{name:?} in {files:?}");
    }
}

#[tokio::test]
async fn a_person_sees_the_files() {
    let repository = Repository::new();
    repository.git(&["checkout", "-q", "-b", "topic"]);
    repository.commit(&["apps/web/index.html"]);
    let checkout = repository.checkout(&[]);
    git(&checkout.work(), &["remote", "set-head", "origin", "main"]);
    let shown = checkout.run(&["--print"]).await;
    assert_eq!(shown.code, 0, "{}", shown.everything());
    let (_, list) = shown.out.split_once('\n').unwrap();
    assert_eq!(
        list,
        "api        no\nmigration  no\nweb        yes  1 file\n                apps/web/index.html\n"
    );
    let script = checkout.run(&["--base", "origin/main"]).await;
    assert_eq!(script.out, "api=false\nmigration=false\nweb=true\nchanged=[\"web\"]\nknown=true\n");
}

#[tokio::test]
async fn no_git_and_no_repository_mean_yes_and_no_parts_is_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("work")).unwrap();
    std::fs::write(folder.path().join("work/ecs-migrate.toml"), PARTS).unwrap();
    let checkout = Checkout { folder, environment: BTreeMap::new() };
    let checkout = checkout.on("push", "refs/heads/main", &pushed(NO_COMMIT));
    let shown = checkout.run(&["--print"]).await;
    assert!(shown.out.contains("not a git repository"), "{}", shown.everything());
    assert_eq!(checkout.outputs(&[]).await, (ALL.map(str::to_owned).to_vec(), false));
    std::fs::write(checkout.work().join("ecs-migrate.toml"), "").unwrap();
    let mistake = checkout.run(&[]).await;
    assert_eq!(mistake.code, 2, "{}", mistake.everything());
    assert!(mistake.out.contains("there is no table [changes]"), "{}", mistake.everything());
}
