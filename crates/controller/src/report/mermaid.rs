//! Owns the timeline as a Mermaid Gantt chart. PURE.

use super::line::push_line;
use crate::task::{Phase, PhaseState, Timeline};

/// Migrations in a chart: more of them nobody could read. Those that took longest are shown.
const MIGRATIONS: usize = 40;

/// The longest name in characters.
const NAME: usize = 60;

/// A fenced block, or nothing when no phase has times.
pub(super) fn chart(timeline: &Timeline) -> Option<String> {
    let floor = floor(timeline);
    let mut rows = String::new();
    let mut left_out = 0;
    for (number, phase) in timeline.phases.iter().enumerate() {
        let (Some(start), Some(end)) = (phase.start, phase.end) else {
            continue;
        };
        let length = end - start;
        if phase.kind.migration().is_some() && phase.state != PhaseState::Failed && length < floor {
            left_out += 1;
            continue;
        }
        let tag = match phase.state {
            PhaseState::Done | PhaseState::Unknown => "done",
            PhaseState::Open => "active",
            PhaseState::Failed | PhaseState::Interrupted => "crit",
        };
        // A bar without any length is not drawn.
        let end = end.max(start + 1);
        push_line(&mut rows, &format!("  {} :{tag}, p{number}, {start}, {end}", name(phase)));
    }
    if rows.is_empty() {
        return None;
    }
    let mut text = format!("```mermaid\ngantt\n  dateFormat x\n  axisFormat %H:%M:%S\n{rows}```\n");
    if left_out > 0 {
        push_line(&mut text, &format!("\n{left_out} shorter migrations are not in the chart."));
    }
    Some(text)
}

/// How long a migration has to take to be in the chart, in milliseconds.
fn floor(timeline: &Timeline) -> i64 {
    let migrations = timeline.phases.iter().filter(|phase| phase.kind.migration().is_some());
    let mut lengths: Vec<i64> =
        migrations.filter_map(|phase| Some(phase.end? - phase.start?)).collect();
    lengths.sort_unstable_by(|left, right| right.cmp(left));
    lengths.get(MIGRATIONS).map_or(0, |next| next + 1)
}

/// A name that Mermaid takes for nothing else: it begins with a word of ours, and a colon, `#`, `;`,
/// a line break and everything else that its grammar knows becomes `_`.
fn name(phase: &Phase) -> String {
    let word = phase.kind.word();
    let Some(migration) = phase.kind.migration() else {
        return word.to_owned();
    };
    let plain = |letter: char| match letter {
        '-' | '_' | '.' | ' ' => letter,
        letter if letter.is_alphanumeric() => letter,
        _other => '_',
    };
    let name: String = migration.chars().take(NAME).map(plain).collect();
    format!("{word} {name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::PhaseKind;
    use proptest::prelude::*;

    fn migration(name: &str, start: i64, end: i64) -> Phase {
        let kind = PhaseKind::Migration(name.to_owned());
        Phase { kind, state: PhaseState::Done, start: Some(start), end: Some(end) }
    }

    fn timeline(phases: Vec<Phase>) -> Timeline {
        Timeline { phases, moved: 0 }
    }

    #[test]
    fn a_chart_has_the_phases_with_times_and_at_least_a_sliver_of_each() {
        let unknown =
            Phase { kind: PhaseKind::Pull, state: PhaseState::Unknown, start: None, end: None };
        let mut failed = migration("b", 20, 30);
        failed.state = PhaseState::Failed;
        let text = chart(&timeline(vec![unknown.clone(), migration("a", 10, 10), failed]));
        assert_eq!(
            text.unwrap(),
            "```mermaid\ngantt\n  dateFormat x\n  axisFormat %H:%M:%S\n  migration a :done, p1, 10, 11\n  migration b :crit, p2, 20, 30\n```\n"
        );
        assert_eq!(chart(&timeline(vec![unknown])), None);
    }

    #[test]
    fn of_many_migrations_the_longest_are_shown() {
        let phases = (0..1_000).map(|number| migration("m", 0, number)).collect();
        let text = chart(&timeline(phases)).unwrap();
        assert_eq!(text.matches(":done").count(), MIGRATIONS);
        assert!(text.contains("960 shorter migrations are not in the chart"), "{text}");
        assert!(text.contains("p999"), "{text}");
    }

    proptest! {
        #[test]
        fn no_name_breaks_the_chart(name in any::<String>()) {
            let text = chart(&timeline(vec![migration(&name, 1, 2)])).unwrap();
            prop_assert_eq!(text.lines().count(), 6);
            let row = text.lines().nth(4).unwrap();
            prop_assert!(row.starts_with("  migration "), "{}", row);
            prop_assert!(row.ends_with(" :done, p0, 1, 2"), "{}", row);
            prop_assert_eq!(row.matches([':', '#', ';', '`', '"', '<', '%']).count(), 1);
        }
    }
}
