//! Owns what the looks at a task add up to: PURE over the times it is given.

use super::snapshot::{Described, TaskSnapshot};
use super::streak::Streak;
use super::watch::Sighting;
use crate::aws::{AwsError, Class};
use std::time::Duration;
use tokio::time::Instant;

/// DescribeTasks may not know a task for a while after RunTask: eventual consistency.
const MISSING_GRACE: Duration = Duration::from_mins(1);

/// ECS may write the exit code a moment after STOPPED.
const EXIT_CODE_GRACE: Duration = Duration::from_secs(10);

/// Refusals in a row, after which it is clear that nobody will answer.
const REFUSALS: u32 = 3;

/// All looks at one task so far.
#[derive(Debug)]
pub(crate) struct Sightings {
    container: String,
    latest: Option<TaskSnapshot>,
    seen_at: Option<Instant>,
    missing_since: Option<Instant>,
    exit_code_due_since: Option<Instant>,
    failing: Streak,
    obstacle: Option<AwsError>,
    refusals: u32,
    lost: Option<AwsError>,
}

/// What a look changed.
#[derive(Debug)]
pub(crate) enum Change {
    /// The task's status.
    Status(String),
    /// Reads fail, and not just for a moment.
    Failing(AwsError),
    /// The end of a streak.
    Answering,
}

/// Where the task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    Going,
    /// It can be judged.
    Ended,
    /// ECS does not know it, and not just for a moment.
    Missing,
    /// Nobody can be asked.
    Lost,
}

impl Sightings {
    /// Nothing seen yet.
    pub(crate) fn new(container: &str) -> Self {
        Self {
            container: container.to_owned(),
            latest: None,
            seen_at: None,
            missing_since: None,
            exit_code_due_since: None,
            failing: Streak::default(),
            obstacle: None,
            refusals: 0,
            lost: None,
        }
    }

    /// The newest state.
    pub(crate) fn latest(&self) -> Option<&TaskSnapshot> {
        self.latest.as_ref()
    }

    /// Whether the newest state is no older than that.
    pub(crate) fn is_fresh(&self, age: Duration, now: Instant) -> bool {
        self.seen_at.is_some_and(|at| now.duration_since(at) <= age)
    }

    /// Whether ECS does not know the task just now.
    pub(crate) fn is_missing(&self) -> bool {
        self.missing_since.is_some()
    }

    /// Why looks fail, while they do.
    pub(crate) fn obstacle(&self) -> Option<&AwsError> {
        self.obstacle.as_ref()
    }

    /// Why nobody can be asked.
    pub(crate) fn lost(&self) -> Option<&AwsError> {
        self.lost.as_ref()
    }

    /// Adds a look. A throttled or failing read decides nothing; a refused one only when it stays.
    pub(crate) fn see(&mut self, sighting: Sighting, now: Instant) -> Option<Change> {
        match sighting {
            Ok(Described::Task(task)) => {
                self.seen_at = Some(now);
                self.missing_since = None;
                let recovered = self.answered();
                let changed = self.newer(*task, now);
                changed.or(recovered)
            }
            Ok(Described::Missing) => {
                self.missing_since.get_or_insert(now);
                self.answered()
            }
            Err(error) => {
                let worth_saying = self.failing.failed(error.is_transient());
                self.refusals = if error.is_transient() { 0 } else { self.refusals + 1 };
                let patience = match error.class {
                    Class::CredentialsExpired => 2,
                    Class::Throttled
                    | Class::ServerFault
                    | Class::NoAnswer
                    | Class::CredentialsRenewed
                    | Class::CredentialsRefused
                    | Class::AccessDenied
                    | Class::ResourceNotFound
                    | Class::Refused => REFUSALS,
                };
                self.obstacle = Some(error.clone());
                if self.refusals >= patience {
                    self.lost = Some(error.clone());
                }
                worth_saying.then_some(Change::Failing(error))
            }
        }
    }

    fn answered(&mut self) -> Option<Change> {
        self.refusals = 0;
        self.obstacle = None;
        self.failing.answered().then_some(Change::Answering)
    }

    fn newer(&mut self, task: TaskSnapshot, now: Instant) -> Option<Change> {
        if self.latest.as_ref().is_some_and(|latest| latest.version > task.version) {
            return None;
        }
        if task.decides(&self.container) {
            if task.exit_code_may_follow(&self.container) {
                self.exit_code_due_since.get_or_insert(now);
            } else {
                self.exit_code_due_since = None;
            }
        }
        let changed = self.latest.as_ref().is_none_or(|latest| latest.status != task.status);
        let status = task.status.clone();
        self.latest = Some(task);
        changed.then_some(Change::Status(status))
    }

    /// Where the task is now.
    pub(crate) fn progress(&self, now: Instant) -> Progress {
        if self.lost.is_some() {
            return Progress::Lost;
        }
        if self.latest.as_ref().is_some_and(|task| task.decides(&self.container)) {
            return match self.exit_code_due_since {
                Some(since) if now.duration_since(since) < EXIT_CODE_GRACE => Progress::Going,
                Some(_) | None => Progress::Ended,
            };
        }
        match self.missing_since {
            Some(since) if now.duration_since(since) >= MISSING_GRACE => Progress::Missing,
            Some(_) | None => Progress::Going,
        }
    }

    /// When waiting alone changes the answer of [`Self::progress`].
    pub(crate) fn next_change(&self) -> Option<Instant> {
        let missing = self.missing_since.map(|since| since + MISSING_GRACE);
        let exit_code = self.exit_code_due_since.map(|since| since + EXIT_CODE_GRACE);
        missing.into_iter().chain(exit_code).min()
    }
}

#[cfg(test)]
mod tests {
    use super::super::snapshot_examples;
    use super::*;

    fn task(status: &str, version: i64, exit_code: Option<i32>) -> Described {
        Described::Task(Box::new(TaskSnapshot {
            version,
            containers: vec![snapshot_examples::container("m", status, exit_code)],
            ..snapshot_examples::task(status)
        }))
    }

    fn failed(code: &str, class: Class) -> AwsError {
        AwsError {
            operation: "DescribeTasks",
            code: code.to_owned(),
            message: String::new(),
            class,
        }
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn missing_is_tolerated_for_a_minute() {
        let start = Instant::now();
        let mut seen = Sightings::new("m");
        seen.see(Ok(Described::Missing), start);
        assert_eq!(seen.progress(after(start, 59)), Progress::Going);
        assert_eq!(seen.progress(after(start, 60)), Progress::Missing);
        seen.see(Ok(task("RUNNING", 1, None)), after(start, 61));
        assert_eq!(seen.progress(after(start, 200)), Progress::Going);
    }

    #[tokio::test(start_paused = true)]
    async fn failing_reads_never_decide_and_warn_once_a_streak() {
        let start = Instant::now();
        let mut seen = Sightings::new("m");
        let mut warnings = 0;
        for _ in 0..100 {
            let throttled = failed("ThrottlingException", Class::Throttled);
            warnings += u32::from(seen.see(Err(throttled), start).is_some());
        }
        assert_eq!(warnings, 1);
        assert_eq!(seen.progress(after(start, 3600)), Progress::Going);
        seen.see(Ok(task("RUNNING", 1, None)), start);
        assert!(seen.see(Err(failed("x", Class::ServerFault)), start).is_none(), "a moment");
        assert!(seen.see(Err(failed("x", Class::AccessDenied)), start).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_that_stay_end_the_watch() {
        let start = Instant::now();
        let mut seen = Sightings::new("m");
        for (class, patience) in [(Class::AccessDenied, 3), (Class::CredentialsExpired, 2)] {
            let mut seen = Sightings::new("m");
            for look in 1..=patience {
                seen.see(Err(failed("Denied", class)), start);
                let lost = seen.progress(start) == Progress::Lost;
                assert_eq!(lost, look == patience, "{class:?}");
            }
        }
        seen.see(Err(failed("Denied", Class::AccessDenied)), start);
        seen.see(Ok(task("RUNNING", 1, None)), start);
        seen.see(Err(failed("Denied", Class::AccessDenied)), start);
        assert_eq!(seen.progress(start), Progress::Going);
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_exit_code_is_waited_for_and_an_older_read_dropped() {
        let start = Instant::now();
        let mut seen = Sightings::new("m");
        seen.see(Ok(task("STOPPED", 6, None)), start);
        assert_eq!(seen.progress(start), Progress::Going);
        assert_eq!(seen.progress(after(start, 10)), Progress::Ended);
        seen.see(Ok(task("STOPPED", 7, Some(0))), start);
        assert_eq!(seen.progress(start), Progress::Ended);
        assert!(seen.see(Ok(task("RUNNING", 3, None)), start).is_none());
        assert_eq!(seen.progress(start), Progress::Ended);
    }
}
