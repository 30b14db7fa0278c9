//! Owns which fault a request meets: counts calls, looks at the time and the caller, keeps the buckets.

use std::time::Duration;

use super::book::{applies, seconds};
use super::bucket::Bucket;
use super::published_rates::published_rates;
use super::{RequestAnswer, RequestFault};

/// What a fault may look at in a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'call> {
    pub(crate) operation: &'call str,
    /// Who signed the request, `None` when nobody did.
    pub(crate) access_key: Option<&'call str>,
}

/// A fault that a request met.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Met {
    /// How late the answer is.
    pub(crate) late: Duration,
    /// `None`: late but good.
    pub(crate) answer: Option<RequestAnswer>,
}

#[derive(Debug, Default)]
pub(super) struct Requests(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    fault: RequestFault,
    calls: u64,
    limits: Vec<Limit>,
}

#[derive(Debug)]
struct Limit {
    /// `None`: whatever the entry is about.
    operations: Option<&'static [&'static str]>,
    bucket: Bucket,
}

impl Requests {
    pub(super) fn new(faults: Vec<RequestFault>, region: &str) -> Self {
        let entry =
            |fault: RequestFault| Entry { limits: limits(&fault.answer, region), fault, calls: 0 };
        Self(faults.into_iter().map(entry).collect())
    }

    /// `since`: since the faults were set. Every entry counts the call, the first that applies is met.
    pub(super) fn meet(&mut self, asked: Asked<'_>, since: Duration) -> Option<Met> {
        let mut met = None;
        for entry in self.0.iter_mut().filter(|entry| entry.concerns(asked.operation)) {
            entry.calls += 1;
            if met.is_none() && applies(entry.calls, entry.fault.from, entry.fault.to) {
                met = meet(&entry.fault.answer, asked, (since, &mut entry.limits));
            }
        }
        met
    }
}

impl Entry {
    fn concerns(&self, operation: &str) -> bool {
        self.fault.operation.split('|').any(|name| name == "*" || name == operation)
    }
}

fn meet(
    answer: &RequestAnswer,
    asked: Asked<'_>,
    (since, limits): (Duration, &mut [Limit]),
) -> Option<Met> {
    match answer {
        RequestAnswer::When { after_seconds, until_seconds, access_key, answer } => {
            let holds = seconds(*after_seconds) <= since
                && until_seconds.is_none_or(|until| since < seconds(until))
                && access_key.as_deref().is_none_or(|key| asked.access_key == Some(key));
            if holds { meet(answer, asked, (since, limits)) } else { None }
        }
        RequestAnswer::Slow { seconds: more, answer } => {
            let met = match answer {
                None => Met { late: Duration::ZERO, answer: None },
                Some(answer) => meet(answer, asked, (since, limits))?,
            };
            Some(Met { late: met.late + seconds(*more), ..met })
        }
        RequestAnswer::RateLimit { .. } | RequestAnswer::PublishedRates => {
            let throttle = Met { late: Duration::ZERO, answer: Some(RequestAnswer::Throttle) };
            (!take(limits, asked.operation, since)).then_some(throttle)
        }
        RequestAnswer::Throttle
        | RequestAnswer::ServerError { .. }
        | RequestAnswer::Error { .. }
        | RequestAnswer::Missing
        | RequestAnswer::Failures(_)
        | RequestAnswer::FailuresAllTheSame(_)
        | RequestAnswer::Foreign { .. }
        | RequestAnswer::ExpiredToken
        | RequestAnswer::RoleNotAssumable
        | RequestAnswer::DisguisedThrottle
        | RequestAnswer::Page(_)
        | RequestAnswer::Unanswered { .. } => {
            Some(Met { late: Duration::ZERO, answer: Some(answer.clone()) })
        }
    }
}

/// A token of every bucket that the operation is in, or none of any.
fn take(limits: &mut [Limit], operation: &str, now: Duration) -> bool {
    let mut concerned: Vec<&mut Bucket> = limits
        .iter_mut()
        .filter(|limit| limit.operations.is_none_or(|names| names.contains(&operation)))
        .map(|limit| &mut limit.bucket)
        .collect();
    let passes = concerned.iter_mut().all(|bucket| bucket.has_token(now));
    if passes {
        concerned.into_iter().for_each(Bucket::take);
    }
    passes
}

fn limits(answer: &RequestAnswer, region: &str) -> Vec<Limit> {
    match answer {
        RequestAnswer::When { answer, .. } | RequestAnswer::Slow { answer: Some(answer), .. } => {
            limits(answer, region)
        }
        RequestAnswer::RateLimit { burst, per_second } => {
            vec![Limit { operations: None, bucket: Bucket::new(*burst, *per_second) }]
        }
        RequestAnswer::PublishedRates => published_rates(region)
            .into_iter()
            .map(|rate| Limit {
                operations: Some(rate.operations),
                bucket: Bucket::new(rate.burst, rate.per_second),
            })
            .collect(),
        RequestAnswer::Slow { answer: None, .. }
        | RequestAnswer::Throttle
        | RequestAnswer::ServerError { .. }
        | RequestAnswer::Error { .. }
        | RequestAnswer::Missing
        | RequestAnswer::Failures(_)
        | RequestAnswer::FailuresAllTheSame(_)
        | RequestAnswer::Foreign { .. }
        | RequestAnswer::ExpiredToken
        | RequestAnswer::RoleNotAssumable
        | RequestAnswer::DisguisedThrottle
        | RequestAnswer::Page(_)
        | RequestAnswer::Unanswered { .. } => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(json: &str) -> Requests {
        Requests::new(serde_json::from_str(json).expect("valid faults"), "eu-west-1")
    }

    fn ask(requests: &mut Requests, operation: &str, since: u64) -> Option<RequestAnswer> {
        let asked = Asked { operation, access_key: Some("OLD") };
        requests.meet(asked, Duration::from_secs(since))?.answer
    }

    #[test]
    fn counts_calls_of_each_entry() {
        let mut requests = requests(
            r#"[
                {"operation": "DescribeTasks", "from": 2, "to": 3, "answer": "throttle"},
                {"operation": "DescribeTasks", "from": 3, "answer": {"server_error": {"status": 503}}},
                {"operation": "RunTask", "to": 1, "answer": {"failures": [{"reason": "AGENT"}]}},
                {"operation": "StopTask|ListTasks", "from": 3, "to": 3, "answer": "missing"},
                {"operation": "*", "from": 10, "answer": "missing"}
            ]"#,
        );
        let mut asked = |operation| ask(&mut requests, operation, 0);
        let unavailable = Some(RequestAnswer::ServerError { status: 503 });
        let throttle = Some(RequestAnswer::Throttle);
        let answers: Vec<_> = (0..5).map(|_| asked("DescribeTasks")).collect();
        assert_eq!(answers, [None, throttle.clone(), throttle, unavailable.clone(), unavailable]);
        assert!(asked("RunTask").is_some());
        assert!(asked("RunTask").is_none());
        assert!(asked("StopTask").is_none());
        assert!(asked("ListTasks").is_none());
        assert!(asked("ListTasks").is_some());
    }

    #[test]
    fn looks_at_the_time_and_the_caller() {
        let mut requests = requests(
            r#"[{"operation": "*", "answer": {"when": {
                "after_seconds": 10, "until_seconds": 20, "access_key": "OLD", "answer": "throttle"
            }}}]"#,
        );
        for (since, expected) in [(9, false), (10, true), (19, true), (20, false)] {
            assert_eq!(ask(&mut requests, "RunTask", since).is_some(), expected, "at {since} s");
        }
        let new = Asked { operation: "RunTask", access_key: Some("NEW") };
        assert!(requests.meet(new, Duration::from_secs(15)).is_none());
    }

    #[test]
    fn a_slow_answer_may_be_any() {
        let mut requests = requests(
            r#"[{"operation": "*", "answer": {"slow": {"seconds": 2, "answer": {"slow": {"seconds": 1, "answer": "throttle"}}}}}]"#,
        );
        let asked = Asked { operation: "RunTask", access_key: None };
        let met = requests.meet(asked, Duration::ZERO).expect("a fault");
        assert_eq!((met.late, met.answer), (Duration::from_secs(3), Some(RequestAnswer::Throttle)));
    }

    #[test]
    fn operations_share_buckets() {
        let mut requests = requests(
            r#"[{"operation": "*", "answer": "published_rates"},
                {"operation": "StopTask|GetLogEvents", "answer": {"rate_limit": {"burst": 1, "per_second": 1}}}]"#,
        );
        let mut passed = |operation| ask(&mut requests, operation, 0).is_none();
        assert_eq!((0..30).filter(|_| passed("RunTask")).count(), 20, "Fargate's own limit");
        assert_eq!((0..150).filter(|_| passed("DescribeTasks")).count(), 100);
        assert!(!passed("ListTasks"), "shares the bucket of DescribeTasks");
        assert!(passed("StopTask") && !passed("GetLogEvents"), "the entry's own bucket");
        assert!(passed("GetCallerIdentity"), "without a published rate");
    }
}
