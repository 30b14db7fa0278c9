//! Owns the look at what is there before anything is decided.

use super::choice::{Choice, Known, apply, choose};
use super::part::{Part, Presence, Switch};
use super::request::{StackRequest, declares};
use super::stack::{Stack, StackResource};
use super::state::{Next, next};
use crate::aws::{Aws, AwsError};
use std::collections::BTreeMap;

/// Whose account it is.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) partition: String,
    pub(crate) region: String,
}

/// What is there, and what follows from it.
#[derive(Debug, Clone)]
pub(crate) struct Survey {
    pub(crate) stack: Option<Stack>,
    /// The parameters of the deployed stack that still count.
    pub(crate) deployed: BTreeMap<String, String>,
    /// The parameters that the template gets.
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) presences: BTreeMap<Part, Presence>,
    pub(crate) choices: BTreeMap<Part, Choice>,
}

impl Account {
    /// The ARN of a role without a path.
    pub(crate) fn role_arn(&self, name: &str) -> String {
        format!("arn:{}:iam::{}:role/{name}", self.partition, self.id)
    }
}

/// Looks at the stack and at every part.
pub(crate) async fn survey(
    aws: &Aws,
    account: &Account,
    request: &StackRequest,
    parts: &[Part],
) -> Result<Survey, AwsError> {
    let stack = aws.stack(&request.stack).await?;
    let (resources, deployed) = match (&stack, next(stack.as_ref())) {
        (Some(stack), Next::Update | Next::ContinueRollback) => {
            (aws.stack_resources(&stack.id).await?, stack.parameters.clone())
        }
        // What a failed or unfinished creation was asked for counts no more.
        _ => (Vec::new(), BTreeMap::new()),
    };
    let mut parameters = request.parameters(&deployed, |name| declares(request.template, name));
    let mut presences = BTreeMap::new();
    let mut choices = BTreeMap::new();
    for part in parts {
        let known = look(aws, *part, &parameters, (request, &resources)).await?;
        let mut choice = choose(&known);
        if !is_wanted(*part, &parameters) {
            choice = Choice::None;
        }
        // The template knows roles by ARN, the stack by name.
        if let (Choice::Restore(name), Switch::Existing(_), Some(_)) =
            (&choice, part.switch(), part.name_parameter())
        {
            choice = Choice::Restore(account.role_arn(name));
        }
        presences.insert(*part, known.presence);
        choices.insert(*part, choice);
    }
    apply(&choices, &mut parameters);
    Ok(Survey { stack, deployed, parameters, presences, choices })
}

fn is_wanted(part: Part, parameters: &BTreeMap<String, String>) -> bool {
    let set = |name: &str| parameters.get(name).is_some_and(|value| !value.is_empty());
    part != Part::SecurityGroup || set("VpcId") || set("ExistingSecurityGroupId")
}

async fn look(
    aws: &Aws,
    part: Part,
    parameters: &BTreeMap<String, String>,
    (request, resources): (&StackRequest, &[StackResource]),
) -> Result<Known, AwsError> {
    let value = |map: &BTreeMap<String, String>, name: &str| {
        map.get(name).filter(|value| !value.is_empty()).cloned()
    };
    let (given, adopted) = match part.switch() {
        Switch::Existing(name) => (value(&request.given, name), value(parameters, name)),
        // Whether a cluster or a repository exists is seen, not said.
        Switch::Flag(_) => (None, None),
    };
    let own_name = part.name_parameter().and_then(|name| value(parameters, name));
    let renamed = part.name_parameter().is_some_and(|name| request.given.contains_key(name));
    let name = match (&given, &adopted) {
        (Some(id), _) => Some(short(id).to_owned()),
        (None, Some(id)) if !renamed => Some(short(id).to_owned()),
        (None, _) => own_name,
    };
    let owned = resources
        .iter()
        .find(|resource| resource.logical_id == part.logical_id())
        .filter(|resource| {
            part.name_parameter().is_none() || Some(&resource.physical_id) == name.as_ref()
        })
        .map(|resource| resource.physical_id.clone());
    let name = name.or_else(|| owned.clone()).unwrap_or_default();
    let presence = match part {
        Part::Provider => aws.github_provider_presence().await?,
        _ if name.is_empty() => Presence::Absent,
        Part::Cluster => aws.cluster_presence(&name).await?,
        Part::Repository => aws.repository_presence(&name).await?,
        Part::LogGroup => aws.log_group_presence(&name).await?,
        Part::ExecutionRole | Part::TaskRole | Part::DeployRole => aws.role_presence(&name).await?,
        Part::SecurityGroup => aws.security_group_presence(&name).await?,
    };
    Ok(Known { given, owned, adopted, presence })
}

/// The name at the end of an ARN, or the text itself.
fn short(id: &str) -> &str {
    if id.starts_with("arn:") { id.rsplit('/').next().unwrap_or(id) } else { id }
}
