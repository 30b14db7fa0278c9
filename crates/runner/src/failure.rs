//! Errors as exit codes and as what an event line says of them.

use crate::words::millis;
use engine::{Blocker, DatabaseState, Error, Kind};
use protocol::failure::{FailedStatement, UnfinishedMigration};
use protocol::limits::MAX_BLOCKERS_PER_EVENT;
use protocol::{ExitCode, Failure, traffic};

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
        blockers: blockers(&error.blockers),
        prisma_code: error.prisma_code.map(str::to_owned),
    }
}

/// Who was in the way, as an event line says it.
pub(crate) fn blockers(blockers: &[Blocker]) -> Vec<traffic::Blocker> {
    let shown = blockers.iter().take(MAX_BLOCKERS_PER_EVENT);
    shown
        .map(|blocker| traffic::Blocker {
            pid: blocker.pid,
            blocker: blocker.kind.word().to_owned(),
            application: blocker.application.clone(),
            user: blocker.user.clone(),
            since_ms: blocker.since.map(millis),
            query: blocker.query.clone(),
            blocks: blocker.blocks,
            depth: blocker.depth,
        })
        .collect()
}
