//! What may never be said of a story.

use super::container::{Heard, LastWord, Phase};
use super::plot::{Gate, Plot};
use crate::support::story::{Story, Told};
use protocol::RunnerCommand;
use sandbox::{LineFate, TaskEffect, TaskFault, TaskOutcome};
use std::time::Duration;

/// A minute, and the moment in which it is noticed.
const SILENCE: Duration = Duration::from_secs(61);

/// What became of a plot.
pub(super) struct Played {
    pub(super) plot: Plot,
    pub(super) story: Story,
    pub(super) told: Vec<Told>,
    /// What the runner was told and ran, task by task.
    pub(super) heard: Vec<Heard>,
    /// How often the service was updated.
    pub(super) updates: usize,
}

impl Played {
    /// Looks at everything; the answer is how many invocations ended green.
    pub(super) fn judge(&self) -> usize {
        let denied = self.plot.faults.tasks.iter().any(denies_a_task_that_runs);
        assert!(denied || self.never_two_at_once(), "two tasks at once: {}", self.shown());
        assert!(self.nothing_runs_on_unsaid(), "a task runs on unsaid: {}", self.shown());
        assert!(self.no_stop_is_claimed(), "a stop that is none: {}", self.shown());
        assert!(self.no_contract_beside_old_tasks(), "beside old tasks: {}", self.shown());
        for told in &self.told {
            let silence = told.silence;
            assert!(silence <= SILENCE, "silent for {silence:?}: {}", self.shown());
            assert!(!told.err.contains("panicked"), "{}", self.shown());
            if self.updates > 0 {
                self.is_proved(told, "a service was deployed");
            }
        }
        let green: Vec<&Told> = self.told.iter().filter(|told| told.code == 0).collect();
        for told in &green {
            self.is_proved(told, "green");
        }
        green.len()
    }

    fn shown(&self) -> String {
        let told: Vec<String> = self.told.iter().map(Told::everything).collect();
        let Self { plot, heard, .. } = self;
        format!("seed {}: {plot:#?}\nheard {heard:?}\n{}", plot.seed, told.join("\n=====\n"))
    }

    /// The tasks of the migration; a service's have a proxy beside the API.
    fn migrations(&self) -> Vec<TaskOutcome> {
        let mut tasks = self.story.sandbox.tasks();
        tasks.retain(|task| task.exit_codes.len() == 1);
        tasks
    }

    /// The exit code and the runner's last word that what was asked ran, unless the log could not be
    /// read, which has to be said loudly, or lost that very line.
    fn is_proved(&self, told: &Told, what: &str) {
        let workload = &self.plot.workload;
        let good = self.migrations().into_iter().any(|task| {
            task.stop_code.as_deref() == Some("EssentialContainerExited")
                && task.exit_codes == [Some(0)]
        });
        assert!(good && workload.code == 0, "{what} without an end: {}", self.shown());
        let unread = told.err.contains("warning: the log was not readable");
        if unread {
            return;
        }
        if !workload.runner {
            assert!(self.may_be_plain(), "{what} without the runner's word: {}", self.shown());
            return;
        }
        assert_ne!(workload.last_word, LastWord::Lying, "{what} against a word: {}", self.shown());
        if self.plot.faults.tasks.iter().any(loses_lines) {
            return;
        }
        assert_eq!(workload.last_word, LastWord::True, "{what} without a word: {}", self.shown());
        assert!(!workload.cleared, "{what} by another run: {}", self.shown());
        let asked = RunnerCommand::first_of(self.plot.words);
        let to_migrate = self.plot.words.is_empty() || self.plot.gate == Gate::Release;
        let as_asked = |ran: &RunnerCommand| {
            asked.is_none_or(|asked| *ran == asked) && (!to_migrate || ran.may_migrate())
        };
        assert!(
            self.heard.iter().map(|heard| &heard.ran).any(as_asked),
            "{what}, not as asked: {}",
            self.shown()
        );
    }

    /// Whether a container that says nothing may be taken at its exit code: nothing says that it is the
    /// runner's, or somebody says that it is not.
    fn may_be_plain(&self) -> bool {
        let said = self.plot.arguments.windows(2).any(|pair| pair == ["--expect", "plain"]);
        let question =
            RunnerCommand::first_of(self.plot.words).is_some_and(|command| !command.may_migrate());
        said || !(self.plot.labelled || question)
    }

    /// What waited for the new code begins when no task of the old one can run any more.
    fn no_contract_beside_old_tasks(&self) -> bool {
        let tasks = self.story.sandbox.tasks();
        let began = |arn: &str| tasks.iter().find(|task| task.arn == arn).unwrap().began;
        let mut behind = self.heard.iter().filter(|heard| heard.phase == Phase::Contract);
        let journal = self.story.sandbox.journal();
        let updates = journal.iter().filter(|entry| entry.operation == "UpdateService");
        let updated = updates.map(|entry| entry.at).next_back().unwrap_or_default();
        let is_old = |task: &TaskOutcome| task.exit_codes.len() > 1 && task.began < updated;
        behind.all(|contract| {
            let began = began(&contract.task);
            let mut old = tasks.iter().filter(|task| is_old(task));
            old.all(|task| task.ended.is_some_and(|ended| ended <= began))
        })
    }

    /// At most one task at a time: another one begins only where the one before cannot run any more.
    fn never_two_at_once(&self) -> bool {
        let tasks = self.migrations();
        tasks.windows(2).all(|pair| pair[0].ended.is_some_and(|ended| ended <= pair[1].began))
    }

    /// Nobody says that a task was cancelled or timed out which ECS was not asked to stop.
    fn no_stop_is_claimed(&self) -> bool {
        let claims = |told: &Told, arn: &str| {
            let claimed = ["NOT GREEN: cancelled: ", "NOT GREEN: timed out: "];
            told.out.contains(arn) && claimed.iter().any(|claim| told.out.contains(claim))
        };
        let tasks = self.migrations();
        let mut running = tasks.iter().filter(|task| task.runs());
        running.all(|task| !self.told.iter().any(|told| claims(told, &task.arn)))
    }

    /// A task that goes on is named by one of its controllers, with a word for it.
    fn nothing_runs_on_unsaid(&self) -> bool {
        let says = |told: &Told, arn: &str| {
            let text = format!("{}{}", told.out, told.err);
            text.contains("a task may have been started")
                || text.contains(arn)
                    && ["attach", "still running", "not yet proved", "goes on"]
                        .iter()
                        .any(|word| text.contains(word))
        };
        let tasks = self.migrations();
        let mut running = tasks.iter().filter(|task| task.runs());
        running.all(|task| self.told.iter().any(|told| says(told, &task.arn)))
    }
}

/// Past two minutes ECS is believed that there is no such task; then only the lock in the database is
/// left.
fn denies_a_task_that_runs(fault: &TaskFault) -> bool {
    matches!(fault.effect, TaskEffect::Missing { to_seconds: None, .. })
}

/// What never arrives, or too late, cannot be held against anything.
fn loses_lines(fault: &TaskFault) -> bool {
    let lost = matches!(
        fault.effect,
        TaskEffect::LogLines { fate: LineFate::Lost | LineFate::Late { .. }, .. }
    );
    lost || matches!(fault.effect, TaskEffect::LogStream { .. })
}
