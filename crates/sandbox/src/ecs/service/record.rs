//! Owns what a service is: its deployments, its events, and what became of each deployment.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;

use super::configuration::{Breaker, ServiceInput};
use crate::clock::Timestamp;
use crate::core::Core;
use crate::ecs::Revision;
use crate::faults::{ServiceEffect, seconds};

/// Events that ECS keeps (aws-facts 4.3).
const EVENTS: usize = 100;

/// By cluster and name.
#[derive(Debug, Default)]
pub(crate) struct Services(BTreeMap<(String, String), Service>);

/// Cluster and name.
pub(super) type Key = (String, String);

#[derive(Debug)]
pub(super) struct Service {
    pub(super) cluster: String,
    pub(super) arn: String,
    pub(super) input: ServiceInput,
    pub(super) status: String,
    pub(super) desired: u32,
    pub(super) created_at: Timestamp,
    /// The PRIMARY one first.
    pub(super) deployments: Vec<Deployment>,
    /// Every service deployment so far, the oldest first.
    pub(super) history: Vec<ServiceDeployment>,
    /// The newest first.
    pub(super) events: VecDeque<Value>,
    /// Deployments that were asked for since the start; faults count them.
    pub(super) ordinal: u64,
    /// What readers see until then: the news has not spread yet.
    pub(super) stale: Option<(Timestamp, Value)>,
}

/// One member of `deployments`.
#[derive(Debug)]
pub(super) struct Deployment {
    pub(super) id: String,
    pub(super) definition: String,
    /// Absent for a service that is there from the start with a definition that is not.
    pub(super) revision: Option<Arc<Revision>>,
    pub(super) revision_arn: String,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) rollout: Rollout,
    pub(super) reason: String,
    pub(super) failed: u32,
    /// Running tasks that nothing stands behind: those of a service that was there from the start.
    pub(super) imagined: u32,
    pub(super) tasks: Vec<String>,
    pub(super) effects: Vec<ServiceEffect>,
    /// Its launches are throttled until then.
    pub(super) pause_until: Timestamp,
    /// Whether it was said that the service's numbers leave it no way.
    pub(super) stuck: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rollout {
    InProgress,
    Completed,
    Failed,
}

/// A stage that a deployment stays in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stage<'a> {
    pub(super) name: &'a str,
    pub(super) hook: Option<&'a str>,
    pub(super) until: Timestamp,
}

/// The newer view of a deployment.
#[derive(Debug)]
pub(super) struct ServiceDeployment {
    pub(super) arn: String,
    /// The member of `deployments` that it is about.
    pub(super) of: String,
    pub(super) revision_arn: String,
    pub(super) source_revision_arn: Option<String>,
    pub(super) definition: String,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) visible_from: Timestamp,
    pub(super) status: &'static str,
    pub(super) status_reason: Option<String>,
    pub(super) rollback: Option<Rollback>,
    pub(super) breaker: Breaker,
    pub(super) tripped: bool,
    pub(super) failures: u32,
    pub(super) threshold: u32,
    pub(super) alarm: bool,
    pub(super) rollback_fails: bool,
}

#[derive(Debug)]
pub(super) struct Rollback {
    pub(super) reason: String,
    pub(super) started_at: Timestamp,
    pub(super) revision_arn: String,
    /// The deployment that is gone back to.
    pub(super) to: String,
}

impl Services {
    pub(crate) fn count(&self, cluster: &str) -> usize {
        self.0.keys().filter(|(of, _)| of == cluster).count()
    }

    pub(super) fn find(&self, key: &Key) -> Option<&Service> {
        self.0.get(key)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Service> {
        self.0.values()
    }

    /// Takes one out, so that the rest of the state can be changed beside it; it has to be put back.
    pub(super) fn take(&mut self, key: &Key) -> Option<Service> {
        self.0.remove(key)
    }

    pub(super) fn put(&mut self, service: Service) {
        self.0.insert((service.cluster.clone(), service.input.service_name.clone()), service);
    }

    /// The definition that a service stands on, and whether all its tasks do.
    pub(crate) fn stands_on(&self, cluster: &str, name: &str) -> Option<(String, bool)> {
        let service = self.find(&(cluster.to_owned(), name.to_owned()))?;
        let primary = service.deployments.first()?;
        Some((primary.definition.clone(), primary.rollout == Rollout::Completed))
    }
}

impl Service {
    pub(super) fn name(&self) -> &str {
        &self.input.service_name
    }

    pub(super) fn say(&mut self, core: &Core, message: &str) {
        let id = core.random_id();
        let id = format!("{}-{}-{}", &id[..8], &id[8..12], &id[12..]);
        let name = self.name();
        self.events.push_front(serde_json::json!({
            "id": id,
            "createdAt": core.clock.now().seconds(),
            "message": format!("(service {name}) {message}"),
        }));
        self.events.truncate(EVENTS);
    }

    /// The service deployment of a member of `deployments`, the newest where there are several.
    pub(super) fn deployment_of(&mut self, id: &str) -> Option<&mut ServiceDeployment> {
        self.history.iter_mut().rfind(|deployment| deployment.of == id)
    }
}

impl Deployment {
    pub(super) fn in_progress(&self) -> bool {
        self.rollout == Rollout::InProgress
    }

    pub(super) fn settle(&mut self, rollout: Rollout, reason: String, now: Timestamp) {
        self.rollout = rollout;
        self.reason = reason;
        self.updated_at = now;
    }

    /// The stage that holds it, while one does.
    pub(super) fn stage(&self, now: Timestamp) -> Option<Stage<'_>> {
        self.effects.iter().find_map(|effect| {
            let ServiceEffect::StaysIn { stage, seconds: held, hook } = effect else {
                return None;
            };
            let until = self.created_at.after(seconds(*held));
            (now < until).then_some(Stage { name: stage, hook: hook.as_deref(), until })
        })
    }
}

impl Rollout {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

impl ServiceDeployment {
    pub(super) fn enter(&mut self, status: &'static str, reason: Option<&str>, now: Timestamp) {
        self.status = status;
        self.status_reason = reason.map(str::to_owned);
        self.updated_at = now;
        let over = ["SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"];
        if over.contains(&status) {
            self.finished_at = Some(now);
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.finished_at.is_some()
    }
}
