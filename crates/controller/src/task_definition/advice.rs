//! Owns what a definition lacks for a migration, with the reason. PURE. None of it is refused: it is the
//! team's definition.

use super::document::Document;
use serde_json::Value;

/// Fargate's longest time between SIGTERM and SIGKILL (ECS API, `ContainerDefinition.stopTimeout`).
const LONGEST_STOP_TIMEOUT: u64 = 120;

/// One thing that could be better.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Advice {
    /// What is there, and why that is not good.
    pub(crate) sentence: String,
    /// What to write instead.
    pub(crate) fix: &'static str,
}

/// What the container that decides lacks.
pub(crate) fn advice(document: &Document, container: &str) -> Vec<Advice> {
    let Some(fields) = document.container(container) else { return Vec::new() };
    let mut found = Vec::new();
    let mut say = |lacks: bool, sentence: &str, fix| {
        if lacks {
            let sentence = format!("container {container}: {sentence}");
            found.push(Advice { sentence, fix });
        }
    };
    let log = &fields["logConfiguration"];
    let awslogs = log["logDriver"] == "awslogs";
    say(
        !awslogs,
        "its log does not go to CloudWatch Logs (awslogs), so it is not shown, and the exit code alone decides",
        "set `logConfiguration` as in infra/task-definition.json",
    );
    say(
        awslogs && log["options"]["mode"] != "blocking",
        "its log is not in blocking mode: ECS drops lines when its buffer is full, and with the last line the proof how it ended",
        "set \"mode\": \"blocking\" in the options of `logConfiguration`",
    );
    say(
        fields["stopTimeout"].as_u64().is_none_or(|seconds| seconds < LONGEST_STOP_TIMEOUT),
        "it is killed less than 120 s after it is asked to stop, perhaps in the middle of a rollback",
        "set \"stopTimeout\": 120",
    );
    say(
        runs_as_root(&fields["user"]),
        "no `user` is set, so it runs as whatever the image says, root most likely",
        "set \"user\" to a number that is not 0, e.g. \"65532:65532\"",
    );
    say(
        fields["readonlyRootFilesystem"] != true,
        "its root file system can be written, which a migration does not need",
        "set \"readonlyRootFilesystem\": true; a tool that writes files needs a volume for them",
    );
    say(
        fields["essential"] == false,
        "it is not essential, so the task may go on when it has ended",
        "set \"essential\": true",
    );
    say(
        fields["privileged"] == true,
        "it is privileged, which Fargate refuses",
        "leave `privileged` out",
    );
    say(
        has_plain_secret(&fields["environment"]),
        "a password may be in plain `environment`, where everybody who may describe the definition reads it",
        "move DATABASE_URL or PGPASSWORD from `environment` to `secrets`",
    );
    found
}

fn runs_as_root(user: &Value) -> bool {
    let name = user.as_str().unwrap_or_default();
    let name = name.split(':').next().unwrap_or_default();
    matches!(name, "" | "0" | "root")
}

/// `DATABASE_URL` may be there without a password: then it is no secret.
fn has_plain_secret(environment: &Value) -> bool {
    let variables = environment.as_array().map_or(&[][..], Vec::as_slice);
    variables.iter().any(|variable| {
        let value = variable["value"].as_str().unwrap_or_default();
        match variable["name"].as_str() {
            Some("DATABASE_URL") => {
                value.split_once('@').is_some_and(|(user, _)| user.matches(':').count() > 1)
            }
            Some("PGPASSWORD") => !value.is_empty(),
            Some(_) | None => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fixes(container: &Value) -> Vec<&'static str> {
        let document = Document(json!({"containerDefinitions": [container]}));
        advice(&document, "m").into_iter().map(|advice| advice.fix).collect()
    }

    /// The template that we ship needs no advice.
    #[test]
    fn our_own_template_lacks_nothing() {
        let text = include_str!("../../../../infra/task-definition.json");
        let document = Document(serde_json::from_str(text).unwrap());
        assert_eq!(advice(&document, "migrate"), []);
        assert_eq!(document.0["requiresCompatibilities"], json!(["FARGATE"]));
    }

    #[test]
    fn what_is_missing_is_said_once_each() {
        let found = fixes(&json!({"name": "m"}));
        for (fix, word) in found.iter().zip(["logConfiguration", "stopTimeout", "user", "readonly"])
        {
            assert!(fix.contains(word), "{found:?}");
        }
        assert_eq!(found.len(), 4, "{found:?}");
    }

    #[test]
    fn each_thing_is_looked_at() {
        let good = json!({"name": "m", "stopTimeout": 120, "user": "65532", "readonlyRootFilesystem": true,
            "logConfiguration": {"logDriver": "awslogs", "options": {"mode": "blocking"}},
            "environment": [{"name": "DATABASE_URL", "value": "postgresql://app@db/app"}]});
        assert_eq!(fixes(&good), [""; 0]);
        for (pointer, value, word) in [
            ("/logConfiguration/options/mode", json!("non-blocking"), "blocking"),
            ("/stopTimeout", json!(30), "stopTimeout"),
            ("/user", json!("0:0"), "user"),
            ("/user", json!("root"), "user"),
            ("/readonlyRootFilesystem", json!(false), "readonly"),
            ("/environment/0/value", json!("postgresql://app:x@db/app"), "secrets"),
            ("/environment/0/name", json!("PGPASSWORD"), "secrets"),
        ] {
            let mut container = good.clone();
            *container.pointer_mut(pointer).unwrap() = value;
            let found = fixes(&container);
            assert!(found.len() == 1 && found[0].contains(word), "{pointer}: {found:?}");
        }
        for (name, value) in [("essential", json!(false)), ("privileged", json!(true))] {
            let mut container = good.clone();
            container[name] = value;
            assert!(fixes(&container)[0].contains(name));
        }
    }
}
