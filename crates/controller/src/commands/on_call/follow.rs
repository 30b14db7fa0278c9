//! Owns following a run as a reader: the gate's session, without anything to say about the task.

use super::family::Family;
use super::locate::in_flight;
use crate::aws::Aws;
use crate::error::{Error, Kind};
use crate::report::{Event, OnCall, Report};
use crate::runs;
use crate::signal::Listener;
use crate::task::{LogState, Pace, Plan, TaskSnapshot, Tools, Verdict, follow};
use std::time::Duration;

/// Between two looks for the next run.
const PERIOD: Duration = Duration::from_secs(5);

/// The run in flight, or the next one; none when a signal came first.
pub(super) async fn next(
    aws: &Aws,
    family: &Family,
    (pace, report): (&Pace, &mut Report),
    listener: &mut Listener,
) -> Result<Option<TaskSnapshot>, Error> {
    let mut said = false;
    loop {
        let looked = tokio::select! {
            biased;
            _ = listener.next() => return Ok(None),
            looked = family.remembered(aws) => looked,
        };
        let looked = match looked {
            // Whoever waits for hours meets a bad minute.
            Err(error) if error.is_transient() => None,
            looked => in_flight(looked.map_err(runs::allow)?, &family.container),
        };
        if looked.is_some() {
            return Ok(looked);
        }
        if !std::mem::replace(&mut said, true) {
            report.emit(&Event::Note(format!(
                "no run of {} is in flight; waiting for the next one",
                family.definition.family()
            )));
        }
        tokio::select! {
            biased;
            _ = listener.next() => return Ok(None),
            () = tokio::time::sleep(pace.jittered(PERIOD)) => {}
        }
    }
}

/// Shows the log until the run has ended; a signal ends only the reading.
pub(super) async fn to_its_end(
    aws: &Aws,
    plan: &Plan,
    (pace, report): (&Pace, &mut Report),
    listener: &mut Listener,
) -> Result<u8, Error> {
    report.emit(&Event::Note(format!("following task {}", plan.task)));
    let tools = Tools { aws, report: &mut *report, listener, pace };
    let conclusion = follow(plan, tools).await;
    if conclusion.verdict == Verdict::WatchLost || conclusion.log.state == LogState::Unreadable {
        return Err(Error::new(Kind::AwsRefused, conclusion.sentence));
    }
    let text = if conclusion.verdict == Verdict::Detached {
        "the task goes on".to_owned()
    } else {
        format!(
            "the run has ended: {}; `ecs-migrate explain {}` says more",
            conclusion.sentence,
            plan.task.id()
        )
    };
    report.emit(&Event::Note(text));
    report.emit(&Event::OnCall(Box::new(OnCall::Read)));
    Ok(0)
}
