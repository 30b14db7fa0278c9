//! The rows of `_prisma_migrations`, and our marker in them.

use std::fmt;

/// A row of the history. Times are RFC 3339 texts as the server renders them in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// UUID, the primary key.
    pub id: String,
    /// Name of the migration; not unique, every attempt is a row of its own.
    pub name: String,
    /// Digest of the script that was run.
    pub checksum: String,
    /// When the attempt began.
    pub started_at: String,
    /// When it ended well.
    pub finished_at: Option<String>,
    /// When it was marked as rolled back.
    pub rolled_back_at: Option<String>,
    /// Prisma keeps the error here; while a script of ours runs it holds our marker.
    pub logs: Option<String>,
}

impl Row {
    /// Neither finished nor rolled back: it is running, was killed, or failed.
    pub fn unfinished(&self) -> bool {
        self.finished_at.is_none() && self.rolled_back_at.is_none()
    }

    /// Finished and not taken back.
    pub fn applied(&self) -> bool {
        self.finished_at.is_some() && self.rolled_back_at.is_none()
    }

    /// Our marker, if this attempt was one of ours.
    pub fn marker(&self) -> Option<Marker> {
        self.logs.as_deref().and_then(Marker::parse)
    }
}

/// How a script runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Script and history row in one transaction.
    Transaction,
    /// As [`Mode::Transaction`], but nobody can tell whether the script ends it before its end.
    Whole,
    /// Statement by statement, each remembered in the journal.
    Statements,
}

impl Mode {
    /// The word in the marker and in event lines.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Transaction => "transaction",
            Self::Whole => "whole",
            Self::Statements => "statements",
        }
    }
}

/// What we write into `logs` while a script of ours runs, and leave there while an attempt of ours
/// is to be resumed: by it an unfinished row is known as ours and may be settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// The run.
    pub run: String,
    /// How the script runs.
    pub mode: Mode,
    /// Process id of the backend that runs it.
    pub backend: i32,
}

const MARKER: &str = "ecs-migrate:";

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run, mode, backend } = self;
        write!(f, "{MARKER} mode={} backend={backend} run={run}", mode.word())
    }
}

impl Marker {
    /// The marker in the first line of `logs`; what follows is for people.
    pub fn parse(logs: &str) -> Option<Self> {
        let fields = logs.lines().next()?.strip_prefix(MARKER)?.trim_start();
        let (mode, rest) = fields.strip_prefix("mode=")?.split_once(' ')?;
        let (backend, run) = rest.strip_prefix("backend=")?.split_once(' ')?;
        Some(Self {
            run: run.strip_prefix("run=")?.to_owned(),
            mode: match mode {
                "transaction" => Mode::Transaction,
                "whole" => Mode::Whole,
                "statements" => Mode::Statements,
                _ => return None,
            },
            backend: backend.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_error_of_prisma_is_no_marker() {
        for logs in [
            "",
            "ERROR: relation \"x\" does not exist",
            "ecs-migrate:",
            "ecs-migrate: mode=magic backend=1 run=r",
        ] {
            assert_eq!(Marker::parse(logs), None, "{logs}");
        }
    }

    proptest! {
        #[test]
        fn a_marker_comes_back_with_a_text_behind_it(run in "[^\\r\\n]{0,60}", backend in any::<i32>(), more in ".{0,40}") {
            for mode in [Mode::Transaction, Mode::Whole, Mode::Statements] {
                let marker = Marker { run: run.clone(), mode, backend };
                prop_assert_eq!(Marker::parse(&format!("{marker}\n{more}")), Some(marker));
            }
        }

        #[test]
        fn any_text_is_read_without_a_panic(logs in ".{0,80}") {
            let _marker = Marker::parse(&logs);
            let _marker = Marker::parse(&format!("ecs-migrate:{logs}"));
        }
    }
}
