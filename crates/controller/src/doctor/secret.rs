//! Owns the secrets of the container and their JSON keys: secretsmanager:DescribeSecret, and for the keys
//! secretsmanager:GetSecretValue. No value is ever kept or shown.

use super::Container;
use super::finding::{Finding, no, of_error, ok, skip, with_fix};
use super::secret_reference::SecretReference;
use crate::aws::{Aws, Class, FoundSecret};
use protocol::env;
use serde_json::Value;
use std::collections::BTreeSet;

const NAME: &str = "secret";

pub(super) async fn look(aws: &Aws, container: Container<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (variable, reference) in references(container) {
        found.push(one(aws, &variable, &reference).await);
    }
    if found.is_empty() {
        found.push(skip(NAME, "the container names no secret"));
    }
    found
}

/// What the container says, by the variable that gets it.
fn references(container: Container<'_>) -> Vec<(String, SecretReference)> {
    let Some(fields) = container.document.container(container.name) else { return Vec::new() };
    let items = |list: &str| fields[list].as_array().cloned().unwrap_or_default();
    let text = |item: &Value, key: &str| item[key].as_str().unwrap_or_default().to_owned();
    let injected = items("secrets").into_iter().map(|item| {
        (text(&item, "name"), SecretReference::of_value_from(&text(&item, "valueFrom")))
    });
    // The runner fetches this one itself.
    let fetched = items("environment").into_iter().filter(|item| item["name"] == env::SECRET);
    let fetched =
        fetched.map(|item| (env::SECRET.to_owned(), SecretReference::of_id(&text(&item, "value"))));
    injected.chain(fetched).collect()
}

async fn one(aws: &Aws, variable: &str, reference: &SecretReference) -> Finding {
    let (id, key, stage) = match reference {
        SecretReference::Secret { id, key, stage } => (id, key, stage),
        SecretReference::Malformed => {
            return no(
                NAME,
                format!("the `valueFrom` of {variable} has the wrong number of colons"),
                "write ARN:json-key:version-stage:version-id and keep all three colons",
            );
        }
        SecretReference::Parameter(name) => {
            return skip(
                NAME,
                format!("{variable} comes from the parameter {name}, which is not looked at"),
            );
        }
    };
    let found = match aws.find_secret(id).await {
        Ok(found) => found,
        Err(error) => return of_error(NAME, &error),
    };
    if let Some(finding) = blocked((variable, id), stage, found.as_ref()) {
        return finding;
    }
    if key.is_empty() {
        return ok(NAME, format!("{variable} is the secret {id}, which has a value"));
    }
    match aws.keys_of_secret(id, stage).await {
        Ok(keys) => judge_key((variable, id), key, keys.as_ref()),
        Err(error) if error.class == Class::AccessDenied => with_fix(
            skip(
                NAME,
                format!(
                    "{variable} is the secret {id}, which has a value; whether that has the key `{key}` may not be looked at"
                ),
            ),
            format!(
                "allow {} to see it here; `doctor --in-vpc` sees it from inside",
                error.action()
            ),
        ),
        Err(error) => of_error(NAME, &error),
    }
}

fn blocked(
    (variable, id): (&str, &str),
    stage: &str,
    found: Option<&FoundSecret>,
) -> Option<Finding> {
    match found {
        None => Some(no(
            NAME,
            format!("there is no secret {id}, which {variable} comes from"),
            "check the ARN: account, Region, and that the secret was not deleted",
        )),
        Some(found) if found.deleted => Some(no(
            NAME,
            format!("the secret {id} of {variable} is scheduled for deletion"),
            "aws secretsmanager restore-secret, or name another one",
        )),
        Some(found) if !found.stages.contains(stage) => Some(no(
            NAME,
            format!("the secret {id} of {variable} has no value at {stage}"),
            "put a value into the secret: aws secretsmanager put-secret-value",
        )),
        Some(_) => None,
    }
}

fn judge_key((variable, id): (&str, &str), key: &str, keys: Option<&BTreeSet<String>>) -> Finding {
    match keys {
        Some(keys) if keys.contains(key) => {
            ok(NAME, format!("{variable} is the key `{key}` of the secret {id}"))
        }
        Some(_) => no(
            NAME,
            format!("the secret {id} has no key `{key}`, which {variable} comes from"),
            "check `valueFrom`; a secret that RDS manages holds only username and password",
        ),
        None => no(
            NAME,
            format!(
                "{variable} asks for the key `{key}` of the secret {id}, whose value is no JSON object"
            ),
            "take the whole value: leave the key out of `valueFrom`",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_secret_is_there_with_a_value_and_the_key() {
        let found =
            |deleted, stage: &str| FoundSecret { deleted, stages: [stage.to_owned()].into() };
        let about = ("PGPASSWORD", "arn");
        for (found, word) in [
            (None, Some("there is no secret")),
            (Some(found(true, "AWSCURRENT")), Some("deletion")),
            (Some(found(false, "AWSPENDING")), Some("no value at AWSCURRENT")),
            (Some(found(false, "AWSCURRENT")), None),
        ] {
            let finding = blocked(about, "AWSCURRENT", found.as_ref());
            assert_eq!(finding.is_some(), word.is_some());
            if let (Some(finding), Some(word)) = (finding, word) {
                assert!(
                    finding.verdict == Verdict::No && finding.sentence.contains(word),
                    "{finding:?}"
                );
            }
        }
        let keys = BTreeSet::from(["password".to_owned()]);
        assert_eq!(judge_key(about, "password", Some(&keys)).verdict, Verdict::Ok);
        assert_eq!(judge_key(about, "host", Some(&keys)).verdict, Verdict::No);
        assert_eq!(judge_key(about, "password", None).verdict, Verdict::No);
    }
}
