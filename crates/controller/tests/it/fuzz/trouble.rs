//! Trouble of AWS and of a task, drawn at random.

use sandbox::{
    ConnectionFate, FailureFault, LineFate, PageShape, RequestAnswer, RequestFate, RequestFault,
    StartPhase, TaskEffect, TaskFault,
};

const NO_CAPACITY: &str = "Capacity is unavailable at this time. Please try again later or in a \
                           different availability zone";

/// What happens to requests.
pub(super) fn request_fault(random: &mut fastrand::Rng) -> RequestFault {
    let operations = [
        "RunTask",
        "RunTask",
        "DescribeTasks",
        "DescribeTasks",
        "GetLogEvents",
        "GetLogEvents",
        "StopTask",
        "RegisterTaskDefinition",
        "DescribeTaskDefinition",
        "ListTasks",
    ];
    let operation = operations[random.usize(..operations.len())];
    fault_of(operation, random)
}

/// What happens to requests of a rollout.
pub(super) fn rollout_fault(random: &mut fastrand::Rng) -> RequestFault {
    let operations = [
        "DescribeServices",
        "DescribeServices",
        "UpdateService",
        "ListServiceDeployments",
        "DescribeServiceDeployments",
        "DescribeServiceRevisions",
        "ListTasks",
    ];
    let operation = operations[random.usize(..operations.len())];
    fault_of(operation, random)
}

fn fault_of(operation: &str, random: &mut fastrand::Rng) -> RequestFault {
    let error = |kind: &str, message: &str| RequestAnswer::Error {
        kind: kind.to_owned(),
        message: message.to_owned(),
        status: 400,
    };
    let answer = match (random.u8(0..16), operation) {
        (8, _) => RequestAnswer::RateLimit { burst: 3, per_second: 0.2 + random.f64() },
        (9, _) => RequestAnswer::Slow { seconds: random.f64() * 30.0, answer: None },
        (10 | 11, _) | (0..=2, "RunTask" | "UpdateService") => RequestAnswer::Unanswered {
            request: if random.bool() { RequestFate::CarriedOut } else { RequestFate::Ignored },
            connection: if random.bool() { ConnectionFate::Drops } else { ConnectionFate::Hangs },
        },
        (12 | 13, "GetLogEvents") => RequestAnswer::Page(PageShape {
            events: random.bool().then(|| random.usize(0..10)),
            repeats: random.usize(0..5),
        }),
        (12, "RunTask") => RequestAnswer::RoleNotAssumable,
        (13, "RunTask") => RequestAnswer::DisguisedThrottle,
        (14, "RunTask") => RequestAnswer::FailuresAllTheSame(vec![FailureFault {
            reason: NO_CAPACITY.to_owned(),
            detail: None,
        }]),
        (15, _) => RequestAnswer::Foreign {
            status: [200, 302, 503][random.usize(0..3)],
            body: "<html>not AWS</html>".to_owned(),
        },
        (0..=2, _) => RequestAnswer::Throttle,
        (3, _) => RequestAnswer::ServerError { status: [500, 502, 503, 504][random.usize(0..4)] },
        (4, "DescribeTasks") => RequestAnswer::Missing,
        (4, "RunTask") => RequestAnswer::Failures(vec![FailureFault {
            reason: NO_CAPACITY.to_owned(),
            detail: None,
        }]),
        (5, "RunTask") => error(
            "InvalidParameterException",
            "Error retrieving subnet information for [subnet-a]: Rate exceeded (ErrorCode: Throttling)",
        ),
        (6, _) => {
            error("ExpiredTokenException", "The security token included in the request is expired")
        }
        (7, _) => error("AccessDeniedException", "User: x is not authorized to perform: it"),
        (_, _) => RequestAnswer::Throttle,
    };
    // What is asked once or twice has its trouble then, or never.
    let latest = match operation {
        "RunTask" | "StopTask" | "UpdateService" => 2,
        "RegisterTaskDefinition" | "DescribeTaskDefinition" => 3,
        "ListTasks" => 6,
        _ => 29,
    };
    let from = random.u64(1..=latest);
    let to = (random.u8(0..4) > 0).then(|| from + random.u64(0..20));
    RequestFault { operation: operation.to_owned(), from, to, answer }
}

/// What happens to a task.
pub(super) fn task_fault(random: &mut fastrand::Rng) -> TaskFault {
    let stop_codes = [
        "SpotInterruption",
        "TerminationNotice",
        "ServiceSchedulerInitiated",
        "UserInitiated",
        "InfrastructureHealth",
        "SomethingNew",
    ];
    let seconds = random.f64() * 100.0;
    let effect = match random.u8(0..15) {
        14 => TaskEffect::StaysIn {
            phase: [StartPhase::Provisioning, StartPhase::Pending, StartPhase::Pulling]
                [random.usize(0..3)],
            seconds: random.f64() * 900.0,
        },
        5 => TaskEffect::StopTold { stop_code: None, stopped_reason: None, late_seconds: seconds },
        6 => TaskEffect::ExitTold {
            container: None,
            exit_code: None,
            reason: None,
            late_seconds: random.f64() * 15.0,
        },
        7 => TaskEffect::StopsLate { seconds },
        8 => TaskEffect::DeprovisionsFor { seconds },
        9 => TaskEffect::Missing { from_seconds: 0.0, to_seconds: Some(seconds) },
        10 => TaskEffect::Missing { from_seconds: seconds, to_seconds: None },
        11 => TaskEffect::LogStream {
            container: None,
            after_seconds: random.bool().then_some(seconds),
        },
        12 | 13 => TaskEffect::LogLines {
            container: None,
            from: random.u64(1..30),
            to: None,
            every: random.u64(1..5),
            fate: match random.u8(0..3) {
                0 => LineFate::Lost,
                1 => LineFate::Late { seconds: random.f64() * 10.0, more_each: random.f64() },
                _ => LineFate::Timestamp { off_by_seconds: random.f64() * 4.0 - 2.0 },
            },
        },
        0 => TaskEffect::NeverStarts {
            phase: StartPhase::Pulling,
            stopped_reason: "CannotPullContainerError: … not found".to_owned(),
            container_reason: None,
        },
        1 => TaskEffect::NeverStarts {
            phase: StartPhase::Provisioning,
            stopped_reason: "Timeout waiting for network interface provisioning to complete."
                .to_owned(),
            container_reason: None,
        },
        2 => TaskEffect::StoppedFromOutside {
            after_seconds: random.f64() * 200.0,
            stop_code: stop_codes[random.usize(..stop_codes.len())].to_owned(),
            stopped_reason: random.bool().then(|| "Your Spot Task was interrupted.".to_owned()),
        },
        3 => TaskEffect::ExitCodeAbsent { container: None },
        _ => TaskEffect::OutOfMemory {
            container: None,
            after_seconds: random.bool().then(|| random.f64() * 200.0),
        },
    };
    let from = random.u64(1..3);
    TaskFault { family: None, from, to: random.bool().then_some(from), effect }
}
