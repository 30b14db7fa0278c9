//! Owns asking git which files differ.

use super::origin::Origin;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

/// How long one question may take; a commit may have to come over the network.
const PATIENCE: Duration = Duration::from_mins(2);

/// A repository and the commit that is asked about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Comparison<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) head: &'a str,
}

/// With which commit `head` was compared, and the paths that differ, from the top of the
/// repository; a renamed file counts under both names. Or why nobody can know.
pub(crate) async fn changed_files(
    comparison: Comparison<'_>,
    origin: &Origin,
) -> Result<(String, Vec<String>), String> {
    let git = Git { folder: comparison.folder };
    let head = git.commit(comparison.head).await?;
    let from = git.origin(origin, &head).await?;
    let options = ["diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--no-color"];
    let listed = git.ask(&[&options[..], &[&from, &head, "--"]].concat()).await?;
    let files = listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    Ok((from, files))
}

/// A repository to ask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Git<'a> {
    pub(crate) folder: &'a Path,
}

impl Git<'_> {
    /// The commit that `head` is compared with, or why nobody can know.
    pub(crate) async fn origin(&self, origin: &Origin, head: &str) -> Result<String, String> {
        match origin {
            Origin::Unknown(why) => Err((*why).to_owned()),
            Origin::Commit(commit) => self.commit_from_anywhere(commit).await,
            Origin::MergeBase(reference) => self.merge_base(reference, head).await,
            Origin::PullRequest(base) => match self.parents(head).await?.as_slice() {
                // GitHub checks out the merge of base and branch, of which depth 1 has no history.
                [first, _] => self.commit_from_anywhere(&first.clone()).await,
                _ => self.merge_base(base, head).await,
            },
        }
    }

    /// The hash of a commit that is here.
    async fn commit(&self, reference: &str) -> Result<String, String> {
        let peeled = format!("{reference}^{{commit}}");
        let asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", &peeled];
        match self.ask(&asked).await {
            Ok(hash) if !hash.trim().is_empty() => Ok(hash.trim().to_owned()),
            Ok(_) => Err(format!("there is no commit {reference} here")),
            Err(said) if said.is_empty() => Err(format!("there is no commit {reference} here")),
            Err(said) => Err(said),
        }
    }

    /// As `commit`; one that a shallow clone or a forced push left behind is fetched.
    async fn commit_from_anywhere(&self, reference: &str) -> Result<String, String> {
        let missing = match self.commit(reference).await {
            Ok(hash) => return Ok(hash),
            Err(missing) => missing,
        };
        let is_hash = reference.len() >= 40 && reference.chars().all(|c| c.is_ascii_hexdigit());
        if !is_hash {
            return Err(missing);
        }
        let asked = ["fetch", "--quiet", "--no-tags", "--depth=1", "origin", reference];
        match self.ask(&asked).await {
            Ok(_) => self.commit(reference).await,
            Err(_) => Err(format!("{missing}, and origin does not give it")),
        }
    }

    async fn merge_base(&self, reference: &str, head: &str) -> Result<String, String> {
        let base = self.commit_from_anywhere(reference).await?;
        match self.ask(&["merge-base", &base, head]).await {
            Ok(hash) if !hash.trim().is_empty() => Ok(hash.trim().to_owned()),
            Ok(_) | Err(_) => {
                let shallow = self.ask(&["rev-parse", "--is-shallow-repository"]).await;
                if shallow.is_ok_and(|answer| answer.trim() == "true") {
                    return Err("the clone is too shallow (set fetch-depth: 0)".to_owned());
                }
                Err(format!("{reference} and {head} have no commit in common"))
            }
        }
    }

    /// As they are written in the commit: a shallow clone pretends that there are none.
    async fn parents(&self, commit: &str) -> Result<Vec<String>, String> {
        let text = self.ask(&["cat-file", "-p", commit]).await?;
        let header = text.lines().take_while(|line| !line.is_empty());
        Ok(header.filter_map(|line| line.strip_prefix("parent ")).map(str::to_owned).collect())
    }

    /// What git writes; what it complains about, where it fails. Paths that are no UTF-8 lose what
    /// is not.
    pub(crate) async fn ask(&self, arguments: &[&str]) -> Result<String, String> {
        let running = Command::new("git")
            .arg("-C")
            .arg(self.folder)
            .args(["--no-pager", "-c", "core.fsmonitor=false"])
            .args(arguments)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        match timeout(PATIENCE, running).await {
            Err(_) => Err("git did not answer in 2 minutes".to_owned()),
            Ok(Err(cause)) if cause.kind() == std::io::ErrorKind::NotFound => {
                Err("git is not here".to_owned())
            }
            Ok(Err(cause)) => Err(format!("git cannot be run: {cause}")),
            Ok(Ok(output)) if output.status.success() => {
                Ok(String::from_utf8_lossy(&output.stdout).into_owned())
            }
            Ok(Ok(output)) => {
                let said = String::from_utf8_lossy(&output.stderr);
                let line = said.lines().map(str::trim).find(|line| !line.is_empty());
                Err(line.unwrap_or_default().to_owned())
            }
        }
    }
}
