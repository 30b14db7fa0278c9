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
    pub(crate) sentence: &'static str,
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
    /// Stopped reason and container reasons, stop code, exit code.
    Task,
    /// An API error or a member of `failures`.
    Request,
    /// The last lines of the log.
    Log,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cause {
    id: String,
    #[serde(rename = "where")]
    place: Place,
    /// Alternatives; of one alternative all texts must be there.
    #[serde(default)]
    evidence: Vec<Vec<String>>,
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
}

static CAUSES: LazyLock<Vec<Cause>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("diagnosis.json"))
        .expect("invariant: the catalogue is valid, a test reads it")
});

/// The cause that an API error or a member of `failures` shows.
pub(crate) fn of_request(text: &str) -> Option<Finding> {
    let text = folded(text);
    CAUSES
        .iter()
        .filter(|cause| cause.place == Place::Request)
        .find(|cause| cause.is_in(&text))
        .map(Cause::finding)
}

/// The cause that a stopped task shows: its reasons first, then the last lines of its log, then
/// its stop code and exit code alone.
pub(crate) fn of_task(task: &TaskSnapshot, container: &str, last_lines: &str) -> Option<Finding> {
    let stop_code = task.stop_code.as_ref().map(StopCode::name);
    let exit_code = task.container(container).and_then(|container| container.exit_code);
    find(&task.reasons(), (stop_code, exit_code), last_lines)
}

/// The cause that the log of a forgotten task shows; its last word proves that it ended by itself.
pub(crate) fn of_record(exit_code: i32, last_lines: &str) -> Option<Finding> {
    let stop_code = StopCode::EssentialContainerExited;
    find("", (Some(stop_code.name()), Some(exit_code)), last_lines)
}

fn find(
    reasons: &str,
    (stop_code, exit_code): (Option<&str>, Option<i32>),
    last_lines: &str,
) -> Option<Finding> {
    let (reasons, log) = (folded(reasons), folded(last_lines));
    let by_text = |place: Place, text: &str| {
        CAUSES
            .iter()
            .filter(|cause| cause.place == place && !cause.evidence.is_empty())
            .find(|cause| cause.is_in(text))
    };
    let by_shape = |cause: &&Cause| {
        cause.place == Place::Task
            && cause.evidence.is_empty()
            && (cause.stop_codes.is_empty()
                || stop_code.is_some_and(|code| cause.stop_codes.iter().any(|c| c == code)))
            && (cause.exit_codes.is_empty()
                || exit_code.is_some_and(|code| cause.exit_codes.contains(&code)))
    };
    by_text(Place::Task, &reasons)
        .or_else(|| by_text(Place::Log, &log))
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
        self.evidence.iter().any(|all| all.iter().all(|part| text.contains(part)))
    }

    fn finding(&'static self) -> Finding {
        Finding {
            id: &self.id,
            sentence: &self.sentence,
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
