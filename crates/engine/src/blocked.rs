//! Why nothing may be applied, as an error.

use crate::error::{Error, Kind};
use migrations::plan::{Blocker, Difference};

/// What stands in the way of a plan.
pub(crate) fn blocked(blocker: Blocker) -> Error {
    match blocker {
        Blocker::Unfinished(rows) => {
            let names: Vec<String> = rows
                .iter()
                .map(|row| format!("`{}` (started at {})", row.name, row.started_at))
                .collect();
            let error = Error::new(
                Kind::UnfinishedMigration,
                format!("an earlier run of another tool did not finish {}", names.join(", ")),
            )
            .hint("find out what of it is in the database, then `resolve --rolled-back NAME` or `resolve --applied NAME`")
            .migration(&rows[0].name)
            .prisma("P3009");
            let logs =
                rows.iter().filter_map(|row| row.logs.clone()).collect::<Vec<_>>().join("\n");
            Error { detail: (!logs.is_empty()).then_some(logs), unfinished: rows, ..error }
        }
        Blocker::NothingHere(applied) => Error::new(
            Kind::HistoryDiffers,
            format!("there are no migrations here, but the database has {applied} of them applied"),
        )
        .hint("is --migrations the right folder, and did the image get its files?"),
        Blocker::Differs(differences) => {
            let sentences: Vec<String> = differences.iter().map(Difference::to_string).collect();
            let permissions: Vec<String> = differences
                .iter()
                .map(|difference| format!("--allow {}", difference.permission()))
                .collect();
            Error::new(Kind::HistoryDiffers, sentences.join("; "))
                .hint(format!("restore the files, or allow it: {}", permissions.join(" ")))
        }
        Blocker::Misspelt { name, sentence } => Error::new(Kind::Configuration, sentence)
            .hint("before the first statement stands `-- ecs-migrate: phase=after-deploy` or `-- ecs-migrate: transaction=off`, exactly so")
            .migration(&name),
        Blocker::Unreadable { name, cause } => unreadable(&name, &cause),
    }
}

pub(crate) fn unreadable(name: &str, cause: &str) -> Error {
    Error::new(Kind::Configuration, format!("its script cannot be read: {cause}"))
        .hint("--migrations names the folder whose folders are the migrations, each with a file migration.sql in UTF-8")
        .migration(name)
        .prisma("P3015")
}
