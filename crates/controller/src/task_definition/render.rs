//! Owns what changes in a definition before it is registered: the image, and nothing else.

use super::document::Document;
use super::import::refuse_placeholders;
use crate::error::Error;
use serde_json::Value;

/// What DescribeTaskDefinition answers and RegisterTaskDefinition does not take.
pub(super) const RESPONSE_ONLY: &[&str] = &[
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "deleteRequestedAt",
];

/// The definition with another image in one container.
pub(crate) fn with_image(document: &Document, container: &str, image: &str) -> Document {
    let mut changed = document.clone();
    let containers = changed.0["containerDefinitions"].as_array_mut();
    for found in containers.into_iter().flatten() {
        if found["name"].as_str() == Some(container) {
            found["image"] = Value::String(image.to_owned());
        }
    }
    changed
}

/// The definition as RegisterTaskDefinition takes it.
pub(crate) fn registrable(document: &Document) -> Result<Document, Error> {
    let mut body = document.clone();
    if let Some(fields) = body.0.as_object_mut() {
        for name in RESPONSE_ONLY {
            fields.remove(*name);
        }
        // RegisterTaskDefinition refuses an empty list of tags.
        if fields.get("tags").and_then(Value::as_array).is_some_and(Vec::is_empty) {
            fields.remove("tags");
        }
    }
    refuse_placeholders(&body)?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::super::import::import;
    use super::*;
    use serde_json::json;

    /// Our own template is refused as it is, and goes through once it is filled in.
    #[test]
    fn the_template_in_infra_is_sound() {
        let text = include_str!("../../../../infra/task-definition.json");
        let template = with_image(&import(text, "infra").unwrap(), "migrate", "i");
        let refusal = registrable(&template).unwrap_err().to_string();
        for name in [
            "REPLACE_FAMILY",
            "REPLACE_EXECUTION_ROLE_ARN",
            "REPLACE_TASK_ROLE_ARN",
            "REPLACE_LOG_GROUP",
            "REPLACE_REGION",
            "REPLACE_SECRET_ARN",
        ] {
            assert!(refusal.contains(name), "{refusal}");
        }
        assert!(!refusal.contains("REPLACE_IMAGE"), "{refusal}");
        let filled = import(&text.replace("REPLACE_", "my-"), "infra").unwrap();
        assert!(registrable(&filled).is_ok());
        assert_eq!(filled.stop_timeout("migrate").as_secs(), 120);
    }

    #[test]
    fn only_the_named_containers_image_changes_and_unknown_fields_stay() {
        let document = Document(json!({
            "revision": 4,
            "fieldOfTomorrow": {"a": 1},
            "containerDefinitions": [
                {"name": "proxy", "image": "p"},
                {"name": "migrate", "image": "old", "alsoNew": true}
            ]
        }));
        let body = registrable(&with_image(&document, "migrate", "new")).unwrap();
        assert_eq!(
            body.0,
            json!({
                "fieldOfTomorrow": {"a": 1},
                "containerDefinitions": [
                    {"name": "proxy", "image": "p"},
                    {"name": "migrate", "image": "new", "alsoNew": true}
                ]
            })
        );
    }
}
