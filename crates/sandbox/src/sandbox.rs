//! Owns the public face: one value that is a whole local AWS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::cloudformation::{make, new_id, play, unmake};
use crate::config::Config;
use crate::core::Core;
use crate::dispatch::Dropped;
use crate::faults::Faults;
use crate::in_memory::InMemoryClient;
use crate::journal::JournalEntry;
use crate::lease::Lease;
use crate::outcome::TaskOutcome;
use crate::server::Server;
use crate::traffic::Traffic;
use crate::{dispatch, ecs, rds, secrets};

/// A local AWS. Clones are the same sandbox; when the last one drops, its tasks stop and every process it
/// started is killed.
#[derive(Clone, Debug)]
pub struct Sandbox {
    lease: Arc<Lease>,
}

impl Sandbox {
    /// Makes a sandbox. It needs a tokio runtime by the time a task is run.
    ///
    /// # Panics
    /// When the faults do not pass [`Faults::check`]: a test with a fault that never happens tests nothing.
    pub fn new(config: Config) -> Self {
        let core = Core::new(config);
        {
            let mut state = core.state();
            state.clusters.extend(core.config.clusters.iter().cloned());
            let now = core.clock.now();
            for group in &core.config.log_groups {
                state.logs.create_group(group, now);
            }
            // Three seconds at AWS's speed, none at once.
            state.stacks.step = core.config.dwell.secrets * 3;
            for (name, script) in &core.config.stacks {
                state.stacks.scripts.insert(name.clone(), script.clone());
                if let Some(beginning) = &script.begins {
                    let stack = state.stacks.begin(name, new_id(&core, name), &beginning.status);
                    stack.tags.clone_from(&beginning.tags);
                }
            }
            for name in &core.config.repositories {
                state.registry.add_repository(name);
            }
            for (repository, tag, architectures) in &core.config.pushed {
                let architectures: Vec<&str> = architectures.iter().map(String::as_str).collect();
                state.registry.push(repository, tag, &architectures);
            }
            state.iam.roles.extend(core.config.roles.iter().cloned());
            state.iam.denied.extend(core.config.denied.iter().cloned());
            state.rds.instances.clone_from(&core.config.rds);
        }
        for (name, value) in &core.config.secrets {
            secrets::put(&core, name, value);
        }
        for service in &core.config.services {
            ecs::add_service(&core, service);
        }
        Self { lease: Arc::new(Lease(Arc::new(core))) }
    }

    fn core(&self) -> &Arc<Core> {
        &self.lease.0
    }

    /// Answers one HTTP request, whoever brought it here. Where a fault drops the connection, the answer is
    /// an empty 502.
    pub async fn handle(&self, request: http::Request<Vec<u8>>) -> http::Response<Vec<u8>> {
        dispatch::handle(self.core(), request).await.unwrap_or_else(|Dropped| {
            let mut response = http::Response::default();
            *response.status_mut() = http::StatusCode::BAD_GATEWAY;
            response
        })
    }

    /// Answers HTTP at `address` (port 0: any free port) until the returned [`Server`] or the sandbox drops.
    /// The first endpoint served is the `AWS_ENDPOINT_URL` of the tasks' processes.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn serve(&self, address: SocketAddr) -> io::Result<Server> {
        Server::start(Arc::clone(self.core()), address).await
    }

    /// An HTTP client for `aws_sdk_*::config::Builder::http_client` that brings requests here without
    /// sockets. It does not keep the sandbox alive.
    pub fn http_client(&self) -> InMemoryClient {
        InMemoryClient::new(Arc::clone(self.core()))
    }

    /// Every API request so far.
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.core().journal.entries()
    }

    /// How often and how fast an operation was called so far; of a part of the journal [`Traffic::of`] says it.
    pub fn traffic(&self, operation: &str) -> Traffic {
        let journal = self.journal();
        Traffic::of(journal.iter().filter(|entry| entry.operation == operation))
    }

    /// Every task so far, in the order of their start.
    pub fn tasks(&self) -> Vec<TaskOutcome> {
        let core = self.core();
        let state = core.state();
        let mut tasks: Vec<_> = state.tasks.values().collect();
        tasks.sort_by_key(|task| task.details.ordinal);
        tasks.into_iter().map(TaskOutcome::of).collect()
    }

    /// From now on these faults; calls and seconds are counted anew.
    ///
    /// # Panics
    /// When they do not pass [`Faults::check`].
    pub fn set_faults(&self, faults: Faults) {
        let core = self.core();
        core.faults.replace(faults, core.clock.now());
    }

    /// Makes something of a CloudFormation type by hand, such as an `AWS::IAM::Role`.
    pub fn make(&self, kind: &str, id: &str) {
        let now = self.core().clock.now();
        let thing = (kind.to_owned(), id.to_owned());
        make(&mut self.core().state(), thing, std::collections::BTreeMap::new(), now);
    }

    /// Deletes something by hand, behind the back of its stack; `false` when it did not exist.
    pub fn unmake(&self, kind: &str, id: &str) -> bool {
        let now = self.core().clock.now();
        let mut state = self.core().state();
        play(&mut state, now);
        unmake(&mut state, &(kind.to_owned(), id.to_owned()))
    }

    /// The ids of a CloudFormation type that exist.
    pub fn existing(&self, kind: &str) -> Vec<String> {
        let now = self.core().clock.now();
        let mut state = self.core().state();
        play(&mut state, now);
        state.world.ids(kind).map(str::to_owned).collect()
    }

    /// Snapshots of RDS: each one's identifier, and of what it is.
    pub fn rds_snapshots(&self) -> Vec<(String, String)> {
        rds::snapshots(self.core())
    }

    /// The full ARN of a secret, `None` when there is no such secret.
    pub fn secret_arn(&self, name: &str) -> Option<String> {
        let state = self.core().state();
        state.secrets.find(name).map(|secret| secret.arn.clone())
    }

    /// The digest of an image in ECR, `None` when there is no such image.
    pub fn image_digest(&self, repository: &str, tag: &str) -> Option<String> {
        let state = self.core().state();
        let found = state.registry.repository(repository)?.find(Some(tag), None)?;
        Some(found.digest.clone())
    }

    /// The definition of a service's PRIMARY deployment, and whether that one is completed; `None` when there
    /// is no such service.
    pub fn service(&self, cluster: &str, name: &str) -> Option<(String, bool)> {
        self.core().state().services.stands_on(cluster, name)
    }

    /// Every message of a log stream so far, as CloudWatch holds it.
    pub fn log_messages(&self, group: &str, stream: &str) -> Vec<String> {
        self.core().state().logs.messages(group, stream)
    }
}
