//! Owns which value counts: flags, then environment, then `ecs-migrate.toml`, then the default.

mod access;
mod definition;
mod doctor;
mod environment;
mod file;
mod image;
mod key;
mod layers;
mod network;
mod parse;
mod reader;
mod resolve;
mod services;
mod value;
mod whose;

pub(crate) use access::{Access, GithubIdentity};
pub(crate) use definition::{ContainerChoice, DefinitionSource, ImageChoice, image as image_of};
pub(crate) use doctor::DoctorSettings;
pub(crate) use image::{
    BaseChoice, ImageSettings, PlatformChoice, RegistryEndpoint, TagChoice, docker,
    image_repository,
};
pub(crate) use key::Key;
pub(crate) use layers::{Flags, Layers, Setting};
pub(crate) use network::{Capacity, GivenNetwork, Network, Otherwise, PublicIp};
pub(crate) use parse::OutputChoice;
pub(crate) use reader::{FamilyChoice, ReaderSettings};
pub(crate) use resolve::{AttachSettings, CancelSettings, RegisterSettings, RunSettings};
pub(crate) use resolve::{RunKey, TimeLimit};
pub(crate) use services::{ServiceSettings, ServiceWish};
pub(crate) use value::Shape;
pub(crate) use whose::EnvironmentName;
