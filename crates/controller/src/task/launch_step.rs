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
    Attach(TaskArn),
    /// Nothing was started, or nobody knows: the same token cannot start it twice.
    SameToken {
        why: String,
        error: Error,
    },
    /// Nothing was started, and the token may remember that.
    NextToken {
        why: String,
        error: Error,
    },
    GiveUp(Error),
}

/// The step after an answer.
pub(super) fn next_step(answer: Result<RunAnswer, AwsError>) -> Step {
    match answer {
        Ok(RunAnswer::Started(task)) => Step::Running(task),
        Ok(RunAnswer::Conflict(tasks)) => match tasks.into_iter().next() {
            Some(task) => Step::Attach(task),
            None => Step::GiveUp(Error::new(
                Kind::AwsRefused,
                "RunTask: ConflictException: the client token is in use, and AWS does not say by which task",
            )),
        },
        Ok(RunAnswer::Nothing) => Step::GiveUp(
            Error::new(Kind::AwsRefused, "RunTask answered with neither a task nor a failure")
                .hinted("run again"),
        ),
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
    if finding.is_some_and(|finding| finding.retry) {
        Step::NextToken { why, error }
    } else {
        Step::GiveUp(error)
    }
}

fn failed(error: AwsError) -> Step {
    let why = error.to_string();
    let transient = error.is_transient();
    let capacity = diagnosis::of_request(&error.evidence())
        .is_some_and(|finding| finding.exit == Some(ExitCode::NoCapacity));
    // After a 5xx or silence a task may be running all the same.
    let ambiguous = matches!(error.class, Class::ServerFault | Class::NoAnswer);
    let mut refused = if capacity {
        let hint = error.hint().unwrap_or_default();
        Error::new(Kind::NoCapacity, why.clone()).hinted(hint)
    } else {
        Error::from(error)
    };
    if ambiguous {
        refused = refused.hinted(
            "a task may have been started all the same: `ecs-migrate cancel` stops the tasks of \
             this run, or run again with the same key to follow it",
        );
    } else {
        refused = refused.database(DatabaseMeaning::Untouched);
    }
    if transient { Step::SameToken { why, error: refused } } else { Step::GiveUp(refused) }
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
            Step::Attach(_) => ("attach", 0),
            Step::SameToken { error, .. } => ("same token", error.exit_code()),
            Step::NextToken { error, .. } => ("next token", error.exit_code()),
            Step::GiveUp(error) => ("give up", error.exit_code()),
        }
    }

    #[test]
    fn each_answer_has_its_step() {
        for (answer, expected) in [
            (
                Ok(short_of("Capacity is unavailable at this time. Please try again later")),
                ("next token", 81),
            ),
            (Ok(short_of("RESOURCE:MEMORY")), ("next token", 81)),
            (Ok(short_of("ATTRIBUTE")), ("give up", 81)),
            (Ok(short_of("A REASON OF TOMORROW")), ("give up", 81)),
            (Ok(RunAnswer::Nothing), ("give up", 86)),
            (Ok(RunAnswer::Conflict(vec![TaskArn::new("x")])), ("attach", 0)),
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
