//! Owns the infrastructure: two CloudFormation stacks, the first revision of the task definition,
//! and what the settings file and GitHub have to know.

mod choice;
mod data;
mod definition;
mod deploy;
mod events;
mod follow;
mod github;
mod loss;
mod names;
mod part;
mod permission;
mod plan;
mod request;
mod settings_file;
mod stack;
mod state;
mod survey;
mod tear_down;

pub(crate) use choice::Choice;
pub(crate) use data::DoomedData;
pub(crate) use definition::{CONTAINER, first, is_bootstrap};
pub(crate) use deploy::{Deployment, Prepared};
pub(crate) use github::{Place, Variable, numbers, set};
pub(crate) use loss::{Images, LogLines};
pub(crate) use names::Name;
pub(crate) use part::{Part, Presence};
pub(crate) use permission::advice;
pub(crate) use plan::{Plan, Verb};
pub(crate) use request::{
    DatabaseRequest, GithubRequest, Given, Request, StackRequest, collect, role, split_secret,
};
pub(crate) use settings_file::{Entry, EntryValue, edit, write};
pub(crate) use stack::{
    ChangeSet, ChangeSetKind, ChangeSetRequest, ResourceChange, Stack, StackEvent, StackResource,
};
pub(crate) use survey::{Account, Survey};
pub(crate) use tear_down::{Data, Demolition, Doomed};
