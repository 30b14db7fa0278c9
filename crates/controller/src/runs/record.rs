//! Owns the list of runs: the tasks that ECS remembers, joined with the log streams that stay. PURE.

use crate::aws::FoundStream;
use crate::task::TaskSnapshot;
use std::collections::BTreeMap;

/// A run that is known of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// The task's id.
    pub(crate) id: String,
    /// When its log stream was made, or while there is none the task; milliseconds since 1970. The
    /// stream's time comes first, because it is the one that stays.
    pub(crate) began: i64,
    /// What ECS still knows: about an hour.
    pub(crate) task: Option<TaskSnapshot>,
    pub(crate) has_log: bool,
}

impl Record {
    /// Whether it goes on, by the container that decides.
    pub(crate) fn is_in_flight(&self, container: &str) -> bool {
        self.task.as_ref().is_some_and(|task| !task.decides(container))
    }
}

/// All runs, the newest first. A stream whose name does not end with a task's id is none of ours.
pub(crate) fn join(tasks: Vec<TaskSnapshot>, streams: &[FoundStream], prefix: &str) -> Vec<Record> {
    let mut runs: BTreeMap<String, Record> = BTreeMap::new();
    for task in tasks {
        let id = task.arn.id().to_owned();
        let began = task.created_at.unwrap_or_default();
        runs.insert(id.clone(), Record { id, began, task: Some(task), has_log: false });
    }
    for stream in streams {
        let Some(id) = stream.name.strip_prefix(prefix).filter(|id| is_id(id)) else { continue };
        let run = runs.entry(id.to_owned()).or_insert_with(|| Record {
            id: id.to_owned(),
            began: 0,
            task: None,
            has_log: true,
        });
        run.began = stream.created_at;
        run.has_log = true;
    }
    let mut runs: Vec<Record> = runs.into_values().collect();
    runs.sort_by(|left, right| right.began.cmp(&left.began).then(left.id.cmp(&right.id)));
    runs
}

fn is_id(text: &str) -> bool {
    text.len() >= 32 && text.chars().all(|letter| letter.is_ascii_hexdigit() || letter == '-')
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::task::{TaskArn, snapshot_examples};

    pub(crate) fn task(id: &str, started_by: &str, created_at: i64) -> TaskSnapshot {
        TaskSnapshot {
            arn: TaskArn::new(id),
            created_at: Some(created_at),
            started_by: started_by.to_owned(),
            ..snapshot_examples::task("STOPPED")
        }
    }

    #[test]
    fn tasks_and_streams_of_one_run_are_one() {
        let (one, two) = ("1".repeat(32), "2".repeat(32));
        let stream = |id: &str, created_at| FoundStream { name: format!("p/m/{id}"), created_at };
        let streams = [stream(&two, 20), stream(&one, 15), stream("not-a-task", 30)];
        let never_started = "3".repeat(32);
        let tasks = vec![task(&one, "", 10), task(&never_started, "", 40)];
        let runs = join(tasks, &streams, "p/m/");
        let shown: Vec<_> = runs
            .iter()
            .map(|run| (run.id.as_str(), run.began, run.task.is_some(), run.has_log))
            .collect();
        assert_eq!(
            shown,
            [
                (never_started.as_str(), 40, true, false),
                (two.as_str(), 20, false, true),
                (one.as_str(), 15, true, true)
            ]
        );
    }
}
