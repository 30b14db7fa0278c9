//! Random histories: commits with whole trees, written by git fast-import.

use fastrand::Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

/// What may be in a tree, and which parts have it: of a link and of a submodule nobody knows what is
/// below. The migrations may be elsewhere, see `Home`.
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

/// Which of the pool are the migrations.
pub(super) const SCRIPTS: std::ops::Range<usize> = 7..11;

pub(super) const PARTS: &str = "[changes]\napi = [\"apps/api/**\", \"!**/*.md\"]\n\
    lib = \"vendor/lib/src/**\"\nnext = \"app/[id]/**\"\nodd = [\"sp ace\", \"ünï/*\"]\n\
    sql = \"**/*.sql\"\nweb = \"apps/web/**\"\n";

pub(super) const ALL: [&str; 6] = ["api", "lib", "next", "odd", "sql", "web"];

/// The directory of the migrations, unless they were moved.
const DIRECTORY: &str = "db";

/// Where a commit has its migrations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Home {
    #[default]
    Here,
    /// In another folder.
    Moved,
    /// In the folder, which is a submodule.
    Submodule,
}

impl Home {
    fn random(rng: &mut Rng) -> Self {
        [Self::Here, Self::Here, Self::Moved, Self::Submodule][rng.usize(..4)]
    }

    /// The directory.
    pub(super) fn directory(self) -> &'static str {
        match self {
            Self::Here | Self::Submodule => DIRECTORY,
            Self::Moved => "apps/api/sql",
        }
    }
}

/// The parts of whatever may be at a path.
pub(super) fn parts(path: &str) -> &'static [&'static str] {
    match POOL.iter().find(|(known, ..)| *known == path) {
        Some((_, _, parts)) => parts,
        None if path == DIRECTORY => &["sql"],
        None => &["api", "sql"],
    }
}

/// The name of a migration of the pool.
fn name(place: usize) -> &'static str {
    POOL[place].0.split('/').nth(1).unwrap()
}

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
    pub(super) home: Home,
}

impl Commit {
    /// The migrations: content by place in the pool.
    pub(super) fn scripts(&self) -> Tree {
        self.tree.range(SCRIPTS).map(|(place, content)| (*place, *content)).collect()
    }

    fn path(&self, place: usize) -> String {
        if SCRIPTS.contains(&place) {
            format!("{}/{}/migration.sql", self.home.directory(), name(place))
        } else {
            POOL[place].0.to_owned()
        }
    }

    /// The migrations of a base, where this one has its own; none if nobody can know.
    pub(super) fn finds(&self, base: &Self) -> Option<Tree> {
        let scripts = base.scripts();
        let is_there = self.home.directory() == base.home.directory();
        if base.home == Home::Submodule {
            // What was in a submodule that is none any more cannot be looked into.
            return (self.home == Home::Submodule).then_some(scripts);
        }
        if is_there && !scripts.is_empty() {
            return Some(scripts);
        }
        // What shares a name with it was moved here.
        if scripts.keys().any(|place| self.tree.contains_key(place)) {
            return Some(scripts);
        }
        // It may have been in a submodule that is gone.
        let submodule = POOL.iter().position(|(_, kind, _)| *kind == Kind::Submodule).unwrap();
        let is_gone = base.tree.contains_key(&submodule) && !self.tree.contains_key(&submodule);
        (!is_gone).then(Tree::new)
    }
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
        if rng.u8(..3) == 0 {
            history.cross(rng);
        }
        history
    }

    /// Each side does something and merges what the other has, so that both parted from two commits.
    fn cross(&mut self, rng: &mut Rng) {
        let (main, topic) = (self.commit(&[self.main], rng), self.commit(&[self.topic], rng));
        self.main = self.commit(&[main, topic], rng);
        self.topic = self.commit(&[topic, main], rng);
        self.main = self.commit(&[self.main], rng);
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
        let of_one = parents.get(rng.usize(..parents.len().max(1)));
        let home = of_one.map(|parent| self.commits[*parent].home);
        let home = home.filter(|_| rng.u8(..8) > 0).unwrap_or_else(|| Home::random(rng));
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
        self.commits.push(Commit { parents: parents.to_vec(), tree, home });
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

    /// The submodule's commits, as input of git fast-import: the mark is that of the commit that has it.
    pub(super) fn submodule(&self) -> String {
        let mut text = String::new();
        for (number, commit) in self.commits.iter().enumerate() {
            // Of one time and without parents: what is equal is one.
            writeln!(
                text,
                "commit refs/heads/c{number}\nmark :{}\ncommitter t <t@example.com> 1700000000 +0000\ndata 0\ndeleteall",
                number + 1
            )
            .unwrap();
            for (place, content) in commit.scripts() {
                text += &entry(place, content, &format!("{}/migration.sql", name(place)));
            }
            text.push('\n');
        }
        text
    }

    /// The input of git fast-import; a commit's mark is its number and one. The submodule's commits
    /// have these names.
    pub(super) fn written(&self, submodule: &[String]) -> String {
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
                if commit.home == Home::Submodule && SCRIPTS.contains(place) {
                    continue;
                }
                text += &entry(*place, *content, &commit.path(*place));
            }
            if commit.home == Home::Submodule {
                writeln!(text, "M 160000 {} {DIRECTORY}", submodule[number]).unwrap();
            }
            text.push('\n');
        }
        text
    }

    /// What the working tree of a commit has of the migrations.
    pub(super) fn lay_out(&self, commit: usize, folder: &Path) {
        let commit = &self.commits[commit];
        std::fs::create_dir_all(folder.join(commit.home.directory())).unwrap();
        for (place, content) in commit.scripts() {
            let path = folder.join(commit.path(place));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, script(content)).unwrap();
        }
    }
}

fn script(content: u8) -> String {
    format!("SELECT {content};\n")
}

fn entry(place: usize, content: u8, path: &str) -> String {
    let (_, kind, _) = POOL[place];
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
