//! Owns the environment of a container: what ECS gives it and nothing else. Pure.

use std::collections::BTreeMap;

use crate::credentials::TaskCredentials;
use crate::host::HostEnvironment;

/// Where each variable comes from; later members win over earlier ones.
#[derive(Debug)]
pub(crate) struct EnvironmentSources<'task> {
    pub(crate) host: &'task HostEnvironment,
    pub(crate) region: &'task str,
    /// `None` when the sandbox is not served over HTTP.
    pub(crate) endpoint: Option<&'task str>,
    pub(crate) runtime_id: &'task str,
    /// `None` without a task role.
    pub(crate) credentials: Option<&'task TaskCredentials>,
    /// Resolved.
    pub(crate) secrets: Vec<(String, String)>,
    pub(crate) definition: Vec<(String, String)>,
    pub(crate) overrides: Vec<(String, String)>,
}

pub(crate) fn environment(sources: EnvironmentSources<'_>) -> BTreeMap<String, String> {
    let mut given: Vec<(String, String)> = Vec::new();
    let mut give = |name: &str, value: String| given.push((name.to_owned(), value));
    if let Some(path) = &sources.host.path {
        give("PATH", path.clone());
    }
    if let Some(home) = &sources.host.home {
        give("HOME", home.clone());
    }
    give("AWS_REGION", sources.region.to_owned());
    give("AWS_DEFAULT_REGION", sources.region.to_owned());
    give("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE".to_owned());
    if let Some(endpoint) = sources.endpoint {
        give("AWS_ENDPOINT_URL", endpoint.to_owned());
        let metadata = format!("{endpoint}/v4/{}", sources.runtime_id);
        give("ECS_CONTAINER_METADATA_URI_V4", metadata);
        // Fargate gives AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, which SDKs resolve to 169.254.170.2 only.
        if let Some(credentials) = sources.credentials {
            let uri = format!("{endpoint}/v2/credentials/{}", credentials.id);
            give("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri);
            give("AWS_CONTAINER_AUTHORIZATION_TOKEN", credentials.token.clone());
        }
    }
    given
        .into_iter()
        .chain(sources.secrets)
        .chain(sources.definition)
        .chain(sources.overrides)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn later_sources_win_and_nothing_else_gets_in() {
        let credentials = TaskCredentials {
            id: "c1".to_owned(),
            token: "t1".to_owned(),
            role_arn: "arn".to_owned(),
        };
        let host = HostEnvironment { path: Some("/bin".to_owned()), home: None };
        let built = environment(EnvironmentSources {
            host: &host,
            region: "eu-west-1",
            endpoint: Some("http://127.0.0.1:9"),
            runtime_id: "r1",
            credentials: Some(&credentials),
            secrets: vec![pair("PASSWORD", "secret")],
            definition: vec![pair("A", "definition"), pair("EMPTY", "")],
            overrides: vec![pair("A", "override")],
        });
        let expected: BTreeMap<String, String> = [
            pair("A", "override"),
            pair("AWS_CONTAINER_AUTHORIZATION_TOKEN", "t1"),
            pair("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/v2/credentials/c1"),
            pair("AWS_DEFAULT_REGION", "eu-west-1"),
            pair("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
            pair("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE"),
            pair("AWS_REGION", "eu-west-1"),
            pair("ECS_CONTAINER_METADATA_URI_V4", "http://127.0.0.1:9/v4/r1"),
            pair("EMPTY", ""),
            pair("PASSWORD", "secret"),
            pair("PATH", "/bin"),
        ]
        .into();
        assert_eq!(built, expected);
    }
}
