//! Owns the geometry of the drawn timeline: where each phase begins and ends in percent of the whole,
//! and where the marks are. PURE.

use super::text::{Scrub, Text};
use crate::task::{Phase, PhaseKind, PhaseState, Timeline};
use std::time::Duration;

/// Migrations with a bar of their own: more of them nobody could read.
const MIGRATIONS: usize = 40;

/// The most marks on the axis.
const MARKS: i64 = 6;

/// Distances between marks that people can read, in milliseconds.
const STEPS: [i64; 22] = [
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    15_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    1_800_000,
    3_600_000,
    6 * 3_600_000,
];

/// The drawing.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chart {
    /// When it begins, in milliseconds since 1970.
    pub(super) start: i64,
    pub(super) took: Duration,
    pub(super) rows: Vec<Row>,
    pub(super) marks: Vec<Mark>,
    /// Distance between two marks in percent.
    pub(super) step: f64,
    /// Whether phases are left out because nobody can say when they were.
    pub(super) incomplete: bool,
}

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) what: What,
    pub(super) state: PhaseState,
    pub(super) start: Option<i64>,
    pub(super) took: Option<Duration>,
    /// From and how far, in percent.
    pub(super) bar: Option<(f64, f64)>,
}

/// What a bar stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Phase(PhaseKind),
    Migration(Text),
    /// So many short migrations one after the other.
    Migrations(u64),
}

/// A mark on the axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mark {
    pub(super) at: f64,
    pub(super) label: String,
}

impl Chart {
    /// Nothing when no phase has times; a phase that goes on reaches to the `now` of the reader.
    pub(super) fn of(timeline: &Timeline, scrub: &Scrub, now: i64) -> Option<Self> {
        // A verdict does not wait for it, so on a page it would go on for ever.
        let teardown =
            |phase: &&Phase| phase.kind == PhaseKind::Teardown && phase.state == PhaseState::Open;
        let known = |phase: &&Phase| phase.start.is_some() || phase.state != PhaseState::Unknown;
        let phases: Vec<&Phase> =
            timeline.phases.iter().filter(|phase| !teardown(phase)).filter(known).collect();
        let start = phases.iter().find_map(|phase| phase.start)?;
        let ends = phases.iter().filter_map(|phase| reach(phase, now));
        let length = (ends.max()? - start).max(1);
        let percent = |at: i64| share(at - start, length);
        let mut rows: Vec<Row> = Vec::new();
        let floor = floor(&phases, now);
        for phase in &phases {
            let end = reach(phase, now);
            let bar = phase.start.zip(end).map(|(start, end)| (start, end.max(start)));
            let row = Row {
                what: match phase.kind.migration() {
                    Some(name) => What::Migration(scrub.text(name)),
                    None => What::Phase(phase.kind.clone()),
                },
                state: phase.state,
                start: phase.start,
                took: phase.duration(),
                bar: bar.map(|(start, end)| (percent(start), percent(end) - percent(start))),
            };
            let short = phase.kind.migration().is_some()
                && phase.state == PhaseState::Done
                && bar.is_some_and(|(start, end)| end - start < floor);
            match rows.last_mut() {
                Some(last) if short => {
                    if let What::Migrations(count) = &mut last.what {
                        *count += 1;
                        last.took = last.took.zip(row.took).map(|(before, took)| before + took);
                        last.bar = last
                            .bar
                            .zip(row.bar)
                            .map(|(before, bar)| (before.0, bar.0 + bar.1 - before.0));
                        continue;
                    }
                    rows.push(Row { what: What::Migrations(1), ..row });
                }
                Some(_) | None => rows.push(row),
            }
        }
        let step = STEPS.into_iter().find(|step| length / step < MARKS);
        let step = step.unwrap_or_else(|| STEPS[STEPS.len() - 1].max(length / MARKS));
        let marks = (0..=length / step).map(|number| number * step);
        Some(Self {
            start,
            took: millis(length),
            rows,
            marks: marks.map(|at| Mark { at: share(at, length), label: label(at) }).collect(),
            step: share(step, length),
            incomplete: !timeline.phases.iter().all(|phase| known(&phase) || teardown(&phase)),
        })
    }
}

/// Where a phase's bar ends.
fn reach(phase: &Phase, now: i64) -> Option<i64> {
    match phase.state {
        PhaseState::Open => Some(phase.end.unwrap_or(now).max(phase.start?)),
        PhaseState::Done | PhaseState::Failed | PhaseState::Interrupted | PhaseState::Unknown => {
            phase.end.or(phase.start)
        }
    }
}

/// How long a migration has to take to get a bar of its own, in milliseconds.
fn floor(phases: &[&Phase], now: i64) -> i64 {
    let migrations = phases.iter().filter(|phase| phase.kind.migration().is_some());
    let mut lengths: Vec<i64> =
        migrations.filter_map(|phase| Some(reach(phase, now)? - phase.start?)).collect();
    lengths.sort_unstable_by(|left, right| right.cmp(left));
    lengths.get(MIGRATIONS).map_or(0, |next| next + 1)
}

/// `0`, `200 ms`, `15 s`, `1 m`, `1 m 30 s`, `2 h`.
fn label(at: i64) -> String {
    let (seconds, minutes, hours) = (at / 1_000 % 60, at / 60_000 % 60, at / 3_600_000);
    let parts = [(hours, "h"), (minutes, "m"), (seconds, "s"), (at % 1_000, "ms")];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts.map(|(count, unit)| format!("{count} {unit}")).collect();
    if parts.is_empty() { "0".to_owned() } else { parts.join(" ") }
}

/// Percent, to a hundredth.
#[expect(clippy::cast_precision_loss, reason = "a run of 285 years would be drawn a little off")]
fn share(part: i64, whole: i64) -> f64 {
    (part as f64 / whole as f64 * 10_000.0).round() / 100.0
}

fn millis(count: i64) -> Duration {
    Duration::from_millis(u64::try_from(count).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(kind: PhaseKind, state: PhaseState, times: (Option<i64>, Option<i64>)) -> Phase {
        Phase { kind, state, start: times.0, end: times.1 }
    }

    fn migration(start: i64, end: i64) -> Phase {
        let kind = PhaseKind::Migration("m".to_owned());
        phase(kind, PhaseState::Done, (Some(start), Some(end)))
    }

    fn chart(phases: Vec<Phase>) -> Option<Chart> {
        Chart::of(&Timeline { phases, moved: 0 }, &Scrub::default(), 2_000)
    }

    #[test]
    fn a_bar_is_its_share_of_the_whole_and_an_open_one_reaches_to_now() {
        let chart = chart(vec![
            phase(PhaseKind::Queued, PhaseState::Unknown, (None, None)),
            phase(PhaseKind::Pull, PhaseState::Done, (Some(1_000), Some(1_250))),
            phase(PhaseKind::Connect, PhaseState::Unknown, (Some(1_250), None)),
            phase(PhaseKind::Lock, PhaseState::Open, (Some(1_500), None)),
        ])
        .unwrap();
        let bars: Vec<_> = chart.rows.iter().map(|row| row.bar.unwrap()).collect();
        assert_eq!(bars, [(0.0, 25.0), (25.0, 0.0), (50.0, 50.0)]);
        assert!(chart.incomplete);
        assert_eq!((chart.took, chart.step), (millis(1_000), 20.0));
        let labels: Vec<_> = chart.marks.iter().map(|mark| mark.label.as_str()).collect();
        assert_eq!(labels, ["0", "200 ms", "400 ms", "600 ms", "800 ms", "1 s"]);
    }

    #[test]
    fn without_times_there_is_nothing_to_draw() {
        assert_eq!(chart(vec![phase(PhaseKind::Pull, PhaseState::Unknown, (None, None))]), None);
        assert_eq!(chart(Vec::new()), None);
        let moment = chart(vec![migration(5, 5)]).unwrap();
        assert_eq!(moment.rows[0].bar, Some((0.0, 0.0)));
    }

    #[test]
    fn of_many_migrations_the_longest_have_bars_and_the_others_one_together() {
        let mut phases = Vec::new();
        let mut at = 0;
        for number in 0..1_000 {
            let took = if number % 25 == 0 { 100 } else { 1 };
            phases.push(migration(at, at + took));
            at += took;
        }
        let chart = chart(phases).unwrap();
        assert_eq!(chart.rows.len(), 2 * MIGRATIONS);
        assert_eq!(chart.rows[1].what, What::Migrations(24));
        assert_eq!(chart.rows[1].took, Some(millis(24)));
        let last = chart.rows.last().and_then(|row| row.bar).unwrap();
        assert!((last.0 + last.1 - 100.0).abs() < 0.1, "{last:?}");
    }

    #[test]
    fn there_are_a_few_marks_at_even_times() {
        for length in [1, 7, 999, 12_345, 61_000, 3_600_000, 86_400_000, 30 * 86_400_000] {
            let marks = chart(vec![migration(0, length)]).unwrap().marks;
            assert!((1..=7).contains(&marks.len()), "{length}: {marks:?}");
        }
    }
}
