//! Owns what the binary writes: the endpoint, the journal, complaints.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;

use sandbox::JournalEntry;

/// How to use the sandbox that was just started.
pub(crate) fn announce(endpoint: &str, region: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "ecs-migrate-sandbox is listening at {endpoint}")?;
    writeln!(
        stdout,
        "export AWS_ENDPOINT_URL={endpoint} AWS_REGION={region} AWS_DEFAULT_REGION={region}"
    )?;
    writeln!(stdout, "export AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox")?;
    stdout.flush()
}

pub(crate) fn complain(text: &str) {
    // Nobody is left to tell when stderr is gone.
    drop(writeln!(io::stderr().lock(), "ecs-migrate-sandbox: {text}"));
}

/// Writes the port in one step, so that a reader sees all of it or nothing.
pub(crate) fn write_port(path: &Path, port: u16) -> io::Result<()> {
    let partial = path.with_extension("partial");
    fs::write(&partial, format!("{port}\n"))?;
    fs::rename(partial, path)
}

/// Sends every entry to a file, and what the sandbox does not implement to stderr.
pub(crate) struct JournalWriter {
    file: Option<Mutex<File>>,
}

impl JournalWriter {
    pub(crate) fn open(path: Option<&Path>) -> io::Result<Self> {
        let file = match path {
            None => None,
            Some(path) => {
                let file = OpenOptions::new().create(true).append(true).open(path)?;
                Some(Mutex::new(file))
            }
        };
        Ok(Self { file })
    }

    pub(crate) fn write(&self, entry: &JournalEntry) {
        if matches!(
            entry.error.as_deref(),
            Some("UnknownOperationException" | "UnsupportedProtocolException")
        ) {
            complain(&format!("not implemented: {}", entry.operation));
        }
        if let Some(file) = &self.file
            && let Err(error) = append(file, entry)
        {
            complain(&format!("cannot write the journal: {error}"));
        }
    }
}

fn append(file: &Mutex<File>, entry: &JournalEntry) -> io::Result<()> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    let mut file = file.lock().map_err(|_| io::Error::other("lock poisoned"))?;
    file.write_all(&line)
}
