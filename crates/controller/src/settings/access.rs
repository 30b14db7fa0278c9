//! Owns what is needed to reach AWS beyond the SDK's own chain.

use super::key::Key;
use super::layers::Layers;
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
    pub(crate) fn access(&self, process: &BTreeMap<String, String>) -> Access {
        let text = |key| self.find(key).map(|setting| setting.value);
        let given = |name| process.get(name).filter(|value: &&String| !value.is_empty()).cloned();
        let github = || {
            Some(GithubIdentity {
                role: text(Key::OidcRole)?,
                request_url: given(env::ACTIONS_ID_TOKEN_REQUEST_URL)?,
                request_token: given(env::ACTIONS_ID_TOKEN_REQUEST_TOKEN)?,
            })
        };
        Access { region: text(Key::Region), profile: text(Key::Profile), github: github() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_needs_role_address_and_token_and_shows_no_secret() {
        let all = [
            ("AWS_ROLE_ARN", "arn:aws:iam::1:role/deploy"),
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
            layers.access(&process)
        };
        let found = access("");
        assert_eq!(found.github.as_ref().unwrap().role, "arn:aws:iam::1:role/deploy");
        let shown = format!("{found:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("job-7"), "{shown}");
        for (name, _) in all {
            assert_eq!(access(name).github, None, "{name}");
        }
    }
}
