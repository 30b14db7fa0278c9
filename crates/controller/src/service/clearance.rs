//! Owns waiting until only new code runs: what old code would not survive begins after that.

use super::ending::Ending;
use super::old_code::{OldCode, Sight, listed, old_code};
use crate::aws::{Aws, AwsError};
use crate::error::{Error, Kind};
use crate::report::Event;
use crate::task::{
    Bystander, DatabaseMeaning, Held, Pace, Precondition, Streak, TaskSnapshot, cancelled,
};
use crate::words;
use std::time::Duration;
use tokio::time::Instant;

/// After this the next look is worth a line again: nobody waits a minute without one.
const SILENCE: Duration = Duration::from_secs(45);

/// How often ECS says of a service that it knows none, before that is believed.
const MISSING: u32 = 2;

/// Looks for old code.
pub(crate) struct Clearance<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) cluster: &'a str,
    pub(crate) pace: &'a Pace,
    /// The services, and what they were brought to.
    pub(crate) services: &'a [Ending],
    /// When waiting ends.
    pub(crate) give_up: Instant,
}

impl Precondition for Clearance<'_> {
    /// Waits until all services run what they were brought to, and nothing else. Whatever ends the
    /// waiting before that is why nothing may follow.
    fn hold<'a>(&'a self, watch: &'a mut Bystander<'_>) -> Held<'a> {
        Box::pin(async move {
            let began = Instant::now();
            for service in self.services {
                self.wait_for(service, began, watch).await?;
            }
            // The first may have been changed while the last was waited for.
            for service in self.services.iter().rev().skip(1) {
                self.wait_for(service, began, watch).await?;
            }
            Ok(())
        })
    }
}

impl Clearance<'_> {
    async fn wait_for(
        &self,
        ending: &Ending,
        began: Instant,
        watch: &mut Bystander<'_>,
    ) -> Result<(), Error> {
        let service = &ending.service;
        let mut missing = 0;
        let mut said: Option<(String, Instant)> = None;
        let mut streak = Streak::default();
        loop {
            let looked = tokio::select! {
                biased;
                signal = watch.listener.next() => return Err(cancelled(signal)),
                looked = look(self.aws, self.cluster, ending) => looked,
            };
            let now = Instant::now();
            let (still, worth) = match looked {
                Ok(OldCode::NoService) if missing + 1 < MISSING => {
                    missing += 1;
                    let text =
                        "whether old code still runs is not known: ECS knows no such service";
                    (text.to_owned(), true)
                }
                Ok(OldCode::Gone | OldCode::NoService) => {
                    if said.is_some() {
                        let text = "no old code runs any more".to_owned();
                        watch.report.emit(&Event::Service { service: service.clone(), text });
                    }
                    return Ok(());
                }
                Ok(OldCode::StandsOn(definition)) => {
                    let message = format!("service {service} stands on {definition} by now");
                    return Err(Error::new(Kind::ServiceFailed, message)
                        .database(DatabaseMeaning::Untouched)
                        .hinted("find out who deploys beside this pipeline, then release again"));
                }
                Ok(OldCode::Runs(remains)) => {
                    streak.answered();
                    (format!("old code still runs: {}", listed(&remains)), true)
                }
                Ok(OldCode::Unseen(tasks)) => {
                    streak.answered();
                    let tasks = words::count(tasks, "task");
                    let text = format!(
                        "whether old code still runs is not known: ECS does not show {tasks} that it lists"
                    );
                    (text, true)
                }
                Err(error) if error.is_transient() => {
                    let text = format!("whether old code still runs is not known: {error}");
                    (text, streak.failed(true))
                }
                Err(error) => {
                    let hint = error.hint();
                    let message =
                        format!("whether old code of {service} still runs is not known: {error}");
                    let error =
                        Error::new(Kind::AwsRefused, message).database(DatabaseMeaning::Untouched);
                    return Err(match hint {
                        Some(hint) => error.hinted(hint),
                        None => error,
                    });
                }
            };
            if now >= self.give_up {
                return Err(Error::new(Kind::Detached, format!("service {service}: {still}"))
                    .database(DatabaseMeaning::Untouched)
                    .hinted("release again when it is gone: what is done is not done again; --rollout-timeout waits longer"));
            }
            let changed = said.as_ref().is_none_or(|(text, _)| *text != still);
            let since = said.as_ref().map_or(began, |(_, at)| *at);
            if (changed && worth) || now.duration_since(since) >= SILENCE {
                let text = format!("{still}; what it would not survive waits");
                watch.report.emit(&Event::Service { service: service.clone(), text });
                said = Some((still, now));
            }
            let pause = self.pace.jittered(self.pace.watch(now.duration_since(began), None));
            tokio::select! {
                biased;
                signal = watch.listener.next() => return Err(cancelled(signal)),
                () = tokio::time::sleep_until((now + pause).min(self.give_up)) => {}
            }
        }
    }
}

/// The service is asked last: a task that it begins meanwhile is seen there.
async fn look(aws: &Aws, cluster: &str, ending: &Ending) -> Result<OldCode, AwsError> {
    let names = aws.tasks_of_service(cluster, &ending.service).await?;
    let mut tasks: Vec<TaskSnapshot> = Vec::new();
    for some in names.chunks(100) {
        tasks.extend(aws.describe_tasks(cluster, some).await?);
    }
    let service = aws.look_at_service(cluster, &ending.service).await?;
    let busy = service.iter().flat_map(|service| &service.revisions);
    let busy: Vec<String> =
        busy.filter(|revision| revision.tasks > 0).map(|revision| revision.arn.clone()).collect();
    // They only add to what the tasks say.
    let definitions = match busy.as_slice() {
        [] => Vec::new(),
        busy => match aws.definitions_of_revisions(&busy[..busy.len().min(20)]).await {
            Err(error) if error.is_transient() => return Err(error),
            definitions => definitions.unwrap_or_default(),
        },
    };
    let unseen = names.len().saturating_sub(tasks.len());
    let sight =
        Sight { service: service.as_ref(), tasks: &tasks, unseen, definitions: &definitions };
    Ok(old_code(&ending.definition, sight))
}
