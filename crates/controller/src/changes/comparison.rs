//! Owns with which commits a commit is compared, and what differs.

use super::answer::Difference;
use super::git::{Git, TOO_SHALLOW};
use super::green::last_green;
use super::origin::{Branch, Green, Origin, PullRequest};
use super::touched;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A repository and the commit that is asked about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Comparison<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) head: &'a str,
    /// Of the process.
    pub(crate) environment: &'a BTreeMap<String, String>,
}

/// What differs between `head` and any commit that it has to be compared with; a renamed file counts
/// under both names. Or why nobody can know.
pub(crate) async fn difference(
    comparison: Comparison<'_>,
    origin: &Origin,
) -> Result<Difference, String> {
    let git = Git::at(comparison.folder);
    let head = git.commit(comparison.head).await?;
    let bases = deployed(&git, origin, (&head, comparison.environment)).await?;
    let mut touched = BTreeSet::new();
    for base in &bases {
        // Two trees, whatever `diff.*`, `submodule.*.ignore` and .gitattributes say.
        let options =
            ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--ignore-submodules=none"];
        let more = ["--no-relative", "--no-ext-diff", "--no-textconv", "--full-index"];
        let listed = git.ask(&[&options[..], &more, &[base, &head, "--"]].concat()).await?;
        touched.extend(touched::read(&listed));
    }
    let with = bases.into_iter().next().unwrap_or_default();
    Ok(Difference { with, touched: touched.into_iter().collect() })
}

/// The commits of which any may be what runs.
async fn deployed(
    git: &Git,
    origin: &Origin,
    (head, environment): (&str, &BTreeMap<String, String>),
) -> Result<Vec<String>, String> {
    let green = match origin {
        Origin::Green(green) => green.clone(),
        Origin::Branch(branch) => Green::Run { branch: branch.name.clone() },
        Origin::Commit(_) | Origin::MergeBase(_) | Origin::PullRequest(_) | Origin::Unknown(_) => {
            return bases(git, origin, head).await;
        }
    };
    match (last_green(&green, environment).await, origin) {
        (Ok(baseline), _) => {
            let mut commits = vec![git.commit_from_anywhere(&baseline.green).await?];
            for tried in &baseline.tried {
                commits.push(git.commit_from_anywhere(tried).await?);
            }
            Ok(commits)
        }
        (Err(_), Origin::Branch(branch)) => of_branch(git, branch, head).await,
        (Err(why), _) => Err(why),
    }
}

/// A branch that nobody knows to have been green: what it did since it parted, and what this push did,
/// for the branch may be one that is deployed and only follows the default one.
async fn of_branch(git: &Git, branch: &Branch, head: &str) -> Result<Vec<String>, String> {
    let mut commits = merge_bases(git, &branch.parted_from, head).await?;
    if commits.iter().any(|base| base == head) {
        return Err(format!("{} has no commit that is not on {}", branch.name, branch.parted_from));
    }
    if !branch.before.is_empty() {
        commits.push(git.commit_from_anywhere(&branch.before).await?);
    }
    Ok(commits)
}

/// The commits that `head` is compared with, of which all count; or why nobody can know.
pub(crate) async fn bases(git: &Git, origin: &Origin, head: &str) -> Result<Vec<String>, String> {
    match origin {
        Origin::Unknown(why) => Err(why.clone()),
        Origin::Commit(commit) => Ok(vec![git.commit_from_anywhere(commit).await?]),
        Origin::MergeBase(reference) => merge_bases(git, reference, head).await,
        Origin::Branch(branch) => merge_bases(git, &branch.parted_from, head).await,
        Origin::PullRequest(request) => of_request(git, request, head).await,
        Origin::Green(_) => Err("what was green last is not known".to_owned()),
    }
}

/// What a checkout of a pull request is compared with.
async fn of_request(git: &Git, request: &PullRequest, head: &str) -> Result<Vec<String>, String> {
    if !request.head.is_empty() && head != request.head {
        // GitHub checks out the merge of base and head, of which depth 1 has no history. A head that
        // is a merge itself has its own branch as first parent, and says nothing of the base.
        if let [first, second] = git.parents(head).await?.as_slice()
            && *second == request.head
        {
            return Ok(vec![git.commit_from_anywhere(first).await?]);
        }
        if request.is_merged {
            return Ok(vec![git.commit_from_anywhere(&request.base).await?]);
        }
        if !is_ancestor(git, &request.head, head).await? {
            return Err(format!(
                "what is checked out is not the pull request: {head} does not have its head {}",
                request.head
            ));
        }
    }
    merge_bases(git, &request.base, head).await
}

async fn is_ancestor(git: &Git, old: &str, new: &str) -> Result<bool, String> {
    let cut =
        || async { if git.is_shallow().await? { Err(TOO_SHALLOW.to_owned()) } else { Ok(false) } };
    if git.commit(old).await.is_err() {
        return cut().await;
    }
    match git.ask(&["merge-base", "--is-ancestor", old, new]).await {
        Ok(_) => Ok(true),
        Err(said) if said.is_empty() => cut().await,
        Err(said) => Err(said),
    }
}

/// Where the histories parted: several commits where they crossed.
async fn merge_bases(git: &Git, reference: &str, head: &str) -> Result<Vec<String>, String> {
    let base = git.commit_from_anywhere(reference).await?;
    // Of the merge that GitHub makes depth 1 has no history, and needs none.
    if base == head || git.parents(head).await?.contains(&base) {
        return Ok(vec![base]);
    }
    let found = match git.ask(&["merge-base", "--all", &base, head]).await {
        Ok(found) => found,
        Err(said) if said.is_empty() => String::new(),
        Err(said) => return Err(said),
    };
    let bases: Vec<String> = found.lines().map(|line| line.trim().to_owned()).collect();
    let cuts: BTreeSet<String> = git.cuts().await?.into_iter().collect();
    if !cuts.is_empty() {
        // Behind a cut there may be a nearer commit in common, unless all ways end at those found.
        let mut asked = vec!["rev-list", &base, head];
        if !bases.is_empty() {
            asked.push("--not");
            asked.extend(bases.iter().map(String::as_str));
        }
        let is_cut = async |asked: &[&str]| {
            let listed = git.ask(asked).await?;
            Ok::<bool, String>(listed.lines().any(|commit| cuts.contains(commit.trim())))
        };
        // Of several that were found one may be in the past of another, behind a cut of theirs.
        let past: Vec<&str> =
            ["rev-list"].into_iter().chain(bases.iter().map(String::as_str)).collect();
        if is_cut(&asked).await? || (bases.len() > 1 && is_cut(&past).await?) {
            return Err(TOO_SHALLOW.to_owned());
        }
    }
    if bases.is_empty() {
        return Err(format!("{reference} and {head} have no commit in common"));
    }
    Ok(bases)
}
