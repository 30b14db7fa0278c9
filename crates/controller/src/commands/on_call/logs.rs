//! Owns `logs`.

use super::FamilyArguments;
use super::family::Family;
use super::follow;
use super::locate::{Located, locate};
use super::plan::plan;
use crate::aws::connect;
use crate::commands::context::Context;
use crate::error::Error;
use crate::report::{Event, LogForm, LogView, OnCall, Report};
use crate::runs::{Record, Reference};
use crate::settings::{Flags, ReaderSettings};
use crate::task::{Read, patience, read};
use crate::words;
use clap::Args;
use std::time::Duration;

/// Show the log of a run, the latest one unless another is named
///
/// RUN is a task's id or ARN, its page in the AWS console, a commit, a GitHub run id or its page,
/// what ECS has in startedBy, or a date such as 2026-11-20 or 2026-11-20T03:08 (UTC). The exit
/// code is 0 when the log could be read, however the run ended: `explain` says that.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Which run; the latest one when none is named
    #[arg(value_name = "RUN")]
    run: Option<String>,
    /// Follow a run in flight to its end; without RUN wait for the next one
    #[arg(short, long)]
    follow: bool,
    /// Only lines that are not older, e.g. 2h
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    since: Option<Duration>,
    /// Only lines that contain this text
    #[arg(long, value_name = "TEXT")]
    grep: Option<String>,
    /// Lines as CloudWatch has them
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    family: FamilyArguments,
}

impl Arguments {
    pub(in crate::commands) fn flags(&self) -> Flags {
        self.family.flags()
    }

    fn view(&self, now: i64) -> LogView {
        LogView {
            since: self.since.map(|since| before(now, since)),
            grep: self.grep.clone(),
            form: if self.raw { LogForm::Raw } else { LogForm::Rendered },
        }
    }
}

/// So long ago, in milliseconds since 1970.
pub(super) fn before(now: i64, since: Duration) -> i64 {
    now.saturating_sub(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Shows the log.
pub(in crate::commands) async fn logs(
    arguments: Arguments,
    context: Context<'_>,
) -> Result<u8, Error> {
    let settings = ReaderSettings::resolve(&context.layers);
    let reference = Reference::parse(arguments.run.as_deref())?;
    let aws = connect(context.aws, &context.access).await?;
    let report = context.report;
    report.show_log_through(arguments.view(context.clock.now()));
    let named = (&reference, arguments.run.as_deref());
    let located = if arguments.follow {
        let mut listener = context.signals.listen().map_err(Error::no_signals)?;
        let found = if reference == Reference::Latest {
            let family = Family::of_settings(&aws, &settings).await?;
            let waited =
                follow::next(&aws, &family, (&context.pace, report), &mut listener).await?;
            let Some(task) = waited else { return Ok(0) };
            let run =
                Record { id: task.arn.id().to_owned(), began: 0, task: Some(task), has_log: true };
            Located { family, run }
        } else {
            locate(&aws, &settings, named, report).await?
        };
        if found.run.is_in_flight(&found.family.container) {
            let plan = plan(&aws, &found.family, &found.run).await;
            return follow::to_its_end(&aws, &plan, (&context.pace, report), &mut listener).await;
        }
        found
    } else {
        locate(&aws, &settings, named, report).await?
    };
    let plan = plan(&aws, &located.family, &located.run).await;
    report.emit(&Event::Note(format!("log of task {}", plan.task)));
    let patience = patience(located.run.task.as_ref(), context.clock.now());
    let Read { tails, failures } = read(&aws, &plan, patience, report).await;
    for (container, error) in failures {
        if container == plan.container {
            return Err(located.family.unreadable(error));
        }
        report.emit(&Event::Warning {
            text: format!("the log of container {container} cannot be read: {error}"),
            hint: error.hint(),
        });
    }
    let tail = tails.decisive();
    if let Some(obstacle) = &tail.obstacle {
        return Err(Error::new(
            crate::error::Kind::Usage,
            format!("the log of container {} is not in CloudWatch: {obstacle}", plan.container),
        )
        .hinted("use the awslogs driver with `awslogs-stream-prefix`"));
    }
    say_what_is_missing(
        report,
        &located,
        (&arguments, tail.transcript.lines(), tail.transcript.gaps()),
    );
    report.emit(&Event::OnCall(Box::new(OnCall::Read)));
    Ok(0)
}

fn say_what_is_missing(
    report: &mut Report,
    located: &Located,
    (arguments, lines, gaps): (&Arguments, u64, Vec<String>),
) {
    if !gaps.is_empty() {
        report.emit(&Event::Warning {
            text: format!("the log is not complete: missing number {}", gaps.join(", ")),
            hint: None,
        });
    }
    let text = if lines == 0 && located.run.is_in_flight(&located.family.container) {
        "no line yet; `-f` waits for them"
    } else if lines == 0 && located.run.task.is_some() {
        "the task wrote no line; `ecs-migrate explain` says how it ended"
    } else if lines == 0 {
        "no line is there (any more): the run wrote none, or the log group's retention has removed them"
    } else if report.lines_shown() > 0 {
        return;
    } else if arguments.grep.is_some() {
        "no line fits"
    } else {
        "every line is older"
    };
    let of =
        if lines > 0 { format!(", of {}", words::count(lines, "line")) } else { String::new() };
    report.emit(&Event::Note(format!("{text}{of}")));
}
