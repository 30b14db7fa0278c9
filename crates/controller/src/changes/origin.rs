//! Owns what a push is compared with, from the flags and from what GitHub says about it. PURE.

use serde_json::Value;

/// What git calls "no commit": `before` of a branch's first push.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// What the command line asked for. An empty text is what a workflow gives that found nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) base: Option<String>,
    pub(crate) since: Option<String>,
    /// An environment of GitHub's, and the commit that was deployed to it last.
    pub(crate) deployed_to: Option<String>,
}

/// What happened, in the words of GitHub's event.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Occasion {
    /// `GITHUB_EVENT_NAME`; empty outside GitHub Actions.
    pub(crate) event: String,
    /// `GITHUB_REF`.
    pub(crate) reference: String,
    /// The event as GitHub wrote it down, `Null` where it cannot be read.
    pub(crate) payload: Value,
}

impl Occasion {
    /// Whether something asks to be merged: then what cannot be compared must not pass.
    pub(crate) fn asks_to_be_merged(&self) -> bool {
        self.event.starts_with("pull_request") || self.event == "merge_group"
    }
}

/// What to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The whole difference to this commit, which is what runs now.
    Commit(String),
    /// What was done since the histories parted.
    MergeBase(String),
    /// What a pull request does to its base.
    PullRequest(PullRequest),
    /// What a branch that is not the default one has done.
    Branch(Branch),
    /// What was green last, which only GitHub knows.
    Green(Green),
    /// Nobody can know, and why.
    Unknown(String),
}

/// A pull request, in the words of the event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PullRequest {
    /// The base branch's commit when the event happened; else the branch as it is now.
    pub(crate) base: String,
    /// The commit that asks to be merged; empty where the event does not say it.
    pub(crate) head: String,
    /// Whether that has happened, in which case the checkout need not hold the head.
    pub(crate) is_merged: bool,
}

/// A push to a branch that is not the default one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Branch {
    /// The default branch, from which it parted.
    pub(crate) parted_from: String,
    /// What was there before the push; empty for a new branch.
    pub(crate) before: String,
    /// The branch itself.
    pub(crate) name: String,
}

/// Which run of the workflow counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Green {
    /// The last green one of a branch.
    Run { branch: String },
    /// The last one in which this job was green, whatever became of the others.
    Job(String),
}

/// The job that says that everything of an environment stands, by its name.
fn job_of(environment: &str) -> String {
    format!("deployed to {environment}")
}

fn given(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty() && text != NO_COMMIT).then(|| text.to_owned())
}

/// Decides it: flags first, then the event.
pub(crate) fn origin(asked: &Asked, occasion: &Occasion) -> Origin {
    let unknown = |why: &str| Origin::Unknown(why.to_owned());
    if let Some(since) = &asked.since {
        return given(since).map_or_else(
            || unknown("nothing was deployed before (--since is empty)"),
            Origin::Commit,
        );
    }
    if let Some(base) = &asked.base {
        return given(base).map_or_else(|| unknown("--base is empty"), Origin::MergeBase);
    }
    if let Some(environment) = &asked.deployed_to {
        return given(environment).map_or_else(
            || unknown("--deployed-to is empty"),
            |environment| Origin::Green(Green::Job(job_of(&environment))),
        );
    }
    let text = |path: &str| occasion.payload.pointer(path).and_then(Value::as_str).and_then(given);
    match occasion.event.as_str() {
        "" => Origin::MergeBase("origin/HEAD".to_owned()),
        "merge_group" => text("/merge_group/base_sha")
            .map_or_else(|| unknown("the event does not name the base"), Origin::Commit),
        "push" => of_push(&occasion.reference, text("/before"), text("/repository/default_branch")),
        _ if occasion.asks_to_be_merged() => {
            let branch = || text("/pull_request/base/ref").map(|name| format!("origin/{name}"));
            match text("/pull_request/base/sha").or_else(branch) {
                Some(base) => Origin::PullRequest(PullRequest {
                    base,
                    head: text("/pull_request/head/sha").unwrap_or_default(),
                    is_merged: occasion.payload.pointer("/pull_request/merged")
                        == Some(&Value::Bool(true)),
                }),
                None => unknown("the event does not name the base"),
            }
        }
        _ => unknown("this event does not say what was there before"),
    }
}

/// What was there before a push is not what was green: it may have been red. So the default branch
/// is compared with its last green run, and any other with what it parted from.
fn of_push(reference: &str, before: Option<String>, default: Option<String>) -> Origin {
    let unknown = |why: &str| Origin::Unknown(why.to_owned());
    match (reference.strip_prefix("refs/heads/"), default) {
        (None, _) => unknown("a tag does not say what was there before"),
        (Some(_), None) => unknown("the event does not name the default branch"),
        (Some(name), Some(default)) if name != default => Origin::Branch(Branch {
            parted_from: format!("origin/{default}"),
            before: before.unwrap_or_default(),
            name: name.to_owned(),
        }),
        (Some(_), Some(_)) if before.is_none() => unknown("it is the first push"),
        (Some(name), Some(_)) => Origin::Green(Green::Run { branch: name.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn on(event: &str, reference: &str, payload: Value) -> Occasion {
        Occasion { event: event.to_owned(), reference: reference.to_owned(), payload }
    }

    fn request(base: &str, head: &str) -> Origin {
        Origin::PullRequest(PullRequest {
            base: base.to_owned(),
            head: head.to_owned(),
            is_merged: false,
        })
    }

    fn branch(before: &str) -> Origin {
        Origin::Branch(Branch {
            parted_from: "origin/main".to_owned(),
            before: before.to_owned(),
            name: "topic".to_owned(),
        })
    }

    #[test]
    fn every_occasion_has_its_origin() {
        let (main, topic, merge) = ("refs/heads/main", "refs/heads/topic", "refs/pull/7/merge");
        let pushed =
            |before: &str| json!({"before": before, "repository": {"default_branch": "main"}});
        let asks = json!({"pull_request": {
            "base": {"sha": "b", "ref": "main"}, "head": {"sha": "h"}, "merged": false
        }});
        let unknown = |why: &str| Origin::Unknown(why.to_owned());
        for (occasion, expected) in [
            (
                on("push", main, pushed("a1")),
                Origin::Green(Green::Run { branch: "main".to_owned() }),
            ),
            (on("push", main, pushed(NO_COMMIT)), unknown("it is the first push")),
            (on("push", topic, pushed(NO_COMMIT)), branch("")),
            (on("push", topic, pushed("a1")), branch("a1")),
            (
                on("push", "refs/tags/v1", pushed("a1")),
                unknown("a tag does not say what was there before"),
            ),
            (on("push", main, Value::Null), unknown("the event does not name the default branch")),
            (on("pull_request", merge, asks.clone()), request("b", "h")),
            (on("pull_request_target", main, asks.clone()), request("b", "h")),
            (on("pull_request_review", merge, asks), request("b", "h")),
            (
                on("pull_request", merge, json!({"pull_request": {"base": {"ref": "main"}}})),
                request("origin/main", ""),
            ),
            (on("pull_request", merge, json!({})), unknown("the event does not name the base")),
            (
                on("merge_group", main, json!({"merge_group": {"base_sha": "c"}})),
                Origin::Commit("c".to_owned()),
            ),
            (
                on("workflow_dispatch", main, json!({})),
                unknown("this event does not say what was there before"),
            ),
            (on("", "", Value::Null), Origin::MergeBase("origin/HEAD".to_owned())),
        ] {
            assert_eq!(origin(&Asked::default(), &occasion), expected, "{occasion:?}");
        }
    }

    #[test]
    fn a_flag_counts_more_than_the_event() {
        let push = on("push", "refs/heads/main", json!({"before": "a1"}));
        let asked = |base: Option<&str>, since: Option<&str>, deployed_to: Option<&str>| Asked {
            base: base.map(str::to_owned),
            since: since.map(str::to_owned),
            deployed_to: deployed_to.map(str::to_owned),
        };
        for (asked, expected) in [
            (asked(Some("main"), None, None), Origin::MergeBase("main".to_owned())),
            (asked(None, Some("f00"), None), Origin::Commit("f00".to_owned())),
            (asked(Some(" "), None, None), Origin::Unknown("--base is empty".to_owned())),
            (
                asked(None, Some(""), None),
                Origin::Unknown("nothing was deployed before (--since is empty)".to_owned()),
            ),
            (
                asked(None, None, Some("production")),
                Origin::Green(Green::Job("deployed to production".to_owned())),
            ),
            (asked(None, None, Some("")), Origin::Unknown("--deployed-to is empty".to_owned())),
        ] {
            assert_eq!(origin(&asked, &push), expected);
        }
    }
}
