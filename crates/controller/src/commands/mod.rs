//! Owns the list of commands; one file each: its arguments, its help, what it does.

mod arguments;
mod attach;
mod cancel;
mod changes;
mod context;
mod definition;
mod deploy_service;
mod dispatch;
mod doctor;
mod gate;
mod look_inside;
mod network;
mod pin;
mod proof;
mod register;
mod release;
mod request;
mod run;
mod service_file;
mod services;
mod setup_infra;

pub(crate) use dispatch::{Command, dispatch};
pub(crate) use network::FoundNetwork;
