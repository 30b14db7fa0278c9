//! Owns the ready-to-deploy list: what is looked at, and in which order. Each file is one thing: a thin
//! look, and a pure judgement of what was seen.

mod cluster;
mod credentials;
mod finding;
mod github;
mod image;
mod log_group;
mod network;
mod pass_role;
mod roles;
mod secret;
mod secret_reference;
mod service;
mod task_definition;
mod versions;

pub(crate) use finding::{Finding, Verdict, no, ok, skip};
pub(crate) use network::judge as judge_network;
pub(crate) use task_definition::{hardening, judge as judge_definition};
pub(crate) use versions::judge as judge_versions;

use crate::aws::Aws;
use crate::settings::DoctorSettings;
use crate::task_definition::Document;
use std::collections::BTreeMap;

/// The container that decides, in its definition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Container<'a> {
    pub(crate) document: &'a Document,
    pub(crate) name: &'a str,
}

/// Whether AWS answers us at all; the answer is who we are, for later looks.
pub(crate) async fn credentials(aws: &Aws) -> (Finding, Option<String>) {
    credentials::look(aws).await
}

/// What does not depend on the definition.
pub(crate) async fn surroundings(
    aws: &Aws,
    settings: &DoctorSettings,
    environment: &BTreeMap<String, String>,
) -> Vec<Finding> {
    let mut found = vec![cluster::look(aws, settings).await];
    for name in &settings.services {
        found.push(service::look(aws, &settings.cluster.value, name).await);
    }
    if settings.services.is_empty() {
        found.push(service::none());
    }
    found.push(github::look(environment, settings).await);
    found
}

/// What the definition names: roles, image, log group, secrets.
pub(crate) async fn named_by(
    aws: &Aws,
    container: Container<'_>,
    caller: Option<&str>,
) -> Vec<Finding> {
    let mut found = roles::look(aws, container).await;
    found.push(pass_role::look(aws, container.document, caller).await);
    found.push(image::look(aws, container).await);
    found.push(log_group::look(aws, container).await);
    found.extend(secret::look(aws, container).await);
    found
}

/// What is not looked at, and why.
pub(crate) fn unseen(names: &[&str], why: &str) -> Vec<Finding> {
    names.iter().map(|name| skip(name, why)).collect()
}

/// What [`named_by`] looks at.
pub(crate) const NAMED: &[&str] =
    &["execution_role", "task_role", "pass_role", "image", "log_group", "secret"];

/// What [`surroundings`] looks at in AWS.
pub(crate) const AROUND: &[&str] = &["cluster", "service"];
