//! Owns what a service is asked for, and what follows from its numbers. Pure.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::ecs::run_task::NetworkConfiguration;

/// CreateService's input, as far as it is read; `status` is for services that are there from the start.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServiceInput {
    pub(super) cluster: Option<String>,
    pub(super) service_name: String,
    #[serde(default)]
    pub(super) task_definition: String,
    #[serde(default = "one")]
    pub(super) desired_count: u32,
    pub(super) launch_type: Option<String>,
    pub(super) network_configuration: Option<Value>,
    pub(super) deployment_configuration: Option<Value>,
    pub(super) deployment_controller: Option<Value>,
    pub(super) load_balancers: Option<Value>,
    pub(super) status: Option<String>,
}

fn one() -> u32 {
    1
}

/// What becomes of a deployment whose tasks keep failing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breaker {
    Off,
    Stops,
    RollsBack,
}

/// When a deployment counts as a success before all its tasks are healthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EarlySuccess {
    percent: u32,
    /// Old tasks are taken away after it, not before.
    pub(super) deferred: bool,
}

impl EarlySuccess {
    /// Healthy tasks that are enough: at least one, where any is wanted.
    pub(super) fn enough(self, desired: u32) -> u32 {
        (desired * self.percent).div_ceil(100).max(desired.min(1))
    }
}

impl ServiceInput {
    pub(super) fn network(&self) -> Option<NetworkConfiguration> {
        NetworkConfiguration::deserialize(self.network_configuration.as_ref()?).ok()
    }

    fn number(&self, name: &str, default: u32) -> u32 {
        let number = self.deployment_configuration.as_ref().and_then(|all| all[name].as_u64());
        number.and_then(|number| u32::try_from(number).ok()).unwrap_or(default)
    }

    /// Tasks that must stay healthy, rounded up (aws-facts 4.5).
    pub(super) fn least(&self, desired: u32) -> u32 {
        (desired * self.number("minimumHealthyPercent", 100)).div_ceil(100)
    }

    /// Tasks that may be there, rounded down (aws-facts 4.5).
    pub(super) fn most(&self, desired: u32) -> u32 {
        desired * self.number("maximumPercent", 200) / 100
    }

    pub(super) fn breaker(&self) -> Breaker {
        let breaker = self.deployment_configuration.as_ref();
        let is = |name: &str| {
            breaker.is_some_and(|all| all["deploymentCircuitBreaker"][name] == Value::Bool(true))
        };
        match (is("enable"), is("rollback")) {
            (false, _) => Breaker::Off,
            (true, false) => Breaker::Stops,
            (true, true) => Breaker::RollsBack,
        }
    }

    /// `earlySuccessCriteria` (ECS API model 2014-11-13).
    pub(super) fn early_success(&self) -> Option<EarlySuccess> {
        let criteria = &self.deployment_configuration.as_ref()?["earlySuccessCriteria"];
        let percent = criteria["healthyPercent"].as_u64().unwrap_or(100);
        (criteria["enable"] == Value::Bool(true)).then(|| EarlySuccess {
            percent: u32::try_from(percent).unwrap_or(100),
            deferred: criteria["sourceServiceRevisionCleanup"] == "DEFERRED",
        })
    }

    pub(super) fn alarms(&self) -> Value {
        self.deployment_configuration
            .as_ref()
            .map_or_else(|| json!([]), |all| all["alarms"]["alarmNames"].clone())
    }

    /// With the defaults that ECS fills in.
    pub(super) fn shown_configuration(&self) -> Value {
        let mut shown = json!({
            "deploymentCircuitBreaker": {"enable": false, "rollback": false},
            "maximumPercent": 200,
            "minimumHealthyPercent": 100,
            "strategy": "ROLLING",
        });
        if let (Some(shown), Some(Value::Object(given))) =
            (shown.as_object_mut(), &self.deployment_configuration)
        {
            shown.extend(given.clone());
        }
        shown
    }
}

/// Failures after which the breaker opens: half of the tasks, between 3 and 200 (aws-facts 4.5).
pub(super) fn threshold(desired: u32) -> u32 {
    desired.div_ceil(2).clamp(3, 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_round_to_the_safe_side_and_the_breaker_has_bounds() {
        let input = |configuration: Value| {
            ServiceInput::deserialize(&json!({
                "serviceName": "api", "deploymentConfiguration": configuration}))
            .expect("valid input")
        };
        let halves = input(json!({"minimumHealthyPercent": 50, "maximumPercent": 150}));
        assert_eq!((halves.least(3), halves.most(3)), (2, 4));
        let defaults = input(json!({}));
        assert_eq!((defaults.least(2), defaults.most(2)), (2, 4));
        assert_eq!([1, 7, 1000].map(threshold), [3, 4, 200]);
        assert_eq!(defaults.breaker(), Breaker::Off);
        let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
        assert_eq!(input(breaker).breaker(), Breaker::RollsBack);
    }
}
