//! Owns the form in which two definitions that mean the same are equal.
//!
//! The rules are those of terraform-provider-aws and ecspresso: ECS fills in defaults, returns
//! empty lists for absent ones, and keeps the order of lists that are sets.

use super::document::Document;
use super::render::RESPONSE_ONLY;
use serde_json::{Map, Value};

/// Lists in which the order means nothing.
const SETS: &[&str] = &[
    "portMappings",
    "mountPoints",
    "volumesFrom",
    "volumes",
    "placementConstraints",
    "requiresCompatibilities",
    "dependsOn",
    "ulimits",
    "systemControls",
    "resourceRequirements",
    "secretOptions",
];

/// Lists whose items are told apart by a name, with the field that names them.
const NAMED: &[(&str, &str)] =
    &[("containerDefinitions", "name"), ("environment", "name"), ("secrets", "name")];

/// Fields and the value that means the same as leaving them out.
fn defaults(parent: &str) -> Vec<(&'static str, Value)> {
    match parent {
        "" => vec![("enableFaultInjection", Value::from(false))],
        "containerDefinitions" => vec![("essential", Value::from(true)), ("cpu", Value::from(0))],
        "healthCheck" => vec![
            ("interval", Value::from(30)),
            ("timeout", Value::from(5)),
            ("retries", Value::from(3)),
        ],
        "portMappings" => vec![("protocol", Value::from("tcp")), ("hostPort", Value::from(0))],
        _ => Vec::new(),
    }
}

/// The canonical form. Tags are not part of it: they do not change what a task does.
pub(super) fn canonical(document: &Document) -> Value {
    let mut value = document.0.clone();
    if let Some(fields) = value.as_object_mut() {
        for name in RESPONSE_ONLY {
            fields.remove(*name);
        }
        fields.remove("tags");
        for (name, unit) in [("cpu", 1024.0), ("memory", 1024.0)] {
            if let Some(size) = fields.get(name).and_then(|size| units(size, unit)) {
                fields.insert(name.to_owned(), size);
            }
        }
        for name in ["taskRoleArn", "executionRoleArn"] {
            // A role's name is unique in its account whatever its path, so name and ARN are equal.
            if let Some(role) = fields.get(name).and_then(Value::as_str) {
                let short = role.rsplit('/').next().unwrap_or(role).to_owned();
                fields.insert(name.to_owned(), Value::from(short));
            }
        }
    }
    normal("", &value)
}

/// `"1 vCPU"` and `"1GB"` as ECS stores them: `"1024"`.
fn units(size: &Value, factor: f64) -> Option<Value> {
    let text = match size {
        Value::Number(number) => return Some(Value::from(number.to_string())),
        Value::String(text) => text.to_ascii_lowercase(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let number = text.strip_suffix("vcpu").or_else(|| text.strip_suffix("gb"))?;
    let units: f64 = number.trim().parse().ok()?;
    Some(Value::from(format!("{:.0}", units * factor)))
}

fn normal(name: &str, value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(object(name, fields)),
        Value::Array(items) => array(name, items),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn object(name: &str, fields: &Map<String, Value>) -> Map<String, Value> {
    let defaults = defaults(name);
    let container_port = fields.get("containerPort");
    fields
        .iter()
        .filter(|(key, value)| {
            // awsvpc: the host's port is the container's, whether it is said or not.
            !(name == "portMappings" && *key == "hostPort" && container_port == Some(*value))
        })
        .map(|(key, value)| (key, normal(key, value)))
        .filter(|(key, value)| {
            let default = defaults.iter().any(|(known, default)| known == key && default == value);
            !default && !is_nothing(value)
        })
        .map(|(key, value)| (key.clone(), value))
        .collect()
}

fn array(name: &str, items: &[Value]) -> Value {
    let mut normals: Vec<Value> = items.iter().map(|item| normal(name, item)).collect();
    let key = NAMED.iter().find(|(known, _)| *known == name);
    if let Some((_, key)) = key
        && let Some(named) = by_name(&normals, key)
    {
        return Value::Object(named);
    }
    if key.is_some() || SETS.contains(&name) {
        normals.sort_by_cached_key(Value::to_string);
    }
    Value::Array(normals)
}

/// The items under their names, unless two have the same.
fn by_name(items: &[Value], key: &str) -> Option<Map<String, Value>> {
    let mut named = Map::new();
    for item in items {
        let name = item.get(key)?.as_str()?;
        let mut rest = item.as_object()?.clone();
        rest.remove(key);
        if named.insert(name.to_owned(), Value::Object(rest)).is_some() {
            return None;
        }
    }
    Some(named)
}

/// Absent, as far as ECS is concerned. An empty text is not: it is a value.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
