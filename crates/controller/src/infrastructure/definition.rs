//! Owns the first revision of the task definition. PURE.

use super::request::DatabaseRequest;
use crate::error::Error;
use crate::task_definition::{Document, import, registrable, with_image};
use protocol::env;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const TEMPLATE: &str = include_str!("../../../../infra/task-definition.json");

/// The container of our own definition.
pub(crate) const CONTAINER: &str = "migrate";

/// The tag of an image that nobody pushed yet. ECS does not look at it before a task runs, and
/// `run` refuses it.
pub(crate) const BOOTSTRAP: &str = ":bootstrap";

/// Whether an image is the placeholder of a first revision.
pub(crate) fn is_bootstrap(image: &str) -> bool {
    image.ends_with(BOOTSTRAP)
}

/// The first revision, from the outputs and parameters of the stack.
pub(crate) fn first(
    region: &str,
    outputs: &BTreeMap<String, String>,
    parameters: &BTreeMap<String, String>,
    database: &DatabaseRequest,
) -> Result<Document, Error> {
    let output = |name: &str| outputs.get(name).cloned().unwrap_or_default();
    let parameter = |name: &str| parameters.get(name).filter(|value| !value.is_empty());
    let mut text = TEMPLATE.to_owned();
    for (placeholder, value) in [
        ("REPLACE_FAMILY", parameter("Family").cloned().unwrap_or_default()),
        ("REPLACE_EXECUTION_ROLE_ARN", output("ExecutionRoleArn")),
        ("REPLACE_TASK_ROLE_ARN", output("TaskRoleArn")),
        ("REPLACE_LOG_GROUP", output("LogGroupName")),
        ("REPLACE_REGION", region.to_owned()),
    ] {
        text = text.replace(placeholder, &value);
    }
    let template = import(&text, "infra/task-definition.json")?;
    let image = format!("{}{BOOTSTRAP}", output("RepositoryUri"));
    let mut document = with_image(&template, CONTAINER, &image);
    let container = &mut document.0["containerDefinitions"][0];
    match parameter("UrlSecretArn") {
        Some(arn) => {
            let source = format!("{arn}{}", database.secret_suffix);
            container["secrets"] = json!([{"name": "DATABASE_URL", "valueFrom": source}]);
        }
        None => {
            if let Some(fields) = container.as_object_mut() {
                fields.remove("secrets");
            }
        }
    }
    let port = parameter("DatabasePort").filter(|_| database.host.is_some());
    let snapshots_of = [("instance", "SnapshotInstance"), ("cluster", "SnapshotCluster")]
        .into_iter()
        .find_map(|(sort, name)| Some(format!("{sort}:{}", parameter(name)?)));
    let environment: Vec<Value> = [
        ("ECS_MIGRATE_SECRET", parameter("DatabaseSecretArn")),
        ("PGHOST", database.host.as_ref()),
        ("PGPORT", port),
        ("PGDATABASE", database.name.as_ref()),
        ("PGUSER", parameter("DatabaseUser")),
        (env::RDS, snapshots_of.as_ref()),
    ]
    .into_iter()
    .filter_map(|(name, value)| value.map(|value| json!({"name": name, "value": value})))
    .collect();
    if !environment.is_empty() {
        container["environment"] = Value::Array(environment);
    }
    registrable(&document)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn each_way_to_the_database_is_in_the_first_revision() {
        let outputs = map(&[
            ("ExecutionRoleArn", "arn:e"),
            ("TaskRoleArn", "arn:t"),
            ("LogGroupName", "/ecs/app"),
            ("RepositoryUri", "1.dkr.ecr.eu-west-1.amazonaws.com/app"),
        ]);
        let make = |pairs: &[(&str, &str)], database: DatabaseRequest| {
            let parameters = map(&[&[("Family", "app")], pairs].concat());
            let document = first("eu-west-1", &outputs, &parameters, &database).unwrap();
            assert!(is_bootstrap(document.image(CONTAINER)));
            assert_eq!(document.0["executionRoleArn"], "arn:e");
            document.container(CONTAINER).unwrap().clone()
        };
        let suffix =
            DatabaseRequest { secret_suffix: ":url::".to_owned(), ..DatabaseRequest::default() };
        let injected = make(&[("UrlSecretArn", "arn:s")], suffix);
        assert_eq!(
            injected["secrets"],
            json!([{"name": "DATABASE_URL", "valueFrom": "arn:s:url::"}])
        );
        assert!(injected["environment"].is_null());

        let place = DatabaseRequest {
            host: Some("db".to_owned()),
            name: Some("app".to_owned()),
            ..DatabaseRequest::default()
        };
        let fetched = make(&[("DatabaseSecretArn", "arn:s"), ("DatabasePort", "5433")], place);
        assert!(fetched["secrets"].is_null());
        let expected = [
            ("ECS_MIGRATE_SECRET", "arn:s"),
            ("PGHOST", "db"),
            ("PGPORT", "5433"),
            ("PGDATABASE", "app"),
        ];
        let expected = expected.map(|(name, value)| json!({"name": name, "value": value}));
        assert_eq!(fetched["environment"], json!(expected));
        assert!(make(&[], DatabaseRequest::default())["environment"].is_null());
    }
}
