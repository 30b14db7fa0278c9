//! Random histories: commits with whole trees, written by git fast-import.

use fastrand::Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

/// What may be in a tree, and which parts have it: of a link and of a submodule nobody knows what is
/// below.
pub(super) const POOL: [(&str, Kind, &[&str]); 14] = [
    ("README.md", Kind::File, &[]),
    ("app/[id]/page.tsx", Kind::File, &["next"]),
    ("app/other/page.tsx", Kind::File, &[]),
    ("apps/api/README.md", Kind::File, &[]),
    ("apps/api/main.rs", Kind::File, &["api"]),
    ("apps/web/a \"b\".ts", Kind::File, &["web"]),
    ("apps/web/link", Kind::Link, &["sql", "web"]),
    ("db/20260101000000_first_one/migration.sql", Kind::File, &["sql"]),
    ("db/20260102000000_second_one/migration.sql", Kind::File, &["sql"]),
    ("db/20260103000000_third_one/migration.sql", Kind::File, &["sql"]),
    ("db/20260104000000_fourth_one/migration.sql", Kind::File, &["sql"]),
    ("sp ace/x\ty", Kind::File, &["odd"]),
    ("vendor/lib", Kind::Submodule, &["lib", "sql"]),
    ("ünï/é", Kind::File, &["odd"]),
];

/// Where the migrations are in the pool.
const SCRIPTS: std::ops::Range<usize> = 7..11;

pub(super) const PARTS: &str = "[changes]\napi = [\"apps/api/**\", \"!**/*.md\"]\n\
    lib = \"vendor/lib/src/**\"\nnext = \"app/[id]/**\"\nodd = [\"sp ace\", \"ünï/*\"]\n\
    sql = \"**/*.sql\"\nweb = \"apps/web/**\"\n";

pub(super) const ALL: [&str; 6] = ["api", "lib", "next", "odd", "sql", "web"];

/// The directory of the migrations.
pub(super) const DIRECTORY: &str = "db";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Link,
    Submodule,
}

/// Content by place in the pool.
pub(super) type Tree = BTreeMap<usize, u8>;

/// A commit of the model; its number is its place.
#[derive(Debug, Clone, Default)]
pub(super) struct Commit {
    pub(super) parents: Vec<usize>,
    pub(super) tree: Tree,
}

/// A history with the two branches that a request is about.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    pub(super) commits: Vec<Commit>,
    pub(super) main: usize,
    pub(super) topic: usize,
}

impl History {
    /// Commits on both sides, merges both ways, with whatever a person makes of them.
    pub(super) fn random(rng: &mut Rng) -> Self {
        let mut history = Self::default();
        history.commit(&[], rng);
        if rng.u8(..12) == 0 {
            // A branch of another origin: nothing in common.
            history.topic = history.commits.len();
            history.commit(&[], rng);
        }
        for _ in 0..rng.usize(3..14) {
            let (main, topic) = (history.main, history.topic);
            // Who merges may not have the newest of the other side: so histories cross.
            let of_main = history.behind(main, rng);
            let of_topic = history.behind(topic, rng);
            match rng.u8(..12) {
                0..=2 => history.main = history.commit(&[main], rng),
                3..=5 => history.topic = history.commit(&[topic], rng),
                6 | 7 if of_main != topic => {
                    history.topic = history.commit(&[topic, of_main], rng);
                }
                8..=10 if main != of_topic => {
                    history.main = history.commit(&[main, of_topic], rng);
                }
                // A force push: the branch goes on from somewhere else.
                _ => {
                    let from = rng.usize(..history.commits.len());
                    history.topic = history.commit(&[from], rng);
                }
            }
        }
        history
    }

    /// The branch's commit some commits before its newest.
    fn behind(&self, mut tip: usize, rng: &mut Rng) -> usize {
        for _ in 0..rng.usize(..3) {
            tip = self.commits[tip].parents.first().copied().unwrap_or(tip);
        }
        tip
    }

    /// A new commit: of several parents each file is one of theirs, then some are changed.
    pub(super) fn commit(&mut self, parents: &[usize], rng: &mut Rng) -> usize {
        let mut tree = Tree::new();
        for place in 0..POOL.len() {
            let of = parents.get(rng.usize(..parents.len().max(1)));
            if let Some(content) = of.and_then(|of| self.commits[*of].tree.get(&place)) {
                tree.insert(place, *content);
            }
        }
        let changes = if parents.is_empty() { POOL.len() } else { rng.usize(..4) };
        for _ in 0..changes {
            // Half of it in the migrations, of which `check` judges.
            let place = if rng.bool() { rng.usize(SCRIPTS) } else { rng.usize(..POOL.len()) };
            match rng.u8(..4) {
                0 => drop(tree.remove(&place)),
                // A file that takes another one's place is renamed.
                1 => {
                    let from = rng.usize(..POOL.len());
                    if POOL[from].1 == POOL[place].1
                        && let Some(content) = tree.remove(&from)
                    {
                        tree.insert(place, content);
                    }
                }
                _ => drop(tree.insert(place, rng.u8(1..5))),
            }
        }
        self.commits.push(Commit { parents: parents.to_vec(), tree });
        self.commits.len() - 1
    }

    /// A commit and all before it.
    fn past(&self, commit: usize) -> BTreeSet<usize> {
        let mut past = BTreeSet::new();
        let mut open = vec![commit];
        while let Some(commit) = open.pop() {
            if past.insert(commit) {
                open.extend(&self.commits[commit].parents);
            }
        }
        past
    }

    pub(super) fn is_in_the_past(&self, old: usize, new: usize) -> bool {
        self.past(new).contains(&old)
    }

    /// The newest commits that two have in common.
    pub(super) fn parted(&self, one: usize, other: usize) -> BTreeSet<usize> {
        let common = &self.past(one) & &self.past(other);
        let is_older = |commit: &usize| {
            common.iter().any(|newer| newer != commit && self.is_in_the_past(*commit, *newer))
        };
        common.iter().copied().filter(|commit| !is_older(commit)).collect()
    }

    /// The input of git fast-import; a commit's mark is its number and one.
    pub(super) fn written(&self) -> String {
        let mut text = String::new();
        for (number, commit) in self.commits.iter().enumerate() {
            let mark = number + 1;
            writeln!(
                text,
                "commit refs/heads/c{number}\nmark :{mark}\ncommitter t <t@example.com> {} +0000\ndata 0",
                1_700_000_000 + number
            )
            .unwrap();
            for (place, parent) in commit.parents.iter().enumerate() {
                let word = if place == 0 { "from" } else { "merge" };
                writeln!(text, "{word} :{}", parent + 1).unwrap();
            }
            text += "deleteall\n";
            for (place, content) in &commit.tree {
                text += &entry(*place, *content);
            }
            text.push('\n');
        }
        text
    }

    /// What the working tree of a commit has of the migrations.
    pub(super) fn lay_out(&self, commit: usize, folder: &Path) {
        std::fs::create_dir_all(folder.join(DIRECTORY)).unwrap();
        for (place, content) in &self.commits[commit].tree {
            let (path, ..) = POOL[*place];
            if path.starts_with(DIRECTORY) {
                let path = folder.join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, script(*content)).unwrap();
            }
        }
    }
}

fn script(content: u8) -> String {
    format!("SELECT {content};\n")
}

fn entry(place: usize, content: u8) -> String {
    let (path, kind, _) = POOL[place];
    let path = path.replace('"', "\\\"").replace('\t', "\\t");
    let text = script(content);
    match kind {
        Kind::File => {
            let mode = if content.is_multiple_of(2) { "100755" } else { "100644" };
            format!("M {mode} inline \"{path}\"\ndata {}\n{text}\n", text.len())
        }
        Kind::Link => format!("M 120000 inline \"{path}\"\ndata 2\n.{content}\n"),
        Kind::Submodule => format!("M 160000 {} \"{path}\"\n", content.to_string().repeat(40)),
    }
}
