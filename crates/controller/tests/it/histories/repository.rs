//! A real repository with a history of the model, and what is asked about it.

use super::model::{History, Home, PARTS};
use super::{Case, Findings};
use crate::support::binary::Invocation;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Whatever people set, it must not hide a change.
const CONFIG: &str = "[core]\n\trepositoryformatversion = 0\n\tquotepath = true\n\
    [diff]\n\trelative = true\n\tnoprefix = true\n\tignoreSubmodules = all\n\trenames = copies\n\
    [submodule \"vendor/lib\"]\n\tignore = all\n";

pub(super) struct Repository {
    folder: tempfile::TempDir,
    /// The commits by their number.
    names: Vec<String>,
    pub(super) history: History,
    cut: bool,
}

/// `git init`, without a process.
fn skeleton(work: &Path) {
    for folder in [".git/objects", ".git/refs/heads", ".git/refs/remotes/origin"] {
        std::fs::create_dir_all(work.join(folder)).unwrap();
    }
    std::fs::write(work.join(".git/config"), CONFIG).unwrap();
}

impl Repository {
    pub(super) async fn new(history: &History, case: &Case, cuts: &[usize]) -> Self {
        let mut new = Self {
            folder: tempfile::tempdir().unwrap(),
            names: Vec::new(),
            history: history.clone(),
            cut: !cuts.is_empty(),
        };
        let work = new.work();
        let inner = new.submodule().await;
        skeleton(&work);
        std::fs::write(work.join(".git/HEAD"), format!("ref: refs/heads/c{}\n", case.head))
            .unwrap();
        new.names = new.import(&work, &history.written(&inner)).await;
        let main = work.join(".git/refs/remotes/origin/main");
        std::fs::write(main, format!("{}\n", new.names[history.main])).unwrap();
        if !cuts.is_empty() {
            let cuts: Vec<&str> = cuts.iter().map(|cut| new.names[*cut].as_str()).collect();
            std::fs::write(work.join(".git/shallow"), cuts.join("\n") + "\n").unwrap();
        }
        history.lay_out(case.head, &work);
        if new.home(case.head) == Home::Submodule {
            // Whose submodule a repository is git asks the index.
            new.git(&["read-tree", &new.names[case.head]], "").await;
            let inner = format!("gitdir: {}\n", new.path("inner/.git").display());
            std::fs::write(work.join("db/.git"), inner).unwrap();
        }
        std::fs::write(new.path("ecs-migrate.toml"), PARTS).unwrap();
        std::fs::write(new.path("event.json"), new.named(&case.payload.to_string())).unwrap();
        new
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn work(&self) -> PathBuf {
        self.path("work")
    }

    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    /// With the names of the commits that `#NUMBER#` stands for.
    fn named(&self, text: &str) -> String {
        let names = self.names.iter().enumerate();
        names.fold(text.to_owned(), |text, (number, name)| {
            text.replace(&format!("#{number}#"), name)
        })
    }

    /// The repository of the submodule; its commits by their number.
    async fn submodule(&self) -> Vec<String> {
        let inner = self.path("inner");
        skeleton(&inner);
        std::fs::write(inner.join(".git/HEAD"), "ref: refs/heads/c0\n").unwrap();
        self.import(&inner, &self.history.submodule()).await
    }

    /// The names of what is imported, by their marks.
    async fn import(&self, folder: &Path, input: &str) -> Vec<String> {
        let marks = self.path("marks");
        let export = format!("--export-marks={}", marks.display());
        self.git_in(folder, &["fast-import", "--quiet", &export], input).await;
        let text = std::fs::read_to_string(marks).unwrap();
        let mut marks: Vec<(usize, String)> = text
            .lines()
            .map(|line| {
                let (mark, name) = line.split_once(' ').unwrap();
                (mark.trim_start_matches(':').parse().unwrap(), name.to_owned())
            })
            .collect();
        marks.sort();
        marks.into_iter().map(|(_, name)| name).collect()
    }

    fn home(&self, commit: usize) -> Home {
        self.history.commits[commit].home
    }

    async fn git(&self, arguments: &[&str], input: &str) -> String {
        self.git_in(&self.work(), arguments, input).await
    }

    async fn git_in(&self, folder: &Path, arguments: &[&str], input: &str) -> String {
        let mut child = Command::new("git")
            .arg("-C")
            .arg(folder)
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).await.unwrap();
        drop(stdin);
        let output = child.wait_with_output().await.unwrap();
        assert!(output.status.success(), "git {arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The whole tree of a commit: mode, type and object by path.
    pub(super) async fn tree(&self, commit: usize) -> BTreeMap<String, String> {
        let asked = ["ls-tree", "-r", "-z", "--full-tree", &self.names[commit]];
        let listed = self.git(&asked, "").await;
        let entries = listed.split('\0').filter_map(|line| line.split_once('\t'));
        entries.map(|(entry, path)| (path.to_owned(), entry.to_owned())).collect()
    }

    fn step(&self, case: &Case, arguments: &[&str]) -> Invocation {
        let more: Vec<String> = case.more.iter().map(|word| self.named(word)).collect();
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        Invocation::new("http://127.0.0.1:9", &[arguments, &more].concat())
            .with("PATH", "/usr/local/bin:/usr/bin:/bin")
            .with("GIT_CONFIG_GLOBAL", "/dev/null")
            .with("GITHUB_EVENT_NAME", case.event)
            .with("GITHUB_EVENT_PATH", self.path("event.json").to_str().unwrap())
            .with("GITHUB_REF", case.reference)
    }

    /// Whether it is known, and which parts changed.
    pub(super) async fn changes(&self, case: &Case) -> (bool, BTreeSet<&'static str>) {
        let (config, work) = (self.path("ecs-migrate.toml"), self.work());
        let place = ["--config", config.to_str().unwrap(), "--repository", work.to_str().unwrap()];
        let ended = self.step(case, &[&["changes"], &place[..]].concat()).run().await;
        assert_eq!(ended.code, 0, "{}", ended.everything());
        let says = |line: &str| ended.out.lines().any(|known| known == line);
        let changed = super::ALL.into_iter().filter(|part| says(&format!("{part}=true")));
        (says("known=true"), changed.collect())
    }

    /// The exit code; what is found of the history, where it could be compared.
    pub(super) async fn check(&self, case: &Case) -> (i32, Option<Findings>) {
        let directory = self.work().join(self.home(case.head).directory());
        let arguments = ["check", directory.to_str().unwrap(), "--output", "json"];
        let ended = self.step(case, &arguments).run().await;
        let objects: Vec<Value> =
            ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let count = |rules: &[&str]| {
            objects.iter().filter(|object| rules.iter().any(|rule| object["rule"] == *rule)).count()
        };
        let result = objects.last().unwrap();
        let is_compared = !ended.out.contains("the history was compared with nothing");
        let new = result["looked_into"]
            .as_u64()
            .filter(|_| is_compared)
            .and_then(|new| usize::try_from(new).ok());
        let found = new.map(|new| Findings {
            edited: count(&["edited-migration"]),
            gone: count(&["deleted-migration", "renamed-migration"]),
            new,
        });
        (ended.code, found)
    }
}
