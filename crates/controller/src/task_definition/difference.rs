//! Owns what differs between two definitions, for people and for the question "is it the same?".

use super::canonical::canonical;
use super::document::Document;
use serde_json::Value;

/// One difference. Values of environment variables are never in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// Where, e.g. `containerDefinitions.migrate.image`.
    pub(crate) path: String,
    /// What is registered, as JSON; `(absent)` if nothing is.
    pub(crate) before: String,
    /// What would be registered.
    pub(crate) after: String,
}

/// The differences from `before` to `after`; none when they mean the same.
pub(crate) fn changes(before: &Document, after: &Document) -> Vec<Change> {
    let mut found = Vec::new();
    compare("", Some(&canonical(before)), Some(&canonical(after)), &mut found);
    found
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Change>) {
    if before == after {
        return;
    }
    if let (Some(Value::Object(left)), Some(Value::Object(right))) = (before, after) {
        let mut names: Vec<&String> = left.keys().chain(right.keys()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            compare(&path, left.get(name), right.get(name), found);
        }
        return;
    }
    let hidden = path.split('.').any(|part| part == "environment");
    let show = |value: Option<&Value>| match value {
        None => "(absent)".to_owned(),
        Some(_) if hidden => "(not shown)".to_owned(),
        Some(value) => value.to_string(),
    };
    found.push(Change { path: path.to_owned(), before: show(before), after: show(after) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn differ(before: Value, after: Value) -> Vec<String> {
        changes(&Document(before), &Document(after))
            .into_iter()
            .map(|change| format!("{} {} {}", change.path, change.before, change.after))
            .collect()
    }

    #[test]
    fn what_ecs_fills_in_is_no_difference() {
        let ours = json!({
            "family": "a", "cpu": "0.25 vCPU", "memory": "1GB",
            "executionRoleArn": "arn:aws:iam::1:role/service/exec",
            "requiresCompatibilities": ["FARGATE", "EC2"],
            "containerDefinitions": [
                {"name": "migrate", "image": "i",
                 "environment": [{"name": "B", "value": ""}, {"name": "A", "value": "1"}],
                 "portMappings": [{"containerPort": 80}]},
                {"name": "proxy", "image": "p", "essential": false,
                 "healthCheck": {"command": ["CMD", "true"]}}
            ],
            "tags": [{"key": "k", "value": "v"}]
        });
        let theirs = json!({
            "taskDefinitionArn": "arn:x", "revision": 3, "status": "ACTIVE", "registeredAt": 1.0,
            "family": "a", "cpu": "256", "memory": "1024", "executionRoleArn": "exec",
            "requiresCompatibilities": ["EC2", "FARGATE"], "volumes": [], "enableFaultInjection": false, "placementConstraints": [],
            "containerDefinitions": [
                {"name": "proxy", "image": "p", "essential": false, "cpu": 0, "mountPoints": [],
                 "healthCheck": {"command": ["CMD", "true"], "interval": 30, "timeout": 5, "retries": 3}},
                {"name": "migrate", "image": "i", "essential": true, "cpu": 0, "command": [],
                 "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": ""}],
                 "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}]}
            ]
        });
        assert_eq!(differ(theirs, ours), Vec::<String>::new());
    }

    #[test]
    fn real_differences_are_named_by_path() {
        let before =
            json!({"containerDefinitions": [{"name": "m", "image": "a", "essential": true}]});
        let after =
            json!({"containerDefinitions": [{"name": "m", "image": "b", "stopTimeout": 120}]});
        assert_eq!(
            differ(before, after),
            [
                "containerDefinitions.m.image \"a\" \"b\"",
                "containerDefinitions.m.stopTimeout (absent) 120"
            ]
        );
    }

    #[test]
    fn an_empty_variable_is_not_an_absent_one_and_values_stay_hidden() {
        let with = json!({"containerDefinitions": [{"name": "m", "environment": [{"name": "A", "value": ""}]}]});
        let without = json!({"containerDefinitions": [{"name": "m"}]});
        assert_eq!(
            differ(without, with),
            ["containerDefinitions.m.environment (absent) (not shown)"]
        );
    }

    #[test]
    fn the_order_of_a_command_matters() {
        let one = json!({"containerDefinitions": [{"name": "m", "command": ["a", "b"]}]});
        let other = json!({"containerDefinitions": [{"name": "m", "command": ["b", "a"]}]});
        assert_eq!(differ(one, other).len(), 1);
    }
}
