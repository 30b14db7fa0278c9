//! Errors as exit codes and as what an event line says of them.

use engine::{DatabaseState, Error, Kind};
use protocol::failure::{FailedStatement, UnfinishedMigration};
use protocol::{ExitCode, Failure};

/// The exit code of a kind of error.
pub(crate) const fn exit_code(kind: Kind) -> ExitCode {
    match kind {
        Kind::Unexpected => ExitCode::Unexpected,
        Kind::Configuration => ExitCode::Usage,
        Kind::MigrationFailed => ExitCode::MigrationFailed,
        Kind::PartlyApplied => ExitCode::PartlyApplied,
        Kind::UnfinishedMigration => ExitCode::UnfinishedMigration,
        Kind::HistoryDiffers => ExitCode::HistoryDiffers,
        Kind::Contradicted => ExitCode::StoppedByCheck,
        Kind::LockNotObtained => ExitCode::LockNotObtained,
        Kind::Unreachable | Kind::ConnectionLost => ExitCode::DatabaseUnreachable,
        Kind::AccessDenied => ExitCode::AccessDenied,
        Kind::Blocked => ExitCode::BlockedByTraffic,
        Kind::Interrupted => ExitCode::InterruptedRolledBack,
        Kind::InterruptedPartWay => ExitCode::InterruptedPartWay,
    }
}

/// What the database is left with after a run that applied `applied` migrations before it failed.
pub(crate) const fn database(state: DatabaseState, applied: usize) -> protocol::DatabaseState {
    match (state, applied) {
        (DatabaseState::Unchanged, 0) => protocol::DatabaseState::Unchanged,
        (DatabaseState::Unchanged, _) => protocol::DatabaseState::Changed,
        (DatabaseState::PartWay, _) => protocol::DatabaseState::PartWay,
        (DatabaseState::NeedsAttention, _) => protocol::DatabaseState::NeedsAttention,
        (DatabaseState::Unknown, _) => protocol::DatabaseState::Unknown,
    }
}

/// The error as an event line says it.
pub(crate) fn failure(error: &Error) -> Failure {
    Failure {
        message: error.message.clone(),
        hint: error.hint.clone(),
        migration: error.migration.clone(),
        statement: error.statement.as_ref().map(|statement| FailedStatement {
            number: statement.number,
            of: statement.of,
            line: statement.line,
            text: statement.text.clone(),
        }),
        sqlstate: error.sqlstate.clone(),
        detail: error.detail.clone(),
        unfinished: error
            .unfinished
            .iter()
            .map(|row| UnfinishedMigration {
                name: row.name.clone(),
                started_at: row.started_at.clone(),
            })
            .collect(),
        prisma_code: error.prisma_code.map(str::to_owned),
    }
}
