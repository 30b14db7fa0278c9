//! Owns a task definition's JSON and what others read out of it.

use serde_json::Value;
use std::time::Duration;

/// Fargate's time between SIGTERM and SIGKILL when the definition sets none
/// (ECS API, `ContainerDefinition.stopTimeout`).
const DEFAULT_STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// A task definition as the wire has it: camelCase, nothing left out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document(pub(crate) Value);

/// A document with the revision that holds it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Registered {
    pub(crate) arn: String,
    pub(crate) document: Document,
}

impl Document {
    /// The family, empty if there is none.
    pub(crate) fn family(&self) -> &str {
        self.0["family"].as_str().unwrap_or_default()
    }

    /// The containers.
    pub(crate) fn containers(&self) -> &[Value] {
        self.0["containerDefinitions"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The names of the containers, in their order.
    pub(crate) fn container_names(&self) -> Vec<&str> {
        self.containers().iter().filter_map(|container| container["name"].as_str()).collect()
    }

    /// One container.
    pub(crate) fn container(&self, name: &str) -> Option<&Value> {
        self.containers().iter().find(|container| container["name"].as_str() == Some(name))
    }

    /// The container's image, empty if there is none.
    pub(crate) fn image(&self, container: &str) -> &str {
        self.container(container)
            .and_then(|container| container["image"].as_str())
            .unwrap_or_default()
    }

    /// The container's own command, empty where it is the image's.
    pub(crate) fn command(&self, container: &str) -> Vec<String> {
        let words = self.container(container).and_then(|container| container["command"].as_array());
        let words = words.into_iter().flatten().filter_map(Value::as_str);
        words.map(str::to_owned).collect()
    }

    /// How long the container has between SIGTERM and SIGKILL.
    pub(crate) fn stop_timeout(&self, container: &str) -> Duration {
        self.container(container)
            .and_then(|container| container["stopTimeout"].as_u64())
            .map_or(DEFAULT_STOP_TIMEOUT, Duration::from_secs)
    }
}

impl Registered {
    /// `family:revision`, for people.
    pub(crate) fn short_name(&self) -> &str {
        short_name(&self.arn)
    }

    /// The number of the revision, if the ARN has one.
    pub(crate) fn revision(&self) -> Option<i64> {
        self.short_name().split_once(':')?.1.parse().ok()
    }

    /// Whether it may still be used for new tasks, as far as its description says.
    pub(crate) fn is_active(&self) -> bool {
        self.document.0["status"].as_str().is_none_or(|status| status == "ACTIVE")
    }

    /// The name without its revision.
    pub(crate) fn family(&self) -> &str {
        let name = self.short_name();
        name.split_once(':').map_or(name, |(family, _)| family)
    }
}

/// `family:revision` of a task definition's ARN.
pub(crate) fn short_name(arn: &str) -> &str {
    arn.rsplit_once('/').map_or(arn, |(_, name)| name)
}
