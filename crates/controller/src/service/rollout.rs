//! Owns what a rollout has shown so far: which deployment is ours, what is new, what was said
//! already. PURE: time is given.

use super::snapshot::{Hold, Rollout as State, ServiceDeployment, ServiceSnapshot};
use super::verdict::{Case, Intent, Ours, SPREAD, Told, Verdict, judge};
use std::collections::BTreeSet;
use tokio::time::Instant;

/// A service's way to a definition.
#[derive(Debug)]
pub(super) struct Rollout {
    definition: String,
    pub(super) ours: Ours,
    service: ServiceSnapshot,
    pub(super) told: Option<ServiceDeployment>,
    /// Whether the newer view can be read at all.
    pub(super) readable: bool,
    began: Instant,
    /// When ours became ours.
    adopted: Instant,
    over: Option<Instant>,
    complaint: bool,
    known: BTreeSet<String>,
    line: String,
    stage: String,
}

impl Rollout {
    /// Begins with the answer that showed the deployment; `before` is what was there until then.
    pub(super) fn new(definition: &str, before: &ServiceSnapshot, now: Instant) -> Self {
        Self {
            definition: definition.to_owned(),
            ours: Ours { id: String::new(), created_at: 0, seen: false },
            service: before.clone(),
            told: None,
            readable: true,
            began: now,
            adopted: now,
            over: None,
            complaint: false,
            known: before.events.iter().map(|event| event.id.clone()).collect(),
            line: String::new(),
            stage: String::new(),
        }
    }

    /// Takes what is PRIMARY for ours; events before it are none of ours.
    pub(super) fn adopt(&mut self, service: &ServiceSnapshot, now: Instant) {
        if let Some(primary) = service.primary() {
            let (id, created_at) = (primary.id.clone(), primary.created_at);
            if id != self.ours.id {
                self.told = None;
                self.adopted = now;
            }
            self.ours = Ours { id, created_at, seen: self.ours.seen };
        }
    }

    /// Takes a read; the answer are sentences that are new.
    pub(super) fn see(&mut self, service: ServiceSnapshot, now: Instant) -> Vec<String> {
        // Somebody began the same once more: that is as good.
        if let Some(primary) = service.primary()
            && primary.definition == self.definition
            && primary.created_at > self.ours.created_at
        {
            self.adopt(&service, now);
        }
        self.ours.seen |= service.deployment(&self.ours.id).is_some();
        let mut news = Vec::new();
        for event in service.events.iter().rev() {
            if self.known.insert(event.id.clone()) && event.at >= self.ours.created_at {
                self.complaint |= event.message.contains("unable to consistently start tasks");
                news.push(event.message.clone());
            }
        }
        if let Some(own) = service.deployment(&self.ours.id) {
            let failed =
                if own.failed > 0 { format!(", {} failed", own.failed) } else { String::new() };
            let line = format!("{} of {} tasks run{failed}", own.running, own.desired);
            if line != self.line && own.primary {
                self.line.clone_from(&line);
                news.push(line);
            }
        }
        self.service = service;
        self.note_the_end(now);
        news
    }

    /// Takes a read of the newer view; the answer are sentences that are new.
    pub(super) fn hear(&mut self, told: ServiceDeployment, now: Instant) -> Vec<String> {
        let mut news = Vec::new();
        if told.stage != self.stage && !told.status.is_over() {
            self.stage.clone_from(&told.stage);
            news.extend(stage(&told));
        }
        let holds = told.holds.iter().filter(|hold| self.known.insert(hold.hook.clone()));
        news.extend(holds.map(|hold| held(&told, hold)));
        self.told = Some(told);
        self.note_the_end(now);
        news
    }

    /// How it stands, for who has heard nothing for a while.
    pub(super) fn standing(&self) -> String {
        let told = self.told.as_ref().filter(|told| !told.status.is_over());
        let mut parts = vec!["the rollout goes on".to_owned()];
        parts.extend(told.and_then(stage));
        parts.extend(told.iter().flat_map(|told| told.holds.iter().map(|hold| held(told, hold))));
        parts.extend(Some(self.line.clone()).filter(|line| !line.is_empty()));
        parts.join(", ")
    }

    /// Whether the new tasks serve alone, and only the bake time is not over.
    pub(super) fn bakes(&self) -> bool {
        self.told.as_ref().is_some_and(|told| !told.status.is_over() && told.stage == BAKE)
    }

    /// What it waits for besides its tasks: evidence, by name.
    pub(super) fn waits_for(&self) -> Vec<(String, String)> {
        let told = self.told.as_ref().filter(|told| !told.status.is_over());
        let stage = told
            .and_then(stage)
            .map(|text| ("stage".to_owned(), text.trim_start_matches("stage ").to_owned()));
        let holds = told
            .into_iter()
            .flat_map(|told| told.holds.iter().map(|hold| ("hook".to_owned(), held(told, hold))));
        stage.into_iter().chain(holds).collect()
    }

    fn note_the_end(&mut self, now: Instant) {
        let own = self.service.deployment(&self.ours.id);
        let over = self.told.as_ref().is_some_and(|told| told.status.is_over())
            || own.map_or(self.ours.seen, |own| own.rollout != State::InProgress);
        if !over {
            self.over = None;
        } else if self.over.is_none() {
            self.over = Some(now);
        }
    }

    /// How it stands.
    pub(super) fn verdict(&self, intent: Intent, now: Instant) -> Verdict {
        judge(&Case {
            definition: &self.definition,
            ours: &self.ours,
            service: &self.service,
            told: match &self.told {
                Some(told) => Told::Deployment(told),
                None if self.readable => Told::NotVisible,
                None => Told::NotReadable,
            },
            age: now.duration_since(self.began),
            over: self.over.map(|since| now.duration_since(since)).unwrap_or_default(),
            complaint: self.complaint,
            intent,
        })
    }

    /// Tasks of ours that failed so far.
    pub(super) fn failed(&self) -> i32 {
        self.service.deployment(&self.ours.id).map_or(0, |own| own.failed)
    }

    /// The last read.
    pub(super) fn service(&self) -> &ServiceSnapshot {
        &self.service
    }

    /// Whether the newer view should have appeared by now.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        self.told.is_none() && self.readable && now.duration_since(self.adopted) >= SPREAD
    }
}

/// The stage in which all production traffic has been shifted (ECS developer guide, blue/green).
const BAKE: &str = "BAKE_TIME";

/// The stage of a deployment that has stages.
fn stage(told: &ServiceDeployment) -> Option<String> {
    match told.stage.as_str() {
        "" => None,
        BAKE => Some(
            "BAKE_TIME: the new tasks serve, and ECS keeps the old ones for the bake time"
                .to_owned(),
        ),
        stage => Some(format!("stage {stage}")),
    }
}

/// ContinueServiceDeployment needs both ids (ECS API).
fn held(told: &ServiceDeployment, hold: &Hold) -> String {
    let otherwise = match hold.otherwise.as_str() {
        "" => String::new(),
        action => format!(" (when nobody does: {action})"),
    };
    format!(
        "a PAUSE hook awaits an action{otherwise}: aws ecs continue-service-deployment --service-deployment-arn {} --hook-id {} --action CONTINUE",
        told.arn, hold.hook
    )
}

#[cfg(test)]
mod tests {
    use super::super::snapshot::{DeploymentStatus, ServiceEvent};
    use super::super::verdict::tests::{deployment, service, told};
    use super::*;

    fn event(id: &str, at: i64) -> ServiceEvent {
        ServiceEvent { id: id.to_owned(), at, message: format!("event {id}") }
    }

    #[tokio::test(start_paused = true)]
    async fn events_are_told_once_and_in_order_and_older_ones_never() {
        let mut before = service(vec![deployment("1", true, State::Completed)]);
        before.events = vec![event("a", 1)];
        let now = Instant::now();
        let mut rollout = Rollout::new("new", &before, now);
        let mut after = service(vec![deployment("2", true, State::InProgress)]);
        rollout.adopt(&after, now);
        after.events = vec![event("c", 4), event("b", 3), event("late", 1), event("a", 1)];
        let news = rollout.see(after.clone(), now);
        assert_eq!(news, ["event b", "event c", "2 of 2 tasks run"]);
        assert!(rollout.see(after, now).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn stages_and_hooks_that_wait_are_told_once() {
        let now = Instant::now();
        let before = service(vec![deployment("1", true, State::Completed)]);
        let mut rollout = Rollout::new("new", &before, now);
        let mut told = told(DeploymentStatus::Going);
        assert!(rollout.hear(told.clone(), now).is_empty(), "a rolling one has no stages");
        "PRE_SCALE_UP".clone_into(&mut told.stage);
        let hook = "ecs-pause-1".to_owned();
        told.holds = vec![Hold { hook, otherwise: "ROLLBACK".to_owned() }];
        let hook = "a PAUSE hook awaits an action (when nobody does: ROLLBACK): \
            aws ecs continue-service-deployment --service-deployment-arn arn --hook-id ecs-pause-1 --action CONTINUE";
        assert_eq!(rollout.hear(told.clone(), now), ["stage PRE_SCALE_UP", hook]);
        assert!(rollout.hear(told.clone(), now).is_empty());
        assert_eq!(rollout.standing(), format!("the rollout goes on, stage PRE_SCALE_UP, {hook}"));
        "BAKE_TIME".clone_into(&mut told.stage);
        told.holds = Vec::new();
        let news = rollout.hear(told.clone(), now);
        assert_eq!(news.len(), 1);
        assert!(news[0].starts_with("BAKE_TIME: the new tasks serve"), "{news:?}");
        assert_eq!(rollout.waits_for().len(), 1);
        assert!(rollout.bakes());
        told.status = DeploymentStatus::Successful;
        assert!(rollout.hear(told, now).is_empty());
        assert!(rollout.waits_for().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_definition_begun_again_is_followed_and_another_is_not() {
        let before = service(vec![deployment("1", true, State::Completed)]);
        let now = Instant::now();
        let mut rollout = Rollout::new("new", &before, now);
        rollout.adopt(&service(vec![deployment("2", true, State::InProgress)]), now);
        let mut again = deployment("3", true, State::InProgress);
        rollout.see(service(vec![again.clone()]), now);
        assert_eq!(rollout.ours.id, "2");
        "new".clone_into(&mut again.definition);
        rollout.see(service(vec![again]), now);
        assert_eq!(rollout.ours.id, "3");
    }
}
