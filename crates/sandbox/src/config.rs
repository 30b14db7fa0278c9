//! Owns what a sandbox is made with.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::clock::WallClock;
use crate::cloudformation::StackScript;
use crate::faults::Faults;
use crate::host::HostEnvironment;
use crate::image::{Images, Program};
use crate::journal::{JournalEntry, Observer};
use crate::rds::RdsInstance;
use crate::speed::{Dwell, Speed};

/// What a sandbox is made with. Cluster `default` always exists.
#[derive(Clone)]
pub struct Config {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) clusters: Vec<String>,
    pub(crate) log_groups: Vec<String>,
    pub(crate) secrets: Vec<(String, String)>,
    pub(crate) services: Vec<Value>,
    pub(crate) stacks: Vec<(String, StackScript)>,
    pub(crate) repositories: Vec<String>,
    pub(crate) pushed: Vec<(String, String, Vec<String>)>,
    pub(crate) roles: Vec<(String, String)>,
    pub(crate) denied: Vec<String>,
    pub(crate) assumed: Option<String>,
    pub(crate) rds: Vec<RdsInstance>,
    pub(crate) images: Images,
    pub(crate) dwell: Dwell,
    pub(crate) wall_clock: WallClock,
    pub(crate) faults: Faults,
    pub(crate) host: HostEnvironment,
    pub(crate) seed: u64,
    pub(crate) observer: Option<Observer>,
}

impl Config {
    /// Account 111122223333 in eu-west-1, fixed clock, ids from a fixed seed, nothing in it.
    pub fn new(speed: Speed) -> Self {
        Self {
            account: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
            clusters: vec!["default".to_owned()],
            log_groups: Vec::new(),
            secrets: Vec::new(),
            services: Vec::new(),
            stacks: Vec::new(),
            repositories: Vec::new(),
            pushed: Vec::new(),
            roles: Vec::new(),
            denied: Vec::new(),
            assumed: None,
            rds: Vec::new(),
            images: Images::default(),
            dwell: speed.dwell(),
            wall_clock: WallClock::Fixed,
            faults: Faults::default(),
            host: HostEnvironment::read(),
            seed: 1,
            observer: None,
        }
    }

    /// The region of every ARN; a task whose `awslogs-region` is another one fails to start.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// One more cluster.
    #[must_use]
    pub fn cluster(mut self, name: impl Into<String>) -> Self {
        self.clusters.push(name.into());
        self
    }

    /// A log group that exists from the start.
    #[must_use]
    pub fn log_group(mut self, name: impl Into<String>) -> Self {
        self.log_groups.push(name.into());
        self
    }

    /// A secret that exists from the start; its ARN is [`crate::Sandbox::secret_arn`].
    #[must_use]
    pub fn secret(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.secrets.push((name.into(), value.into()));
        self
    }

    /// An instance of RDS that exists from the start, and the cluster that it is in.
    #[must_use]
    pub fn rds(mut self, instance: RdsInstance) -> Self {
        self.rds.push(instance);
        self
    }

    /// A service that exists from the start, in the shape of CreateService's input.
    #[must_use]
    pub fn service(mut self, input: Value) -> Self {
        self.services.push(input);
        self
    }

    /// How a stack of this name behaves; change sets for others are refused.
    #[must_use]
    pub fn stack(mut self, name: impl Into<String>, script: StackScript) -> Self {
        self.stacks.push((name.into(), script));
        self
    }

    /// A repository of ECR with nothing in it.
    #[must_use]
    pub fn repository(mut self, name: impl Into<String>) -> Self {
        self.repositories.push(name.into());
        self
    }

    /// An image in ECR for these CPUs (`amd64`, `arm64`); [`crate::Sandbox::image_digest`] says its digest.
    /// What runs in its place is said by [`Self::image`].
    #[must_use]
    pub fn pushed(
        mut self,
        repository: impl Into<String>,
        tag: impl Into<String>,
        architectures: &[&str],
    ) -> Self {
        let architectures = architectures.iter().map(ToString::to_string).collect();
        self.pushed.push((repository.into(), tag.into(), architectures));
        self
    }

    /// A role of IAM and its trust policy, as JSON.
    #[must_use]
    pub fn role(mut self, name: impl Into<String>, trust: impl Into<String>) -> Self {
        self.roles.push((name.into(), trust.into()));
        self
    }

    /// Every request is made in a session of this role, which may have a path: `team/deploy`.
    #[must_use]
    pub fn assumed_role(mut self, path: impl Into<String>) -> Self {
        self.assumed = Some(path.into());
        self
    }

    /// SimulatePrincipalPolicy says no to this action; the operation itself answers all the same, a fault
    /// makes it refuse.
    #[must_use]
    pub fn denied(mut self, action: impl Into<String>) -> Self {
        self.denied.push(action.into());
        self
    }

    /// An image that can be pulled and what runs in its place. `name` is compared with the container's
    /// `image`; a `*` in it stands for any text. The exact name wins, then the one that says most.
    #[must_use]
    pub fn image(mut self, name: impl Into<String>, program: Program) -> Self {
        self.images.add(name.into(), program);
        self
    }

    /// Other dwell times than the speed's.
    #[must_use]
    pub fn dwell(mut self, dwell: Dwell) -> Self {
        self.dwell = dwell;
        self
    }

    /// What the clock on the wall shows at the start.
    #[must_use]
    pub fn wall_clock(mut self, wall_clock: WallClock) -> Self {
        self.wall_clock = wall_clock;
        self
    }

    /// What shall go wrong; [`Faults::check`] says beforehand whether it can.
    #[must_use]
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// What processes inherit from the machine.
    #[must_use]
    pub fn host(mut self, host: HostEnvironment) -> Self {
        self.host = host;
        self
    }

    /// Where ids and random delays come from.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Called with every journal entry as it is made.
    #[must_use]
    pub fn observe(mut self, observer: impl Fn(&JournalEntry) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }
}

impl fmt::Debug for Config {
    /// Without the secrets' values.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Config")
            .field("region", &self.region)
            .field("clusters", &self.clusters)
            .field("images", &self.images)
            .field("dwell", &self.dwell)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}
