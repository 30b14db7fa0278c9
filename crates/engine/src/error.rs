//! Why it failed: a kind, a sentence, a hint, and what it means for the database.

use crate::observe::Blocker;
use migrations::Row;
use std::fmt;
use tokio_postgres::error::{DbError, Severity};

/// Whose fault it is and what it calls for; the runner maps each kind to an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing else describes it.
    Unexpected,
    /// Settings or files that cannot be.
    Configuration,
    /// A migration failed; whatever can be rolled back is.
    MigrationFailed,
    /// A migration is part-way and the next run cannot resume it.
    PartlyApplied,
    /// An unfinished migration that is not ours to settle.
    UnfinishedMigration,
    /// The history differs from the directory.
    HistoryDiffers,
    /// What is known contradicts what was asked for.
    Contradicted,
    /// The advisory lock was not obtained in time.
    LockNotObtained,
    /// No connection.
    Unreachable,
    /// The connection was lost, or its server must not write any more.
    ConnectionLost,
    /// Authentication or a right is missing.
    AccessDenied,
    /// Other sessions held what we need.
    Blocked,
    /// Interrupted, and nothing is part-way.
    Interrupted,
    /// Interrupted part-way; the next run resumes.
    InterruptedPartWay,
}

/// What the database is left with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseState {
    /// Nothing of the failing step is there.
    Unchanged,
    /// A migration is part-way, and the next run resumes it.
    PartWay,
    /// A migration is part-way, and a person has to decide.
    NeedsAttention,
    /// The server did not say.
    Unknown,
}

/// Where in a script it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedStatement {
    /// Number of the statement, from 1.
    pub number: u32,
    /// How many the script has.
    pub of: u32,
    /// Line of the file, from 1.
    pub line: u32,
    /// Its text.
    pub text: String,
}

/// Why it failed.
#[derive(Debug, Clone)]
pub struct Error {
    /// Kind.
    pub kind: Kind,
    /// One sentence in lower case, without a full stop.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// The migration.
    pub migration: Option<String>,
    /// The statement.
    pub statement: Option<FailedStatement>,
    /// PostgreSQL's code.
    pub sqlstate: Option<String>,
    /// PostgreSQL's DETAIL.
    pub detail: Option<String>,
    /// Prisma's code for the same thing.
    pub prisma_code: Option<&'static str>,
    /// What the database is left with.
    pub database: DatabaseState,
    /// The attempts that block, for P3009.
    pub unfinished: Vec<Row>,
    /// The sessions that were in the way.
    pub blockers: Vec<Blocker>,
}

impl Error {
    /// An error that left the database as it was.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
            migration: None,
            statement: None,
            sqlstate: None,
            detail: None,
            prisma_code: None,
            database: DatabaseState::Unchanged,
            unfinished: Vec::new(),
            blockers: Vec::new(),
        }
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// With the migration it is about.
    #[must_use]
    pub fn migration(self, name: &str) -> Self {
        Self { migration: Some(name.to_owned()), ..self }
    }

    /// With Prisma's code.
    #[must_use]
    pub fn prisma(self, code: &'static str) -> Self {
        Self { prisma_code: Some(code), ..self }
    }

    /// With what the database is left with.
    #[must_use]
    pub fn database(self, database: DatabaseState) -> Self {
        Self { database, ..self }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// What the server or the connection said.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The server refused a statement; the session goes on.
    Server(Box<DbError>),
    /// The server answered what no PostgreSQL answers, or we cannot even ask; a whole sentence. The
    /// session goes on.
    Answer(String),
    /// The connection is gone, and with it the answer.
    Lost(Loss),
}

/// How a connection went.
#[derive(Debug)]
pub(crate) struct Loss {
    pub(crate) cause: String,
    /// The server's code, if it said goodbye.
    pub(crate) sqlstate: Option<String>,
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(db) if ends_session(db) => Self::Lost(Loss {
                cause: db.message().to_owned(),
                sqlstate: Some(db.code().code().to_owned()),
            }),
            Some(db) => Self::Server(Box::new(db.clone())),
            // What asks its client for something else than a statement, as COPY does: the driver reads on
            // behind it, and the session goes on.
            None if chain(&error) == UNEXPECTED => {
                Self::Answer("the script asks for what nobody can give it or take from it, as COPY … TO STDOUT does".to_owned())
            }
            None if unsendable(&error) => Self::Answer(format!(
                "what was to be sent is no text of PostgreSQL: {}",
                chain(&error)
            )),
            None => Self::Lost(Loss { cause: chain(&error), sqlstate: None }),
        }
    }
}

/// How the driver says that (tokio-postgres, `error/mod.rs`: `Kind::UnexpectedMessage`).
const UNEXPECTED: &str = "unexpected message from server";

/// Whether a message could not even be written: it has a NUL character, or is larger than a message
/// can be. The driver says so with this kind, and nothing was sent.
pub(crate) fn unsendable(error: &tokio_postgres::Error) -> bool {
    let cause = std::error::Error::source(error);
    let cause = cause.and_then(|cause| cause.downcast_ref::<std::io::Error>());
    cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::InvalidInput)
}

/// What the server calls fatal: shutdown, crash, starting up, a time limit for a transaction. Class 57P
/// says the same where a pooler speaks for it, which names no function of its own; code of a script
/// raises it like any other, and another server's passes through `postgres_fdw` as an error.
fn ends_session(db: &DbError) -> bool {
    matches!(db.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
        || (db.code().code().starts_with("57P") && db.routine().is_none())
}

/// Lock not available, deadlock, serialization failure: the others' doing, and nothing of the
/// transaction is left.
pub(crate) fn others_doing(db: &DbError) -> bool {
    matches!(db.code().code(), "55P03" | "40P01" | "40001") && !raised(db)
}

/// Whether code of a script raised it: then its SQLSTATE says what its author wanted, and not what
/// the server found. PostgreSQL names the function of its own that reports; RAISE and ASSERT of
/// PL/pgSQL are these (`pl_exec.c`), and `plpy.error` and its kin of PL/Python and PL/Perl.
pub(crate) fn raised(db: &DbError) -> bool {
    matches!(
        db.routine(),
        Some(
            "exec_stmt_raise"
                | "exec_stmt_assert"
                | "PLy_output"
                | "PLy_elog_impl"
                | "plperl_util_elog"
                | "plperl_spi_exec"
        )
    )
}

/// An error with its causes, none said twice.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

impl From<Fault> for Error {
    /// For statements of our own; a script's failure says more.
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Server(db) => {
                let code = db.code().code().to_owned();
                let kind = match code.as_str() {
                    "42501" => Kind::AccessDenied,
                    "25006" => Kind::Unreachable,
                    // Somebody wanted the run to stop, or a time limit of the role did.
                    "57014" => Kind::Interrupted,
                    _ if others_doing(&db) => Kind::Blocked,
                    _ => Kind::Unexpected,
                };
                let hint = crate::hint::for_sqlstate(&code).map(str::to_owned);
                Self {
                    hint,
                    detail: db.detail().map(str::to_owned),
                    sqlstate: Some(code),
                    ..Self::new(kind, db.message())
                }
            }
            Fault::Answer(sentence) => Self::new(Kind::Unexpected, sentence).hint(
                "is it a PostgreSQL server, and is nothing in between that changes its answers?",
            ),
            Fault::Lost(loss) => Self {
                sqlstate: loss.sqlstate,
                ..Self::new(
                    Kind::ConnectionLost,
                    format!("the connection was lost: {}", loss.cause),
                )
                .hint("run again: what was not committed is rolled back")
                .database(DatabaseState::Unknown)
            },
        }
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        Fault::from(error).into()
    }
}
