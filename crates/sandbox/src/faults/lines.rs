//! Owns the way a line takes through the faults of its container. Pure.

use std::time::Duration;

use super::LineFate;
use super::TaskEffect;
use super::book::seconds;

/// Whether a container's log stream is there when the container starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamFault {
    /// It is.
    None,
    After(Duration),
    Never,
}

/// The faults of one container's lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct LineFaults(Vec<LineFault>);

#[derive(Clone, Debug)]
struct LineFault {
    from: u64,
    to: Option<u64>,
    every: u64,
    fate: LineFate,
}

/// What happens to one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Lost,
    Arrives {
        /// After it was written; `None`: with the driver's next batch.
        late: Option<Duration>,
        /// Milliseconds its timestamp is off.
        off_by: i64,
    },
}

impl FromIterator<TaskEffect> for LineFaults {
    /// Takes the effects on lines and leaves all others.
    fn from_iter<Effects: IntoIterator<Item = TaskEffect>>(effects: Effects) -> Self {
        let line_fault = |effect| {
            let TaskEffect::LogLines { from, to, every, fate, container: _ } = effect else {
                return None;
            };
            Some(LineFault { from, to, every: every.max(1), fate })
        };
        Self(effects.into_iter().filter_map(line_fault).collect())
    }
}

impl LineFaults {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The way of line `number`, counted from 1.
    pub(crate) fn way(&self, number: u64) -> Way {
        let (mut late, mut off_by) = (None, 0);
        for fault in &self.0 {
            let Some(index) = fault.index(number) else {
                continue;
            };
            match fault.fate {
                LineFate::Lost => return Way::Lost,
                LineFate::Late { seconds: first, more_each } => {
                    let delay = seconds(first + more_each * as_number(index));
                    late = Some(late.unwrap_or(Duration::ZERO) + delay);
                }
                LineFate::Timestamp { off_by_seconds } => off_by += millis(off_by_seconds),
            }
        }
        Way::Arrives { late, off_by }
    }
}

impl LineFault {
    /// How many lines were concerned before this one; `None` when this one is not.
    fn index(&self, number: u64) -> Option<u64> {
        let since = number.checked_sub(self.from)?;
        let concerned = since.is_multiple_of(self.every) && self.to.is_none_or(|to| number <= to);
        concerned.then_some(since / self.every)
    }
}

fn as_number(index: u64) -> f64 {
    u32::try_from(index).map_or(f64::from(u32::MAX), f64::from)
}

fn millis(count: f64) -> i64 {
    let size = i64::try_from(seconds(count.abs()).as_millis()).unwrap_or(i64::MAX);
    if count < 0.0 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(json: &str) -> LineFaults {
        let effects: Vec<TaskEffect> = serde_json::from_str(json).expect("effects");
        effects.into_iter().collect()
    }

    fn late(seconds: u64) -> Way {
        Way::Arrives { late: Some(Duration::from_secs(seconds)), off_by: 0 }
    }

    const IN_TIME: Way = Way::Arrives { late: None, off_by: 0 };

    #[test]
    fn chooses_lines_and_adds_fates_up() {
        let faults = faults(
            r#"[
                {"log_lines": {"from": 2, "to": 6, "every": 2, "fate": {"late": {"seconds": 3, "more_each": 1}}}},
                {"log_lines": {"from": 5, "to": 6, "fate": {"timestamp": {"off_by_seconds": -1.5}}}},
                {"log_lines": {"from": 8, "fate": "lost"}},
                {"exit_code_absent": {}}
            ]"#,
        );
        let ways: Vec<Way> = (1..=9).map(|number| faults.way(number)).collect();
        let expected = [
            IN_TIME,
            late(3),
            IN_TIME,
            late(4),
            Way::Arrives { late: None, off_by: -1_500 },
            Way::Arrives { late: Some(Duration::from_secs(5)), off_by: -1_500 },
            IN_TIME,
            Way::Lost,
            Way::Lost,
        ];
        assert_eq!(ways, expected);
    }

    #[test]
    fn no_faults_no_delay() {
        assert!(faults("[]").is_empty());
        assert_eq!(faults("[]").way(1), IN_TIME);
    }
}
