//! Owns what the sandbox reads of a task definition and of overrides; the rest is only echoed.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskSpec {
    pub(crate) family: String,
    pub(crate) container_definitions: Vec<ContainerSpec>,
    pub(crate) network_mode: Option<String>,
    pub(crate) cpu: Option<String>,
    pub(crate) memory: Option<String>,
    pub(crate) execution_role_arn: Option<String>,
    pub(crate) task_role_arn: Option<String>,
    #[serde(default)]
    pub(crate) requires_compatibilities: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContainerSpec {
    pub(crate) name: String,
    pub(crate) image: String,
    #[serde(default)]
    pub(crate) entry_point: Vec<String>,
    #[serde(default)]
    pub(crate) command: Vec<String>,
    #[serde(default)]
    pub(crate) environment: Vec<Variable>,
    #[serde(default)]
    pub(crate) secrets: Vec<SecretVariable>,
    pub(crate) essential: Option<bool>,
    pub(crate) log_configuration: Option<LogConfiguration>,
    /// In seconds.
    pub(crate) stop_timeout: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Variable {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) value: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecretVariable {
    pub(crate) name: String,
    pub(crate) value_from: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogConfiguration {
    pub(crate) log_driver: String,
    #[serde(default)]
    pub(crate) options: BTreeMap<String, String>,
}

/// The options of the awslogs driver that matter here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AwsLogs {
    pub(crate) group: String,
    pub(crate) region: String,
    pub(crate) stream_prefix: String,
    pub(crate) creates_group: bool,
}

/// One entry of `overrides.containerOverrides`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ContainerOverride {
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) command: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) environment: Vec<Variable>,
}

/// `stopTimeout` on Fargate unless the definition says otherwise (aws-facts 1.9).
const DEFAULT_STOP_TIMEOUT: Duration = Duration::from_secs(30);

impl ContainerSpec {
    pub(crate) fn is_essential(&self) -> bool {
        self.essential.unwrap_or(true)
    }

    pub(crate) fn stop_timeout(&self) -> Duration {
        self.stop_timeout.map_or(DEFAULT_STOP_TIMEOUT, Duration::from_secs)
    }

    pub(crate) fn environment_pairs(&self) -> Vec<(String, String)> {
        pairs(&self.environment)
    }

    /// `None` with another log driver or none.
    pub(crate) fn awslogs(&self) -> Option<AwsLogs> {
        let logs = self.log_configuration.as_ref().filter(|logs| logs.log_driver == "awslogs")?;
        let option = |name: &str| logs.options.get(name).cloned().unwrap_or_default();
        Some(AwsLogs {
            group: option("awslogs-group"),
            region: option("awslogs-region"),
            stream_prefix: option("awslogs-stream-prefix"),
            creates_group: option("awslogs-create-group") == "true",
        })
    }
}

impl ContainerOverride {
    /// Reads RunTask's `overrides`; what cannot be read was refused before.
    pub(crate) fn list(overrides: &Value) -> Vec<Self> {
        overrides
            .get("containerOverrides")
            .and_then(|list| Vec::deserialize(list).ok())
            .unwrap_or_default()
    }

    pub(crate) fn environment_pairs(&self) -> Vec<(String, String)> {
        pairs(&self.environment)
    }
}

fn pairs(variables: &[Variable]) -> Vec<(String, String)> {
    variables.iter().map(|variable| (variable.name.clone(), variable.value.clone())).collect()
}
