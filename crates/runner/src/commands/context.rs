//! Owns what every command gets, and how the options are read for the engine.

use super::ending::Errand;
use crate::cli::{ChildUrl, Compat, OnDrift, Options, ScratchUrl};
use crate::emit::Emitter;
use crate::environment::Environment;
use crate::process::address::Address;
use crate::process::lent_roots;
use crate::source::{self, Found, SignIn};
use crate::words;
use engine::{
    Application, ConnectionSettings, DriftSearch, Error, Grants, Guard, Kind, Login,
    PRISMA_LOCK_KEY, Progress, Traffic, Unnamed,
};
use migrations::directory::DirectoryError;
use migrations::{Allowances, Directory};
use protocol::env;
use std::cell::{Cell, RefCell};
use std::time::Duration;

/// Shorter than for our own statements: those give way, while a command's statement stands in the
/// queue all the time, and every query of the table behind it.
const WRAPPED_LOCK_BUDGET: Duration = Duration::from_mins(1);
/// What every command gets.
pub(super) struct Context<'a> {
    pub(super) options: &'a Options,
    pub(super) errand: Errand,
    pub(super) environment: &'a Environment,
    pub(super) emitter: &'a Emitter,
    /// How many migrations wait for the rollout of the new code.
    pub(super) waiting: Cell<usize>,
    /// The database that answered.
    pub(super) met: RefCell<Met>,
}

/// A database, by what it says of itself.
#[derive(Debug, Default)]
pub(super) struct Met {
    /// The environment's name that it bears, if it bears one.
    pub(super) environment: Option<String>,
    /// Which one it is; empty if nobody can say it.
    pub(super) identity: String,
}

impl Context<'_> {
    /// Whether Prisma's texts, codes and habits hold.
    pub(super) fn prisma(&self) -> bool {
        self.options.connection.compat == Some(Compat::Prisma)
    }

    pub(super) fn directory(&self) -> Result<Directory, Error> {
        let error = match Directory::read(&self.options.directory.path) {
            // For Prisma no directory is an empty one.
            Err(DirectoryError::Missing(_)) if self.prisma() => return Ok(Directory::default()),
            Err(error) => error,
            Ok(directory) => return Ok(directory),
        };
        let message = match std::error::Error::source(&error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        };
        let answer = Error::new(Kind::Configuration, message)
            .hint("name it with --migrations or ECS_MIGRATE_MIGRATIONS");
        Err(match error {
            DirectoryError::LockFile(lock) => {
                Error { detail: Some(lock.provider), ..answer.prisma("P3019") }
            }
            DirectoryError::Missing(_)
            | DirectoryError::NotDirectory(_)
            | DirectoryError::Unreadable(..)
            | DirectoryError::Name(_) => answer,
        })
    }

    pub(super) fn allowances(&self) -> Allowances {
        Allowances {
            everything: self.prisma(),
            permissions: self.options.permissions.allow.iter().cloned().collect(),
        }
    }

    /// Ours, then Prisma's, unless Prisma's own switch says that it does not lock here either.
    pub(super) fn lock_keys(&self) -> Vec<i64> {
        let disabled =
            self.environment.get(env::PRISMA_DISABLE_LOCK).is_some_and(|value| value != "0");
        let mut keys = vec![self.options.key.lock_key];
        if !disabled && self.options.key.lock_key != PRISMA_LOCK_KEY {
            keys.push(PRISMA_LOCK_KEY);
        }
        keys
    }

    /// The database as a command gets it.
    pub(super) async fn address(
        &self,
        settings: &ConnectionSettings,
        dialect: ChildUrl,
    ) -> Result<Address, Error> {
        let Login { user, password } = settings.login(None).await?;
        let settings = ConnectionSettings { user, password, ..settings.clone() };
        let roots = lent_roots::for_child(&settings)?;
        Ok(Address::new(settings, roots, (dialect, self.emitter.run())))
    }

    /// The dialect of a command's `DATABASE_URL`.
    pub(super) fn child_url(&self) -> ChildUrl {
        self.options.child.child_url.unwrap_or(ChildUrl::Prisma)
    }

    /// How long a command may queue for a lock.
    pub(super) fn guard(&self, settings: &ConnectionSettings, address: &Address) -> Guard {
        Guard {
            connection: settings.clone(),
            application_name: address.application_name.clone(),
            budget: self.options.budget.lock_budget.unwrap_or(WRAPPED_LOCK_BUDGET),
        }
    }

    /// How far to get in the way of the application.
    pub(super) fn traffic(&self) -> Traffic {
        let unless_said = if self.prisma() { Traffic::NONE } else { Traffic::DEFAULT };
        Traffic {
            lock_timeout: self.options.traffic.lock_timeout.unwrap_or(unless_said.lock_timeout),
            patience: self.options.traffic.lock_patience.unwrap_or(unless_said.patience),
            budget: self.options.budget.lock_budget.unwrap_or(unless_said.budget),
        }
    }

    pub(super) async fn database(&self) -> Result<Found, Error> {
        let wait = self.options.connection.connect_wait;
        let ask = source::Ask {
            secret: self.options.connection.secret.as_deref(),
            sign_in: if self.options.connection.iam_auth { SignIn::Iam } else { SignIn::Password },
            // Prisma gives up at once.
            connect_wait: if self.prisma() { Duration::ZERO } else { wait },
            reconnect_wait: wait * 3,
            run: self.emitter.run(),
        };
        let mut found = source::find(&ask, self.environment).await?;
        found.settings.environment = self.environment_name().map(str::to_owned);
        found.settings.schema = self.schema(found.settings.schema.take())?;
        if self.prisma() {
            found.settings.unnamed = Unnamed::SearchPath;
        }
        Ok(found)
    }

    /// The schema that is meant, where `said` is what the URL says.
    fn schema(&self, said: Option<String>) -> Result<Option<String>, Error> {
        let option = self.options.connection.schema.clone().filter(|name| !name.is_empty());
        match (said, option) {
            (Some(said), Some(option)) if said != option => Err(Error::new(
                Kind::Configuration,
                format!("the URL says ?schema={said}, and --schema says `{option}`"),
            )
            .hint("leave one of them out")),
            (said, option) => Ok(option.or(said)),
        }
    }

    /// The environment that this run is for, if it says so.
    pub(super) fn environment_name(&self) -> Option<&str> {
        self.options.connection.environment.as_deref().filter(|name| !name.is_empty())
    }

    /// The application's role, if one is named.
    pub(super) fn application(&self) -> Option<Application<'_>> {
        let asked = &self.options.application;
        let role = asked.app_role.as_deref().filter(|role| !role.is_empty())?;
        Some(Application { role, except: &asked.app_role_except })
    }

    /// How drift is looked for.
    pub(super) fn drift_search<'s>(
        &self,
        server: Option<&'s ConnectionSettings>,
    ) -> DriftSearch<'s> {
        let compared = self.options.search.drift_grants;
        DriftSearch { server, grants: if compared { Grants::Compare } else { Grants::Ignore } }
    }

    /// What drift means for a deployment; none where it is not looked for.
    pub(super) fn on_drift(&self) -> Option<engine::OnDrift> {
        match self.options.drift.on_drift {
            None | Some(OnDrift::Ignore) => None,
            Some(OnDrift::Warn) => Some(engine::OnDrift::Warn),
            Some(OnDrift::Stop) => Some(engine::OnDrift::Stop),
        }
    }

    /// The server that scratch databases are made on, if it is another one.
    pub(super) fn scratch_server(&self) -> Result<Option<ConnectionSettings>, Error> {
        let url = self.options.scratch.scratch_url.as_ref().map(ScratchUrl::expose);
        let Some(url) = url.filter(|url| !url.is_empty()) else { return Ok(None) };
        source::of_url(url, "the scratch URL", self.emitter.run()).map(Some)
    }

    /// Writes progress down as it comes.
    pub(super) fn sink(&self, source: String) -> impl FnMut(Progress) {
        move |progress| {
            if let Progress::Connected { environment, identity, .. } = &progress {
                *self.met.borrow_mut() =
                    Met { environment: environment.clone(), identity: identity.clone() };
            }
            for (event, msg) in words::describe(progress, &source) {
                self.emitter.emit(event, msg);
            }
        }
    }
}
