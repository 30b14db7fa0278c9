//! Owns resolving a container's `secrets`, and what ECS says when that fails.

use serde_json::Value;

use super::SecretStore;
use super::store::{CURRENT, Secret, Version};
use super::value_from::{SecretReference, ValueFrom, read};

const PREFIX: &str = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource \
                      retrieval failed:";

/// The value behind a `valueFrom`, or the `stoppedReason` of a task that could not get it (aws-facts 1.5,
/// R4 to R7).
pub(crate) fn resolve(store: &SecretStore, value_from: &str) -> Result<String, String> {
    let reference = match read(value_from) {
        ValueFrom::SecretsManager(reference) => reference,
        ValueFrom::Malformed => {
            return Err(format!(
                "{PREFIX} unable to retrieve secret from asm: unexpected ARN format with parameters when trying to \
                 retrieve ASM secret"
            ));
        }
        ValueFrom::Parameter(name) => {
            return Err(format!(
                "{PREFIX} unable to retrieve secrets from ssm: service call has been retried 1 time(s): invalid \
                 parameters: {name}"
            ));
        }
    };
    let arn = &reference.arn;
    let secret = store.find(arn).ok_or_else(|| {
        format!(
            "{PREFIX} unable to retrieve secret from asm: service call has been retried 1 time(s): \
             ResourceNotFoundException: The task can't retrieve the secret with ARN '{arn}' from AWS Secrets Manager. \
             Check whether the secret exists in the specified Region"
        )
    })?;
    let version = version(secret, &reference)?;
    match reference.json_key {
        None => Ok(version.value.clone()),
        Some(key) => json_member(&version.value, key).ok_or_else(|| {
            format!(
                "{PREFIX} unable to retrieve secret from asm: retrieved secret from Secrets Manager did not contain \
                 json key {key}"
            )
        }),
    }
}

fn version<'store>(
    secret: &'store Secret,
    reference: &SecretReference<'_>,
) -> Result<&'store Version, String> {
    let stage = reference.version_stage.unwrap_or(CURRENT);
    let (version, wanted) = match reference.version_id {
        Some(id) => (secret.with_id(id), format!("VersionId: {id}")),
        None => (secret.at_stage(stage), format!("staging label: {stage}")),
    };
    version.ok_or_else(|| {
        format!(
            "{PREFIX} unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch \
             secret {} from secrets manager: ResourceNotFoundException: Secrets Manager can't find the specified \
             secret value for {wanted}",
            secret.arn
        )
    })
}

/// A string as it is, anything else (a port number) as JSON writes it.
fn json_member(document: &str, key: &str) -> Option<String> {
    let document: Value = serde_json::from_str(document).ok()?;
    let member = document.get(key)?;
    Some(member.as_str().map_or_else(|| member.to_string(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:app/db-AbCdEf";

    #[test]
    fn resolves_or_says_what_ecs_says() {
        let mut store = SecretStore::default();
        let value = r#"{"username":"app","password":"p:@/%","port":5432}"#.to_owned();
        store.create("app/db", ARN.to_owned()).put(
            "1".to_owned(),
            value.clone(),
            Timestamp::from_millis(0),
        );
        store.create("empty", format!("{ARN}2-AbCdEf"));

        assert_eq!(resolve(&store, ARN), Ok(value));
        assert_eq!(resolve(&store, &format!("{ARN}:password::")), Ok("p:@/%".to_owned()));
        assert_eq!(resolve(&store, &format!("{ARN}:port::")), Ok("5432".to_owned()));
        for (value_from, text) in [
            (format!("{ARN}:host::"), "did not contain json key host"),
            (format!("{ARN}:password"), "unexpected ARN format with parameters"),
            (format!("{ARN}2-AbCdEf"), "for staging label: AWSCURRENT"),
            (format!("{ARN}::AWSPENDING:"), "for staging label: AWSPENDING"),
            (ARN.replace("app", "no"), "The task can't retrieve the secret with ARN"),
            ("/app/db".to_owned(), "unable to retrieve secrets from ssm"),
        ] {
            let reason = resolve(&store, &value_from).expect_err(&value_from);
            assert!(reason.starts_with(PREFIX), "{reason}");
            assert!(reason.contains(text), "{reason}");
        }
    }
}
