//! Which commit was green last, by a `gh` that filters as the real one does: with jq.

use crate::changes::git;
use crate::support::binary::{Ended, Invocation};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

const PARTS: &str = "[changes]\napi = \"api/**\"\nmigration = \"prisma/**\"\nweb = \"web/**\"\n";

/// A repository, and GitHub's answers about its workflow.
struct Place {
    folder: tempfile::TempDir,
    runs: Vec<Value>,
}

impl Place {
    fn new() -> Self {
        let new = Self { folder: tempfile::tempdir().unwrap(), runs: Vec::new() };
        git(new.folder.path(), &["init", "-q", "-b", "main", "work"]);
        std::fs::write(new.path("ecs-migrate.toml"), PARTS).unwrap();
        let gh = new.path("bin/gh");
        std::fs::create_dir(gh.parent().unwrap()).unwrap();
        // A question has an address, and a filter.
        let script = "#!/bin/bash\ncd \"$(dirname \"$0\")/..\"\n\
            for word; do case $word in --jq=*) filter=${word#--jq=};; repos/*) address=$word;; esac; done\n\
            name=${address##*/actions/}; name=${name%%\\?*}\n\
            [ -n \"$GH_TOKEN\" ] && exec jq -r \"$filter\" \"${name//\\//-}\"\n";
        std::fs::write(&gh, script).unwrap();
        std::fs::set_permissions(gh, std::fs::Permissions::from_mode(0o755)).unwrap();
        new
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A commit that changes these files.
    fn commit(&self, files: &[&str]) -> String {
        let work = self.path("work");
        for file in files {
            let file = work.join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, fastrand::u64(..).to_string()).unwrap();
        }
        git(&work, &["add", "-A"]);
        git(&work, &["commit", "-q", "--allow-empty", "-m", "x"]);
        git(&work, &["rev-parse", "HEAD"])
    }

    /// A run of the workflow: its number is when it began, `updated` the last that was heard of it.
    fn run(&mut self, commit: &str, conclusion: &str, updated: &str, jobs: &[(&str, &str, &str)]) {
        let id = self.runs.len() + 1;
        self.runs.push(json!({
            "id": id, "updated_at": updated, "head_sha": commit, "status": "completed",
            "conclusion": conclusion, "event": "push", "head_branch": "main",
            "repository": {"id": 1}, "head_repository": {"id": 1}
        }));
        let jobs: Vec<Value> = jobs
            .iter()
            .map(|(name, conclusion, at)| {
                json!({"name": name, "conclusion": conclusion, "completed_at": at, "head_sha": commit})
            })
            .collect();
        let file = self.path(&format!("runs-{id}-jobs"));
        std::fs::write(file, json!({"jobs": jobs}).to_string()).unwrap();
    }

    async fn ask(&self, arguments: &[&str]) -> Ended {
        let runs: Vec<&Value> = self.runs.iter().rev().collect();
        let file = self.path("workflows-main.yml-runs");
        std::fs::write(file, json!({"workflow_runs": runs}).to_string()).unwrap();
        let event = json!({"before": git(&self.path("work"), &["rev-parse", "HEAD"]),
            "repository": {"default_branch": "main"}});
        std::fs::write(self.path("event.json"), event.to_string()).unwrap();
        let (config, work) = (self.path("ecs-migrate.toml"), self.path("work"));
        let config = ["--config", config.to_str().unwrap()];
        let mut words = vec![arguments[0]];
        if arguments[0] == "changes" {
            words.extend(["--repository", work.to_str().unwrap()]);
        } else {
            words.push(work.to_str().unwrap());
        }
        words.extend(&arguments[1..]);
        words.extend(config);
        Invocation::new("http://127.0.0.1:9", &words)
            .with("PATH", &format!("{}:/usr/local/bin:/usr/bin:/bin", self.path("bin").display()))
            .with("GH_TOKEN", "x")
            .with("GITHUB_EVENT_NAME", "push")
            .with("GITHUB_EVENT_PATH", self.path("event.json").to_str().unwrap())
            .with("GITHUB_REF", "refs/heads/main")
            .with("GITHUB_RUN_ID", "99")
            .with("GITHUB_WORKFLOW_REF", "o/r/.github/workflows/main.yml@refs/heads/main")
            .run()
            .await
    }

    /// The lines of the answer: the parts, what changed, and whether it is known.
    async fn changes(&self, arguments: &[&str]) -> String {
        let ended = self.ask(&[&["changes"], arguments].concat()).await;
        assert_eq!(ended.code, 0, "{}", ended.everything());
        let lines: Vec<&str> = ended.out.lines().skip(3).collect();
        lines.join(" ")
    }
}

const EVERYTHING: &str = "changed=[\"api\",\"migration\",\"web\"] known=false";

#[tokio::test]
async fn a_red_push_counts_until_a_green_one() {
    let mut place = Place::new();
    let first = place.commit(&["api/x", "web/x"]);
    assert_eq!(place.changes(&[]).await, EVERYTHING);
    place.run(&first, "success", "2026-01-01T00:00:00Z", &[]);
    assert_eq!(place.changes(&[]).await, "changed=[] known=true");
    let red = place.commit(&["prisma/1_a/migration.sql"]);
    place.run(&red, "failure", "2026-01-02T00:00:00Z", &[]);
    place.commit(&[]);
    assert_eq!(place.changes(&[]).await, "changed=[\"migration\"] known=true");
    // What a red run tried may have been deployed before it was red: taking it back is a change.
    let work = place.path("work");
    git(&work, &["revert", "--no-edit", &red]);
    assert_eq!(place.changes(&[]).await, "changed=[\"migration\"] known=true");
    let now = git(&work, &["rev-parse", "HEAD"]);
    place.run(&now, "success", "2026-01-03T00:00:00Z", &[]);
    assert_eq!(place.changes(&[]).await, "changed=[] known=true");
}

#[tokio::test]
async fn only_own_runs_count() {
    let mut place = Place::new();
    let first = place.commit(&["api/x"]);
    let now = place.commit(&["web/x"]);
    place.run(&first, "success", "2026-01-01T00:00:00Z", &[]);
    // A fork may call its branch `main`, and a pull request deploys nothing.
    place.run(&now, "success", "2026-01-02T00:00:00Z", &[]);
    place.runs[1]["head_repository"]["id"] = json!(2);
    place.run(&now, "success", "2026-01-03T00:00:00Z", &[]);
    place.runs[2]["event"] = json!("pull_request");
    assert_eq!(place.changes(&[]).await, "changed=[\"web\"] known=true");
    place.runs.remove(0);
    assert_eq!(place.changes(&[]).await, EVERYTHING);
}

#[tokio::test]
async fn an_environment_stands_where_its_own_job_was_green() {
    let (staging, production) =
        ("staging / deployed to staging", "production / deployed to production");
    let mut place = Place::new();
    let first = place.commit(&["api/x"]);
    let both = [
        (staging, "success", "2026-01-01T00:01:00Z"),
        (production, "success", "2026-01-01T00:02:00Z"),
    ];
    place.run(&first, "success", "2026-01-01T00:03:00Z", &both);
    let second = place.commit(&["web/x"]);
    // Production was skipped: the run is green, and production has not moved.
    let one = [
        (staging, "success", "2026-01-02T00:01:00Z"),
        (production, "skipped", "2026-01-02T00:02:00Z"),
    ];
    place.run(&second, "success", "2026-01-02T00:03:00Z", &one);
    place.commit(&["prisma/1_a/migration.sql"]);
    let to = async |place: &Place, name: &str| place.changes(&["--deployed-to", name]).await;
    assert_eq!(to(&place, "staging").await, "changed=[\"migration\"] known=true");
    assert_eq!(to(&place, "production").await, "changed=[\"migration\",\"web\"] known=true");
    assert_eq!(to(&place, "elsewhere").await, EVERYTHING);
    // To go back somebody ran the first run again, after the second.
    let again = [both[0], both[1], (staging, "success", "2026-01-03T00:01:00Z")];
    let runs = std::mem::take(&mut place.runs);
    place.run(&first, "success", "2026-01-03T00:02:00Z", &again);
    place.runs.extend(runs.into_iter().skip(1));
    assert_eq!(to(&place, "staging").await, "changed=[\"migration\",\"web\"] known=true");
}

#[tokio::test]
async fn a_check_of_a_push_is_compared_with_what_was_green() {
    let mut place = Place::new();
    let first = place.commit(&["20260101000000_first/migration.sql"]);
    place.run(&first, "success", "2026-01-01T00:00:00Z", &[]);
    let file = place.path("work/20260201000000_drop_it/migration.sql");
    std::fs::create_dir(file.parent().unwrap()).unwrap();
    std::fs::write(file, "ALTER TABLE users DROP COLUMN age;").unwrap();
    let red = place.commit(&[]);
    place.run(&red, "failure", "2026-01-02T00:00:00Z", &[]);
    place.commit(&[]);
    let ended = place.ask(&["check"]).await;
    assert_eq!(ended.code, 14, "{}", ended.everything());
    assert!(ended.out.contains("in 1 of 2 new"), "{}", ended.everything());
    // Without any green run each is looked into for itself.
    place.runs.remove(0);
    let alone = place.ask(&["check"]).await;
    assert_eq!(alone.code, 14, "{}", alone.everything());
    assert!(alone.out.contains("[skip]    the history was compared with nothing"), "{}", alone.out);
}

#[tokio::test]
async fn a_part_that_changes_does_not_know_is_a_mistake() {
    let place = Place::new();
    place.commit(&["api/x"]);
    let list = place.path("parts.json");
    for (text, code, words) in [
        ("[{\"part\": \"api\"}, {\"part\": \"migration\"}]", 0, ""),
        ("[{\"part\": \"webb\"}]", 2, "not in [changes], did you mean `web`?"),
        ("{", 2, "is not valid JSON"),
    ] {
        std::fs::write(&list, text).unwrap();
        let ended = place.ask(&["changes", "--parts", list.to_str().unwrap()]).await;
        assert_eq!(ended.code, code, "{}", ended.everything());
        assert!(ended.everything().contains(words), "{}", ended.everything());
    }
    let missing = place.ask(&["changes", "--parts", "nowhere.json"]).await;
    assert!(
        missing.code == 2 && missing.err.contains("cannot read nowhere.json"),
        "{}",
        missing.err
    );
}
