//! Owns causes: what a text of AWS's, a stop code or an exit code means, from data. PURE.
//!
//! `diagnosis.json` lists the causes, most specific first. A text that no cause knows stays what
//! it is: nothing is invented.

use super::snapshot::{StopCode, TaskSnapshot};
use protocol::ExitCode;
use serde::Deserialize;
use std::sync::LazyLock;

/// A cause that was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// A stable word.
    pub(crate) id: &'static str,
    /// The cause in a sentence.
    pub(crate) sentence: String,
    /// What to do about it.
    pub(crate) hint: String,
    /// What the cause alone says of the database.
    pub(crate) database: Touched,
    /// Whether trying again soon may help.
    pub(crate) retry: bool,
    /// The exit code, where the cause decides it.
    pub(crate) exit: Option<ExitCode>,
}

/// What a cause says of the database, even where the container has an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Touched {
    /// The program cannot have run.
    Untouched,
    /// Nothing.
    #[default]
    Check,
}

/// Where a cause shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    /// The reasons of the task and of the deciding container, stop code, exit code.
    Task,
    /// An API error or a member of `failures`.
    Request,
    /// Both: what AWS refused, whoever asked.
    Aws,
    /// The last lines of the log.
    Log,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cause {
    id: String,
    #[serde(rename = "where")]
    place: Place,
    /// Alternatives; of one alternative all texts must be there. In a log, in one line.
    #[serde(default)]
    evidence: Vec<Vec<String>>,
    /// One of these, too, if there are any: what tells whose text it is.
    #[serde(default)]
    with: Vec<String>,
    /// None of these.
    #[serde(default)]
    unless: Vec<String>,
    #[serde(default)]
    stop_codes: Vec<String>,
    #[serde(default)]
    exit_codes: Vec<i32>,
    sentence: String,
    hint: String,
    #[serde(default)]
    database: Touched,
    #[serde(default)]
    retry: bool,
    #[serde(default)]
    exit: Option<ExitCode>,
    /// Whether the text must be the evidence and nothing else.
    #[serde(default)]
    whole: bool,
    /// Whether a line of our own runner shows it, too: it says itself what its end was, and before
    /// that it speaks of what it waited for, which is no cause.
    #[serde(default)]
    runner: bool,
}

/// The last lines of a log, by who wrote them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Heard<'a> {
    Program(&'a [String]),
    Runner(&'a [String]),
}

/// Its word.
const OUT_OF_MEMORY: &str = "out_of_memory";

static CAUSES: LazyLock<Vec<Cause>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("diagnosis.json"))
        .expect("invariant: the catalogue is valid, a test reads it")
});

/// The cause that an API error or a member of `failures` shows.
pub(crate) fn of_request(text: &str) -> Option<Finding> {
    let text = folded(text);
    let asked = |cause: &&Cause| matches!(cause.place, Place::Request | Place::Aws);
    CAUSES.iter().filter(asked).find(|cause| cause.is_in(&text)).map(Cause::finding)
}

/// The cause that a stopped task shows of `container`: its reasons first, then the last lines of its
/// log, then its stop code and exit code alone. What kept a task from starting can be another
/// container's, and is named as that; of one that ran it is not.
pub(crate) fn of_task(task: &TaskSnapshot, container: &str, heard: Heard<'_>) -> Option<Finding> {
    let stop_code = task.stop_code.as_ref().map(StopCode::name);
    let exit_code = task.container(container).and_then(|container| container.exit_code);
    let sidecar =
        if exit_code.is_none() && !task.started { sidecars(task, container) } else { None };
    let own = find(&task.reasons_of(container), (stop_code, exit_code), heard);
    sidecar.or(own)
}

/// What ECS says against a container that ended with 0: a process in it was killed, and nothing
/// proves that what it was to do was done.
pub(crate) fn of_a_good_end(task: &TaskSnapshot, container: &str) -> Option<Finding> {
    let reason = task.container(container)?.reason.as_deref()?;
    let cause = by_text(reason).filter(|cause| cause.id == OUT_OF_MEMORY)?;
    Some(Finding {
        sentence: "exit code 0, and yet ECS says OutOfMemoryError: a process in the container was killed for memory"
            .to_owned(),
        hint: "look at what was killed and whether its work is done; raise `memory` of the task"
            .to_owned(),
        ..cause.finding()
    })
}

/// The cause that the log of a forgotten task shows; its last word proves that it ended by itself.
pub(crate) fn of_record(exit_code: i32, heard: Heard<'_>) -> Option<Finding> {
    let stop_code = StopCode::EssentialContainerExited;
    find("", (Some(stop_code.name()), Some(exit_code)), heard)
}

/// The cause that another container's reason shows, with its name.
fn sidecars(task: &TaskSnapshot, container: &str) -> Option<Finding> {
    let (name, reason) = task.sidecars_reason(container)?;
    let mut finding = by_text(&reason)?.finding();
    finding.sentence = format!("of container `{name}`: {}", finding.sentence);
    Some(finding)
}

fn by_text(reasons: &str) -> Option<&'static Cause> {
    let reasons = folded(reasons);
    let of_tasks = |cause: &&Cause| matches!(cause.place, Place::Task | Place::Aws);
    let told = CAUSES.iter().filter(of_tasks).filter(|cause| !cause.evidence.is_empty());
    told.into_iter().find(|cause| cause.is_in(&reasons))
}

fn by_log(heard: Heard<'_>) -> Option<&'static Cause> {
    let (lines, own) = match heard {
        Heard::Program(lines) => (lines, false),
        Heard::Runner(lines) => (lines, true),
    };
    let lines: Vec<String> = lines.iter().map(|line| folded(line)).collect();
    CAUSES
        .iter()
        .filter(|cause| cause.place == Place::Log && (cause.runner || !own))
        .find(|cause| lines.iter().any(|line| cause.is_in(line)))
}

fn find(
    reasons: &str,
    (stop_code, exit_code): (Option<&str>, Option<i32>),
    heard: Heard<'_>,
) -> Option<Finding> {
    let by_shape = |cause: &&Cause| {
        cause.place == Place::Task
            && cause.evidence.is_empty()
            && (cause.stop_codes.is_empty()
                || stop_code.is_some_and(|code| cause.stop_codes.iter().any(|c| c == code)))
            && (cause.exit_codes.is_empty()
                || exit_code.is_some_and(|code| cause.exit_codes.contains(&code)))
    };
    by_text(reasons)
        .or_else(|| by_log(heard))
        .or_else(|| CAUSES.iter().find(by_shape))
        .map(Cause::finding)
}

/// Lower case, with the agent's typographic apostrophe folded (`can’t`).
fn folded(text: &str) -> String {
    text.to_lowercase().replace('\u{2019}', "'")
}

impl Cause {
    fn is_in(&self, text: &str) -> bool {
        if self.whole {
            return self.evidence.iter().flatten().any(|part| text == part);
        }
        let has = |part: &String| text.contains(part);
        self.evidence.iter().any(|all| all.iter().all(has))
            && (self.with.is_empty() || self.with.iter().any(has))
            && !self.unless.iter().any(has)
    }

    fn finding(&'static self) -> Finding {
        Finding {
            id: &self.id,
            sentence: self.sentence.clone(),
            hint: self.hint.clone(),
            database: self.database,
            retry: self.retry,
            exit: self.exit,
        }
    }
}

#[cfg(test)]
#[path = "diagnosis_tests.rs"]
mod tests;
