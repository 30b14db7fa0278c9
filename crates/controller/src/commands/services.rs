//! Owns the way of services to their definitions, for `release` and `deploy-service`.

use super::definition::{self, Wanted};
use super::run::refuse_bootstrap;
use super::service_file::ServiceFile;
use crate::aws::{Aws, NewDeployment};
use crate::cli;
use crate::error::{Error, Kind};
use crate::report::{Event, Report};
use crate::service::{Ending, Fleet, Job, Order, Outcome, ServiceSnapshot, Step, Way, step};
use crate::settings::{Flags, Key, ServiceSettings, ServiceWish};
use crate::signal::Listener;
use crate::task::Pace;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// Which services, and with what.
#[derive(Debug, Args)]
pub(super) struct ServiceArguments {
    /// Service to deploy; may be repeated
    #[arg(long, value_name = "NAME", help_heading = "Services")]
    service: Vec<String>,
    /// Image for the services, or NAME=URI for one of them; may be repeated
    #[arg(long, value_name = "URI", help_heading = "Services")]
    service_image: Vec<String>,
    /// Begin a deployment although the definition stays the same
    #[arg(long, help_heading = "Services")]
    force_new_deployment: bool,
    /// One service after the other; the first failure ends it
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Services")]
    in_order: Option<String>,
    /// How long a rollout is followed; ECS goes on after that [default: 30m]
    #[arg(long, value_name = "DURATION", help_heading = "Services")]
    rollout_timeout: Option<String>,
    /// Create the service from this input of `CreateService` while it does not exist
    #[arg(long, value_name = "FILE", help_heading = "Services")]
    create_from: Option<String>,
    /// Show everything that would happen, and change nothing
    #[arg(long, help_heading = "Services")]
    pub(super) dry_run: bool,
}

impl ServiceArguments {
    pub(super) fn flags(&self) -> Flags {
        let joined = |values: &[String]| (!values.is_empty()).then(|| values.join(","));
        cli::flags([
            (Key::Service, &joined(&self.service)),
            (Key::ServiceImage, &joined(&self.service_image)),
            (Key::InOrder, &self.in_order),
            (Key::RolloutTimeout, &self.rollout_timeout),
        ])
    }

    /// What is wrong before AWS is asked is said here.
    pub(super) fn resolve(
        &self,
        settings: ServiceSettings,
        docker: PathBuf,
    ) -> Result<Services, Error> {
        let wish =
            if self.force_new_deployment { NewDeployment::Forced } else { NewDeployment::IfNeeded };
        for service in &settings.services {
            if let Some(image) = &service.image {
                refuse_bootstrap(&image.value, &image.origin.to_string())?;
            }
            let nothing = service.image.is_none() && service.template.is_none();
            if nothing && wish == NewDeployment::IfNeeded && self.create_from.is_none() {
                return Err(Error::usage(format!("nothing is to be deployed to {}", service.name))
                    .hinted("set --service-image URI, `definition` in [service.NAME], or --force-new-deployment"));
            }
        }
        let file = self.create_from.as_deref().map(ServiceFile::read).transpose()?;
        if let Some(file) = &file
            && !settings.services.iter().any(|service| service.name == file.name())
        {
            return Err(Error::usage(format!(
                "{} creates service {}, which is not deployed",
                file.path,
                file.name()
            )));
        }
        Ok(Services { settings, wish, file, docker })
    }
}

/// Services and what they shall get.
pub(super) struct Services {
    settings: ServiceSettings,
    wish: NewDeployment,
    file: Option<ServiceFile>,
    /// Where `docker login` left what opens other registries.
    docker: PathBuf,
}

/// How AWS is used.
pub(super) struct Hands<'a> {
    pub(super) aws: &'a Aws,
    pub(super) cluster: &'a str,
    pub(super) pace: &'a Pace,
    pub(super) report: &'a mut Report,
}

/// A service that was looked at.
struct Found {
    before: ServiceSnapshot,
    wanted: Wanted,
    created: bool,
}

impl Services {
    /// Their names.
    pub(super) fn names(&self) -> Vec<String> {
        self.settings.services.iter().map(|service| service.name.clone()).collect()
    }

    /// How long rollouts are followed, and what has to be over before anything follows them.
    pub(super) fn limit(&self) -> Duration {
        self.settings.limit.value
    }

    /// Finds what stands in the way of an update, before anything is changed. With `shown` it also
    /// says what would happen.
    pub(super) async fn look(&self, hands: &mut Hands<'_>, shown: Shown) -> Result<(), Error> {
        for service in &self.settings.services {
            let found = self.find((hands.aws, hands.cluster), service).await?;
            if shown == Shown::Nothing {
                continue;
            }
            found.wanted.doubt(hands.report);
            let name = &service.name;
            let line = match (found.wanted.existing(), found.created) {
                (Some(existing), true) => {
                    format!("would create service {name} with {}", existing.short_name())
                }
                (None, true) => format!("would register a revision and create service {name}"),
                (None, false) => {
                    let from = short(&found.before.definition);
                    format!(
                        "would register a revision and update service {name}, which is on {from}"
                    )
                }
                (Some(existing), false) => {
                    let definition = existing.short_name();
                    match self.step(&found.before, (&existing.arn, &found.wanted)) {
                        Step::AlreadyThere => format!("service {name} is on {definition} already"),
                        Step::Follow => {
                            format!("would follow the rollout of {definition} on service {name}")
                        }
                        Step::Update(NewDeployment::Forced) => {
                            format!(
                                "would begin a new deployment of {definition} on service {name}"
                            )
                        }
                        Step::Update(NewDeployment::IfNeeded) => {
                            let from = short(&found.before.definition);
                            format!("would update service {name} from {from} to {definition}")
                        }
                    }
                }
            };
            hands.report.emit(&Event::Data(line));
            if found.wanted.existing().is_none() {
                hands.report.emit(&Event::Differences(found.wanted.changes().to_vec()));
            }
        }
        Ok(())
    }

    /// Deploys. Whatever happens to a service is its ending; others are not touched by it.
    pub(super) async fn deploy(
        &self,
        mut hands: Hands<'_>,
        listener: &mut Listener,
    ) -> Vec<Ending> {
        let mut endings = Vec::new();
        let mut jobs = Vec::new();
        let in_order = self.settings.order == Order::InOrder;
        let mut over = None;
        for service in &self.settings.services {
            if let Some(why) = over {
                endings.push(not_begun(service, why));
                continue;
            }
            let prepared = tokio::select! {
                biased;
                signal = listener.next() => {
                    hands.report.emit(&Event::Note(format!("{}: nothing more is begun", signal.name())));
                    over = Some("cancelled before its turn");
                    endings.push(not_begun(service, "cancelled before its turn"));
                    continue;
                }
                prepared = self.prepare(&mut hands, service) => prepared,
            };
            match prepared {
                Ok(job) if in_order => {
                    let mut fleet = Fleet { report: &mut *hands.report, listener: &mut *listener };
                    endings.extend(fleet.follow(vec![job]).await);
                }
                Ok(job) => jobs.push(job),
                Err(error) => endings.push(refused(service, &error)),
            }
            if in_order && endings.last().is_some_and(|ending| !ending.is_good()) {
                over = Some("the service before it is not where it shall be");
            }
        }
        if over.is_some() {
            let services = jobs.iter().filter_map(|job: &Job| {
                self.settings.services.iter().find(|service| service.name == job.service)
            });
            endings.extend(services.map(|service| not_begun(service, "cancelled before its turn")));
        } else if !jobs.is_empty() {
            let mut fleet = Fleet { report: &mut *hands.report, listener };
            endings.extend(fleet.follow(jobs).await);
        }
        let place =
            |name: &str| self.settings.services.iter().position(|service| service.name == name);
        endings.sort_by_key(|ending| place(&ending.service));
        endings
    }

    /// What is there is looked at again: a migration may have taken hours.
    async fn prepare(&self, hands: &mut Hands<'_>, service: &ServiceWish) -> Result<Job, Error> {
        let Found { before, wanted, created } =
            self.find((hands.aws, hands.cluster), service).await?;
        wanted.doubt(hands.report);
        let existing = wanted.existing().map(|existing| existing.arn.clone());
        let known = existing.map(|arn| self.step(&before, (&arn, &wanted)));
        let target = wanted.registered(hands.aws, hands.report).await?;
        let way = match &self.file {
            Some(file) if created => Way::Create(file.body(hands.cluster, &target.arn)),
            Some(_) | None => {
                Way::Step(known.unwrap_or_else(|| step(&before, &target.arn, self.wish)))
            }
        };
        Ok(Job {
            aws: hands.aws.clone(),
            pace: hands.pace.clone(),
            cluster: hands.cluster.to_owned(),
            service: service.name.clone(),
            target,
            way,
            before,
            limit: self.settings.limit.clone(),
        })
    }

    /// As `step`; but a service that stands on a tag that nobody resolved may stand on what the tag was,
    /// and is rolled out anew.
    fn step(&self, before: &ServiceSnapshot, (arn, wanted): (&str, &Wanted)) -> Step {
        let step = step(before, arn, self.wish);
        if step == Step::AlreadyThere && wanted.may_have_moved() {
            return Step::Update(NewDeployment::Forced);
        }
        step
    }

    async fn find(
        &self,
        (aws, cluster): (&Aws, &str),
        service: &ServiceWish,
    ) -> Result<Found, Error> {
        let name = &service.name;
        let found = aws.service_now(cluster, name).await?;
        // One that was deleted is described for a while.
        let found = found.filter(|found| found.status != "INACTIVE");
        let file = self.file.as_ref().filter(|file| file.name() == *name);
        let refuse = |message: String| Error::new(Kind::AwsRefused, message);
        match (found, file) {
            (Some(found), _) if !found.is_active() => {
                Err(refuse(format!("service {name} of cluster {cluster} is being deleted"))
                    .hinted("wait until it is gone, then create it again"))
            }
            (Some(found), _) if found.controller != "ECS" => Err(refuse(format!(
                "the deployments of service {name} are made by {}, not by ECS",
                found.controller
            ))
            .hinted("run the migration with `ecs-migrate run`, and deploy with that tool after it")),
            (Some(found), _) => {
                let current = found.primary().map_or(&found.definition, |p| &p.definition);
                let wanted = definition::find_for_service((aws, &self.docker), current, service).await?;
                Ok(Found { wanted, before: found, created: false })
            }
            (None, Some(file)) => {
                let wanted =
                    definition::find_for_service((aws, &self.docker), file.definition(), service).await?;
                Ok(Found { wanted, before: ServiceSnapshot::default(), created: true })
            }
            (None, None) => {
                Err(refuse(format!("service {name} does not exist yet in cluster {cluster}"))
                    .hinted("check name, cluster and Region; --create-from FILE creates it from an input of CreateService"))
            }
        }
    }
}

/// What a look says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Nothing,
    Everything,
}

fn short(arn: &str) -> &str {
    arn.rsplit_once('/').map_or(arn, |(_, name)| name)
}

fn not_begun(service: &ServiceWish, why: &str) -> Ending {
    let hint =
        "mend what stopped the release, then run it again: what is migrated is not migrated twice";
    ending(service, Outcome::NotBegun, (format!("not updated: {why}"), Some(hint.to_owned())))
}

fn refused(service: &ServiceWish, error: &Error) -> Ending {
    let hint = error.hint().map(str::to_owned);
    ending(service, Outcome::Refused, (format!("not updated: {error}"), hint))
}

fn ending(
    service: &ServiceWish,
    outcome: Outcome,
    (sentence, fix): (String, Option<String>),
) -> Ending {
    Ending {
        service: service.name.clone(),
        outcome,
        definition: String::new(),
        stands_on: String::new(),
        sentence,
        cause: None,
        fix,
        evidence: Vec::new(),
        last_lines: Vec::new(),
        look: None,
        duration: Duration::ZERO,
    }
}
