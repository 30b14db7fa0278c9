//! Owns the family whose runs are asked for: its definition, the container that decides, and where
//! the log of that is.

use crate::aws::{Aws, AwsError, Class, FoundStream};
use crate::commands::definition::{is_missing, read_template};
use crate::error::{Error, Kind};
use crate::runs::{self, Record, join};
use crate::settings::{ContainerChoice, FamilyChoice, ReaderSettings};
use crate::task::TaskSnapshot;
use crate::task_definition::{Driver, LogSource, Registered, choose, log_sources};

/// A family, and where to look for its runs.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) cluster: String,
    pub(super) definition: Registered,
    pub(super) container: String,
    /// The log of the container that decides.
    pub(super) source: LogSource,
}

impl Family {
    /// The family that the settings name.
    pub(super) async fn of_settings(aws: &Aws, settings: &ReaderSettings) -> Result<Self, Error> {
        let reference = name(&settings.family)?.ok_or_else(|| {
            Error::usage("no task definition is set, so nothing says whose runs").hinted(
                "set --task-definition FAMILY, or `task-definition` or `template` in \
                 ecs-migrate.toml; or name the run by the ARN of its task",
            )
        })?;
        Self::of(aws, &reference, (&settings.cluster.value, &settings.container)).await
    }

    /// The family of a registered definition.
    pub(super) async fn of(
        aws: &Aws,
        reference: &str,
        (cluster, choice): (&str, &ContainerChoice),
    ) -> Result<Self, Error> {
        let definition = aws.describe_definition(reference).await.map_err(|error| {
            if is_missing(&error) {
                return Error::new(
                    Kind::AwsRefused,
                    format!("task definition {reference} is not registered in {}", aws.region()),
                )
                .hinted("check its name and the Region; `ecs-migrate register` registers it");
            }
            runs::allow(error)
        })?;
        let container = choose(&definition.document, choice)?;
        let sources = log_sources(&definition.document, aws.region());
        let source = sources.into_iter().find(|source| source.container == container);
        let source = source.unwrap_or_else(|| LogSource {
            container: container.clone(),
            driver: Driver::Other("none".to_owned()),
        });
        Ok(Self { cluster: cluster.to_owned(), definition, container, source })
    }

    /// What its streams begin with, and the group and Region of them.
    pub(super) fn streams(&self) -> Option<(&str, &str, String)> {
        match &self.source.driver {
            Driver::Awslogs { group, prefix, region } => {
                Some((group, region, Driver::stream(prefix, &self.container, "")))
            }
            Driver::Other(_) => None,
        }
    }

    /// Where its log is, in words.
    pub(super) fn place(&self) -> String {
        match &self.source.driver {
            Driver::Awslogs { group, region, .. } => format!("log group {group} in {region}"),
            Driver::Other(name) => format!("its log, whose driver {name} cannot be read back"),
        }
    }

    /// What ECS still knows.
    pub(super) async fn remembered(&self, aws: &Aws) -> Result<Vec<TaskSnapshot>, AwsError> {
        let family = self.definition.family();
        let mut names = aws.tasks_of_family(&self.cluster, family).await?;
        names.extend(aws.ended_tasks_of_family(&self.cluster, family).await?);
        let mut tasks = Vec::new();
        for some in names.chunks(100) {
            tasks.extend(aws.describe_tasks(&self.cluster, some).await?);
        }
        Ok(tasks)
    }

    /// All runs that are known of, the newest first.
    pub(super) async fn runs(&self, aws: &Aws) -> Result<Vec<Record>, Error> {
        let tasks = self.remembered(aws).await.map_err(runs::allow)?;
        let Some((group, region, prefix)) = self.streams() else {
            return Ok(join(tasks, &[], ""));
        };
        let streams = match aws.log_streams(region, group, &prefix).await {
            Err(error) if error.class == Class::ResourceNotFound && !tasks.is_empty() => Vec::new(),
            answer => answer.map_err(|error| self.unreadable(error))?,
        };
        let streams: Vec<FoundStream> = streams;
        Ok(join(tasks, &streams, &prefix))
    }

    /// Why the log cannot be read.
    pub(super) fn unreadable(&self, error: AwsError) -> Error {
        if error.class != Class::ResourceNotFound {
            return runs::allow(error);
        }
        let name = self.definition.short_name();
        Error::new(Kind::AwsRefused, format!("{} does not exist", self.place())).hinted(format!(
            "the task definition {name} names it: check the account, and `awslogs-group` and \
             `awslogs-region` there"
        ))
    }

    /// Nothing is known of the run that was asked for.
    pub(super) fn unknown_run(&self, what: &str) -> Error {
        Error::new(
            Kind::OutcomeUnknown,
            format!(
                "{what}: ECS knows no such task of {} in cluster {}, and there is none in {}",
                self.definition.family(),
                self.cluster,
                self.place()
            ),
        )
        .hinted("`ecs-migrate runs` lists what is known; check cluster, family and Region")
    }
}

/// The name to ask for.
pub(in crate::commands) fn name(choice: &FamilyChoice) -> Result<Option<String>, Error> {
    let path = match choice {
        FamilyChoice::Registered(reference) => return Ok(Some(reference.value.clone())),
        FamilyChoice::Unsaid => return Ok(None),
        FamilyChoice::OfTemplate(path) => path,
    };
    let document = read_template(path)?;
    match document.family() {
        "" | "REPLACE_FAMILY" => Err(Error::usage(format!(
            "the template {} ({}) names no family",
            path.value, path.origin
        ))
        .hinted("set --task-definition FAMILY")),
        family => Ok(Some(family.to_owned())),
    }
}
