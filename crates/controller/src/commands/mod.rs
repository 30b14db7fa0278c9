//! Owns the list of commands; one file each: its arguments, its help, what it does.

mod arguments;
mod attach;
mod cancel;
mod context;
mod definition;
mod dispatch;
mod doctor;
mod gate;
mod look_inside;
mod network;
mod pin;
mod register;
mod request;
mod run;
mod setup_infra;

pub(crate) use dispatch::{Command, dispatch};
pub(crate) use network::FoundNetwork;
