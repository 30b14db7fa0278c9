//! Owns one service's way: update it or find it under way, and look until it is judged.

use super::ending::{Ending, Outcome};
use super::failing::failing_task;
use super::rollout::Rollout;
use super::snapshot::ServiceSnapshot;
use super::update::Step;
use super::verdict::{Intent, Verdict};
use crate::aws::{Aws, AwsError, Class, NewDeployment};
use crate::settings::Setting;
use crate::task::{Pace, Strain, Streak};
use crate::task_definition::Registered;
use serde_json::Value;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// How long UpdateService is tried while it fails for a passing reason.
const UPDATE_PATIENCE: Duration = Duration::from_mins(3);

/// The fix where only the bake time is not over.
const BAKES: &str = "the new tasks serve already; to wait for the end, give --rollout-timeout more than the bake time";

/// After this the next look is worth a line again: nobody waits a minute without one.
const SILENCE: Duration = Duration::from_secs(45);

/// One service and what to do with it.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) aws: Aws,
    pub(crate) pace: Pace,
    pub(crate) cluster: String,
    pub(crate) service: String,
    pub(crate) target: Registered,
    pub(crate) way: Way,
    /// As it was before.
    pub(crate) before: ServiceSnapshot,
    pub(crate) limit: Setting<Duration>,
}

/// How it begins.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    Step(Step),
    /// With CreateService's input.
    Create(Value),
}

/// What a session has to say.
#[derive(Debug)]
pub(super) enum News {
    Line(String),
    Warning { text: String, hint: Option<String> },
}

/// Where news go, and whether somebody left.
pub(super) struct Wires {
    pub(super) news: mpsc::UnboundedSender<(String, News)>,
    pub(super) left: watch::Receiver<bool>,
}

struct Session<'a> {
    job: &'a Job,
    wires: Wires,
    began: Instant,
    rollout: Rollout,
    explained: i32,
    /// When something was said last.
    said: Instant,
}

/// From the update to the verdict.
pub(super) async fn roll_out(job: Job, wires: Wires) -> Ending {
    let began = Instant::now();
    let rollout = Rollout::new(&job.target.arn, &job.before, began);
    let mut session = Session { job: &job, wires, began, rollout, explained: 0, said: began };
    match session.begin().await {
        Ok(Some(outcome)) => session.ending(outcome, None),
        Ok(None) => session.follow().await,
        Err(error) => session.ending(Outcome::Refused, Some(error)),
    }
}

impl Session<'_> {
    fn say(&mut self, news: News) {
        self.said = Instant::now();
        let _nobody_listens = self.wires.news.send((self.job.service.clone(), news));
    }

    /// An outcome, where there is nothing to follow.
    async fn begin(&mut self) -> Result<Option<Outcome>, AwsError> {
        let name = self.job.target.short_name().to_owned();
        match &self.job.way {
            Way::Step(Step::AlreadyThere) => return Ok(Some(Outcome::AlreadyThere)),
            _ if *self.wires.left.borrow() => return Ok(Some(Outcome::NotBegun)),
            Way::Step(Step::Follow) => {
                self.rollout.adopt(&self.job.before, self.began);
                self.say(News::Line(format!("a rollout of {name} is under way, following")));
            }
            Way::Step(Step::Update(deployment)) => {
                let answer = self.update(*deployment).await?;
                self.rollout.adopt(&answer, Instant::now());
                self.say(News::Line(format!("the rollout of {name} began")));
            }
            Way::Create(body) => {
                let answer = self.job.aws.create_service(body).await?;
                self.rollout.adopt(&answer, Instant::now());
                self.say(News::Line(format!("created with {name}")));
            }
        }
        Ok(None)
    }

    /// UpdateService until it is answered. After a lost answer ECS is asked what became of it.
    async fn update(&mut self, deployment: NewDeployment) -> Result<ServiceSnapshot, AwsError> {
        let Job { aws, cluster, service, target, before, .. } = self.job;
        let give_up = Instant::now() + UPDATE_PATIENCE;
        let mut pause = Duration::from_secs(1);
        let mut streak = Streak::default();
        loop {
            let place = (cluster.as_str(), service.as_str());
            let error = match aws.update_service(place, &target.arn, deployment).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let wait = self.job.pace.jittered(pause);
            if !error.is_transient() || Instant::now() + wait >= give_up {
                return Err(error);
            }
            if streak.failed(true) {
                let text = format!("not updated yet, it is tried again: {error}");
                self.say(News::Warning { text, hint: None });
            }
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(Duration::from_secs(15));
            let lost = matches!(error.class, Class::NoAnswer | Class::ServerFault);
            if lost && let Ok(Some(now)) = aws.look_at_service(cluster, service).await {
                let known = before.primary().map(|primary| primary.id.as_str());
                let begun = now.primary().is_some_and(|primary| {
                    primary.definition == target.arn && Some(primary.id.as_str()) != known
                });
                if begun {
                    return Ok(now);
                }
            }
        }
    }

    async fn follow(mut self) -> Ending {
        let mut strain = Strain::default();
        let mut streak = Streak::default();
        let deadline = self.began + self.job.limit.value;
        loop {
            let looked = self.look().await;
            match &looked {
                Ok(()) => {
                    strain.answered();
                    if streak.answered() {
                        self.say(News::Line("ECS answers again".to_owned()));
                    }
                }
                Err(error) => {
                    if error.class == Class::Throttled {
                        strain.throttled();
                    }
                    if !error.is_transient() {
                        return self.ending(Outcome::WatchLost, Some(error.clone()));
                    }
                    if streak.failed(true) {
                        let text = format!("ECS does not say how the rollout is: {error}");
                        self.say(News::Warning { text, hint: None });
                    }
                }
            }
            let now = Instant::now();
            let intent = if *self.wires.left.borrow() {
                Intent::Leave
            } else if now >= deadline {
                Intent::TimeIsOver
            } else {
                Intent::Wait
            };
            let outcome = match self.rollout.verdict(intent, now) {
                Verdict::Waiting(_) => None,
                Verdict::Deployed(ground) => Some(Outcome::Deployed(ground)),
                Verdict::Failed(failure) => Some(Outcome::Failed(failure)),
                Verdict::Left => Some(Outcome::Left),
                Verdict::TimeIsOver => Some(Outcome::TimeIsOver),
            };
            if let Some(outcome) = outcome {
                let failed = matches!(outcome, Outcome::Failed(_) | Outcome::TimeIsOver);
                let task = if failed { self.failing().await } else { None };
                if let Outcome::Deployed(_) = outcome
                    && self.rollout.service().desired == 0
                {
                    self.say(News::Warning {
                        text: "0 of 0 tasks: nothing of the new code has run, so nothing shows that it starts".to_owned(),
                        hint: Some("the desired count of the service is 0".to_owned()),
                    });
                }
                return self.ending(outcome, None).explained(task);
            }
            if self.rollout.failed() > self.explained {
                self.explain().await;
            }
            if now.duration_since(self.said) >= SILENCE {
                self.say(News::Line(self.rollout.standing()));
            }
            let planned = self.job.pace.watch(now.duration_since(self.began), None);
            let wake = (now + self.job.pace.jittered(strain.on(planned))).min(deadline.max(now));
            tokio::select! {
                () = tokio::time::sleep_until(wake.max(now + Duration::from_millis(100))) => {}
                _left = self.wires.left.wait_for(|left| *left) => {}
            }
        }
    }

    /// Both views, the newer one first: so a good end is never judged by an older look.
    async fn look(&mut self) -> Result<(), AwsError> {
        if self.rollout.readable {
            match self.hear().await {
                Ok(()) => {}
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => {
                    self.rollout.readable = false;
                    self.rollout.told = None;
                    self.say(News::Warning {
                        text: format!(
                            "service deployments cannot be read, so `deployments` of DescribeServices decides alone: {error}"
                        ),
                        hint: error.hint(),
                    });
                }
            }
        }
        let Job { aws, cluster, service, .. } = self.job;
        let now = Instant::now();
        if let Some(found) = aws.look_at_service(cluster, service).await? {
            for line in self.rollout.see(found, now) {
                self.say(News::Line(line));
            }
        }
        if self.rollout.is_overdue(now) {
            self.rollout.readable = false;
            let text = "the service deployment does not show, so `deployments` of DescribeServices decides alone";
            self.say(News::Warning { text: text.to_owned(), hint: None });
        }
        Ok(())
    }

    /// Finds ours among the service deployments by its definition and its time, then looks at it.
    async fn hear(&mut self) -> Result<(), AwsError> {
        let Job { aws, cluster, service, target, .. } = self.job;
        let arns = match &self.rollout.told {
            Some(told) => vec![told.arn.clone()],
            None => {
                let since = self.rollout.ours.created_at - 5_000;
                aws.service_deployments_since((cluster, service), since).await?
            }
        };
        if arns.is_empty() {
            return Ok(());
        }
        let found = aws.describe_service_deployments(&arns).await?;
        let ours = match &self.rollout.told {
            Some(told) => found.into_iter().find(|deployment| deployment.arn == told.arn),
            None => {
                let revisions: Vec<String> =
                    found.iter().map(|deployment| deployment.revision.clone()).collect();
                let definitions = aws.definitions_of_revisions(&revisions).await?;
                let is_ours = |revision: &str| {
                    definitions.iter().any(|(arn, of)| arn == revision && *of == target.arn)
                };
                // A deployment that was begun once more has the same definition: the newest counts.
                let candidates =
                    found.into_iter().filter(|deployment| is_ours(&deployment.revision));
                candidates.max_by_key(|deployment| deployment.created_at)
            }
        };
        if let Some(ours) = ours {
            for line in self.rollout.hear(ours, Instant::now()) {
                self.say(News::Line(line));
            }
        }
        Ok(())
    }

    async fn failing(&mut self) -> Option<super::failing::FailingTask> {
        let Job { aws, cluster, target, .. } = self.job;
        let place = (cluster.as_str(), self.rollout.ours.id.as_str());
        let mut left = self.wires.left.clone();
        let found = tokio::select! {
            biased;
            _left = left.wait_for(|left| *left) => return None,
            found = failing_task(aws, place, &target.document) => found,
        };
        match found {
            Ok(task) => task,
            Err(error) => {
                let text = format!("why its tasks end is not known: {error}");
                self.say(News::Warning { text, hint: error.lasting_hint() });
                None
            }
        }
    }

    /// Tells of the first task that failed, and of none after it until the end.
    async fn explain(&mut self) {
        let first = self.explained == 0;
        self.explained = i32::MAX;
        if !first {
            return;
        }
        let Some(task) = self.failing().await else {
            return;
        };
        let reasons: Vec<String> =
            task.evidence.iter().map(|(name, text)| format!("{name}: {text}")).collect();
        let text = format!("task {} failed: {}", task.id, reasons[1..].join(", "));
        self.say(News::Warning { text, hint: task.cause });
        for line in task.last_lines {
            self.say(News::Line(format!("  {line}")));
        }
    }

    fn ending(&self, outcome: Outcome, error: Option<AwsError>) -> Ending {
        let Job { aws, cluster, service, target, .. } = self.job;
        let short = |arn: &str| arn.rsplit_once('/').map_or(arn, |(_, name)| name).to_owned();
        let stands_on = self.rollout.service().primary().map(|primary| short(&primary.definition));
        let stands_on = stands_on.unwrap_or_default();
        let duration = self.began.elapsed();
        let mut evidence = Vec::new();
        if let Outcome::Failed(_) | Outcome::TimeIsOver = outcome {
            if let Some(told) = &self.rollout.told {
                // Why it went back, and what became of going back, are two things.
                for (name, text) in
                    [("rollback", &told.rollback), ("service deployment", &told.reason)]
                {
                    if !text.is_empty() && evidence.iter().all(|(_, known)| known != text) {
                        evidence.push((name.to_owned(), text.clone()));
                    }
                }
                if let Some((failures, threshold)) = told.failures {
                    let text = format!("{failures} failed tasks, the threshold is {threshold}");
                    evidence.push(("circuit breaker".to_owned(), text));
                }
                if !told.alarms.is_empty() {
                    evidence.push(("alarms".to_owned(), told.alarms.join(", ")));
                }
            }
            if let Some(own) = self.rollout.service().deployment(&self.rollout.ours.id)
                && !own.reason.is_empty()
            {
                evidence.push(("deployment".to_owned(), own.reason.clone()));
            }
        }
        if let Outcome::TimeIsOver | Outcome::Left = outcome {
            evidence.extend(self.rollout.waits_for());
        }
        let bakes = outcome == Outcome::TimeIsOver && self.rollout.bakes();
        let fix = if bakes { Some(BAKES) } else { outcome.fix() };
        let quiet = matches!(
            outcome,
            Outcome::Deployed(_) | Outcome::AlreadyThere | Outcome::Refused | Outcome::NotBegun
        );
        Ending {
            service: service.clone(),
            outcome,
            definition: target.short_name().to_owned(),
            sentence: outcome.sentence(target.short_name(), &stands_on, duration),
            stands_on,
            cause: error.as_ref().map(ToString::to_string),
            fix: error.and_then(|error| error.hint()).or_else(|| fix.map(str::to_owned)),
            evidence,
            last_lines: Vec::new(),
            look: (!quiet).then(|| {
                format!("aws ecs describe-services --cluster {cluster} --services {service} --region {}", aws.region())
            }),
            duration,
        }
    }
}
