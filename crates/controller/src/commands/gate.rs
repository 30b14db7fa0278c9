//! Owns the gate's way to a verdict: launch, follow, and once more where that is right.

use super::order::expected;
use super::run::Prepared;
use crate::error::Error;
use crate::report::{Arrival, Event, Report};
use crate::settings::RunSettings;
use crate::signal::Listener;
use crate::task::{
    Again, Asked, Beginning, Conclusion, Launched, Launcher, Origin, Others, OwnRun, Pace, Plan,
    Precondition, RunIdentity, RunRequest, StartLimit, Tools, follow,
};
use crate::task_definition::log_sources;
use tokio::time::Instant;

/// One run, over all attempts to get a verdict.
pub(super) struct Gate<'a> {
    pub(super) settings: &'a RunSettings,
    pub(super) prepared: &'a Prepared,
    pub(super) identity: &'a RunIdentity,
    pub(super) pace: &'a Pace,
    /// What the task is to do.
    pub(super) asked: Asked,
    /// What has to hold whenever it is asked for.
    pub(super) before: &'a dyn Precondition,
}

impl Gate<'_> {
    /// Launches and follows until there is a verdict; the answer is the exit code.
    pub(super) async fn pass(
        &self,
        request: RunRequest,
        report: &mut Report,
        listener: &mut Listener,
    ) -> Result<u8, Error> {
        let conclusion = self.judge(request, report, listener).await?;
        let code = conclusion.exit_code;
        report.emit(&Event::Concluded(Box::new(conclusion)));
        Ok(code)
    }

    /// The same, and the verdict is still to be shown.
    pub(super) async fn judge(
        &self,
        request: RunRequest,
        report: &mut Report,
        listener: &mut Listener,
    ) -> Result<Conclusion, Error> {
        self.let_others_pass(report, listener).await?;
        self.follow(request, report, listener).await
    }

    /// Returns when nobody else's run is in the way.
    pub(super) async fn let_others_pass(
        &self,
        report: &mut Report,
        listener: &mut Listener,
    ) -> Result<(), Error> {
        let own = OwnRun {
            family: self.prepared.definition.family(),
            started_by: &self.identity.started_by,
        };
        let mut others = Others { aws: &self.prepared.aws, report, listener, pace: self.pace };
        others.let_pass(own, self.settings).await
    }

    /// Launches and follows until there is a verdict, whoever else runs.
    pub(super) async fn follow(
        &self,
        mut request: RunRequest,
        report: &mut Report,
        listener: &mut Listener,
    ) -> Result<Conclusion, Error> {
        let mut give_up = Instant::now() + self.settings.capacity_timeout;
        let mut attempt = 1;
        let mut relaunches = 0;
        loop {
            let mut launcher = Launcher {
                aws: &self.prepared.aws,
                report: &mut *report,
                listener: &mut *listener,
                pace: self.pace,
                give_up,
                before: self.before,
            };
            let launched = launcher.launch(&mut request, self.identity, &mut attempt).await?;
            give_up = launcher.give_up;
            let plan = self.plan(&launched, give_up);
            report.emit(&Event::Launched {
                task: plan.task.clone(),
                cluster: plan.cluster.clone(),
                definition: plan.definition.clone(),
                container: plan.container.clone(),
                arrival: match launched.origin {
                    Origin::Started => Arrival::Started,
                    Origin::Found => Arrival::Found,
                },
            });
            let tools = Tools {
                aws: &self.prepared.aws,
                report: &mut *report,
                listener: &mut *listener,
                pace: self.pace,
            };
            let conclusion = follow(&plan, tools).await;
            let in_time = (Instant::now() < give_up).then_some(relaunches);
            if Again::after(&conclusion, in_time) == Again::No {
                return Ok(conclusion);
            }
            relaunches += 1;
            attempt += 1;
            report.emit(&Event::Warning {
                text: format!(
                    "{} ({}), a new task is started",
                    conclusion.sentence,
                    conclusion.cause.as_deref().unwrap_or("a passing reason")
                ),
                hint: None,
            });
        }
    }

    fn plan(&self, launched: &Launched, by: Instant) -> Plan {
        let document = &self.prepared.definition.document;
        let container = &self.prepared.container;
        Plan {
            cluster: self.settings.cluster.value.clone(),
            region: self.prepared.aws.region().to_owned(),
            task: launched.task.clone(),
            definition: self.prepared.definition.short_name().to_owned(),
            container: container.clone(),
            run: Some(self.identity.run.clone()),
            logs: log_sources(document, self.prepared.aws.region()),
            expect: expected(self.settings.expect, (document, container)),
            asked: self.asked,
            on_cancel: self.settings.on_cancel,
            timeout: self.settings.timeout.clone(),
            start: StartLimit::By { by, limit: self.settings.capacity_timeout },
            stop_timeout: document.stop_timeout(container),
            security_groups: self.prepared.network.security_groups.clone(),
            origin: launched.origin,
            beginning: launched.signal.map_or(Beginning::Watching, Beginning::Signalled),
        }
    }
}
