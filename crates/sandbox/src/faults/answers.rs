//! Owns what requests can get instead of an answer, in the words of `--faults`.

use serde::{Deserialize, Serialize};

/// What a caller gets instead of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RequestAnswer {
    /// HTTP 400, `Rate exceeded`: `ThrottlingException`, of STS `Throttling`.
    Throttle,
    /// A `ServerException` with this HTTP status.
    ServerError {
        /// 500, 502, 503 or 504.
        status: u16,
    },
    /// Any AWS error.
    Error {
        /// The error's `__type`, such as `AccessDeniedException`.
        kind: String,
        /// The error's message.
        message: String,
        /// The HTTP status, 400 unless given.
        #[serde(default = "bad_request")]
        status: u16,
    },
    /// DescribeTasks and DescribeServices: every one asked for is `MISSING`.
    Missing,
    /// RunTask: no task, and these in `failures`.
    Failures(Vec<FailureFault>),
    /// `ExpiredTokenException`, of STS `ExpiredToken`: the session is over. See `when` for one access key.
    ExpiredToken,
    /// RunTask: it is carried out, and the answer says all the same that there is no task, with these in
    /// `failures`.
    FailuresAllTheSame(Vec<FailureFault>),
    /// Something in between answers, such as a proxy with a page of its own; the operation is not carried
    /// out.
    Foreign {
        /// The HTTP status.
        status: u16,
        /// The literal body.
        body: String,
    },
    /// RunTask: a `ClientException` that ECS cannot assume the role, as while IAM still spreads the news of it.
    RoleNotAssumable,
    /// RunTask: an `InvalidParameterException` whose text says that EC2 throttled ECS.
    DisguisedThrottle,
    /// GetLogEvents: an answer of this shape.
    Page(PageShape),
    /// No answer at all.
    Unanswered {
        /// Whether the operation is carried out all the same.
        request: RequestFate,
        /// How the caller learns that there is no answer.
        connection: ConnectionFate,
    },
    /// The operation is carried out at once and answered late.
    Slow {
        /// Seconds until the answer.
        seconds: f64,
        /// The answer; absent: a good one.
        #[serde(default)]
        answer: Option<Box<Self>>,
    },
    /// `throttle` for calls that find the entry's token bucket empty; others pass on to the next entry.
    RateLimit {
        /// Calls the bucket holds: it is full at first.
        burst: u32,
        /// Calls it gains each second.
        per_second: f64,
    },
    /// The token buckets AWS publishes for an account in the sandbox's Region: operations share them as
    /// documented, all callers share them all.
    PublishedRates,
    /// An answer under conditions; a call that does not meet them passes on to the next entry.
    When {
        /// Seconds since the faults were set.
        #[serde(default)]
        after_seconds: f64,
        /// Seconds since the faults were set; absent: for ever.
        #[serde(default)]
        until_seconds: Option<f64>,
        /// Only requests signed with this access key.
        #[serde(default)]
        access_key: Option<String>,
        /// What such a call gets.
        answer: Box<Self>,
    },
}

/// One entry of RunTask's `failures`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailureFault {
    /// Such as `Capacity is unavailable at this time. Please try again later or in a different availability zone`.
    pub reason: String,
    /// Absent on the wire when absent here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What becomes of the operation of an unanswered request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestFate {
    /// It happens: only the answer is lost.
    CarriedOut,
    /// It does not happen.
    Ignored,
}

/// What becomes of the connection of an unanswered request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionFate {
    /// It is closed.
    Drops,
    /// It stays open until the caller closes it.
    Hangs,
}

/// The shape of a page of GetLogEvents or FilterLogEvents. What it leaves out is in the next page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PageShape {
    /// At most this many new events; with 0 the page is empty and its token moves on all the same.
    pub events: Option<usize>,
    /// The page begins with so many events that the page before ended with.
    pub repeats: usize,
}

fn bad_request() -> u16 {
    400
}
