//! Owns the digest of what a definition says: equal for definitions that mean the same, whichever
//! revision holds them. PURE.

use super::canonical::canonical;
use super::document::Document;
use data_encoding::BASE32_NOPAD;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The digest.
pub(crate) fn fingerprint(document: &Document) -> String {
    let mut hash = Sha256::new();
    add(&canonical(document), &mut hash);
    BASE32_NOPAD.encode(&hash.finalize()).to_ascii_lowercase()
}

/// Fields by name, so that the order in which a file or ECS has them means nothing.
fn add(value: &Value, hash: &mut Sha256) {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort_unstable();
            hash.update(format!("object {}", names.len()));
            for name in names {
                hash.update(format!("{}:{name}", name.len()));
                add(&fields[name.as_str()], hash);
            }
        }
        Value::Array(items) => {
            hash.update(format!("array {}", items.len()));
            for item in items {
                add(item, hash);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let text = value.to_string();
            hash.update(format!("{}:{text}", text.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(value: Value) -> String {
        fingerprint(&Document(value))
    }

    #[test]
    fn what_ecs_adds_is_no_difference_and_a_change_is_one() {
        let ours = json!({"family": "a", "cpu": "256", "containerDefinitions": [{"name": "m", "image": "i"}]});
        let theirs = json!({
            "revision": 8, "taskDefinitionArn": "arn:x:8", "status": "ACTIVE", "volumes": [],
            "containerDefinitions": [{"image": "i", "name": "m", "essential": true, "cpu": 0}],
            "cpu": "256", "family": "a"
        });
        let other = json!({"family": "a", "cpu": "256", "containerDefinitions": [{"name": "m", "image": "j"}]});
        assert_eq!(of(ours.clone()), of(theirs));
        assert_ne!(of(ours), of(other));
    }

    #[test]
    fn values_do_not_run_into_each_other() {
        let command =
            |words: &[&str]| json!({"containerDefinitions": [{"name": "m", "command": words}]});
        assert_ne!(of(command(&["a", "b"])), of(command(&["a b"])));
        assert_ne!(of(json!({"a": {"b": "c"}})), of(json!({"a": "b", "c": ""})));
    }
}
