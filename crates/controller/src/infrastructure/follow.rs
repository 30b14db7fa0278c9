//! Owns following an operation on a stack to its end.

use super::events::Operation;
use super::part::Part;
use super::permission;
use super::stack::{Stack, StackEvent};
use crate::aws::Aws;
use crate::error::{Error, Kind};
use crate::report::{Event, Progress, Report};
use std::time::Duration;
use tokio::time::sleep;

/// How often a stack is looked at: DescribeStackEvents has a small budget, and a stack takes a
/// minute.
const PAUSE: Duration = Duration::from_secs(2);

/// Looks after which a settled stack is believed although it never said how the operation ended.
const SILENT_LOOKS: u32 = 10;

/// What is followed.
#[derive(Debug)]
pub(crate) struct Following<'a> {
    pub(crate) stack_id: &'a str,
    pub(crate) operation: Operation,
    /// How many resources there are to go through, 0 when that is not known.
    pub(crate) total: usize,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) stack: Option<Stack>,
    pub(crate) cause: Option<StackEvent>,
}

impl Following<'_> {
    /// Shows the events until the stack is settled.
    pub(crate) async fn until_it_ends(
        mut self,
        aws: &Aws,
        report: &mut Report,
    ) -> Result<Ended, Error> {
        let mut silent = 0;
        loop {
            let stack = aws.stack(self.stack_id).await?;
            let events = aws.stack_events(self.stack_id).await?;
            for (event, done) in self.operation.take(events) {
                if !event.is_of_marker() {
                    report.emit(&Event::Progress(Progress {
                        done,
                        total: self.total,
                        what: what(&event),
                        status: event.status,
                        reason: event.reason,
                    }));
                }
            }
            let settled =
                stack.as_ref().is_none_or(|stack| !stack.status.ends_with("_IN_PROGRESS"));
            silent = if settled { silent + 1 } else { 0 };
            if settled && (self.operation.has_ended() || silent >= SILENT_LOOKS) {
                return Ok(Ended { stack, cause: self.operation.cause().cloned() });
            }
            sleep(PAUSE).await;
        }
    }
}

/// What people call the resource of an event.
pub(crate) fn what(event: &StackEvent) -> String {
    if event.is_of_stack() {
        return format!("stack {}", event.logical_id);
    }
    Part::of(&event.logical_id)
        .map_or_else(|| event.logical_id.clone(), |part| part.words().to_owned())
}

impl Ended {
    /// The stack, if its status is one of those.
    pub(crate) fn expect(self, name: &str, good: &[&str]) -> Result<Option<Stack>, Error> {
        let status = self.stack.as_ref().map_or("DELETE_COMPLETE", |stack| stack.status.as_str());
        if good.contains(&status) {
            return Ok(self.stack);
        }
        Err(self.failure(name, status))
    }

    fn failure(&self, name: &str, status: &str) -> Error {
        let Some(cause) = &self.cause else {
            let reason = self.stack.as_ref().map_or("", |stack| stack.reason.as_str());
            let text = format!("stack {name} is {status} {reason}");
            return Error::new(Kind::SetupFailed, text.trim_end().to_owned())
                .hinted("look at its events in the CloudFormation console, then run again");
        };
        let text =
            format!("stack {name} is {status}: {} {}: {}", what(cause), cause.status, cause.reason);
        Error::new(Kind::SetupFailed, text).hinted(advice(&cause.reason, status))
    }
}

/// What to do about a reason that a resource failed for.
fn advice(reason: &str, status: &str) -> String {
    if let Some(advice) = permission::advice(reason) {
        return advice;
    }
    let lower = reason.to_ascii_lowercase();
    if lower.contains("already exists") || lower.contains("alreadyexists") {
        return "somebody made it meanwhile: run setup-infra again, and it is adopted".to_owned();
    }
    if lower.contains("limitexceeded")
        || lower.contains("limit exceeded")
        || lower.contains("quota")
    {
        return "raise the quota in Service Quotas or delete what is unused, then run again"
            .to_owned();
    }
    match status {
        "UPDATE_ROLLBACK_FAILED" => {
            "mend the cause and run setup-infra again, which goes on with the \
            rollback; or leave the resource out: `aws cloudformation continue-update-rollback \
            --resources-to-skip`"
                .to_owned()
        }
        "DELETE_FAILED" => {
            "mend the cause, then run again: what is gone already stays gone".to_owned()
        }
        _ => "mend the cause, then run setup-infra again: it removes what is left and starts anew"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_advice() {
        for (reason, status, start) in [
            (
                "x is not authorized to perform: iam:CreateRole on resource: r",
                "ROLLBACK_COMPLETE",
                "allow it",
            ),
            ("app-migrate already exists in stack arn", "ROLLBACK_COMPLETE", "somebody made it"),
            ("(HandlerErrorCode: AlreadyExists)", "ROLLBACK_COMPLETE", "somebody made it"),
            (
                "Cannot exceed quota for RolesPerAccount: 1000",
                "ROLLBACK_COMPLETE",
                "raise the quota",
            ),
            (
                "x",
                "UPDATE_ROLLBACK_FAILED",
                "mend the cause and run setup-infra again, which goes on",
            ),
            ("x", "DELETE_FAILED", "mend the cause, then run again: what"),
            ("x", "ROLLBACK_COMPLETE", "mend the cause, then run setup-infra again: it removes"),
        ] {
            assert!(advice(reason, status).starts_with(start), "{reason}");
        }
    }
}
