//! Snapshots for tests, so that a table states only what it is about.

use super::arn::TaskArn;
use super::asked::Asked;
use super::intent::Expectation;
use super::snapshot::{ContainerSnapshot, StopCode, TaskSnapshot, TaskTimes};

/// A task in that state, with its own stop code where it has ended, and no container.
pub(crate) fn task(status: &str) -> TaskSnapshot {
    TaskSnapshot {
        arn: TaskArn::new("arn:aws:ecs:r:1:task/c/0"),
        version: 1,
        definition: String::new(),
        status: status.to_owned(),
        stop_code: (status == "STOPPED").then_some(StopCode::EssentialContainerExited),
        stopped_reason: None,
        started: true,
        created_at: None,
        times: TaskTimes::default(),
        started_by: String::new(),
        run: None,
        asked: Asked::Anything,
        expect: Expectation::Auto,
        invocation: None,
        environment: None,
        network: Vec::new(),
        containers: Vec::new(),
    }
}

/// A container without a reason.
pub(crate) fn container(name: &str, status: &str, exit_code: Option<i32>) -> ContainerSnapshot {
    ContainerSnapshot {
        name: name.to_owned(),
        status: status.to_owned(),
        exit_code,
        reason: None,
        image: String::new(),
        image_digest: None,
    }
}
