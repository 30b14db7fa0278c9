//! Owns the list of commands; one file each: its arguments, its help, what it does.

mod arguments;
mod attach;
mod build;
mod cancel;
mod changes;
mod check;
mod completions;
mod context;
mod definition;
mod deploy_service;
mod dispatch;
mod doctor;
mod exec;
mod gate;
mod image;
mod known;
mod look_inside;
mod man;
mod network;
mod on_call;
mod one_off;
mod order;
mod pin;
mod proof;
mod register;
mod release;
mod request;
mod resolve;
mod run;
mod service_file;
mod services;
mod setup_infra;
mod status;

pub(crate) use dispatch::{Command, dispatch};
pub(crate) use network::FoundNetwork;
