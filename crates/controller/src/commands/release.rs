//! Owns `release`.

use super::context::Context;
use super::definition;
use super::gate::Gate;
use super::network;
use super::request::{Order, request};
use super::run;
use super::services::{Hands, ServiceArguments, Shown};
use crate::aws::{Aws, connect};
use crate::error::{Error, Kind};
use crate::report::{Event, Report};
use crate::service::{Clearance, Contract, Released};
use crate::settings::{Flags, RunSettings, ServiceSettings, docker};
use crate::task::{Asked, Nothing, cancelled};
use clap::Args;
use protocol::{RunnerCommand, env};
use tokio::time::Instant;

/// Run the migration, and only on green deploy the services behind it
///
/// Everything of `run`; then each service gets a revision with the new image and is followed until its
/// rollout has ended: by the service deployment, and by what the service stands on. Migrations marked
/// `-- ecs-migrate: phase=after-deploy` wait for good rollouts, and have a verdict of their own. 88 when a rollout
/// failed or was rolled back. A signal during the rollouts leaves them to ECS (84). Run again, it goes
/// on where it was. Nothing is ever deregistered.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    services: ServiceArguments,
    #[command(flatten)]
    run: run::Arguments,
}

impl Arguments {
    pub(super) fn flags(&self) -> Flags {
        let mut flags = self.run.flags();
        flags.extend(self.services.flags());
        flags
    }
}

/// Migrates, then deploys.
pub(super) async fn release(arguments: Arguments, context: Context<'_>) -> Result<u8, Error> {
    refuse_what_migrates_nothing(&arguments.run.command)?;
    let planned = run::settings(&context, &arguments.run)?;
    let settings = &planned.run;
    if arguments.services.dry_run && arguments.run.build {
        return Err(Error::usage(
            "--dry-run pushes no image, so it cannot show what --build would run",
        )
        .hinted("`image push --dry-run` says the image's digest"));
    }
    let services = arguments
        .services
        .resolve(ServiceSettings::resolve(&context.layers)?, docker(&context.environment))?;
    let environment = run::variables(&arguments.run.environment)?;
    let phases = Phases::of(&environment)?;
    let mut listener = context.signals.listen().map_err(|cause| {
        Error::new(Kind::Unexpected, "cannot listen to signals").caused_by(cause)
    })?;
    let cluster = settings.cluster.value.clone();
    let Context { report, pace, access, .. } = context;
    report.emit(&Event::Secrets(run::secrets(&environment)));
    let dry_run = arguments.services.dry_run;
    let prepared = async {
        let aws = connect(context.aws, &access).await?;
        if dry_run {
            show(&aws, settings, report).await?;
        }
        let mut hands = Hands { aws: &aws, cluster: &cluster, pace: &pace, report: &mut *report };
        // A service that cannot be updated is found before the schema is.
        services.look(&mut hands, if dry_run { Shown::Everything } else { Shown::Nothing }).await?;
        if dry_run { Ok(None) } else { planned.prepare(aws, report).await.map(Some) }
    };
    let prepared = tokio::select! {
        biased;
        signal = listener.next() => return Err(cancelled(signal)),
        prepared = prepared => prepared?,
    };
    let Some(prepared) = prepared else {
        return Ok(0);
    };
    let words = run::words(arguments.run.command, &prepared, settings)?;
    let asked = Asked::before_a_service(words.words());
    let order = Order {
        words: words.clone(),
        asked,
        services: services.names(),
        environment: phases.before(&environment),
        process: &context.environment,
    };
    let (identity, expand) = request(settings, &prepared, order);
    let before = &Nothing;
    let gate =
        Gate { settings, prepared: &prepared, identity: &identity, pace: &pace, asked, before };
    let conclusion = gate.judge(expand, report, &mut listener).await?;
    if !conclusion.is_green() {
        let code = conclusion.exit_code;
        report.emit(&Event::Concluded(Box::new(conclusion)));
        return Ok(code);
    }
    report.emit(&Event::Migrated(Box::new(conclusion.clone())));
    let give_up = Instant::now() + services.limit();
    let hands = Hands { aws: &prepared.aws, cluster: &cluster, pace: &pace, report: &mut *report };
    let endings = services.deploy(hands, &mut listener).await;
    let (waiting, left) = (conclusion.after_deploy, conclusion.database);
    let mut released = Released {
        migration: Some(Box::new(conclusion)),
        unproved: None,
        services: endings,
        contract: if waiting == 0 { Contract::Nothing } else { Contract::Pending(waiting) },
    };
    if waiting > 0 && released.is_good() && !phases.set {
        report.emit(&Event::Note(format!("{}; what waited for it follows", released.sentence())));
        let asked = Asked::behind_a_service(words.words());
        let environment = phases.after(&environment);
        let services = services.names();
        let order = Order { words, asked, services, environment, process: &context.environment };
        let (identity, contract) = request(settings, &prepared, order);
        // Old code may come back while another run is waited for, or until ECS has room: that it is gone is
        // seen last, before each RunTask.
        let clearance = Clearance {
            aws: &prepared.aws,
            cluster: &cluster,
            pace: &pace,
            services: &released.services,
            give_up,
        };
        let before = &clearance;
        let gate =
            Gate { settings, prepared: &prepared, identity: &identity, pace: &pace, asked, before };
        let judged = gate.judge(contract, report, &mut listener).await;
        // Whatever comes of it, the migration and the services stay what they are.
        released.contract = match judged {
            Ok(conclusion) => {
                let (contract, conclusion) = Contract::judged(waiting, conclusion, left);
                report.emit(&Event::Migrated(Box::new(conclusion)));
                contract
            }
            Err(error) => Contract::not_run(waiting, error, left),
        };
    }
    let (code, _) = released.exit();
    report.emit(&Event::Released(Box::new(released)));
    Ok(code)
}

/// What the runner answers instead of doing anything, with success.
const ONLY_TELLS: [&str; 4] = ["--version", "-V", "--help", "-h"];

/// A first word that is a command of the runner says what is asked. Behind options only the runner knows,
/// and says it; but for those with which it only tells something. A program of a plain container begins
/// with its name, and has options of its own.
fn refuse_what_migrates_nothing(words: &[String]) -> Result<(), Error> {
    let command = RunnerCommand::first_of(words);
    let first = words.first().map(String::as_str).unwrap_or_default();
    let mut own = words.iter().map(String::as_str).take_while(|word| *word != "--");
    let found = match command {
        Some(command) if !command.may_migrate() => Some(command.name()),
        _ if first == "help" => Some(first),
        None if !first.starts_with('-') => None,
        Some(_) | None => own.find(|word| ONLY_TELLS.contains(word)),
    };
    let shares = |word: &&str| *word == "--phase" || word.starts_with("--phase=");
    if words.iter().map(String::as_str).take_while(|word| *word != "--").any(|word| shares(&word)) {
        return Err(Error::usage(
            "`--phase` is not for `release`, which applies each share in its time",
        )
        .hinted(format!(
            "leave it out; `--env {}=all` applies everything before the service follows",
            env::PHASE
        )));
    }
    let Some(word) = found else { return Ok(()) };
    Err(Error::usage(format!("`{word}` applies no migration, so no service may follow it")).hinted(
        format!("`ecs-migrate run -- {word}` runs it alone; `release` without it migrates"),
    ))
}

/// How the runner is told which share of the migrations it applies. A phase that somebody set with
/// `--env` counts, and nothing follows the rollout.
struct Phases {
    set: bool,
}

impl Phases {
    /// No service waits for what waits for a service.
    fn of(environment: &[(String, String)]) -> Result<Self, Error> {
        let said = environment.iter().find(|(name, _)| name == env::PHASE);
        if said.is_some_and(|(_, phase)| phase == "contract") {
            return Err(Error::usage("`release` deploys no service behind the contract phase alone").hinted(
                "leave the phase out: what waits for the rollout is applied behind it; `run` applies it without a service",
            ));
        }
        Ok(Self { set: said.is_some() })
    }

    fn before(&self, environment: &[(String, String)]) -> Vec<(String, String)> {
        self.with(environment, "expand")
    }

    fn after(&self, environment: &[(String, String)]) -> Vec<(String, String)> {
        self.with(environment, "contract")
    }

    fn with(&self, environment: &[(String, String)], phase: &str) -> Vec<(String, String)> {
        let ours = (!self.set).then(|| (env::PHASE.to_owned(), phase.to_owned()));
        environment.iter().cloned().chain(ours).collect()
    }
}

/// What the migration would do.
async fn show(aws: &Aws, settings: &RunSettings, report: &mut Report) -> Result<(), Error> {
    let wanted =
        definition::find(aws, &settings.definition, (&settings.container, settings.expect)).await?;
    wanted.warn(report);
    let found = network::find(aws, &settings.cluster.value, &settings.network).await?;
    found.say(report);
    let image = wanted.document().image(&wanted.container);
    let definition = match wanted.existing() {
        Some(existing) => existing.short_name().to_owned(),
        None => format!("a new revision of {}", wanted.document().family()),
    };
    let cluster = &settings.cluster.value;
    report.emit(&Event::Data(format!(
        "would run container {} of {definition} in cluster {cluster} with image {image}",
        wanted.container
    )));
    if wanted.existing().is_none() {
        report.emit(&Event::Differences(wanted.changes().to_vec()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_service_follows_what_migrates_nothing() {
        for (command, refused) in [
            ("", None),
            ("deploy --lock-wait 5m", None),
            ("--lock-wait 5m", None),
            ("exec -- npm run check --version", None),
            ("psql -h db -f up.sql", None),
            ("npm run status", None),
            ("status", Some("status")),
            ("--lock-wait 5m --version", Some("--version")),
            ("--version", Some("--version")),
            ("-V", Some("-V")),
            ("help deploy", Some("help")),
            ("deploy --help", Some("--help")),
            ("exec -h -- true", Some("-h")),
        ] {
            let words: Vec<String> = words(command);
            let said = refuse_what_migrates_nothing(&words).err().map(|error| error.to_string());
            let expected = refused
                .map(|word| format!("`{word}` applies no migration, so no service may follow it"));
            assert_eq!(said, expected, "{command}");
        }
    }

    #[test]
    fn a_release_chooses_the_share_itself() {
        for command in ["--phase all", "deploy --phase=contract", "start --phase expand -- app"] {
            let said = refuse_what_migrates_nothing(&words(command)).unwrap_err().to_string();
            assert!(said.starts_with("`--phase` is not for `release`"), "{command}: {said}");
        }
        assert!(refuse_what_migrates_nothing(&words("exec -- tool --phase all")).is_ok());
    }

    fn words(command: &str) -> Vec<String> {
        command.split_whitespace().map(str::to_owned).collect()
    }
}
