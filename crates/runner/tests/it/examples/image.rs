//! Owns an image as a folder: what the last stage of a Dockerfile copies, sets and starts. `RUN` is
//! up to the test.

use super::root;
use crate::support::search_path;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;
use tokio::process::Command;

pub(crate) struct Image {
    root: TempDir,
    variables: BTreeMap<String, String>,
    folder: PathBuf,
    entrypoint: Vec<String>,
    command: Vec<String>,
    /// What its `RUN` lines say.
    pub(crate) runs: Vec<String>,
}

impl Image {
    /// Follows a Dockerfile; an instruction that it does not know fails the test.
    pub(crate) fn build(context: &Path, dockerfile: &str) -> Self {
        let mut image = Self {
            root: tempfile::tempdir().unwrap(),
            variables: BTreeMap::new(),
            folder: PathBuf::from("/"),
            entrypoint: Vec::new(),
            command: Vec::new(),
            runs: Vec::new(),
        };
        image.follow(context, &std::fs::read_to_string(context.join(dockerfile)).unwrap());
        image
    }

    fn follow(&mut self, context: &Path, text: &str) {
        let text = text.replace("\\\n", " ");
        let lines = text.lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (instruction, rest) = line.split_once(' ').unwrap();
            match instruction {
                "FROM" => self.begin(rest),
                "WORKDIR" => self.folder = PathBuf::from(rest),
                "COPY" => self.copy(context, rest),
                "RUN" => self.runs.push(rest.to_owned()),
                "ENV" => self.variables.extend(shlex::split(rest).unwrap().iter().map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap();
                    (name.to_owned(), value.to_owned())
                })),
                "ENTRYPOINT" => {
                    self.entrypoint = serde_json::from_str(rest).unwrap();
                    self.command.clear();
                }
                "CMD" => self.command = serde_json::from_str(rest).unwrap(),
                "ARG" | "USER" | "EXPOSE" => {}
                _ => panic!("{line}"),
            }
        }
    }

    /// A stage forgets the one before it; one on our own image has what that has.
    fn begin(&mut self, from: &str) {
        std::fs::remove_dir_all(self.root.path()).unwrap();
        std::fs::create_dir(self.root.path()).unwrap();
        self.variables.clear();
        self.folder = PathBuf::from("/");
        (self.entrypoint, self.command, self.runs) = (Vec::new(), Vec::new(), Vec::new());
        if from == "${RUNNER}" {
            let file = root().join("infra/docker/runner.Dockerfile");
            self.follow(&root(), &std::fs::read_to_string(file).unwrap());
        }
    }

    fn copy(&mut self, context: &Path, rest: &str) {
        let words: Vec<&str> = rest.split(' ').filter(|word| !word.starts_with("--")).collect();
        let (target, sources) = words.split_last().unwrap();
        let place = self.inside(&self.folder.join(target));
        for source in sources {
            let name = Path::new(source).file_name().unwrap();
            // Its size makes copying it slow.
            if name == "ecs-migrate-runner" {
                std::fs::create_dir_all(place.parent().unwrap()).unwrap();
                std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_ecs-migrate-runner"), &place)
                    .unwrap();
                continue;
            }
            let from = context.join(source);
            let to = if from.is_file() && target.ends_with('/') {
                place.join(name)
            } else {
                place.clone()
            };
            copy(&from, &to);
        }
    }

    /// Puts a folder of this machine where an instruction would have made it.
    pub(crate) fn link(&self, name: &str, folder: &Path) -> &Self {
        std::os::unix::fs::symlink(folder, self.inside(&self.folder.join(name))).unwrap();
        self
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.inside(&self.folder.join(name)).exists()
    }

    /// Where a path of the image is on this machine.
    fn inside(&self, path: &Path) -> PathBuf {
        self.root.path().join(path.strip_prefix("/").unwrap())
    }

    /// What names something in the image names it on this machine.
    fn here(&self, word: &str) -> String {
        let path = Path::new(word);
        let inside = path.is_absolute().then(|| self.inside(path));
        inside
            .filter(|path| path.exists())
            .map_or(word.to_owned(), |path| path.display().to_string())
    }

    /// A container of it; `arguments` stand in the place of `CMD`.
    pub(crate) fn container(&self, arguments: &[String]) -> Command {
        let rest = if arguments.is_empty() { &self.command } else { arguments };
        self.process(&[&self.entrypoint[..], rest].concat())
    }

    /// A container of it with another entry point.
    pub(crate) fn process(&self, words: &[String]) -> Command {
        let words: Vec<String> = words.iter().map(|word| self.here(word)).collect();
        let mut command = Command::new(&words[0]);
        let programs = self.inside(Path::new("/usr/local/bin"));
        command
            .args(&words[1..])
            .env_clear()
            .env("PATH", format!("{}:{}", programs.display(), search_path()))
            .envs(self.variables.iter().map(|(name, value)| (name, self.here(value))))
            .current_dir(self.inside(&self.folder))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

/// Copies a file, or what is in a folder.
pub(crate) fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            copy(&path, &to.join(path.file_name().unwrap()));
        }
    } else {
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    }
}
