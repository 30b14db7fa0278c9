//! Owns everything a sandbox is: its state behind one lock, its clock, its background work.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::task::AbortHandle;

use crate::clock::Clock;
use crate::cloudformation::{StackBook, World};
use crate::config::Config;
use crate::ecs::{ClientTokens, Definitions, Services};
use crate::faults::FaultBook;
use crate::iam::IamStore;
use crate::identity::Identity;
use crate::journal::Journal;
use crate::logs::LogStore;
use crate::process_groups::ProcessGroups;
use crate::rds::RdsStore;
use crate::registry::RegistryStore;
use crate::secrets::SecretStore;
use crate::task::Task;

#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) config: Config,
    pub(crate) identity: Identity,
    pub(crate) clock: Clock,
    pub(crate) journal: Journal,
    pub(crate) faults: FaultBook,
    pub(crate) process_groups: ProcessGroups,
    endpoint: OnceLock<String>,
    state: Mutex<State>,
    random: Mutex<fastrand::Rng>,
    background: Mutex<Background>,
}

/// What the API reads and changes.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) clusters: BTreeSet<String>,
    pub(crate) definitions: Definitions,
    pub(crate) services: Services,
    /// By task id.
    pub(crate) tasks: BTreeMap<String, Task>,
    pub(crate) tasks_started: u64,
    pub(crate) client_tokens: ClientTokens,
    pub(crate) logs: LogStore,
    pub(crate) secrets: SecretStore,
    pub(crate) stacks: StackBook,
    /// What exists although no service here runs it.
    pub(crate) world: World,
    pub(crate) registry: RegistryStore,
    pub(crate) iam: IamStore,
    pub(crate) rds: RdsStore,
}

#[derive(Debug)]
enum Background {
    Open(Vec<AbortHandle>),
    Closed,
}

impl Core {
    pub(crate) fn new(config: Config) -> Self {
        let clock = Clock::start(config.wall_clock);
        Self {
            identity: Identity {
                account: config.account.clone(),
                region: config.region.clone(),
                assumed: config.assumed.clone(),
            },
            journal: Journal::new(config.observer.clone()),
            faults: FaultBook::new(config.faults.clone(), &config.region, clock.now()),
            clock,
            process_groups: ProcessGroups::default(),
            endpoint: OnceLock::new(),
            state: Mutex::default(),
            random: Mutex::new(fastrand::Rng::with_seed(config.seed)),
            background: Mutex::new(Background::Open(Vec::new())),
            config,
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads or changes one task; `None` when there is no such task.
    pub(crate) fn with_task<T>(&self, id: &str, act: impl FnOnce(&mut Task) -> T) -> Option<T> {
        self.state().tasks.get_mut(id).map(act)
    }

    /// Where processes reach the sandbox; `None` when it is not served over HTTP.
    pub(crate) fn endpoint(&self) -> Option<&str> {
        self.endpoint.get().map(String::as_str)
    }

    /// The first address served is the one that tasks are given.
    pub(crate) fn set_endpoint(&self, endpoint: String) {
        let _already_served = self.endpoint.set(endpoint);
    }

    /// 32 hexadecimal digits.
    pub(crate) fn random_id(&self) -> String {
        format!("{:032x}", self.random().u128(..))
    }

    pub(crate) fn random(&self) -> MutexGuard<'_, fastrand::Rng> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs work that ends with the sandbox; `None` when that has happened.
    pub(crate) fn spawn(
        &self,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Option<AbortHandle> {
        let mut background = self.background();
        let Background::Open(handles) = &mut *background else {
            return None;
        };
        let handle = tokio::spawn(work).abort_handle();
        handles.retain(|handle| !handle.is_finished());
        handles.push(handle.clone());
        Some(handle)
    }

    /// Ends all background work and every process, for good.
    pub(crate) fn close(&self) {
        let background = std::mem::replace(&mut *self.background(), Background::Closed);
        if let Background::Open(handles) = background {
            for handle in handles {
                handle.abort();
            }
        }
        self.process_groups.kill_all();
    }

    fn background(&self) -> MutexGuard<'_, Background> {
        self.background.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
