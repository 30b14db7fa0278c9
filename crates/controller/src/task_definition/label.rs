//! Owns the label that says that a container runs `ecs-migrate-runner`. PURE.

use super::document::Document;
use protocol::command::{RUNNER_LABEL, RUNNER_LABEL_VALUE};
use serde_json::{Value, json};

/// The program.
const RUNNER: &str = "ecs-migrate-runner";

/// Whether the definition says that the container runs the runner.
pub(crate) fn is_labelled(document: &Document, container: &str) -> bool {
    let label = document.container(container).map(|found| &found["dockerLabels"][RUNNER_LABEL]);
    let no = ["", "0", "false", "no", "off"];
    label
        .and_then(Value::as_str)
        .is_some_and(|value| !no.contains(&value.to_ascii_lowercase().as_str()))
}

/// The definition with the label.
pub(crate) fn with_label(document: &Document, container: &str) -> Document {
    let mut changed = document.clone();
    let containers = changed.0["containerDefinitions"].as_array_mut();
    for found in containers.into_iter().flatten() {
        let labels = &found["dockerLabels"];
        let fits = labels.is_null() || labels.is_object();
        if found["name"].as_str() == Some(container) && fits && labels[RUNNER_LABEL].is_null() {
            found["dockerLabels"][RUNNER_LABEL] = json!(RUNNER_LABEL_VALUE);
        }
    }
    changed
}

/// Whether its first word is the runner, as far as the definition says it; an image's own ENTRYPOINT is
/// not in it.
pub(crate) fn names_the_runner(document: &Document, container: &str) -> bool {
    let first = |name: &str| {
        document
            .container(container)
            .and_then(|found| found[name][0].as_str())
            .map(|word| word.rsplit('/').next() == Some(RUNNER))
    };
    first("entryPoint").or_else(|| first("command")).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_is_written_once_and_beside_others() {
        let document = |labels: Value| {
            Document(
                json!({"containerDefinitions": [{"name": "m", "dockerLabels": labels}, {"name": "n"}]}),
            )
        };
        for labels in [Value::Null, json!({}), json!({"team": "shop"})] {
            let bare = document(labels);
            assert!(!is_labelled(&bare, "m"));
            let labelled = with_label(&bare, "m");
            assert!(is_labelled(&labelled, "m") && !is_labelled(&labelled, "n"));
            assert_eq!(with_label(&labelled, "m"), labelled);
        }
        for no in ["", "false", "0", "No", "off"] {
            assert!(!is_labelled(&document(json!({"ecs-migrate.runner": no})), "m"), "{no}");
        }
        let theirs = document(json!({"ecs-migrate.runner": "2"}));
        assert_eq!(with_label(&theirs, "m"), theirs);
        let broken = document(json!("text"));
        assert_eq!(with_label(&broken, "m"), broken);
    }

    #[test]
    fn a_definition_may_name_the_runner_itself() {
        for (container, expected) in [
            (json!({"name": "m"}), false),
            (json!({"name": "m", "entryPoint": ["/bin/ecs-migrate-runner", "start", "--"]}), true),
            (json!({"name": "m", "command": ["ecs-migrate-runner"]}), true),
            (
                json!({"name": "m", "entryPoint": ["sh", "-c"], "command": ["ecs-migrate-runner"]}),
                false,
            ),
            (json!({"name": "m", "command": ["status"]}), false),
        ] {
            let document = Document(json!({"containerDefinitions": [container]}));
            assert_eq!(names_the_runner(&document, "m"), expected, "{document:?}");
        }
    }
}
