//! Owns reading `secrets[].valueFrom`: an ARN, perhaps with JSON key, stage and version.

/// Where a container's secret comes from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ValueFrom<'text> {
    SecretsManager(SecretReference<'text>),
    /// A Secrets Manager ARN with the wrong number of colons.
    Malformed,
    /// Anything else is a parameter of Systems Manager, which the sandbox does not have.
    Parameter(&'text str),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SecretReference<'text> {
    pub(crate) arn: String,
    pub(crate) json_key: Option<&'text str>,
    pub(crate) version_stage: Option<&'text str>,
    pub(crate) version_id: Option<&'text str>,
}

/// `arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME[:json-key:version-stage:version-id]`; the optional
/// parts come all three or not at all (aws-facts 2, R7).
pub(crate) fn read(value_from: &str) -> ValueFrom<'_> {
    let parts: Vec<&str> = value_from.split(':').collect();
    if parts.first() != Some(&"arn") || parts.get(2) != Some(&"secretsmanager") {
        return ValueFrom::Parameter(value_from);
    }
    let given = |index: usize| parts.get(index).copied().filter(|part| !part.is_empty());
    match parts.len() {
        7 | 10 => ValueFrom::SecretsManager(SecretReference {
            arn: parts[..7].join(":"),
            json_key: given(7),
            version_stage: given(8),
            version_id: given(9),
        }),
        _ => ValueFrom::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:app/db-AbCdEf";

    fn reference<'text>(
        json_key: Option<&'text str>,
        version_stage: Option<&'text str>,
    ) -> ValueFrom<'text> {
        ValueFrom::SecretsManager(SecretReference {
            arn: ARN.to_owned(),
            json_key,
            version_stage,
            version_id: None,
        })
    }

    #[test]
    fn reads_every_form() {
        let ssm = "arn:aws:ssm:eu-west-1:111122223333:parameter/db";
        let table = [
            (ARN.to_owned(), reference(None, None)),
            (format!("{ARN}:password::"), reference(Some("password"), None)),
            (format!("{ARN}::AWSPREVIOUS:"), reference(None, Some("AWSPREVIOUS"))),
            (format!("{ARN}:password"), ValueFrom::Malformed),
            (format!("{ARN}:password:"), ValueFrom::Malformed),
            (format!("{ARN}:a:b:c:d"), ValueFrom::Malformed),
            (ssm.to_owned(), ValueFrom::Parameter(ssm)),
            ("/app/db".to_owned(), ValueFrom::Parameter("/app/db")),
        ];
        for (text, expected) in &table {
            assert_eq!(&read(text), expected, "{text}");
        }
    }
}
