//! Owns what every command is given.

use super::pin::Tags;
use crate::aws::AwsAccess;
use crate::question::Questions;
use crate::report::Report;
use crate::settings::{Access, Layers};
use crate::signal::Signals;
use crate::surroundings::Clock;
use crate::task::Pace;
use std::collections::BTreeMap;

/// Settings, surroundings and report of one invocation.
pub(crate) struct Context<'a> {
    pub(crate) layers: Layers,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) aws: AwsAccess,
    pub(crate) access: Access,
    pub(crate) signals: Signals,
    pub(crate) questions: Questions,
    pub(crate) pace: Pace,
    pub(crate) clock: Clock,
    pub(super) tags: Tags,
    pub(crate) report: &'a mut Report,
}
