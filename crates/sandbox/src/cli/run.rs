//! Owns the run of the binary: from arguments to a sandbox, and to its end by a signal.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use sandbox::{Config, Faults, Sandbox, WallClock};
use tokio::signal::unix::{SignalKind, signal};

use super::arguments::{Arguments, Command, Up, value_file};
use super::output::{JournalWriter, announce, complain, write_port};

pub(crate) async fn run() -> ExitCode {
    let Command::Up(up) = Arguments::parse().command;
    match serve(up).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn serve(up: Up) -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (port, port_file) = (up.port, up.port_file.clone());
    let region = up.region.clone();
    let sandbox = Sandbox::new(config(up)?);
    let server = sandbox.serve(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    if let Some(path) = &port_file {
        write_port(path, server.address().port()).map_err(|error| about(path, &error))?;
    }
    announce(&server.endpoint(), &region)?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    // Dropping the sandbox kills what it started; returning from here is that.
    Ok(())
}

fn config(up: Up) -> io::Result<Config> {
    let journal =
        JournalWriter::open(up.journal.as_deref()).map_err(|error| match &up.journal {
            Some(path) => about(path, &error),
            None => error,
        })?;
    let mut config = Config::new(up.speed.into())
        .region(up.region)
        .wall_clock(WallClock::System)
        .seed(fastrand::u64(..))
        .observe(move |entry| journal.write(entry));
    for name in up.clusters {
        config = config.cluster(name);
    }
    for name in up.log_groups {
        config = config.log_group(name);
    }
    for (name, program) in up.images {
        config = config.image(name, program);
    }
    for (name, value) in up.secrets {
        let value = match value_file(&value) {
            Some(path) => read(path)?,
            None => value,
        };
        config = config.secret(name, value);
    }
    for path in up.services {
        config = config.service(read_json(&path)?);
    }
    if let Some(path) = up.faults {
        let faults: Faults = read_json(&path)?;
        faults.check().map_err(|error| about(&path, &io::Error::other(error)))?;
        config = config.faults(faults);
    }
    Ok(config)
}

fn read(path: &Path) -> io::Result<String> {
    fs::read_to_string(path).map_err(|error| about(path, &error))
}

fn read_json<Document: serde::de::DeserializeOwned>(path: &Path) -> io::Result<Document> {
    serde_json::from_str(&read(path)?).map_err(|error| about(path, &error.into()))
}

fn about(path: &Path, error: &io::Error) -> io::Error {
    io::Error::other(format!("{}: {error}", path.display()))
}
