//! Owns reading the logs of a task once, from the head to what is the end now: for who asks how a
//! run was. The same tails as a session's, so the same lines.

use super::drain::LastWord;
use super::session::Plan;
use super::snapshot::TaskSnapshot;
use super::tail::{LogPage, RawEvent, Reading};
use super::tails::Tails;
use crate::aws::{Aws, AwsError, Class, LogReader};
use crate::report::Report;
use crate::task_definition::Driver;
use protocol::limits::LOG_TAIL_GRACE;
use std::time::Duration;

/// Pages in a row without an event, after which the end is believed: CloudWatch cuts pages by time.
const EMPTY_PAGES: u32 = 20;

/// How often a read that found nobody is tried again.
const TRIES: u32 = 4;

const PAUSE: Duration = Duration::from_secs(1);

/// What was read, and what could not be.
pub(crate) struct Read {
    pub(crate) tails: Tails,
    /// Container and error.
    pub(crate) failures: Vec<(String, AwsError)>,
}

/// Reads every log of the plan and shows its lines as they come. Where the runner's last word is
/// missing, it is read once more after `patience`: the end of a fresh log may still be on its way.
pub(crate) async fn read(aws: &Aws, plan: &Plan, patience: Duration, report: &mut Report) -> Read {
    let mut tails = Tails::new(&plan.logs, &plan.container, plan.run.as_deref());
    let mut failures = Vec::new();
    report.expect_containers(tails.count());
    for (index, source) in tails.sources() {
        let Driver::Awslogs { group, prefix, region } = &source.driver else { continue };
        let stream = Driver::stream(prefix, &source.container, plan.task.id());
        let reader = aws.log_reader(region, group, &stream);
        let mut end = once(&reader, (&mut tails, index), report).await;
        let decides = source.container == plan.container;
        if decides && !patience.is_zero() && tails.decisive().last_word() != LastWord::Whole {
            tokio::time::sleep(patience).await;
            drop(tails.take(index, Reading::Restarted { repairs: 1 }));
            end = once(&reader, (&mut tails, index), report).await;
        }
        let end = match end {
            Ok(()) => Reading::CaughtUp,
            Err(error) => {
                let missing_group = error.message.contains("log group");
                let missing = error.class == Class::ResourceNotFound;
                if missing_group || !missing {
                    failures.push((source.container, error.clone()));
                }
                if missing { Reading::NotThere(error) } else { Reading::Failed(error) }
            }
        };
        // Its warning is for a session that goes on; who reads once gets the failure itself.
        drop(tails.take(index, end));
    }
    Read { tails, failures }
}

/// How long the last lines of a run may still take to arrive, `now` in milliseconds since 1970.
pub(crate) fn patience(task: Option<&TaskSnapshot>, now: i64) -> Duration {
    let ended = task.and_then(|task| task.times.execution_stopped.or(task.times.stopping));
    let age = ended.map(|ended| u64::try_from(now - ended).unwrap_or(0));
    age.map_or(Duration::ZERO, |age| LOG_TAIL_GRACE.saturating_sub(Duration::from_millis(age)))
}

async fn once(
    reader: &LogReader,
    (tails, index): (&mut Tails, usize),
    report: &mut Report,
) -> Result<(), AwsError> {
    whole(reader, |events| {
        if let Some(lines) = tails.take(index, Reading::Events(events)) {
            report.emit(&lines);
        }
    })
    .await
}

/// All pages of a stream.
pub(crate) async fn whole(
    reader: &LogReader,
    mut take: impl FnMut(Vec<RawEvent>),
) -> Result<(), AwsError> {
    let mut cursor: Option<String> = None;
    let mut empty = 0;
    loop {
        let page = persistent(reader, cursor.as_deref()).await?;
        let at_end = page.cursor.is_none() || page.cursor == cursor;
        empty = if page.events.is_empty() { empty + 1 } else { 0 };
        cursor = page.cursor.or(cursor);
        if !page.events.is_empty() {
            take(page.events);
        }
        if at_end || empty >= EMPTY_PAGES {
            return Ok(());
        }
    }
}

/// A page, asked for again while nobody answers.
async fn persistent(reader: &LogReader, cursor: Option<&str>) -> Result<LogPage, AwsError> {
    for _ in 1..TRIES {
        match reader.patient_page(cursor).await {
            Err(error) if error.is_transient() => tokio::time::sleep(PAUSE).await,
            answer => return answer,
        }
    }
    reader.patient_page(cursor).await
}
