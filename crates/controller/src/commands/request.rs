//! Owns the request for a task: what is run, for whom, and as which run.

use super::order::{Words, expected};
use super::run::Prepared;
use crate::settings::{EnvironmentName, RunSettings};
use crate::task::{Asked, RunIdentity, RunRequest, Work};
use crate::task_definition::fingerprint;
use protocol::{command, env};
use std::collections::BTreeMap;

/// The longest value that is passed on: overrides have 8192 characters altogether (ECS API,
/// `TaskOverride`).
const LONGEST: usize = 256;

/// What the container shall do.
pub(super) struct Order<'a> {
    pub(super) words: Words,
    /// What that is to do.
    pub(super) asked: Asked,
    /// The services that wait for it.
    pub(super) services: Vec<String>,
    /// Variables that somebody asked for.
    pub(super) environment: Vec<(String, String)>,
    /// The controller's own environment, which says for whom it is.
    pub(super) process: &'a BTreeMap<String, String>,
}

/// The request with the identity of its run. Who it is for is no part of the identity.
pub(super) fn request(
    settings: &RunSettings,
    prepared: &Prepared,
    order: Order<'_>,
) -> (RunIdentity, RunRequest) {
    let environment = [named(&settings.environment), order.environment].concat();
    let identity = RunIdentity::of(
        &settings.key,
        Work {
            cluster: &settings.cluster.value,
            family: prepared.definition.family(),
            definition: &fingerprint(&prepared.definition.document),
            image: prepared.definition.document.image(&prepared.container),
            arguments: order.words.words(),
            environment: &environment,
            commit: commit(order.process).unwrap_or_default(),
        },
    );
    let place = place(&settings.cluster.value, prepared.definition.family());
    let invocation = uuid::Uuid::new_v4().simple().to_string();
    let image = prepared.definition.document.image(&prepared.container);
    let image = Some(image.to_owned()).filter(|image| image.len() <= LONGEST);
    let expect = expected(settings.expect, (&prepared.definition.document, &prepared.container));
    let expect = expect.word().map(|word| (env::EXPECT.to_owned(), word.to_owned()));
    let asked = order.asked.to_string();
    let ours = [
        (env::RUN, &identity.run),
        (env::INVOCATION, &invocation),
        (env::PLACE, &place),
        (env::ASKED, &asked),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.clone()))
    .chain(waiting(&order.services))
    .chain(image.map(|image| (env::TASK_IMAGE.to_owned(), image)))
    .chain(expect)
    .chain(question(&order.words))
    .chain(origin(&identity.started_by, order.process));
    let taken = |name: &str| environment.iter().any(|(given, _)| given == name);
    let ours: Vec<_> = ours.filter(|(name, _)| !taken(name)).collect();
    let request = RunRequest {
        cluster: settings.cluster.value.clone(),
        definition: prepared.definition.arn.clone(),
        container: prepared.container.clone(),
        command: order.words.words().to_vec(),
        environment: [ours, environment.clone()].concat(),
        network: prepared.network.clone(),
        capacity: settings.capacity.clone(),
        client_token: identity.client_token(1),
        started_by: identity.started_by.clone(),
        invocation,
    };
    (identity, request)
}

/// The services that wait for it, so that its story can be told to its end.
fn waiting(services: &[String]) -> Option<(String, String)> {
    let names = services.join(",");
    let fits = !names.is_empty() && names.len() <= LONGEST;
    fits.then(|| (env::SERVICES.to_owned(), names))
}

/// What is asked of the runner, so that it hears it whatever the ENTRYPOINT of its image is.
fn question(words: &Words) -> Option<(String, String)> {
    match words {
        Words::Own | Words::Command(_) => None,
        Words::Runner(words) => Some((env::COMMAND.to_owned(), command::encode(words))),
    }
}

/// The commit that it is for, where somebody says so.
fn commit(process: &BTreeMap<String, String>) -> Option<&str> {
    [env::COMMIT, env::GITHUB_SHA]
        .into_iter()
        .find_map(|name| process.get(name).filter(|value| !value.is_empty()))
        .map(String::as_str)
}

/// Whose database it must be. It is a part of the identity: with another name it is another run.
fn named(environment: &EnvironmentName) -> Vec<(String, String)> {
    match environment {
        EnvironmentName::Unsaid => Vec::new(),
        EnvironmentName::Named(name) => vec![(env::ENVIRONMENT.to_owned(), name.clone())],
    }
}

/// Where a run is, by names: a cluster may be given as an ARN.
pub(super) fn place(cluster: &str, family: &str) -> String {
    let cluster = cluster.rsplit_once('/').map_or(cluster, |(_, name)| name);
    format!("{cluster}/{family}")
}

/// Who a run is for, so that its log says it when ECS has forgotten the task. All of it is the same
/// when a job is run again: another request with the same client token would be a conflict.
fn origin(started_by: &str, process: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let passed = [
        (env::COMMIT, env::GITHUB_SHA),
        (env::ACTOR, env::GITHUB_ACTOR),
        (env::REPOSITORY, env::GITHUB_REPOSITORY),
        (env::WORKFLOW_RUN, env::GITHUB_RUN_ID),
    ];
    let known = passed.into_iter().filter_map(|(name, theirs)| {
        let given = |name: &str| process.get(name).filter(|value| !value.is_empty());
        let value = given(name).or_else(|| given(theirs))?;
        (value.len() <= LONGEST).then(|| (name.to_owned(), value.clone()))
    });
    [(env::STARTED_BY.to_owned(), started_by.to_owned())].into_iter().chain(known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_it_is_for_is_passed_on_as_far_as_it_is_known() {
        let process = [
            ("GITHUB_SHA", "4f2c"),
            ("GITHUB_ACTOR", ""),
            ("GITHUB_REPOSITORY", &"x".repeat(LONGEST + 1)),
            ("GITHUB_TOKEN", "hunter2"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            origin("ecs-migrate/once/x", &process),
            [pair(env::STARTED_BY, "ecs-migrate/once/x"), pair(env::COMMIT, "4f2c")]
        );
    }
}
