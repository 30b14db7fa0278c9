//! Owns what requests can get instead of an answer, in the words of `--faults`.

use serde::{Deserialize, Serialize};

/// What a caller gets instead of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RequestAnswer {
    /// HTTP 400, `ThrottlingException`, `Rate exceeded`.
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
    /// GetLogEvents: an answer of this shape.
    Page(PageShape),
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

/// The shape of a page of GetLogEvents. What it leaves out is in the next page.
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
