//! A story drawn from its seed: the container, the trouble, and what is asked.

use super::container::{Age, LastWord, Workload};
use super::trouble::{request_fault, rollout_fault, task_fault};
use crate::support::shop::{early, rolls_back};
use crate::support::story::at;
use controller::Signal;
use sandbox::{
    Faults, RequestFault, ServiceEffect, ServiceFault, TaskEffect, TaskFault, WallClock,
};
use serde_json::Value;
use std::time::Duration;

/// A story and what may be said of it.
#[derive(Debug, Clone)]
pub(super) struct Plot {
    pub(super) seed: u64,
    pub(super) workload: Workload,
    pub(super) faults: Faults,
    pub(super) signals: Vec<(Duration, Signal)>,
    pub(super) arguments: Vec<String>,
    /// How far AWS's clock is from ours.
    pub(super) clock: WallClock,
    /// How many invocations of one key there are at the same time.
    pub(super) controllers: usize,
    pub(super) gate: Gate,
    /// How ECS counts a rollout of the service as a success.
    pub(super) deployment: Value,
    /// The task definition's own command.
    pub(super) own_command: &'static [&'static str],
    /// Whether the definition says that its container is the runner's.
    pub(super) labelled: bool,
    /// What stands behind `--`.
    pub(super) words: &'static [&'static str],
}

/// What waits for the migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// `run`: whoever called it.
    Run,
    /// `release`: a service.
    Release,
}

const OWN_COMMANDS: [&[&str]; 5] = [
    &["status"],
    &["--lock-wait", "5m", "status"],
    &["deploy"],
    &["check", "--drift"],
    &["start", "--", "app"],
];

const WORDS: [&[&str]; 6] = [
    &["status"],
    &["--lock-wait", "5m", "status"],
    &["--lock-wait", "5m"],
    &["deploy", "--lock-wait", "5m"],
    &["exec", "--", "tool"],
    &["resolve", "--applied", "1_a"],
];

impl Plot {
    /// Past the time limit there is only the stop (150 s), the launch (3 min and one call) and a log
    /// whose reads fail (10 min); without one, a task that somebody may have to be stopped. A rollout
    /// has its own limit, and what waited for it is another migration.
    pub(super) fn longest(&self) -> Duration {
        let limit = self.arguments.iter().position(|argument| argument == "--timeout");
        let migration = match limit {
            Some(at) => {
                let seconds = self.arguments[at + 1].trim_end_matches('s').parse().unwrap();
                3 * Duration::from_secs(seconds) + Duration::from_mins(20)
            }
            None => Duration::from_hours(3),
        };
        match self.gate {
            Gate::Run => migration,
            Gate::Release => 2 * migration + Duration::from_hours(1),
        }
    }

    /// The story of a seed.
    pub(super) fn of(seed: u64) -> Self {
        let plot = Self::of_trouble(seed);
        plot.asked(&mut fastrand::Rng::with_seed(!seed))
    }

    fn of_trouble(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let runner = random.bool();
        let workload = Workload {
            runner,
            lines: random.u64(0..40),
            lasts: random.u64(0..200),
            code: if random.u8(0..3) > 0 { 0 } else { random.i32(1..140) },
            last_word: match random.u8(0..8) {
                0 => LastWord::Missing,
                1 => LastWord::Lying,
                _ => LastWord::True,
            },
            strangers: random.u8(0..4) == 0,
            on_terminate: random.u8(0..3),
            entry_point: &[],
            age: Age::Silent,
            cleared: false,
            waiting: 0,
        };
        let requests: Vec<RequestFault> =
            (0..random.usize(0..5)).map(|_| request_fault(&mut random)).collect();
        let tasks = (0..random.usize(0..4)).map(|_| task_fault(&mut random)).collect();
        let signals = (0..random.usize(0..3).saturating_sub(random.usize(0..2)))
            .map(|_| {
                let after = at(random.u64(0..240));
                (after, if random.bool() { Signal::Interrupt } else { Signal::Terminate })
            })
            .collect();
        let mut arguments = vec!["--capacity-timeout".to_owned(), "3m".to_owned()];
        // A look that is throttled for ever is waited for as long as nobody set a limit.
        let endless = requests.iter().any(|fault| fault.to.is_none());
        if endless || random.u8(0..3) == 0 {
            arguments.extend(["--timeout".to_owned(), format!("{}s", random.u64(1..240))]);
        }
        if random.u8(0..4) == 0 {
            arguments.extend(["--on-cancel".to_owned(), "detach".to_owned()]);
        }
        if random.u8(0..4) == 0 {
            let kind = if runner { "runner" } else { "plain" };
            arguments.extend(["--expect".to_owned(), kind.to_owned()]);
        }
        let controllers = if random.u8(0..4) == 0 { 2 } else { 1 };
        if controllers > 1 {
            arguments.extend(["--run-key".to_owned(), "k".to_owned()]);
        }
        Self {
            seed,
            workload,
            faults: Faults { requests, tasks, ..Faults::default() },
            signals,
            arguments,
            clock: if random.bool() { WallClock::Fixed } else { WallClock::System },
            controllers,
            gate: Gate::Run,
            deployment: rolls_back(),
            own_command: &[],
            labelled: true,
            words: &[],
        }
    }

    /// What stands between what is asked and what runs. A runner that names nothing of what it ran
    /// cannot be held against it, so it is asked for nothing else.
    fn asked(mut self, random: &mut fastrand::Rng) -> Self {
        if random.u8(0..4) == 0 {
            self.release(random);
        }
        if random.u8(0..4) == 0 {
            return self;
        }
        let entry_points: [&[&str]; 3] = [&["start", "--", "app"], &["exec", "--", "tool"], &[]];
        self.workload.entry_point = entry_points[random.usize(0..3)];
        self.workload.age = if random.bool() { Age::New } else { Age::Old };
        self.workload.cleared = random.u8(0..8) == 0;
        self.labelled = random.bool();
        if random.u8(0..3) == 0 {
            self.own_command = OWN_COMMANDS[random.usize(..OWN_COMMANDS.len())];
        }
        if random.u8(0..3) == 0 {
            self.words = WORDS[random.usize(..WORDS.len())];
        }
        self
    }

    /// A service waits for it. Its definition is registered before any trouble, and its tasks, which are
    /// the first two, have none but that old ones may be slow to go.
    fn release(&mut self, random: &mut fastrand::Rng) {
        self.gate = Gate::Release;
        self.controllers = 1;
        self.workload.waiting = u64::from(random.u8(..4) > 0);
        if random.u8(..4) > 0 {
            self.calm();
        }
        let opens = ["RegisterTaskDefinition", "DescribeTaskDefinition"];
        self.faults.requests.retain(|fault| !opens.contains(&fault.operation.as_str()));
        for fault in &mut self.faults.tasks {
            fault.family = Some("app-migrate".to_owned());
            fault.from += 2;
            fault.to = fault.to.map(|to| to + 2);
        }
        self.rollout(random);
    }

    /// Of the trouble, how the service's tasks stop.
    pub(super) fn slow_to_go(&self) -> Faults {
        let mut tasks = self.faults.tasks.clone();
        tasks.retain(|fault| fault.family.as_deref() == Some("api"));
        Faults { tasks, ..Faults::default() }
    }

    /// A migration that ends well, so that there is something to follow it.
    fn calm(&mut self) {
        self.workload =
            Workload { runner: true, code: 0, last_word: LastWord::True, ..self.workload };
        self.signals.clear();
        self.faults.requests.retain(|fault| fault.to.is_some());
        self.faults.requests.truncate(1);
        self.faults.tasks.truncate(1);
        let given = ["--timeout", "--expect"];
        while let Some(at) = self.arguments.iter().position(|word| given.contains(&word.as_str())) {
            self.arguments.drain(at..at + 2);
        }
    }

    /// Early or not, deferred or not, protected or not, quick or slow to stop, and seen or not.
    fn rollout(&mut self, random: &mut fastrand::Rng) {
        self.deployment = match random.u8(..3) {
            0 => rolls_back(),
            1 => early("BLOCKING"),
            _ => early("DEFERRED"),
        };
        if random.bool() {
            let effect =
                ServiceEffect::OldTasksProtected { seconds: f64::from(random.u32(..1_500)) };
            self.faults.services.push(ServiceFault { service: None, from: 1, to: None, effect });
        }
        let effect = TaskEffect::StopsLate { seconds: f64::from(random.u32(..120)) };
        let family = Some("api".to_owned());
        self.faults.tasks.push(TaskFault { family, from: 1, to: None, effect });
        let trouble = (0..random.usize(..3)).map(|_| rollout_fault(random));
        self.faults.requests.extend(trouble.collect::<Vec<_>>());
        // Whoever sets the share decides, and nothing follows the rollout.
        if random.u8(..8) == 0 {
            let share = ["all", "expand"][random.usize(..2)];
            self.arguments.extend(["--env".to_owned(), format!("ECS_MIGRATE_PHASE={share}")]);
        }
        let minutes = random.u64(2..40);
        self.arguments.extend(["--rollout-timeout".to_owned(), format!("{minutes}m")]);
    }
}
