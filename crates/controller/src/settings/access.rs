//! Owns what is needed to reach AWS beyond the SDK's own chain.

use super::key::Key;
use super::layers::{Layers, Setting};
use crate::error::Error;
use protocol::env;
use std::collections::BTreeMap;
use std::fmt;

/// What every command needs to reach AWS.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Access {
    /// Overrides the SDK's chain.
    pub(crate) region: Option<String>,
    /// Overrides the SDK's chain.
    pub(crate) profile: Option<String>,
    /// Where new credentials come from when the given ones are over.
    pub(crate) github: Option<GithubIdentity>,
}

/// A job's identity in GitHub Actions and the role that trusts it. A job has it with
/// `permissions: id-token: write`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct GithubIdentity {
    pub(crate) role: String,
    pub(crate) request_url: String,
    pub(crate) request_token: String,
}

impl fmt::Debug for GithubIdentity {
    /// Without the token, and without the URL, which names the job.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("GithubIdentity").field("role", &self.role).finish_non_exhaustive()
    }
}

impl Layers {
    /// What overrides or outlives the SDK's chain.
    pub(crate) fn access(&self, process: &BTreeMap<String, String>) -> Result<Access, Error> {
        let text = |key| self.find(key).map(|setting| setting.value);
        let given = |name| process.get(name).filter(|value: &&String| !value.is_empty()).cloned();
        // Only a role that somebody said is taken: AWS_ROLE_ARN in a job's environment may be of a role
        // on the way to the one that the job works with, and of another account.
        let role = self.find(Key::OidcRole).map(role).transpose()?;
        let github = || {
            Some(GithubIdentity {
                role: role?,
                request_url: given(env::ACTIONS_ID_TOKEN_REQUEST_URL)?,
                request_token: given(env::ACTIONS_ID_TOKEN_REQUEST_TOKEN)?,
            })
        };
        Ok(Access { region: text(Key::Region), profile: text(Key::Profile), github: github() })
    }
}

/// A role's ARN (IAM User Guide, "IAM identifiers"); its account is held against the one worked in.
fn role(setting: Setting<String>) -> Result<String, Error> {
    let parts: Vec<&str> = setting.value.split(':').collect();
    let is_role = matches!(parts.as_slice(), ["arn", _, "iam", "", account, role]
        if !account.is_empty() && account.chars().all(|digit| digit.is_ascii_digit())
            && role.strip_prefix("role/").is_some_and(|name| !name.is_empty()));
    if is_role {
        return Ok(setting.value);
    }
    Err(Error::usage(format!("`{}` ({}) is not the ARN of a role", setting.value, setting.origin))
        .hinted("e.g. arn:aws:iam::111122223333:role/deploy"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_needs_role_address_and_token_and_shows_no_secret() {
        let all = [
            ("ECS_MIGRATE_OIDC_ROLE", "arn:aws:iam::1:role/deploy"),
            ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://token.example/job-7"),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "hunter2"),
        ];
        let access = |left_out: &str| {
            let process: BTreeMap<String, String> = all
                .iter()
                .filter(|(name, _)| *name != left_out)
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            let layers = Layers::read(Vec::new().into_iter().collect(), None, &process).unwrap();
            layers.access(&process).unwrap()
        };
        let found = access("");
        assert_eq!(found.github.as_ref().unwrap().role, "arn:aws:iam::1:role/deploy");
        let shown = format!("{found:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("job-7"), "{shown}");
        for (name, _) in all {
            assert_eq!(access(name).github, None, "{name}");
        }
    }

    #[test]
    fn a_role_is_only_what_was_said_and_said_whole() {
        let access = |name: &str, value: &str| {
            let process = BTreeMap::from([
                (name.to_owned(), value.to_owned()),
                ("ACTIONS_ID_TOKEN_REQUEST_URL".to_owned(), "https://token.example".to_owned()),
                ("ACTIONS_ID_TOKEN_REQUEST_TOKEN".to_owned(), "x".to_owned()),
            ]);
            Layers::read(Vec::new().into_iter().collect(), None, &process)?.access(&process)
        };
        let role = "arn:aws:iam::1:role/path/deploy";
        assert_eq!(access("ECS_MIGRATE_OIDC_ROLE", role).unwrap().github.unwrap().role, role);
        assert_eq!(access("AWS_ROLE_ARN", role).unwrap().github, None);
        for wrong in
            ["deploy", "arn:aws:iam::x:role/a", "arn:aws:iam::1:user/a", "arn:aws:iam::1:role/"]
        {
            let error = access("ECS_MIGRATE_OIDC_ROLE", wrong).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains("env ECS_MIGRATE_OIDC_ROLE"), "{error}");
        }
    }
}
