//! Runs that end in every way there is.

use crate::support::runner::{Lines, applied, ends_with, failed, rolls_back_when_stopped};
use crate::support::story::{Story, at, config};
use controller::Signal;
use protocol::DatabaseState;
use protocol::event::{Event, Heartbeat, Outcome, RunFinished};
use sandbox::{
    FailureFault, Faults, LineFate, OnTerminate, Program, RequestAnswer, RequestFault, Script,
    TaskEffect, TaskFault,
};

/// A story, the arguments of its run, and what to call it.
pub(super) type Ending = (&'static str, Story, &'static [&'static str]);

pub(super) fn task_fault(program: Program, effects: Vec<TaskEffect>) -> Story {
    let tasks = effects
        .into_iter()
        .map(|effect| TaskFault { family: None, from: 1, to: None, effect })
        .collect();
    Story::with(config().image("app:1", program).faults(Faults { tasks, ..Faults::default() }))
}

pub(super) fn request_fault(
    program: Program,
    operation: &str,
    from: u64,
    answer: RequestAnswer,
) -> Story {
    let requests = vec![RequestFault { operation: operation.to_owned(), from, to: None, answer }];
    let faults = Faults { requests, ..Faults::default() };
    Story::with(config().image("app:1", program).faults(faults))
}

pub(super) fn refusal(kind: &str, message: &str) -> RequestAnswer {
    RequestAnswer::Error { kind: kind.to_owned(), message: message.to_owned(), status: 400 }
}

pub(super) fn stubborn() -> Program {
    Program::script(Script::new().line(at(0), "working").on_terminate(OnTerminate::Ignore))
}

pub(super) fn without_a_last_word(code: i32) -> Program {
    Program::scripted(move |launch| {
        Script::new().line(at(0), Lines::of(launch).started()).exits(at(5), code)
    })
}

pub(super) fn exits(code: i32) -> Program {
    Program::script(Script::new().line(at(0), "working").exits(at(5), code))
}

pub(super) fn outside(stop_code: &str, reason: &str) -> TaskEffect {
    TaskEffect::StoppedFromOutside {
        after_seconds: 20.0,
        stop_code: stop_code.to_owned(),
        stopped_reason: Some(reason.to_owned()),
    }
}

pub(super) fn green() -> Vec<Ending> {
    let nothing = RunFinished {
        outcome: Outcome::NothingToDo,
        database: DatabaseState::Unchanged,
        ..RunFinished::default()
    };
    let denied = refusal(
        "AccessDeniedException",
        "User: arn:aws:sts::111122223333:assumed-role/deploy/gh is not authorized to perform: logs:GetLogEvents on resource: arn:aws:logs:eu-west-1:111122223333:log-group:/ecs/app",
    );
    let lost = TaskEffect::LogLines {
        container: None,
        from: 2,
        to: Some(3),
        every: 1,
        fate: LineFate::Lost,
    };
    let talkative = Program::scripted(|launch| {
        let mut lines = Lines::of(launch);
        let mut beat = || lines.next("working", Event::Heartbeat(Heartbeat::default()));
        let script = Script::new().line(at(0), beat()).line(at(1), beat()).line(at(2), beat());
        script.line(at(3), lines.finished(applied(2))).exits(at(4), 0)
    });
    vec![
        ("nothing to do", Story::running(ends_with(nothing)), &[]),
        ("a plain command", Story::running(exits(0)).plain(), &[]),
        (
            "a log that may not be read",
            request_fault(ends_with(applied(2)), "GetLogEvents", 1, denied),
            &[],
        ),
        ("lines lost on the way", task_fault(talkative, vec![lost]), &[]),
    ]
}

pub(super) fn red() -> Vec<Ending> {
    let memory = TaskEffect::OutOfMemory { container: None, after_seconds: Some(5.0) };
    let ended = |code, database, message| {
        let mut finished = failed(code, message);
        finished.database = database;
        ends_with(finished)
    };
    let part_way = ended(10, DatabaseState::PartWay, "could not create unique index \"u\"");
    let needs_attention = ended(11, DatabaseState::NeedsAttention, "the journal does not match");
    let disagreeing = Program::scripted(|launch| {
        let last = Lines::of(launch).finished(failed(10, "relation \"t\" already exists"));
        Script::new().line(at(0), last).exits(at(5), 0)
    });
    vec![
        ("part-way", Story::running(part_way), &[]),
        ("part-way, and a person has to look", Story::running(needs_attention), &[]),
        ("a runner that was killed", Story::running(without_a_last_word(137)), &[]),
        ("out of memory", task_fault(stubborn(), vec![memory]), &[]),
        ("no last word", Story::running(without_a_last_word(0)), &[]),
        ("a last word that disagrees", Story::running(disagreeing), &[]),
        (
            "Spot",
            task_fault(
                Program::script(Script::new().line(at(0), "working")),
                vec![
                    outside("SpotInterruption", "Your Spot Task was interrupted."),
                    TaskEffect::ExitCodeAbsent { container: None },
                ],
            ),
            &[],
        ),
        (
            "a stop code of tomorrow",
            task_fault(
                stubborn(),
                vec![outside("SomethingNew", "A reason that nobody has seen yet.")],
            ),
            &[],
        ),
        (
            "no exit code",
            task_fault(exits(0), vec![TaskEffect::ExitCodeAbsent { container: None }]),
            &[],
        ),
        (
            "a task that ECS forgot",
            task_fault(
                stubborn(),
                vec![TaskEffect::Missing { from_seconds: 0.0, to_seconds: None }],
            ),
            &[],
        ),
    ]
}

/// What we did to the task, or could not do.
pub(super) fn ours() -> Vec<Ending> {
    vec![
        ("a time limit", Story::running(rolls_back_when_stopped()), &["--timeout", "1m"]),
        ("a time limit, unproved", Story::running(stubborn()), &["--timeout", "1m"]),
        ("a cancel, unproved", Story::running(stubborn()).signal(at(60), Signal::Terminate), &[]),
        (
            "a cancel before anything ran",
            Story::running(stubborn()).signal(at(5), Signal::Interrupt),
            &[],
        ),
        (
            "detached",
            Story::running(stubborn()).signal(at(60), Signal::Interrupt),
            &["--on-cancel", "detach"],
        ),
        (
            "a watch that is lost",
            request_fault(
                stubborn(),
                "DescribeTasks",
                5,
                refusal(
                    "ExpiredTokenException",
                    "The security token included in the request is expired",
                ),
            ),
            &[],
        ),
        (
            "no capacity",
            request_fault(
                stubborn(),
                "RunTask",
                1,
                RequestAnswer::Failures(vec![FailureFault {
                    reason: "RESOURCE:MEMORY".to_owned(),
                    detail: None,
                }]),
            ),
            &["--capacity-timeout", "20s"],
        ),
        (
            "no right",
            request_fault(
                stubborn(),
                "RunTask",
                1,
                refusal(
                    "AccessDeniedException",
                    "User: arn:aws:sts::111122223333:assumed-role/deploy/gh is not authorized to perform: iam:PassRole on resource: arn:aws:iam::111122223333:role/exec",
                ),
            ),
            &[],
        ),
    ]
}
