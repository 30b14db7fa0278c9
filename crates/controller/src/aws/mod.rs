//! Owns every AWS call: the only module that names an `aws_sdk_*` type. Answers leave it as plain
//! data of ours.

mod access;
mod account;
mod capture;
mod cloudformation;
mod contents;
mod create_service;
mod definitions;
mod error;
mod family;
mod form;
mod github_role;
mod image_manifest;
mod logs;
mod patience;
mod preflight;
mod presence;
mod records;
mod registry_login;
mod renewal;
mod roles;
mod rollout;
mod secret_shape;
mod services;
mod signed;
mod streams;
mod tasks;
mod wide;

pub use access::AwsAccess;
pub(crate) use access::{Aws, connect};
pub(crate) use error::{AwsError, Class};
pub(crate) use family::FamilyTask;
pub(crate) use logs::LogReader;
pub(crate) use preflight::{FoundCluster, FoundLogGroup};
pub(crate) use records::{Extent, LogPlace, Search, StoredLine};
pub(crate) use roles::Decision;
pub(crate) use rollout::NewDeployment;
pub(crate) use secret_shape::FoundSecret;
pub(crate) use services::{Breaker, FoundService};
pub(crate) use streams::FoundStream;
