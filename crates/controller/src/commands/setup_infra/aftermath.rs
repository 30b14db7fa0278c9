//! Owns what follows the stacks: the first revision, the settings file, GitHub's variables.

use super::Consent;
use super::arguments::Arguments;
use super::deploy::Done;
use crate::aws::Aws;
use crate::commands::definition::{is_missing, register};
use crate::error::Error;
use crate::infrastructure::{
    CONTAINER, Entry, EntryValue, Place, Variable, edit, first, set, write,
};
use crate::report::{Event, Report};
use crate::settings::{EnvironmentName, Key, Layers};
use crate::task_definition::{changes, with_image};
use std::path::Path;

/// Fields of a definition that are the stack's matter; all else is the team's.
const OURS: [&str; 4] = ["executionRoleArn", "taskRoleArn", "logConfiguration", "secrets"];

/// Does all of it; each step can be repeated.
pub(super) async fn finish(
    aws: &Aws,
    done: &Done,
    (arguments, layers, environment): (&Arguments, &Layers, &EnvironmentName),
    (consent, report): (&mut Consent<'_>, &mut Report),
) -> Result<(), Error> {
    first_revision(aws, done, report).await?;
    if let Some(repository) = done.outputs.get("RepositoryUri") {
        report.emit(&Event::Note(format!("images of the migration go to {repository}")));
    }
    let network = Network::of(layers, done);
    settings_file(layers, entries((layers, environment), done, &network), (consent, report))
        .await?;
    let variables = variables((layers, environment), done, &network);
    let place = done.request.github.as_ref().map(|github| Place {
        repository: github.repository.clone(),
        environment: github.environment.clone(),
    });
    report.emit(&Event::Variables { variables: variables.clone(), place: place.clone() });
    if let (true, Some(place)) = (arguments.set_github(), place) {
        set(&place, &variables).await?;
        report.emit(&Event::Note(format!("variables of {} set", place.repository)));
    }
    Ok(())
}

async fn first_revision(aws: &Aws, done: &Done, report: &mut Report) -> Result<(), Error> {
    let wanted = first(&done.region, &done.outputs, &done.parameters, &done.request.database)?;
    let found = match aws.describe_definition(&done.request.family).await {
        Ok(found) => found,
        Err(error) if is_missing(&error) => {
            let (registered, registration) = register(aws, wanted).await?;
            report.emit(&Event::Definition {
                name: registered.short_name().to_owned(),
                arn: registered.arn,
                registration,
            });
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let wanted = with_image(&wanted, CONTAINER, found.document.image(CONTAINER));
    let different: Vec<String> = changes(&found.document, &wanted)
        .into_iter()
        .map(|change| change.path)
        .filter(|path| OURS.iter().any(|field| path.split('.').any(|part| part == *field)))
        .collect();
    let name = found.short_name().to_owned();
    if different.is_empty() {
        report.emit(&Event::Note(format!("task definition {name} is left as it is")));
    } else {
        report.emit(&Event::Warning {
            text: format!(
                "task definition {name} is not of this stack: {} differ",
                different.join(", ")
            ),
            hint: Some(
                "it is left as it is; register one that names the roles and log group above"
                    .to_owned(),
            ),
        });
    }
    Ok(())
}

/// The network as far as it is known.
struct Network {
    subnets: Vec<String>,
    security_groups: Vec<String>,
}

impl Network {
    fn of(layers: &Layers, done: &Done) -> Self {
        let list = |key| -> Vec<String> {
            let text = layers.find(key).map(|setting| setting.value).unwrap_or_default();
            let items = text.split([',', ' ', '\n', '[', ']', '"']).filter(|item| !item.is_empty());
            items.map(str::to_owned).collect()
        };
        let made = done.outputs.get("SecurityGroupId").filter(|id| !id.is_empty());
        let security_groups = match (list(Key::SecurityGroups), made) {
            (several, _) if several.len() > 1 => several,
            (_, Some(id)) => vec![id.clone()],
            (given, None) => given,
        };
        Self { subnets: list(Key::Subnets), security_groups }
    }
}

fn entries(
    (layers, environment): (&Layers, &EnvironmentName),
    done: &Done,
    network: &Network,
) -> Vec<Entry> {
    let text = |text: &str| EntryValue::Text(text.to_owned());
    let mut entries = vec![
        ("cluster", text(done.parameters.get("ClusterName").map_or("default", String::as_str))),
        ("task-definition", text(&done.request.family)),
        ("region", text(&done.region)),
    ];
    if let EnvironmentName::Named(name) = environment {
        entries.push(("environment", text(name)));
    }
    // A network that is taken from a service is not given too.
    if layers.find(Key::NetworkFrom).is_none() {
        for (name, items) in
            [("subnets", &network.subnets), ("security-groups", &network.security_groups)]
        {
            if !items.is_empty() {
                entries.push((name, EntryValue::List(items.clone())));
            }
        }
    }
    entries
}

async fn settings_file(
    layers: &Layers,
    entries: Vec<Entry>,
    (consent, report): (&mut Consent<'_>, &mut Report),
) -> Result<(), Error> {
    let path = Path::new(&layers.file_path);
    let before = std::fs::read_to_string(path).unwrap_or_default();
    let edited = edit(&before, &entries)?;
    if edited.changes.is_empty() {
        return Ok(());
    }
    if path.exists() {
        report.emit(&Event::Differences(edited.changes));
        let question = format!("change {} like this?", layers.file_path);
        if !consent.again(&question, report).await {
            report.emit(&Event::Note(format!("{} is left as it is", layers.file_path)));
            return Ok(());
        }
    }
    write(path, &edited.text)?;
    report.emit(&Event::Note(format!("{} written", layers.file_path)));
    Ok(())
}

fn variables(
    (layers, environment): (&Layers, &EnvironmentName),
    done: &Done,
    network: &Network,
) -> Vec<Variable> {
    let variable = |name, value: String, meaning| Variable { name, value, meaning };
    let output = |name: &str| done.outputs.get(name).cloned().unwrap_or_default();
    let mut variables = Vec::new();
    if done.request.github.is_some() {
        let role = done.github.get("DeployRoleArn").cloned().unwrap_or_default();
        variables.push(variable(
            "AWS_ROLE_ARN",
            role,
            "role for aws-actions/configure-aws-credentials",
        ));
    }
    variables.push(variable("AWS_REGION", done.region.clone(), "Region of all of it"));
    variables.push(variable("ECS_MIGRATE_CLUSTER", output("ClusterName"), "cluster"));
    variables.push(variable(
        "ECS_MIGRATE_TASK_DEFINITION",
        done.request.family.clone(),
        "family of the task definition",
    ));
    variables.push(variable(
        "ECS_MIGRATE_ENVIRONMENT",
        environment.text().to_owned(),
        "name that the database bears, such as production (docs/safety.md)",
    ));
    let repository = output("RepositoryUri");
    variables.push(variable(
        "ECR_REGISTRY",
        repository.split('/').next().unwrap_or_default().to_owned(),
        "registry that the workflow pushes the images to",
    ));
    if layers.find(Key::NetworkFrom).is_none() {
        variables.push(variable(
            "VPC_SUBNETS",
            network.subnets.join(","),
            "private subnets with a way to AWS (NAT or VPC endpoints)",
        ));
        variables.push(variable(
            "VPC_SECURITY_GROUPS",
            network.security_groups.join(","),
            "groups that the database lets in",
        ));
    }
    variables
}
