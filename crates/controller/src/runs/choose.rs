//! Owns which of the known runs is meant. PURE.

use super::moment::{Span, Width};
use super::record::Record;
use super::reference::Reference;
use protocol::event::Origin;

/// A run with as much of its origin as was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Described<'a> {
    pub(crate) run: &'a Record,
    pub(crate) origin: &'a Origin,
}

/// Who is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Its place in the list.
    One(usize),
    /// Their places, the newest first.
    Several(Vec<usize>),
    None,
}

/// The run that is meant, out of a list with the newest first. Of several with the same key the
/// newest: a job that is run again after a red run starts a new task.
pub(crate) fn choose(reference: &Reference, runs: &[Described<'_>]) -> Choice {
    let places = |wanted: &dyn Fn(&Described<'_>) -> bool| -> Vec<usize> {
        (0..runs.len()).filter(|place| wanted(&runs[*place])).collect()
    };
    match reference {
        Reference::Latest => runs.first().map_or(Choice::None, |_| Choice::One(0)),
        Reference::Task { task, .. } => only(places(&|one| one.run.id == task.id())),
        Reference::Beginning(text) => {
            let tasks = places(&|one| one.run.id.starts_with(text.as_str()));
            if tasks.is_empty() {
                newest(&places(&|one| one.origin.commit.starts_with(text.as_str())))
            } else {
                only(tasks)
            }
        }
        Reference::StartedBy(text) => newest(&places(&|one| {
            let task = one.run.task.as_ref();
            task.is_some_and(|task| task.started_by == *text) || one.origin.started_by == *text
        })),
        Reference::At(span) => at(span, runs),
    }
}

/// The only run that began within the span. Nothing began within a time: the newest one before it,
/// which may have been in flight.
fn at(span: &Span, runs: &[Described<'_>]) -> Choice {
    let within: Vec<usize> =
        (0..runs.len()).filter(|place| span.holds(runs[*place].run.began)).collect();
    if !within.is_empty() || span.width == Width::Day {
        return only(within);
    }
    let before = runs.iter().position(|one| one.run.began < span.from);
    before.map_or(Choice::None, Choice::One)
}

fn only(places: Vec<usize>) -> Choice {
    match places.as_slice() {
        [] => Choice::None,
        [one] => Choice::One(*one),
        _ => Choice::Several(places),
    }
}

fn newest(places: &[usize]) -> Choice {
    places.first().map_or(Choice::None, |newest| Choice::One(*newest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::record::tests::task;

    #[test]
    fn each_reference_finds_its_run() {
        let id = |letter: &str| letter.repeat(32);
        let minute = |text: &str| Span::parse(text).unwrap().from;
        let run = |letter: &str, began: &str, started_by: Option<&str>| Record {
            id: id(letter),
            began: minute(began),
            task: started_by.map(|by| task(&id(letter), by, 0)),
            has_log: true,
        };
        let runs = [
            run("a", "2026-11-21T03:08", Some("ecs-migrate/github/7")),
            run("b", "2026-11-21T03:01", Some("ecs-migrate/github/7")),
            run("c", "2026-11-20T09:00", None),
        ];
        let known = Origin {
            started_by: "ecs-migrate/key/x".to_owned(),
            commit: "4f2c9ab".to_owned(),
            ..Origin::default()
        };
        let nothing = Origin::default();
        let runs = [
            Described { run: &runs[0], origin: &nothing },
            Described { run: &runs[1], origin: &nothing },
            Described { run: &runs[2], origin: &known },
        ];
        for (text, expected) in [
            (None, Choice::One(0)),
            (Some("github/7"), Choice::One(0)),
            (Some("key/x"), Choice::One(2)),
            (Some("key/y"), Choice::None),
            (Some("bbbbbb"), Choice::One(1)),
            (Some("4f2c9a"), Choice::One(2)),
            (Some("2026-11-20"), Choice::One(2)),
            (Some("2026-11-21"), Choice::Several(vec![0, 1])),
            (Some("2026-11-19"), Choice::None),
            (Some("2026-11-21T03:08"), Choice::One(0)),
            (Some("2026-11-21T03:05"), Choice::One(1)),
            (Some("2026-11-21T02"), Choice::One(2)),
            (Some("2026-11-21T03"), Choice::Several(vec![0, 1])),
            (Some("2026-11-20T08"), Choice::None),
        ] {
            let reference = Reference::parse(text).unwrap();
            assert_eq!(choose(&reference, &runs), expected, "{text:?}");
        }
    }
}
