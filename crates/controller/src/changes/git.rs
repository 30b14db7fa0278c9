//! Owns asking git. Only commands for scripts are asked, whose answers no configuration changes.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

/// How long one question may take; a commit may have to come over the network.
const PATIENCE: Duration = Duration::from_mins(2);

/// What a shallow clone needs.
pub(super) const TOO_SHALLOW: &str = "the clone is too shallow (set fetch-depth: 0)";

/// A repository to ask.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    pub(crate) folder: PathBuf,
}

impl Git {
    pub(crate) fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The hash of a commit that is here.
    pub(crate) async fn commit(&self, reference: &str) -> Result<String, String> {
        let peeled = format!("{reference}^{{commit}}");
        let asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", &peeled];
        match self.ask(&asked).await {
            Ok(hash) if !hash.trim().is_empty() => Ok(hash.trim().to_owned()),
            Ok(_) => Err(format!("there is no commit {reference} here")),
            Err(said) if said.is_empty() => Err(format!("there is no commit {reference} here")),
            Err(said) => Err(said),
        }
    }

    /// As `commit`; what a checkout left out, or a forced push left behind, is fetched.
    pub(crate) async fn commit_from_anywhere(&self, reference: &str) -> Result<String, String> {
        let missing = match self.commit(reference).await {
            Ok(hash) => return Ok(hash),
            Err(missing) => missing,
        };
        let is_hash = reference.len() >= 40 && reference.chars().all(|c| c.is_ascii_hexdigit());
        let branch = reference.strip_prefix("origin/").filter(|branch| *branch != "HEAD");
        let shallow = self.is_shallow().await?;
        let wanted = match (is_hash, branch) {
            (true, _) => reference.to_owned(),
            // Of a branch the history is needed, and a shallow clone must not get all of it.
            (false, Some(branch)) if !shallow => format!("refs/heads/{branch}"),
            (false, Some(_)) => return Err(format!("{missing}: {TOO_SHALLOW}")),
            (false, None) => return Err(missing),
        };
        let mut asked = vec!["fetch", "--quiet", "--no-tags", "--no-recurse-submodules"];
        if shallow {
            // In a clone that is whole this would cut its history.
            asked.push("--depth=1");
        }
        asked.extend(["origin", &wanted]);
        let Ok(_) = self.ask(&asked).await else {
            return Err(format!("{missing}, and origin does not give it"));
        };
        self.commit(if is_hash { reference } else { "FETCH_HEAD" }).await
    }

    /// Whether commits pretend to have no parents.
    pub(crate) async fn is_shallow(&self) -> Result<bool, String> {
        Ok(self.ask(&["rev-parse", "--is-shallow-repository"]).await?.trim() == "true")
    }

    /// The commits that a shallow clone was cut at.
    pub(crate) async fn cuts(&self) -> Result<Vec<String>, String> {
        if !self.is_shallow().await? {
            return Ok(Vec::new());
        }
        let path = self.ask(&["rev-parse", "--git-path", "shallow"]).await?;
        let text = std::fs::read_to_string(self.folder.join(path.trim()))
            .map_err(|cause| format!("where the clone was cut cannot be read: {cause}"))?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// As they are written in the commit: a shallow clone pretends that there are none.
    pub(crate) async fn parents(&self, commit: &str) -> Result<Vec<String>, String> {
        let text = self.ask(&["cat-file", "commit", commit]).await?;
        let header = text.lines().take_while(|line| !line.is_empty());
        Ok(header.filter_map(|line| line.strip_prefix("parent ")).map(str::to_owned).collect())
    }

    /// The contents of objects, in their order; every one is a blob.
    pub(crate) async fn blobs(&self, objects: &[String]) -> Result<Vec<Vec<u8>>, String> {
        if objects.is_empty() {
            return Ok(Vec::new());
        }
        let answer =
            self.run(&["cat-file", "--batch"], (objects.join("\n") + "\n").into_bytes()).await?;
        let mut rest = answer.as_slice();
        let mut blobs = Vec::new();
        for object in objects {
            let (blob, left) = first_blob(rest)
                .ok_or_else(|| format!("git does not have the file {object} of a commit"))?;
            blobs.push(blob.to_owned());
            rest = left;
        }
        Ok(blobs)
    }

    /// The object that a content would be.
    pub(crate) async fn object_of(&self, content: &[u8]) -> Result<String, String> {
        let hash = self.run(&["hash-object", "--stdin"], content.to_owned()).await?;
        Ok(String::from_utf8_lossy(&hash).trim().to_owned())
    }

    /// What git writes; what it complains about, where it fails. Paths that are no UTF-8 lose what
    /// is not.
    pub(crate) async fn ask(&self, arguments: &[&str]) -> Result<String, String> {
        let written = self.run(arguments, Vec::new()).await?;
        Ok(String::from_utf8_lossy(&written).into_owned())
    }

    async fn run(&self, arguments: &[&str], input: Vec<u8>) -> Result<Vec<u8>, String> {
        let started = Command::new("git")
            .arg("-C")
            .arg(&self.folder)
            .args(["--no-pager", "-c", "core.fsmonitor=false"])
            .args(arguments)
            .env("GIT_TERMINAL_PROMPT", "0")
            // An object that stands for another one on this machine stands for nothing elsewhere.
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut running = match started {
            Ok(running) => running,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                return Err("git is not here".to_owned());
            }
            Err(cause) => return Err(format!("git cannot be run: {cause}")),
        };
        let stdin = running.stdin.take();
        let give = async move {
            if let Some(mut stdin) = stdin {
                let _unread = stdin.write_all(&input).await;
            }
        };
        let talk = async { tokio::join!(give, running.wait_with_output()).1 };
        match timeout(PATIENCE, talk).await {
            Err(_) => Err("git did not answer in 2 minutes".to_owned()),
            Ok(Err(cause)) => Err(format!("git cannot be run: {cause}")),
            Ok(Ok(output)) if output.status.success() => Ok(output.stdout),
            Ok(Ok(output)) => {
                let said = String::from_utf8_lossy(&output.stderr);
                let line = said.lines().map(str::trim).find(|line| !line.is_empty());
                Err(line.unwrap_or_default().to_owned())
            }
        }
    }
}

/// `OID SP blob SP SIZE LF CONTENT LF` (git-cat-file, "BATCH OUTPUT"), and what follows.
fn first_blob(answer: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = answer.iter().position(|byte| *byte == b'\n')?;
    let header = std::str::from_utf8(answer.get(..end)?).ok()?;
    let (object, size) = header.rsplit_once(' ')?;
    if !object.ends_with(" blob") {
        return None;
    }
    let size: usize = size.parse().ok()?;
    let content = answer.get(end + 1..)?;
    Some((content.get(..size)?, content.get(size + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_follow_each_other() {
        let answer = b"aa blob 2\nx\n\nbb blob 0\n\ncc missing\n";
        let (first, rest) = first_blob(answer).unwrap();
        assert_eq!(first, b"x\n");
        let (second, rest) = first_blob(rest).unwrap();
        assert_eq!(second, b"");
        assert_eq!(first_blob(rest), None);
    }
}
