//! Owns the file that a service is created from: CreateService's input as JSON, strict about keys.

use crate::error::Error;
use crate::words;
use serde_json::Value;

/// Members of CreateService's input (ECS API model 2014-11-13).
const KEYS: &[&str] = &[
    "cluster",
    "serviceName",
    "taskDefinition",
    "availabilityZoneRebalancing",
    "loadBalancers",
    "serviceRegistries",
    "desiredCount",
    "clientToken",
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "role",
    "deploymentConfiguration",
    "placementConstraints",
    "placementStrategy",
    "networkConfiguration",
    "healthCheckGracePeriodSeconds",
    "schedulingStrategy",
    "deploymentController",
    "tags",
    "enableECSManagedTags",
    "propagateTags",
    "enableExecuteCommand",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
    "gatewayConnectors",
    "monitoring",
];

/// What stands inside: ECS ignores what it does not know, so that a typo would be lost.
const INNER: &[(&str, &[&str])] = &[
    ("networkConfiguration", &["awsvpcConfiguration"]),
    ("awsvpcConfiguration", &["subnets", "securityGroups", "assignPublicIp"]),
    (
        "deploymentConfiguration",
        &[
            "deploymentCircuitBreaker",
            "maximumPercent",
            "minimumHealthyPercent",
            "alarms",
            "strategy",
            "bakeTimeInMinutes",
            "lifecycleHooks",
            "linearConfiguration",
            "canaryConfiguration",
            "earlySuccessCriteria",
        ],
    ),
    ("earlySuccessCriteria", &["enable", "healthyPercent", "sourceServiceRevisionCleanup"]),
    (
        "deploymentCircuitBreaker",
        &["enable", "rollback", "resetOnHealthyTask", "thresholdConfiguration"],
    ),
    (
        "loadBalancers",
        &[
            "targetGroupArn",
            "loadBalancerName",
            "containerName",
            "containerPort",
            "advancedConfiguration",
        ],
    ),
    ("deploymentController", &["type"]),
];

/// A file that was read.
#[derive(Debug, Clone)]
pub(super) struct ServiceFile {
    pub(super) path: String,
    body: Value,
}

impl ServiceFile {
    /// Reads and checks the file.
    pub(super) fn read(path: &str) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|cause| {
            Error::usage(format!("cannot read {path} (flag --create-from)")).caused_by(cause)
        })?;
        parse(&text, path)
    }

    /// The service's name.
    pub(super) fn name(&self) -> &str {
        self.body["serviceName"].as_str().unwrap_or_default()
    }

    /// The definition that it names.
    pub(super) fn definition(&self) -> &str {
        self.body["taskDefinition"].as_str().unwrap_or_default()
    }

    /// CreateService's input in this cluster with this definition.
    pub(super) fn body(&self, cluster: &str, definition: &str) -> Value {
        let mut body = self.body.clone();
        body["cluster"] = Value::from(cluster);
        body["taskDefinition"] = Value::from(definition);
        body
    }
}

fn parse(text: &str, path: &str) -> Result<ServiceFile, Error> {
    let body: Value = serde_json::from_str(text)
        .map_err(|cause| Error::usage(format!("{path} is not valid JSON")).caused_by(cause))?;
    if !body.is_object() {
        return Err(Error::usage(format!("{path} is not a JSON object")));
    }
    check(&body, KEYS, path, "")?;
    for name in ["serviceName", "taskDefinition"] {
        if body[name].as_str().is_none_or(str::is_empty) {
            return Err(Error::usage(format!("{path} has no `{name}`")));
        }
    }
    Ok(ServiceFile { path: path.to_owned(), body })
}

fn check(value: &Value, known: &[&str], path: &str, place: &str) -> Result<(), Error> {
    for (name, inner) in value.as_object().into_iter().flatten() {
        if !known.contains(&name.as_str()) {
            let message = format!("unknown key `{name}` in {path}{place}");
            let meant = known
                .iter()
                .find(|candidate| candidate.eq_ignore_ascii_case(&name.replace(['_', '-'], "")))
                .copied()
                .or_else(|| words::nearest(name, known.iter().copied()));
            return Err(Error::usage(match meant {
                Some(meant) => format!("{message}, did you mean `{meant}`?"),
                None => message,
            })
            .hinted(
                "keys are camelCase, as `aws ecs create-service --cli-input-json` takes them",
            ));
        }
        if let Some((_, known)) = INNER.iter().find(|(of, _)| of == name) {
            let items = inner.as_array().map_or(std::slice::from_ref(inner), Vec::as_slice);
            for item in items {
                check(item, known, path, &format!(" (`{name}`)"))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_and_holes_are_refused_and_the_definition_is_ours() {
        for (text, message) in [
            ("[]", "s.json is not a JSON object"),
            ("{", "s.json is not valid JSON"),
            (r#"{"serviceName":"api"}"#, "s.json has no `taskDefinition`"),
            (
                r#"{"service_name":"api"}"#,
                "unknown key `service_name` in s.json, did you mean `serviceName`?",
            ),
            (
                r#"{"serviceName":"api","taskDefinition":"a","networkConfiguration":{"awsvpcConfiguration":{"subnet":[]}}}"#,
                "unknown key `subnet` in s.json (`awsvpcConfiguration`), did you mean `subnets`?",
            ),
        ] {
            assert_eq!(parse(text, "s.json").unwrap_err().to_string(), message);
        }
        let file =
            parse(r#"{"serviceName":"api","taskDefinition":"app","desiredCount":2}"#, "s.json");
        let body = file.unwrap().body("prod", "arn:x/app:3");
        assert_eq!(body["taskDefinition"], "arn:x/app:3");
        assert_eq!(body["cluster"], "prod");
        assert_eq!(body["desiredCount"], 2);
    }
}
