//! Reads the roles' policies out of a template and judges calls by them, as IAM would.

use super::tools;
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What a template is given, and which of its conditions hold.
pub(crate) struct Setting {
    pub(crate) parameters: BTreeMap<&'static str, &'static str>,
    pub(crate) conditions: Vec<&'static str>,
}

/// A call: action, resource, context keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) context: BTreeMap<&'static str, String>,
}

/// A resource of a template as plain JSON.
pub(crate) fn resource(file: &str, name: &str, setting: &Setting) -> Value {
    let path = tools::root().join("infra/cloudformation").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let document = Yaml::load_from_str(&text).unwrap();
    let mut whole = plain(&document[0], setting).unwrap();
    whole["Resources"][name].take()
}

/// The statements of all inline policies of a role.
pub(crate) fn statements(role: &Value) -> Vec<Value> {
    let policies = role["Properties"]["Policies"].as_array().unwrap();
    let lists =
        policies.iter().map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap());
    lists.flatten().cloned().collect()
}

/// `None` is `AWS::NoValue`.
fn plain(node: &Yaml<'_>, setting: &Setting) -> Option<Value> {
    match node {
        Yaml::Tagged(tag, inner) => function(&tag.suffix, inner, setting),
        Yaml::Sequence(items) => {
            Some(Value::Array(items.iter().filter_map(|item| plain(item, setting)).collect()))
        }
        Yaml::Mapping(pairs) => {
            let member = |(key, value): (&Yaml<'_>, &Yaml<'_>)| {
                Some((key.as_str()?.to_owned(), plain(value, setting)?))
            };
            Some(Value::Object(pairs.iter().filter_map(member).collect::<Map<_, _>>()))
        }
        Yaml::Value(Scalar::String(text)) => Some(json!(text)),
        Yaml::Value(Scalar::Integer(number)) => Some(json!(number)),
        Yaml::Value(Scalar::Boolean(truth)) => Some(json!(truth)),
        Yaml::Value(_) | Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => {
            panic!("the templates hold no {node:?}")
        }
    }
}

fn function(name: &str, inner: &Yaml<'_>, setting: &Setting) -> Option<Value> {
    match name {
        "Ref" => match inner.as_str().unwrap() {
            "AWS::NoValue" => None,
            name => Some(json!(value(name, setting))),
        },
        "Sub" => {
            let mut text = inner.as_str().unwrap().to_owned();
            while let Some((head, rest)) = text.split_once("${") {
                let (name, tail) = rest.split_once('}').unwrap();
                text = format!("{head}{}{tail}", value(name, setting));
            }
            Some(json!(text))
        }
        "If" => {
            let parts = inner.as_sequence().unwrap();
            let holds = setting.conditions.contains(&parts[0].as_str().unwrap());
            plain(&parts[if holds { 1 } else { 2 }], setting)
        }
        // Only attributes of resources and conditions, which no policy names.
        _ => Some(json!(format!("!{name}"))),
    }
}

fn value<'a>(name: &'a str, setting: &Setting) -> &'a str {
    match name {
        "AWS::Partition" => "aws",
        "AWS::Region" => "eu-west-1",
        "AWS::AccountId" => "111122223333",
        "AWS::URLSuffix" => "amazonaws.com",
        _ => setting.parameters.get(name).copied().unwrap_or(name),
    }
}

fn texts(value: &Value) -> Vec<&str> {
    let one = value.as_str().into_iter();
    let several = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    one.chain(several).collect()
}

/// The actions that a statement allows.
pub(crate) fn actions(statement: &Value) -> Vec<String> {
    assert_eq!(statement["Effect"], "Allow");
    texts(&statement["Action"]).into_iter().map(str::to_owned).collect()
}

/// Whether a statement allows a call. Conditions of the templates compare exactly.
pub(crate) fn allows(statement: &Value, call: &Call) -> bool {
    let right_action = actions(statement).contains(&call.action);
    let right_resource =
        texts(&statement["Resource"]).iter().any(|pattern| matches(pattern, &call.resource));
    let conditions = statement["Condition"].as_object().into_iter().flatten();
    let mut keys = conditions.flat_map(|(_, keys)| keys.as_object().unwrap());
    let right_context = keys.all(|(key, allowed)| {
        call.context.get(key.as_str()).is_some_and(|given| texts(allowed).contains(&given.as_str()))
    });
    right_action && right_resource && right_context
}

/// `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, "")) => text.starts_with(head),
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            (0..=rest.len())
                .filter(|at| rest.is_char_boundary(*at))
                .any(|at| matches(tail, &rest[at..]))
        }),
    }
}
