//! Owns what a push is compared with, from the flags and from what GitHub says about it. PURE.

use serde_json::Value;

/// What git calls "no commit": `before` of a branch's first push.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// What the command line asked for. An empty text is what a workflow gives that found nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) base: Option<String>,
    pub(crate) since: Option<String>,
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

/// What to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The whole difference to this commit, which is what runs now.
    Commit(String),
    /// What was done since the histories parted.
    MergeBase(String),
    /// As `MergeBase`, but a merge commit that GitHub made is compared with its first parent.
    PullRequest(String),
    /// Nobody can know, and why.
    Unknown(&'static str),
}

/// Decides it: flags first, then the event.
pub(crate) fn origin(asked: &Asked, occasion: &Occasion) -> Origin {
    let given = |text: &str| {
        let text = text.trim();
        (!text.is_empty() && text != NO_COMMIT).then(|| text.to_owned())
    };
    if let Some(since) = &asked.since {
        return given(since).map_or(
            Origin::Unknown("nothing was deployed before (--since is empty)"),
            Origin::Commit,
        );
    }
    if let Some(base) = &asked.base {
        return given(base).map_or(Origin::Unknown("--base is empty"), Origin::MergeBase);
    }
    let text = |path: &str| occasion.payload.pointer(path).and_then(Value::as_str).and_then(given);
    match occasion.event.as_str() {
        "" => Origin::MergeBase("origin/HEAD".to_owned()),
        "pull_request" | "pull_request_target" => text("/pull_request/base/sha")
            .map_or(Origin::Unknown("the event does not name the base"), Origin::PullRequest),
        "merge_group" => text("/merge_group/base_sha")
            .map_or(Origin::Unknown("the event does not name the base"), Origin::Commit),
        "push" if occasion.reference.starts_with("refs/tags/") => {
            Origin::Unknown("a tag does not say what was there before")
        }
        "push" => match (text("/before"), text("/repository/default_branch")) {
            // What was there before is what runs now, also when it was pushed away by force.
            (Some(before), _) => Origin::Commit(before),
            (None, Some(branch)) if occasion.reference != format!("refs/heads/{branch}") => {
                Origin::MergeBase(format!("origin/{branch}"))
            }
            (None, _) => Origin::Unknown("it is the first push"),
        },
        _ => Origin::Unknown("this event does not say what was there before"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn on(event: &str, reference: &str, payload: Value) -> Occasion {
        Occasion { event: event.to_owned(), reference: reference.to_owned(), payload }
    }

    #[test]
    fn every_occasion_has_its_origin() {
        let main = "refs/heads/main";
        let pushed =
            |before: &str| json!({"before": before, "repository": {"default_branch": "main"}});
        let request = json!({"pull_request": {"base": {"sha": "b"}}});
        for (occasion, expected) in [
            (on("push", main, pushed("a1")), Origin::Commit("a1".to_owned())),
            (on("push", main, pushed(NO_COMMIT)), Origin::Unknown("it is the first push")),
            (
                on("push", "refs/heads/topic", pushed(NO_COMMIT)),
                Origin::MergeBase("origin/main".to_owned()),
            ),
            (
                on("push", "refs/tags/v1", pushed("a1")),
                Origin::Unknown("a tag does not say what was there before"),
            ),
            (on("push", main, Value::Null), Origin::Unknown("it is the first push")),
            (on("pull_request", "refs/pull/7/merge", request), Origin::PullRequest("b".to_owned())),
            (
                on("pull_request", "refs/pull/7/merge", json!({})),
                Origin::Unknown("the event does not name the base"),
            ),
            (
                on("merge_group", main, json!({"merge_group": {"base_sha": "c"}})),
                Origin::Commit("c".to_owned()),
            ),
            (
                on("workflow_dispatch", main, json!({})),
                Origin::Unknown("this event does not say what was there before"),
            ),
            (on("", "", Value::Null), Origin::MergeBase("origin/HEAD".to_owned())),
        ] {
            assert_eq!(origin(&Asked::default(), &occasion), expected, "{occasion:?}");
        }
    }

    #[test]
    fn a_flag_counts_more_than_the_event() {
        let push = on("push", "refs/heads/main", json!({"before": "a1"}));
        let asked = |base: Option<&str>, since: Option<&str>| Asked {
            base: base.map(str::to_owned),
            since: since.map(str::to_owned),
        };
        for (asked, expected) in [
            (asked(Some("main"), None), Origin::MergeBase("main".to_owned())),
            (asked(None, Some("f00")), Origin::Commit("f00".to_owned())),
            (asked(Some(" "), None), Origin::Unknown("--base is empty")),
            (
                asked(None, Some("")),
                Origin::Unknown("nothing was deployed before (--since is empty)"),
            ),
        ] {
            assert_eq!(origin(&asked, &push), expected);
        }
    }
}
