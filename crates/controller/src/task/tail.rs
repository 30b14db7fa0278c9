//! Owns reading one container's log: from the head by forward token, all pages each tick, the
//! cursor kept across empty pages, never ending by itself.

use super::pace::{Pace, Strain};
use crate::aws::{AwsError, Class, LogReader};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Pages in a row without an event, after which a tick ends: CloudWatch cuts pages by time and may
/// return empty ones in the middle.
const EMPTY_PAGES: u32 = 20;

/// A log event as CloudWatch has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawEvent {
    /// Milliseconds since 1970.
    pub(crate) at: i64,
    pub(crate) message: String,
}

/// One answer of GetLogEvents.
#[derive(Debug, Clone)]
pub(crate) struct LogPage {
    pub(crate) events: Vec<RawEvent>,
    pub(crate) cursor: Option<String>,
}

/// What a tail reports.
#[derive(Debug)]
pub(crate) enum Reading {
    /// A page with events.
    Events(Vec<RawEvent>),
    /// The end of the stream, for now.
    CaughtUp,
    /// Many empty pages, and still not the end.
    Behind,
    /// The reading starts at the head again, so many times because that was wished for.
    Restarted { repairs: u32 },
    /// The stream or its group is not there (yet).
    NotThere(AwsError),
    /// A read failed.
    Failed(AwsError),
}

/// How watch and tails are to go on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Course {
    /// Since when the end is near.
    pub(crate) near_since: Option<Instant>,
    /// Rises with each wish for a reading from the head.
    pub(crate) repairs: u32,
}

impl Course {
    /// How long the end has been near.
    pub(super) fn near(self) -> Option<Duration> {
        self.near_since.map(|since| since.elapsed())
    }
}

/// Reads until nobody listens. `index` tells the containers of a task apart.
pub(crate) async fn tail(reader: LogReader, index: usize, wiring: Wiring<(usize, Reading)>) {
    let Wiring { pace, mut course, out } = wiring;
    let mut cursor: Option<String> = None;
    let mut repairs = 0;
    let mut strain = Strain::default();
    loop {
        let wanted = *course.borrow_and_update();
        if wanted.repairs != repairs {
            repairs = wanted.repairs;
            cursor = None;
            if out.send((index, Reading::Restarted { repairs })).await.is_err() {
                return;
            }
        }
        let reading = match tick(&reader, index, &mut cursor, &out).await {
            Ok(reading) => {
                strain.answered();
                reading
            }
            Err(error) => {
                if error.class == Class::Throttled {
                    strain.throttled();
                }
                // A token lives 24 h; with one that is over, only the head is left.
                if error.code == "InvalidParameterException" && cursor.take().is_some() {
                    Reading::Restarted { repairs }
                } else if error.class == Class::ResourceNotFound {
                    Reading::NotThere(error)
                } else {
                    Reading::Failed(error)
                }
            }
        };
        if out.send((index, reading)).await.is_err() {
            return;
        }
        let pause = strain.on(pace.log(wanted.near()));
        tokio::select! {
            () = tokio::time::sleep(pace.jittered(pause)) => {}
            changed = course.changed() => if changed.is_err() { return },
        }
    }
}

/// What a watch or a tail is connected to.
#[derive(Debug)]
pub(crate) struct Wiring<T> {
    pub(crate) pace: Pace,
    pub(crate) course: watch::Receiver<Course>,
    pub(crate) out: mpsc::Sender<T>,
}

/// All pages that are there now.
async fn tick(
    reader: &LogReader,
    index: usize,
    cursor: &mut Option<String>,
    out: &mpsc::Sender<(usize, Reading)>,
) -> Result<Reading, AwsError> {
    let mut empty = 0;
    loop {
        let page = reader.page(cursor.as_deref()).await?;
        let at_end = page.cursor.is_none() || page.cursor == *cursor;
        empty = if page.events.is_empty() { empty + 1 } else { 0 };
        if page.cursor.is_some() {
            *cursor = page.cursor;
        }
        if !page.events.is_empty() && out.send((index, Reading::Events(page.events))).await.is_err()
        {
            return Ok(Reading::Behind);
        }
        if at_end {
            return Ok(Reading::CaughtUp);
        }
        if empty >= EMPTY_PAGES {
            return Ok(Reading::Behind);
        }
    }
}
