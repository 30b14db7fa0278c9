//! Owns reading what a container says of a secret. PURE.

/// Where a container's secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SecretReference {
    /// Secrets Manager, perhaps one key of its JSON.
    Secret {
        id: String,
        /// Empty for the whole value.
        key: String,
        stage: String,
    },
    /// An ARN of Secrets Manager with the wrong number of colons.
    Malformed,
    /// Parameter Store.
    Parameter(String),
}

impl SecretReference {
    /// `valueFrom`: `arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME[:json-key:version-stage:version-id]`, of which
    /// the optional parts keep their colons (Amazon ECS developer guide, "Pass Secrets Manager secrets").
    pub(super) fn of_value_from(text: &str) -> Self {
        let parts: Vec<&str> = text.split(':').collect();
        if parts.first() != Some(&"arn") || parts.get(2) != Some(&"secretsmanager") {
            return Self::Parameter(text.to_owned());
        }
        let part = |index: usize| parts.get(index).copied().unwrap_or_default();
        match parts.len() {
            7 | 10 => Self::Secret {
                id: parts[..7].join(":"),
                key: part(7).to_owned(),
                stage: match part(8) {
                    "" => "AWSCURRENT".to_owned(),
                    stage => stage.to_owned(),
                },
            },
            _ => Self::Malformed,
        }
    }

    /// A secret that the runner fetches itself.
    pub(super) fn of_id(id: &str) -> Self {
        Self::Secret { id: id.to_owned(), key: String::new(), stage: "AWSCURRENT".to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        const ARN: &str = "arn:aws:secretsmanager:eu-west-1:1:secret:app/db-AbCdEf";
        let secret = |key: &str, stage: &str| SecretReference::Secret {
            id: ARN.to_owned(),
            key: key.to_owned(),
            stage: stage.to_owned(),
        };
        for (text, expected) in [
            (ARN.to_owned(), secret("", "AWSCURRENT")),
            (format!("{ARN}:password::"), secret("password", "AWSCURRENT")),
            (format!("{ARN}:password:AWSPREVIOUS:"), secret("password", "AWSPREVIOUS")),
            (format!("{ARN}:password"), SecretReference::Malformed),
            ("/app/db".to_owned(), SecretReference::Parameter("/app/db".to_owned())),
        ] {
            assert_eq!(SecretReference::of_value_from(&text), expected, "{text}");
        }
    }
}
