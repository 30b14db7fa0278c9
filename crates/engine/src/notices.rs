//! Owns what the server says beside its answers, while a statement of a script runs: NOTICE, WARNING,
//! INFO, in order and no more than a person would read.

use crate::progress::{Progress, Sink};
use crate::secret::Secret;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_postgres::error::DbError;

/// How many of one statement are shown; a loop can raise millions.
const SHOWN: u64 = 20;

/// What a secret is shown as.
const MASK: &str = "***";

/// What was heard on a connection. Clones share it.
#[derive(Clone)]
pub(crate) struct Notices {
    heard: Arc<Mutex<Heard>>,
    /// What must not be shown.
    password: Option<Secret>,
}

#[derive(Default)]
struct Heard {
    /// The migration and the number of its statement; outside of one nothing is noted.
    place: Option<(String, u32)>,
    waiting: Vec<Progress>,
    /// How many there were of this statement.
    count: u64,
    /// What they said, as far as it says that something was there already.
    skipped: String,
}

impl Notices {
    pub(crate) fn new(password: Option<&Secret>) -> Self {
        Self { heard: Arc::default(), password: password.cloned() }
    }

    /// A statement of a script begins.
    pub(crate) fn begin(&self, migration: &str, number: u32) {
        *self.heard() = Heard { place: Some((migration.to_owned(), number)), ..Heard::default() };
    }

    /// It has ended: says what is left to be said of it. What it skipped because it was there
    /// already, in the server's words.
    pub(crate) fn end(&self, sink: &mut dyn Sink) -> String {
        self.tell(sink);
        let heard = std::mem::take(&mut *self.heard());
        if let Some((migration, statement)) = heard.place.filter(|_| heard.count > SHOWN) {
            let more = heard.count - SHOWN;
            sink.emit(Progress::NotShown { migration, statement, more });
        }
        heard.skipped
    }

    /// Says what came since it was asked last.
    pub(crate) fn tell(&self, sink: &mut dyn Sink) {
        let waiting = std::mem::take(&mut self.heard().waiting);
        for progress in waiting {
            sink.emit(progress);
        }
    }

    /// The server said something.
    pub(crate) fn note(&self, said: &DbError) {
        let mut heard = self.heard();
        let Some((migration, statement)) = heard.place.clone() else { return };
        heard.count += 1;
        // Duplicate table, column, object, schema, function: with IF NOT EXISTS they are notices.
        if matches!(said.code().code(), "42P07" | "42701" | "42710" | "42P06" | "42723")
            && heard.skipped.len() < LONGEST
        {
            heard.skipped.push_str(said.message());
            heard.skipped.push('\n');
        }
        if heard.count > SHOWN {
            return;
        }
        let text = match said.detail() {
            Some(detail) => format!("{} ({detail})", said.message()),
            None => said.message().to_owned(),
        };
        heard.waiting.push(Progress::Said {
            migration,
            statement,
            severity: said
                .parsed_severity()
                .map_or_else(|| said.severity().to_owned(), |severity| severity.to_string()),
            sqlstate: said.code().code().to_owned(),
            text: self.masked(text),
        });
    }

    fn masked(&self, text: String) -> String {
        match &self.password {
            Some(password) if !password.expose().is_empty() => {
                text.replace(password.expose(), MASK)
            }
            Some(_) | None => text,
        }
    }

    /// Whoever panicked while holding it left it whole.
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How much is kept of what was skipped, in bytes.
const LONGEST: usize = 64 * 1024;
