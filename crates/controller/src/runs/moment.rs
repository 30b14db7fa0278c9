//! Owns dates and times on the command line, as spans of UTC unless they say otherwise. PURE.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// From the first millisecond to the last one, both since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) width: Width,
}

/// What was named: it decides whether an earlier run can be meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    Day,
    /// An hour, a minute or a second: a run that was in flight then began before it.
    Time,
}

impl Span {
    /// `2026-11-20`, `2026-11-20T03`, `2026-11-20T03:08`, `2026-11-20 03:08:34+01:00`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Ok(day) = text.parse::<Date>()
            && text.len() == 10
        {
            let midnight = day.to_zoned(TimeZone::UTC).ok()?.timestamp();
            return Self::of(midnight, SignedDuration::from_hours(24), Width::Day);
        }
        let (_, clock) = text.split_once(['T', 't', ' '])?;
        let offset = clock.find(['Z', 'z', '+', '-']);
        let digits = &clock[..offset.unwrap_or(clock.len())];
        let width = match digits.matches(':').count() {
            0 => SignedDuration::from_hours(1),
            1 => SignedDuration::from_mins(1),
            _ => SignedDuration::from_secs(1),
        };
        let from = match offset {
            Some(_) => text.parse::<Timestamp>().ok()?,
            None => text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp(),
        };
        Self::of(from, width, Width::Time)
    }

    fn of(from: Timestamp, length: SignedDuration, width: Width) -> Option<Self> {
        let to = from.checked_add(length).ok()?.as_millisecond() - 1;
        Some(Self { from: from.as_millisecond(), to, width })
    }

    /// Whether a moment lies in it.
    pub(crate) fn holds(&self, moment: i64) -> bool {
        (self.from..=self.to).contains(&moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        let span = Span::parse(text)?;
        let time = |at| Timestamp::from_millisecond(at).unwrap().to_string();
        Some(format!("{} {} {:?}", time(span.from), time(span.to), span.width))
    }

    #[test]
    fn a_date_is_a_day_and_a_time_is_as_long_as_it_is_written() {
        for (text, expected) in [
            ("2026-11-20", "2026-11-20T00:00:00Z 2026-11-20T23:59:59.999Z Day"),
            ("2026-11-20T03", "2026-11-20T03:00:00Z 2026-11-20T03:59:59.999Z Time"),
            ("2026-11-20T03:08", "2026-11-20T03:08:00Z 2026-11-20T03:08:59.999Z Time"),
            ("2026-11-20 03:08", "2026-11-20T03:08:00Z 2026-11-20T03:08:59.999Z Time"),
            ("2026-11-20T03:08:34", "2026-11-20T03:08:34Z 2026-11-20T03:08:34.999Z Time"),
            ("2026-11-20T03:08Z", "2026-11-20T03:08:00Z 2026-11-20T03:08:59.999Z Time"),
            ("2026-11-20T03:08:34+01:00", "2026-11-20T02:08:34Z 2026-11-20T02:08:34.999Z Time"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
        }
        for nonsense in ["2026-13-01", "2026-11-31", "yesterday", "2026-11-20Tx", "9999-12-31T", ""]
        {
            assert_eq!(shown(nonsense), None, "{nonsense}");
        }
    }
}
