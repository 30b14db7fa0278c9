//! Owns `runs`.

use super::FamilyArguments;
use super::family::Family;
use super::logs::before;
use super::summaries::row;
use crate::aws::connect;
use crate::commands::context::Context;
use crate::error::Error;
use crate::report::{Event, OnCall};
use crate::settings::{Flags, ReaderSettings};
use crate::words;
use clap::Args;
use std::time::Duration;

/// List the runs of a family, the newest first
///
/// From the tasks that ECS remembers for about an hour, and from the log streams that stay: when,
/// who started it, how it ended, what was applied.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only runs that are not older, e.g. 7d
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    since: Option<Duration>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    limit: u16,
    #[command(flatten)]
    family: FamilyArguments,
}

impl Arguments {
    pub(in crate::commands) fn flags(&self) -> Flags {
        self.family.flags()
    }
}

/// Lists the runs.
pub(in crate::commands) async fn runs(
    arguments: Arguments,
    context: Context<'_>,
) -> Result<u8, Error> {
    let settings = ReaderSettings::resolve(&context.layers);
    let aws = connect(context.aws, &context.access).await?;
    let family = Family::of_settings(&aws, &settings).await?;
    let oldest = arguments.since.map(|since| before(context.clock.now(), since));
    let mut known = family.runs(&aws).await?;
    known.retain(|run| oldest.is_none_or(|oldest| run.began >= oldest));
    let limit = usize::from(arguments.limit);
    let more = known.len().saturating_sub(limit);
    let mut rows = Vec::new();
    for run in known.iter().take(limit) {
        rows.push(row(&aws, &family, run).await?);
    }
    if rows.is_empty() {
        let since = arguments.since.map_or_else(String::new, |since| {
            format!(" since {}", humantime::format_duration(since))
        });
        context.report.emit(&Event::Note(format!(
            "no run of {} is known{since}: neither a task in cluster {} nor a stream in {}",
            family.definition.family(),
            family.cluster,
            family.place()
        )));
    }
    if family.streams().is_none() {
        context.report.emit(&Event::Warning {
            text: format!(
                "only what ECS remembers is listed: there is no reading {}",
                family.place()
            ),
            hint: Some("use the awslogs driver with `awslogs-stream-prefix`".to_owned()),
        });
    }
    context.report.emit(&Event::OnCall(Box::new(OnCall::Runs(rows))));
    if more > 0 {
        let older = words::count(more as u64, "older run");
        context.report.emit(&Event::Note(format!("{older} not shown: --limit shows more")));
    }
    Ok(0)
}
