//! Owns reading a user's task definition file: strict about keys, lenient about where it is from.

use super::document::Document;
use super::render::RESPONSE_ONLY;
use crate::error::Error;
use crate::words;
use serde_json::{Map, Value};

/// Members of RegisterTaskDefinition's input (ECS API model 2014-11-13).
const TOP_LEVEL: &[&str] = &[
    "family",
    "taskRoleArn",
    "executionRoleArn",
    "networkMode",
    "containerDefinitions",
    "volumes",
    "placementConstraints",
    "requiresCompatibilities",
    "cpu",
    "memory",
    "tags",
    "pidMode",
    "ipcMode",
    "proxyConfiguration",
    "inferenceAccelerators",
    "ephemeralStorage",
    "runtimePlatform",
    "enableFaultInjection",
];

/// Members of ContainerDefinition (ECS API model 2014-11-13).
const CONTAINER: &[&str] = &[
    "name",
    "image",
    "repositoryCredentials",
    "cpu",
    "memory",
    "memoryReservation",
    "links",
    "portMappings",
    "essential",
    "restartPolicy",
    "entryPoint",
    "command",
    "environment",
    "environmentFiles",
    "mountPoints",
    "volumesFrom",
    "linuxParameters",
    "secrets",
    "dependsOn",
    "startTimeout",
    "stopTimeout",
    "versionConsistency",
    "hostname",
    "user",
    "workingDirectory",
    "disableNetworking",
    "privileged",
    "readonlyRootFilesystem",
    "dnsServers",
    "dnsSearchDomains",
    "extraHosts",
    "dockerSecurityOptions",
    "interactive",
    "pseudoTerminal",
    "dockerLabels",
    "ulimits",
    "logConfiguration",
    "healthCheck",
    "systemControls",
    "resourceRequirements",
    "firelensConfiguration",
    "credentialSpecs",
];

/// Members of what stands inside a definition or a container (ECS API model 2014-11-13). ECS ignores what it
/// does not know, so that a typo in here would be lost without a word.
const INNER: &[(&str, &[&str])] = &[
    ("logConfiguration", &["logDriver", "options", "secretOptions"]),
    ("environment", &["name", "value"]),
    ("secrets", &["name", "valueFrom"]),
    ("secretOptions", &["name", "valueFrom"]),
    ("environmentFiles", &["value", "type"]),
    (
        "portMappings",
        &["containerPort", "hostPort", "protocol", "name", "appProtocol", "containerPortRange"],
    ),
    ("mountPoints", &["sourceVolume", "containerPath", "readOnly"]),
    ("volumesFrom", &["sourceContainer", "readOnly"]),
    ("dependsOn", &["containerName", "condition"]),
    ("healthCheck", &["command", "interval", "timeout", "retries", "startPeriod"]),
    ("restartPolicy", &["enabled", "ignoredExitCodes", "restartAttemptPeriod"]),
    ("repositoryCredentials", &["credentialsParameter"]),
    ("firelensConfiguration", &["type", "options"]),
    ("resourceRequirements", &["value", "type"]),
    ("systemControls", &["namespace", "value"]),
    ("ulimits", &["name", "softLimit", "hardLimit"]),
    ("extraHosts", &["hostname", "ipAddress"]),
    ("runtimePlatform", &["cpuArchitecture", "operatingSystemFamily"]),
    ("ephemeralStorage", &["sizeInGiB"]),
    ("placementConstraints", &["type", "expression"]),
    ("tags", &["key", "value"]),
    (
        "linuxParameters",
        &[
            "capabilities",
            "devices",
            "initProcessEnabled",
            "sharedMemorySize",
            "tmpfs",
            "maxSwap",
            "swappiness",
        ],
    ),
    (
        "volumes",
        &[
            "name",
            "host",
            "dockerVolumeConfiguration",
            "efsVolumeConfiguration",
            "fsxWindowsFileServerVolumeConfiguration",
            "s3filesVolumeConfiguration",
            "configuredAtLaunch",
        ],
    ),
];

/// How a placeholder of our own template starts.
const PLACEHOLDER: &str = "REPLACE_";

/// The definition in `text`, which `path` names in messages. The output of
/// `aws ecs describe-task-definition` is understood too.
pub(crate) fn import(text: &str, path: &str) -> Result<Document, Error> {
    let parsed: Value = serde_json::from_str(text)
        .map_err(|cause| Error::usage(format!("{path} is not valid JSON")).caused_by(cause))?;
    let Value::Object(outer) = parsed else {
        return Err(Error::usage(format!("{path} is not a JSON object")));
    };
    let mut definition = unwrapped(outer);
    for name in RESPONSE_ONLY {
        definition.remove(*name);
    }
    check_keys(&definition, TOP_LEVEL, path, "")?;
    check_inner(&definition, path, "")?;
    let containers = definition
        .get("containerDefinitions")
        .and_then(Value::as_array)
        .filter(|containers| !containers.is_empty())
        .ok_or_else(|| Error::usage(format!("{path} has no `containerDefinitions`")))?;
    for (position, container) in containers.iter().enumerate() {
        let Some(fields) = container.as_object() else {
            return Err(Error::usage(format!(
                "`containerDefinitions[{position}]` in {path} is not an object"
            )));
        };
        let name = fields.get("name").and_then(Value::as_str);
        let Some(name) = name else {
            return Err(Error::usage(format!(
                "`containerDefinitions[{position}]` in {path} has no `name`"
            )));
        };
        let place = format!(" (container `{name}`)");
        check_keys(fields, CONTAINER, path, &place)?;
        check_inner(fields, path, &place)?;
    }
    if definition.get("family").and_then(Value::as_str).is_none() {
        return Err(Error::usage(format!("{path} has no `family`")));
    }
    Ok(Document(Value::Object(definition)))
}

/// Refuses a document in which a placeholder of our template is left. The image is replaced
/// before this is asked.
pub(super) fn refuse_placeholders(document: &Document) -> Result<(), Error> {
    let mut found = Vec::new();
    placeholders(&document.0, &mut found);
    found.sort_unstable();
    found.dedup();
    if found.is_empty() {
        return Ok(());
    }
    Err(Error::usage(format!(
        "the task definition still has {} {}",
        if found.len() == 1 { "the placeholder" } else { "the placeholders" },
        found.join(", ")
    ))
    .hinted("docs/settings.md says what to put there"))
}

fn placeholders<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => {
            if let Some(start) = text.find(PLACEHOLDER) {
                let rest = &text[start..];
                let end = rest
                    .find(|letter: char| !letter.is_ascii_uppercase() && letter != '_')
                    .unwrap_or(rest.len());
                found.push(&rest[..end]);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| placeholders(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| placeholders(field, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Describe answers `{"taskDefinition": …, "tags": …}`; registering wants the tags inside.
fn unwrapped(mut outer: Map<String, Value>) -> Map<String, Value> {
    match outer.remove("taskDefinition") {
        Some(Value::Object(mut inner)) => {
            if let Some(tags) = outer.remove("tags") {
                inner.insert("tags".to_owned(), tags);
            }
            inner
        }
        Some(other) => {
            outer.insert("taskDefinition".to_owned(), other);
            outer
        }
        None => outer,
    }
}

/// The same for the objects inside, alone or in a list.
fn check_inner(fields: &Map<String, Value>, path: &str, place: &str) -> Result<(), Error> {
    for (name, known) in INNER {
        let items = match fields.get(*name) {
            Some(Value::Array(items)) => items.as_slice(),
            Some(single) => std::slice::from_ref(single),
            None => continue,
        };
        let place = format!(" (`{name}`{})", place.replacen(" (", " of ", 1).trim_end_matches(')'));
        for item in items.iter().filter_map(Value::as_object) {
            check_keys(item, known, path, &place)?;
            check_inner(item, path, &place)?;
        }
    }
    Ok(())
}

fn check_keys(
    fields: &Map<String, Value>,
    known: &[&str],
    path: &str,
    place: &str,
) -> Result<(), Error> {
    let Some(name) = fields.keys().find(|name| !known.contains(&name.as_str())) else {
        return Ok(());
    };
    let message = format!("unknown key `{name}` in {path}{place}");
    let same_letters = known
        .iter()
        .find(|candidate| candidate.eq_ignore_ascii_case(&name.replace(['_', '-'], "")));
    let meant = same_letters.copied().or_else(|| words::nearest(name, known.iter().copied()));
    Err(Error::usage(match meant {
        Some(meant) => format!("{message}, did you mean `{meant}`?"),
        None => message,
    })
    .hinted(
        "keys are camelCase, as `aws ecs register-task-definition --cli-input-json` takes them",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusal(text: &str) -> String {
        import(text, "task.json").unwrap_err().to_string()
    }

    #[test]
    fn what_describe_prints_can_be_registered() {
        let described = json!({
            "taskDefinition": {
                "taskDefinitionArn": "arn:aws:ecs:r:1:task-definition/a:3", "revision": 3,
                "status": "ACTIVE", "requiresAttributes": [], "compatibilities": ["FARGATE"],
                "registeredAt": 1.5, "registeredBy": "x", "family": "a",
                "containerDefinitions": [{"name": "migrate", "image": "i"}]
            },
            "tags": [{"key": "team", "value": "api"}]
        });
        let document = import(&described.to_string(), "task.json").unwrap();
        assert_eq!(
            document.0,
            json!({
                "family": "a",
                "containerDefinitions": [{"name": "migrate", "image": "i"}],
                "tags": [{"key": "team", "value": "api"}]
            })
        );
    }

    /// What "Copy JSON" in the console gives: everything that ECS answers, empty lists and all.
    #[test]
    fn what_the_console_copies_can_be_registered() {
        let copied = json!({
            "taskDefinitionArn": "arn:aws:ecs:eu-west-1:1:task-definition/a:3",
            "containerDefinitions": [{
                "name": "migrate", "image": "i", "cpu": 0, "essential": true,
                "portMappings": [], "environment": [], "environmentFiles": [], "mountPoints": [], "volumesFrom": [],
                "secrets": [{"name": "DATABASE_URL", "valueFrom": "arn"}],
                "logConfiguration": {"logDriver": "awslogs",
                    "options": {"awslogs-group": "/ecs/a", "mode": "blocking"}, "secretOptions": []},
                "systemControls": []
            }],
            "family": "a", "executionRoleArn": "arn", "networkMode": "awsvpc", "revision": 3, "volumes": [],
            "status": "ACTIVE", "requiresAttributes": [{"name": "ecs.capability.execution-role-awslogs"}],
            "placementConstraints": [], "compatibilities": ["EC2", "FARGATE"],
            "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
            "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
            "registeredAt": "2026-11-01T10:00:00.000Z", "registeredBy": "arn:aws:iam::1:root",
            "enableFaultInjection": false, "tags": []
        });
        let document = import(&copied.to_string(), "task.json").unwrap();
        assert_eq!(document.family(), "a");
        for name in RESPONSE_ONLY {
            assert!(document.0.get(*name).is_none(), "{name}");
        }
    }

    #[test]
    fn typos_and_holes_are_refused() {
        for (text, message) in [
            ("[]", "task.json is not a JSON object"),
            ("{", "task.json is not valid JSON"),
            (r#"{"Family":"a"}"#, "unknown key `Family` in task.json, did you mean `family`?"),
            (r#"{"family":"a"}"#, "task.json has no `containerDefinitions`"),
            (
                r#"{"family":"a","containerDefinitions":[{"name":"m","log_configuration":{}}]}"#,
                "unknown key `log_configuration` in task.json (container `m`), did you mean `logConfiguration`?",
            ),
            (
                r#"{"family":"a","containerDefinitions":[{"name":"m","logConfiguration":{"logdriver":"awslogs"}}]}"#,
                "unknown key `logdriver` in task.json (`logConfiguration` of container `m`), did you mean `logDriver`?",
            ),
            (
                r#"{"family":"a","containerDefinitions":[{"name":"m","secrets":[{"name":"A","value_from":"x"}]}]}"#,
                "unknown key `value_from` in task.json (`secrets` of container `m`), did you mean `valueFrom`?",
            ),
            (
                r#"{"family":"a","runtimePlatform":{"cpu":"ARM64"},"containerDefinitions":[{"name":"m"}]}"#,
                "unknown key `cpu` in task.json (`runtimePlatform`)",
            ),
            (r#"{"containerDefinitions":[{"name":"m"}]}"#, "task.json has no `family`"),
            (
                r#"{"family":"a","containerDefinitions":[{}]}"#,
                "`containerDefinitions[0]` in task.json has no `name`",
            ),
        ] {
            assert_eq!(refusal(text), message);
        }
    }

    #[test]
    fn a_placeholder_that_is_left_is_named() {
        let document = Document(json!({"family": "REPLACE_FAMILY", "x": ["a/REPLACE_REGION/b"]}));
        assert_eq!(
            refuse_placeholders(&document).unwrap_err().to_string(),
            "the task definition still has the placeholders REPLACE_FAMILY, REPLACE_REGION"
        );
    }
}
