//! Owns what cannot be meant in a plan of faults: a fault that would never happen is a test of nothing. Pure.

use std::fmt;

use super::{
    Faults, LineFate, RequestAnswer, RequestFault, ServiceEffect, ServiceFault, TaskEffect,
    TaskFault,
};

/// What is wrong with a plan of faults, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultsError {
    place: String,
    cause: String,
}

impl fmt::Display for FaultsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.place, self.cause)
    }
}

impl std::error::Error for FaultsError {}

/// Every operation the sandbox answers.
pub(crate) const OPERATIONS: &[&str] = &[
    "BatchGetImage",
    "ContinueUpdateRollback",
    "CreateChangeSet",
    "CreateDBClusterSnapshot",
    "CreateDBSnapshot",
    "CreateLogGroup",
    "CreateLogStream",
    "CreateSecret",
    "CreateService",
    "DeleteChangeSet",
    "DeleteLogGroup",
    "DeleteRepository",
    "DeleteStack",
    "DeregisterTaskDefinition",
    "DescribeChangeSet",
    "DescribeClusters",
    "DescribeDBClusterSnapshots",
    "DescribeDBClusters",
    "DescribeDBInstances",
    "DescribeDBSnapshots",
    "DescribeLogGroups",
    "DescribeLogStreams",
    "DescribeRepositories",
    "DescribeSecret",
    "DescribeSecurityGroups",
    "DescribeServiceDeployments",
    "DescribeServiceRevisions",
    "DescribeServices",
    "DescribeStackEvents",
    "DescribeStackResources",
    "DescribeStacks",
    "DescribeTaskDefinition",
    "DescribeTasks",
    "ExecuteChangeSet",
    "FilterLogEvents",
    "GetCallerIdentity",
    "GetDownloadUrlForLayer",
    "GetLogEvents",
    "GetRole",
    "GetSecretValue",
    "ListOpenIDConnectProviders",
    "ListServiceDeployments",
    "ListTasks",
    "PutLogEvents",
    "PutSecretValue",
    "RegisterTaskDefinition",
    "RunTask",
    "SimulatePrincipalPolicy",
    "StopServiceDeployment",
    "StopTask",
    "UpdateService",
];

impl Faults {
    /// Refuses operations the sandbox does not have, answers that an operation cannot give, empty ranges,
    /// and times that are none.
    ///
    /// # Errors
    /// The first such thing.
    pub fn check(&self) -> Result<(), FaultsError> {
        let place =
            |list, index| move |cause| FaultsError { place: format!("{list}[{index}]"), cause };
        for (index, fault) in self.requests.iter().enumerate() {
            check_request(fault).map_err(place("requests", index))?;
        }
        for (index, fault) in self.tasks.iter().enumerate() {
            check_task(fault).map_err(place("tasks", index))?;
        }
        for (index, fault) in self.services.iter().enumerate() {
            check_service(fault).map_err(place("services", index))?;
        }
        Ok(())
    }
}

fn check_request(fault: &RequestFault) -> Result<(), String> {
    let names: Vec<&str> = fault.operation.split('|').collect();
    for name in &names {
        if *name != "*" && !OPERATIONS.contains(name) {
            return Err(format!("the sandbox has no operation {name:?}"));
        }
    }
    check_range(fault.from, fault.to)?;
    check_answer(&fault.answer, &names)
}

fn check_answer(answer: &RequestAnswer, operations: &[&str]) -> Result<(), String> {
    match answer {
        RequestAnswer::Throttle
        | RequestAnswer::PublishedRates
        | RequestAnswer::ExpiredToken
        | RequestAnswer::Unanswered { .. } => Ok(()),
        RequestAnswer::ServerError { status } => check_status(*status, 500),
        RequestAnswer::Error { status, .. } => check_status(*status, 400),
        RequestAnswer::Foreign { status, .. } => check_status(*status, 200),
        RequestAnswer::Failures(_)
        | RequestAnswer::FailuresAllTheSame(_)
        | RequestAnswer::RoleNotAssumable
        | RequestAnswer::DisguisedThrottle => only(operations, &["RunTask"]),
        RequestAnswer::Missing => only(operations, &["DescribeTasks", "DescribeServices"]),
        RequestAnswer::Page(_) => only(operations, &["GetLogEvents", "FilterLogEvents"]),
        RequestAnswer::Slow { seconds, answer } => {
            check_seconds(&[*seconds])?;
            answer.as_deref().map_or(Ok(()), |answer| check_answer(answer, operations))
        }
        RequestAnswer::RateLimit { burst: _, per_second } => check_seconds(&[*per_second]),
        RequestAnswer::When { after_seconds, until_seconds, access_key: _, answer } => {
            check_span(*after_seconds, *until_seconds)?;
            check_answer(answer, operations)
        }
    }
}

fn only(operations: &[&str], able: &[&str]) -> Result<(), String> {
    match operations.iter().find(|name| !able.contains(name)) {
        None => Ok(()),
        Some(name) => {
            Err(format!("only {} can be answered like this, not {name:?}", able.join(" or ")))
        }
    }
}

fn check_status(status: u16, least: u16) -> Result<(), String> {
    if (least..600).contains(&status) {
        Ok(())
    } else {
        Err(format!("an error has a status from {least} to 599, not {status}"))
    }
}

fn check_task(fault: &TaskFault) -> Result<(), String> {
    check_range(fault.from, fault.to)?;
    match &fault.effect {
        TaskEffect::NeverStarts { .. } | TaskEffect::ExitCodeAbsent { .. } => Ok(()),
        TaskEffect::OutOfMemory { after_seconds, .. }
        | TaskEffect::LogStream { after_seconds, .. } => check_seconds(after_seconds.as_slice()),
        TaskEffect::StoppedFromOutside { after_seconds: seconds, .. }
        | TaskEffect::StopTold { late_seconds: seconds, .. }
        | TaskEffect::ExitTold { late_seconds: seconds, .. }
        | TaskEffect::StopsLate { seconds }
        | TaskEffect::StaysIn { seconds, .. }
        | TaskEffect::DeprovisionsFor { seconds } => check_seconds(&[*seconds]),
        TaskEffect::Missing { from_seconds, to_seconds } => check_span(*from_seconds, *to_seconds),
        TaskEffect::LogLines { container: _, from, to, every, fate } => {
            check_range(*from, *to)?;
            if *every == 0 {
                return Err("every counts from 1".to_owned());
            }
            check_fate(fate)
        }
    }
}

fn check_service(fault: &ServiceFault) -> Result<(), String> {
    check_range(fault.from, fault.to)?;
    match &fault.effect {
        ServiceEffect::NeverStable | ServiceEffect::RollbackFails => Ok(()),
        ServiceEffect::Unhealthy { after_seconds: seconds, .. }
        | ServiceEffect::StoppedBySomebody { after_seconds: seconds }
        | ServiceEffect::ReplacedByNewer { after_seconds: seconds, .. }
        | ServiceEffect::Alarm { after_seconds: seconds, .. }
        | ServiceEffect::SteadyStateTold { after_seconds: seconds }
        | ServiceEffect::OldTasksProtected { seconds }
        | ServiceEffect::StaysIn { seconds, .. }
        | ServiceEffect::HookFails { after_seconds: seconds, .. }
        | ServiceEffect::HiddenFor { seconds } => check_seconds(&[*seconds]),
    }
}

fn check_fate(fate: &LineFate) -> Result<(), String> {
    match fate {
        LineFate::Lost => Ok(()),
        LineFate::Late { seconds, more_each } => check_seconds(&[*seconds, *more_each]),
        LineFate::Timestamp { off_by_seconds } => check_seconds(&[off_by_seconds.abs()]),
    }
}

fn check_range(from: u64, to: Option<u64>) -> Result<(), String> {
    if from == 0 {
        Err("from counts from 1".to_owned())
    } else if to.is_some_and(|to| to < from) {
        Err(format!("to is before from, which is {from}"))
    } else {
        Ok(())
    }
}

fn check_span(from: f64, to: Option<f64>) -> Result<(), String> {
    check_seconds(&[from])?;
    check_seconds(to.as_slice())?;
    if to.is_some_and(|to| to <= from) {
        return Err(format!("the end is not after the start, which is at {from} s"));
    }
    Ok(())
}

/// A century: no sum of a few overflows a clock.
pub(super) const LONGEST_SECONDS: f64 = 3.2e9;

fn check_seconds(counts: &[f64]) -> Result<(), String> {
    match counts.iter().find(|count| !(0.0..=LONGEST_SECONDS).contains(*count)) {
        None => Ok(()),
        Some(count) => Err(format!("{count} is no number of seconds, or calls a second")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(requests: &str, tasks: &str) -> Option<String> {
        let json = format!(r#"{{"requests": [{requests}], "tasks": [{tasks}]}}"#);
        let faults: Faults = serde_json::from_str(&json).expect("valid words");
        faults.check().err().map(|error| error.to_string())
    }

    #[test]
    fn refuses_requests_that_no_call_meets() {
        for (request, expected) in [
            (r#"{"operation": "DescribeTasks|RunTask", "answer": "throttle"}"#, None),
            (r#"{"operation": "*", "answer": {"slow": {"seconds": 2}}}"#, None),
            (
                r#"{"operation": "DescribeTask", "answer": "throttle"}"#,
                Some("requests[0]: the sandbox has no operation \"DescribeTask\""),
            ),
            (
                r#"{"operation": "RunTask", "from": 3, "to": 2, "answer": "throttle"}"#,
                Some("requests[0]: to is before from, which is 3"),
            ),
            (
                r#"{"operation": "RunTask", "from": 0, "answer": "throttle"}"#,
                Some("requests[0]: from counts from 1"),
            ),
            (
                r#"{"operation": "*", "answer": {"slow": {"seconds": 1, "answer": {"page": {}}}}}"#,
                Some(
                    "requests[0]: only GetLogEvents or FilterLogEvents can be answered like this, not \"*\"",
                ),
            ),
            (
                r#"{"operation": "RunTask", "answer": {"server_error": {"status": 200}}}"#,
                Some("requests[0]: an error has a status from 500 to 599, not 200"),
            ),
            (
                r#"{"operation": "RunTask", "answer": {"when": {"after_seconds": 5, "until_seconds": 5, "answer": "throttle"}}}"#,
                Some("requests[0]: the end is not after the start, which is at 5 s"),
            ),
        ] {
            assert_eq!(refusal(request, "").as_deref(), expected, "{request}");
        }
    }

    #[test]
    fn refuses_effects_that_no_task_suffers() {
        let effect = |effect: &str| refusal("", &format!(r#"{{"effect": {effect}}}"#));
        for (given, expected) in [
            (r#"{"log_lines": {"fate": {"timestamp": {"off_by_seconds": -2}}}}"#, None),
            (r#"{"log_lines": {"every": 0, "fate": "lost"}}"#, Some("every counts from 1")),
            (
                r#"{"stops_late": {"seconds": -1}}"#,
                Some("-1 is no number of seconds, or calls a second"),
            ),
            (
                r#"{"missing": {"from_seconds": 9, "to_seconds": 3}}"#,
                Some("the end is not after the start, which is at 9 s"),
            ),
        ] {
            let expected = expected.map(|text| format!("tasks[0]: {text}"));
            assert_eq!(effect(given), expected, "{given}");
        }
    }
}
