//! Owns failures: whose fault, one sentence, what to do, which exit code.

use crate::task::DatabaseMeaning;
use protocol::ExitCode;
use std::error::Error as StdError;
use std::fmt;

/// Whose fault a failure is; it decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The command line, the file or the environment.
    Usage,
    /// No capacity or no placement.
    NoCapacity,
    /// Somebody else's run is in flight.
    AnotherRun,
    /// A signal, before there was a task.
    Cancelled,
    /// It goes on without us.
    Detached,
    /// A service is not where it shall be.
    ServiceFailed,
    /// The outcome cannot be known.
    OutcomeUnknown,
    /// AWS said no.
    AwsRefused,
    /// The infrastructure could not be made.
    SetupFailed,
    /// Ours.
    Unexpected,
}

/// A failure. `Display` is the sentence alone, in lower case; the cause is its source.
#[derive(Debug)]
pub(crate) struct Error {
    kind: Kind,
    message: String,
    hint: Option<String>,
    database: Option<DatabaseMeaning>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// A failure of a kind, said in one lower-case sentence without a full stop.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, database: None, source: None }
    }

    /// A failure of the command line, the file or the environment.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Signals cannot be listened to.
    pub(crate) fn no_signals(cause: std::io::Error) -> Self {
        Self::new(Kind::Unexpected, "cannot listen to signals").caused_by(cause)
    }

    /// Adds what to do about it.
    pub(crate) fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What it means for the database is not certain after all, and why; its own hint comes first.
    pub(crate) fn uncertain(mut self, why: &str) -> Self {
        self.database = None;
        let hint = self.hint.take().map_or_else(|| why.to_owned(), |hint| format!("{hint}; {why}"));
        self.hinted(hint)
    }

    /// Adds the cause.
    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds what it means for the database, where that is certain.
    pub(crate) fn database(mut self, meaning: DatabaseMeaning) -> Self {
        self.database = Some(meaning);
        self
    }

    /// The same failure behind a green task, which may have changed the database.
    pub(crate) fn behind(mut self, earlier: DatabaseMeaning) -> Self {
        self.database = self.database.map(|meaning| meaning.after(earlier));
        self
    }

    /// What it means for the database, where that is certain.
    pub(crate) fn database_meaning(&self) -> Option<DatabaseMeaning> {
        self.database
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The stable word and number of the exit code.
    pub(crate) fn class(&self) -> ExitCode {
        match self.kind {
            Kind::Usage => ExitCode::Usage,
            Kind::NoCapacity => ExitCode::NoCapacity,
            Kind::AnotherRun => ExitCode::AnotherRun,
            Kind::Cancelled => ExitCode::Cancelled,
            Kind::Detached => ExitCode::Detached,
            Kind::ServiceFailed => ExitCode::ServiceFailed,
            Kind::OutcomeUnknown => ExitCode::OutcomeUnknown,
            Kind::AwsRefused => ExitCode::AwsRefused,
            Kind::SetupFailed => ExitCode::SetupFailed,
            Kind::Unexpected => ExitCode::Unexpected,
        }
    }

    /// What the process ends with.
    pub(crate) fn exit_code(&self) -> u8 {
        self.class().code()
    }

    /// The causes, outermost first; a cause that the text before it already says is left out.
    pub(crate) fn causes(&self) -> Vec<String> {
        let mut causes: Vec<String> = Vec::new();
        let mut said = self.message.clone();
        let mut next = self.source.as_deref().map(|source| source as &dyn StdError);
        while let Some(cause) = next {
            let text = cause.to_string();
            if !said.contains(&text) {
                said.push_str(&text);
                causes.push(text);
            }
            next = cause.source();
        }
        causes
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_was_said_is_not_repeated() {
        let inner = Error::usage("no such file");
        let error = Error::usage("cannot read `x`: no such file").caused_by(inner);
        assert!(error.causes().is_empty());
        let error = Error::usage("cannot read `x`").caused_by(Error::usage("no such file"));
        assert_eq!(error.causes(), ["no such file"]);
        assert_eq!(error.exit_code(), 2);
    }
}
