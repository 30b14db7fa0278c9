//! Owns `run`.

use super::arguments::{
    DefinitionArguments, EnvironmentArguments, FollowArguments, NetworkArguments, PageArguments,
    PlaceArguments,
};
use super::build::{BuildArguments, Keys, build};
use super::context::Context;
use super::definition;
use super::gate::Gate;
use super::network;
use super::order::{Words, refuse_a_definition_that_migrates_nothing};
use super::request::{Order, request};
use crate::aws::{Aws, connect};
use crate::cli;
use crate::error::{Error, Kind};
use crate::image::{Login, Transport};
use crate::infrastructure::is_bootstrap;
use crate::report::{Event, Report, Secrets};
use crate::settings::{
    DefinitionSource, Flags, ImageChoice, ImageSettings, Key, RunSettings, Setting,
    image_repository,
};
use crate::task::{Nothing, TaskNetwork, cancelled};
use crate::task_definition::Registered;
use clap::Args;
use protocol::env;

/// Words in the name of a variable that holds a secret.
const SECRET_NAMES: [&str; 7] =
    ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "KEY", "CREDENTIAL", "DATABASE_URL"];

/// A shorter value is no secret that could be kept.
const SHORTEST_SECRET: usize = 6;

/// Run the migration as a one-off task, show its log, and end with its verdict
///
/// With --build the image is made of the migrations and pushed first, as `image push` does, and run by
/// its digest. Green only when the named container ended by itself with exit code 0 and, for
/// ecs-migrate-runner, its last word says so. The container's exit code passes through; the page
/// docs/exit-codes.md lists our own.
#[derive(Debug, Args)]
#[group(id = "run")]
pub(crate) struct Arguments {
    #[command(flatten)]
    definition: DefinitionArguments,
    /// Make the migration image, push it, and run it
    #[arg(long, conflicts_with = "image", help_heading = "The migration image")]
    pub(super) build: bool,
    #[command(flatten)]
    image: BuildArguments,
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    network: NetworkArguments,
    #[command(flatten)]
    whose: EnvironmentArguments,
    #[command(flatten)]
    follow: FollowArguments,
    #[command(flatten)]
    page: PageArguments,
    /// How long to try to get the task started [default: 5m]
    #[arg(long, value_name = "DURATION")]
    capacity_timeout: Option<String>,
    /// While somebody else's run of the same family is in flight: wait, or fail with 87
    #[arg(long, value_name = "WHAT")]
    if_running: Option<String>,
    /// Environment variable of the container; may be repeated
    #[arg(long = "env", value_name = "NAME=VALUE")]
    pub(super) environment: Vec<String>,
    /// Invocations with the same key are one run [default: GITHUB_RUN_ID, else each its own]
    #[arg(long, value_name = "KEY")]
    run_key: Option<String>,
    /// Command of the container, instead of the image's own
    #[arg(last = true, value_name = "RUNNER ARGS")]
    pub(super) command: Vec<String>,
}

impl Arguments {
    pub(super) fn flags(&self) -> Flags {
        let mut flags = self.definition.flags();
        flags.extend(self.image.flags());
        flags.extend(self.place.flags());
        flags.extend(self.network.flags());
        flags.extend(self.whose.flags());
        flags.extend(self.follow.flags());
        flags.extend(self.page.flags());
        flags.extend(cli::flags([
            (Key::CapacityTimeout, &self.capacity_timeout),
            (Key::IfRunning, &self.if_running),
            (Key::RunKey, &self.run_key),
        ]));
        flags
    }
}

/// Everything that a run needs from AWS before it starts.
pub(super) struct Prepared {
    pub(super) aws: Aws,
    pub(super) definition: Registered,
    pub(super) container: String,
    pub(super) network: TaskNetwork,
}

/// Launches, follows, judges.
pub(super) async fn run(arguments: Arguments, context: Context<'_>) -> Result<u8, Error> {
    let planned = settings(&context, &arguments)?;
    let settings = &planned.run;
    let environment = variables(&arguments.environment)?;
    if arguments.command.first().is_some_and(|word| word.trim().is_empty()) {
        return Err(Error::usage("the command after `--` is empty")
            .hinted("leave out `--` for the image's own command"));
    }
    let mut listener = context.signals.listen().map_err(|cause| {
        Error::new(Kind::Unexpected, "cannot listen to signals").caused_by(cause)
    })?;
    let report = context.report;
    report.emit(&Event::Secrets(secrets(&environment)));
    let prepared = async {
        let aws = connect(context.aws, &context.access).await?;
        planned.prepare(aws, report).await
    };
    let prepared = tokio::select! {
        biased;
        signal = listener.next() => return Err(cancelled(signal)),
        prepared = prepared => prepared?,
    };
    let words = words(arguments.command, &prepared, settings)?;
    let asked = words.asked(settings.expect);
    let order =
        Order { words, asked, services: Vec::new(), environment, process: &context.environment };
    let (identity, request) = request(settings, &prepared, order);
    let pace = &context.pace;
    let gate =
        Gate { settings, prepared: &prepared, identity: &identity, pace, asked, before: &Nothing };
    gate.pass(request, report, &mut listener).await
}

/// The words behind `--`, as this container hears them.
pub(super) fn words(
    given: Vec<String>,
    prepared: &Prepared,
    settings: &RunSettings,
) -> Result<Words, Error> {
    let place = (&prepared.definition.document, prepared.container.as_str());
    let words = Words::given(given, place, settings.expect);
    refuse_a_definition_that_migrates_nothing(&words, place, settings.expect)?;
    Ok(words)
}

/// The settings, as far as they can be wrong before AWS is asked.
pub(super) fn settings(context: &Context<'_>, arguments: &Arguments) -> Result<Planned, Error> {
    if !arguments.build {
        if let Some(key) = arguments.image.flags().keys().next() {
            return Err(Error::usage(format!("--{} needs --build", key.name())));
        }
        let run = RunSettings::resolve(&context.layers, &context.environment)?;
        if let DefinitionSource::Template { image, .. }
        | DefinitionSource::Existing { image: ImageChoice::Replace(image), .. } = &run.definition
        {
            refuse_bootstrap(&image.value, &image.origin.to_string())?;
        }
        return Ok(Planned { run, build: Build::Nothing });
    }
    let repository = image_repository(&context.layers)?;
    let image = ImageSettings::resolve(&context.layers, &context.environment)?;
    let mut layers = context.layers.clone();
    layers.flags.insert(Key::Image, repository.value.clone());
    let run = RunSettings::resolve(&layers, &context.environment)?;
    Ok(Planned { run, build: Build::First { image: Box::new(image), repository } })
}

/// A run, and what has to be made for it.
pub(super) struct Planned {
    pub(super) run: RunSettings,
    pub(super) build: Build,
}

/// Whether the image is made first.
pub(super) enum Build {
    Nothing,
    First { image: Box<ImageSettings>, repository: Setting<String> },
}

impl Planned {
    /// Makes the image where that was asked for, then what every run needs.
    pub(super) async fn prepare(&self, aws: Aws, report: &mut Report) -> Result<Prepared, Error> {
        let Build::First { image, repository } = &self.build else {
            return prepare(aws, &self.run, report).await;
        };
        let name = push(&aws, (image, &repository.value), report).await?;
        let definition = self.run.definition.clone().with_image(repository.clone().with(name));
        prepare(aws, &RunSettings { definition, ..self.run.clone() }, report).await
    }
}

/// Everything that a run needs from AWS before it starts.
pub(super) async fn prepare(
    aws: Aws,
    settings: &RunSettings,
    report: &mut Report,
) -> Result<Prepared, Error> {
    let wanted =
        definition::find(&aws, &settings.definition, (&settings.container, settings.expect))
            .await?;
    let container = wanted.container.clone();
    if wanted.existing().is_none() {
        wanted.warn(report);
    }
    let definition = wanted.registered(&aws, report).await?;
    refuse_bootstrap(definition.document.image(&container), definition.short_name())?;
    let network = network::find(&aws, &settings.cluster.value, &settings.network).await?;
    network.say(report);
    let network = network.task_network;
    Ok(Prepared { aws, definition, container, network })
}

/// Makes the image and pushes it; its name.
async fn push(
    aws: &Aws,
    (settings, repository): (&ImageSettings, &str),
    report: &mut Report,
) -> Result<String, Error> {
    let keys = Keys { aws: Some(aws), login: Login::Anonymous, transport: Transport::Safe };
    let packed = build(settings, &keys).await?.push(settings, repository, &keys).await?;
    let name = packed.name.clone();
    report.emit(&Event::Image(packed));
    Ok(name)
}

/// The first revision names an image that nobody pushed: its task would fail to pull it.
pub(super) fn refuse_bootstrap(image: &str, origin: &str) -> Result<(), Error> {
    if !is_bootstrap(image) {
        return Ok(());
    }
    Err(Error::usage(format!(
        "the image {image} ({origin}) is the placeholder that setup-infra registers"
    ))
    .hinted("push an image of your migrations and name it: --image REPOSITORY@sha256:…"))
}

/// The variables of `--env`. A message never holds a value: it may be a secret.
pub(super) fn variables(arguments: &[String]) -> Result<Vec<(String, String)>, Error> {
    arguments
        .iter()
        .enumerate()
        .map(|(position, argument)| match argument.split_once('=') {
            Some((
                ours @ (env::RUN
                | env::COMMAND
                | env::ASKED
                | env::INVOCATION
                | env::PLACE
                | env::SERVICES
                | env::STARTED_BY
                | env::TASK_IMAGE),
                _,
            )) => Err(Error::usage(format!("--env must not set {ours}: it is ours"))),
            Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
            Some(_) | None => {
                Err(Error::usage(format!("--env number {} is not NAME=VALUE", position + 1)))
            }
        })
        .collect()
}

/// The values of `--env` that a log must not show: the container is free to print them, and GitHub
/// only knows the secrets that it gave. Short ones are words that would be blackened everywhere.
pub(super) fn secrets(environment: &[(String, String)]) -> Secrets {
    let is_secret = |name: &str, value: &str| {
        let name = name.to_ascii_uppercase();
        SECRET_NAMES.iter().any(|word| name.contains(word)) || value.contains("://")
    };
    let found = environment
        .iter()
        .filter(|(name, value)| value.len() >= SHORTEST_SECRET && is_secret(name, value))
        .map(|(_, value)| value.clone());
    Secrets(found.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_secret_is_masked_and_words_are_not() {
        let environment = variables(&[
            "PGPASSWORD=hunter22".to_owned(),
            "TOKEN=short".to_owned(),
            "MODE=production".to_owned(),
            "DATABASE=postgresql://u:p@h/d".to_owned(),
        ]);
        assert_eq!(secrets(&environment.unwrap()).0, ["hunter22", "postgresql://u:p@h/d"]);
    }

    #[test]
    fn variables_are_names_with_values_and_errors_do_not_show_them() {
        let found = variables(&["A=1".to_owned(), "B=x=y".to_owned(), "C=".to_owned()]);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(found.unwrap(), [pair("A", "1"), pair("B", "x=y"), pair("C", "")]);
        let error = variables(&["A=1".to_owned(), "hunter2".to_owned()]).unwrap_err();
        assert_eq!(error.to_string(), "--env number 2 is not NAME=VALUE");
        assert!(variables(&["ECS_MIGRATE_RUN=x".to_owned()]).is_err());
        assert!(variables(&["ECS_MIGRATE_COMMAND=[]".to_owned()]).is_err());
    }
}
