//! Owns what an answer to RunTask means: PURE.

use super::arn::TaskArn;
use super::database::DatabaseMeaning;
use super::diagnosis;
use super::request::{RunAnswer, Shortfall};
use super::snapshot::TaskSnapshot;
use crate::aws::{AwsError, Class};
use crate::error::{Error, Kind};
use protocol::ExitCode;

/// What to do next.
#[derive(Debug)]
pub(super) enum Step {
    Running(Box<TaskSnapshot>),
    /// The token started these, or one that AWS does not name.
    TokenInUse(Option<TaskArn>),
    /// The same token cannot start it twice.
    Again(Setback),
    /// AWS says that nothing was started, and the token may remember that.
    Empty(Setback),
    GiveUp(Setback),
}

/// Why there is no task yet.
#[derive(Debug)]
pub(super) struct Setback {
    pub(super) why: String,
    /// What it comes to when nothing else comes.
    pub(super) error: Error,
    pub(super) answer: Answer,
}

/// Whether AWS said what became of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Read,
    /// A 5xx, silence, or something unreadable: a task may be running all the same.
    Unread,
}

/// The step after an answer.
pub(super) fn next_step(answer: Result<RunAnswer, AwsError>) -> Step {
    match answer {
        Ok(RunAnswer::Started(task)) => Step::Running(task),
        Ok(RunAnswer::Conflict(tasks)) => Step::TokenInUse(tasks.into_iter().next()),
        Ok(RunAnswer::Nothing) => {
            let why = "RunTask answered with neither a task nor a failure".to_owned();
            let error = Error::new(Kind::AwsRefused, why.clone()).hinted("run again");
            Step::Again(Setback { why, error, answer: Answer::Unread })
        }
        Ok(RunAnswer::Short(shortfalls)) => short(&shortfalls),
        Err(error) => failed(error),
    }
}

fn short(shortfalls: &[Shortfall]) -> Step {
    let texts: Vec<String> = shortfalls.iter().map(Shortfall::text).collect();
    let why = texts.join("; ");
    let finding = shortfalls.first().and_then(|first| diagnosis::of_request(&first.reason));
    let error = Error::new(Kind::NoCapacity, format!("RunTask started nothing: {why}"))
        .database(DatabaseMeaning::Untouched)
        .hinted(finding.as_ref().map_or_else(
            || "the text is AWS's own; no cause is known for it".to_owned(),
            |finding| finding.hint.clone(),
        ));
    let setback = Setback { why, error, answer: Answer::Read };
    if finding.is_some_and(|finding| finding.retry) {
        Step::Empty(setback)
    } else {
        Step::GiveUp(setback)
    }
}

fn failed(error: AwsError) -> Step {
    let why = error.to_string();
    let transient = error.is_transient();
    let capacity = diagnosis::of_request(&error.evidence())
        .is_some_and(|finding| finding.exit == Some(ExitCode::NoCapacity));
    let ambiguous = matches!(error.class, Class::ServerFault | Class::NoAnswer);
    let refused = if capacity {
        let hint = error.hint().unwrap_or_default();
        Error::new(Kind::NoCapacity, why.clone()).hinted(hint)
    } else {
        Error::from(error)
    };
    let setback = Setback {
        why,
        error: refused.database(DatabaseMeaning::Untouched),
        answer: if ambiguous { Answer::Unread } else { Answer::Read },
    };
    if transient { Step::Again(setback) } else { Step::GiveUp(setback) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short_of(reason: &str) -> RunAnswer {
        RunAnswer::Short(vec![Shortfall { reason: reason.to_owned(), detail: String::new() }])
    }

    fn error(code: &str, message: &str, class: Class) -> Result<RunAnswer, AwsError> {
        Err(AwsError {
            operation: "RunTask",
            code: code.to_owned(),
            message: message.to_owned(),
            class,
        })
    }

    fn word(step: &Step) -> (&'static str, u8) {
        match step {
            Step::Running(_) => ("running", 0),
            Step::TokenInUse(_) => ("in use", 0),
            Step::Again(setback) => ("same token", setback.error.exit_code()),
            Step::Empty(setback) => ("empty", setback.error.exit_code()),
            Step::GiveUp(setback) => ("give up", setback.error.exit_code()),
        }
    }

    #[test]
    fn each_answer_has_its_step() {
        for (answer, expected) in [
            (
                Ok(short_of("Capacity is unavailable at this time. Please try again later")),
                ("empty", 81),
            ),
            (Ok(short_of("RESOURCE:MEMORY")), ("empty", 81)),
            (Ok(short_of("ATTRIBUTE")), ("give up", 81)),
            (Ok(short_of("A REASON OF TOMORROW")), ("give up", 81)),
            (Ok(RunAnswer::Nothing), ("same token", 86)),
            (Ok(RunAnswer::Conflict(vec![TaskArn::new("x")])), ("in use", 0)),
            (Ok(RunAnswer::Conflict(Vec::new())), ("in use", 0)),
            (error("ServerException", "", Class::ServerFault), ("same token", 86)),
            (error("Timeout", "", Class::NoAnswer), ("same token", 86)),
            (error("ThrottlingException", "Rate exceeded", Class::Throttled), ("same token", 86)),
            (
                error(
                    "InvalidParameterException",
                    "Error retrieving subnet information for [s]: Rate exceeded (ErrorCode: Throttling)",
                    Class::Refused,
                ),
                ("same token", 86),
            ),
            (
                error(
                    "ClientException",
                    "ECS was unable to assume the role 'r' that was provided for this task.",
                    Class::Refused,
                ),
                ("same token", 86),
            ),
            (
                error(
                    "ClientException",
                    "Capacity is unavailable at this time. Please try again later",
                    Class::Refused,
                ),
                ("same token", 81),
            ),
            (
                error("ClusterNotFoundException", "Cluster not found.", Class::Refused),
                ("give up", 86),
            ),
            (error("AccessDeniedException", "x", Class::AccessDenied), ("give up", 86)),
        ] {
            let text = format!("{answer:?}");
            assert_eq!(word(&next_step(answer)), expected, "{text}");
        }
    }
}
