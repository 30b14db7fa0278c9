//! What the Prisma CLI 7 would print, byte for byte on stdout.
//!
//! Progress goes to stdout, errors to stderr; what Prisma has no words for is left out. The texts
//! are the CLI's and the schema engine's own, because scripts of teams match on them.

use crate::emit::Block;
use protocol::event::{Connected, MigrationStatus, Outcome, Planned, RunFinished};
use protocol::{Event, Failure, RunnerCommand};

const RESOLVE: &str = "Read more about how to resolve migration issues in a production database: https://pris.ly/d/migrate-resolve";

/// What has been printed so far decides what comes next.
#[derive(Debug, Default)]
pub struct Prisma {
    command: RunnerCommand,
    connected: Connected,
    planned: bool,
    applied: Vec<String>,
    statuses: Vec<MigrationStatus>,
    created: bool,
    resolved: Option<String>,
    unmanaged: bool,
}

impl Prisma {
    /// The text for an event.
    pub(crate) fn render(&mut self, event: &Event) -> Block {
        match event {
            Event::RunStarted(started) => {
                self.command = started.command;
                Block::default()
            }
            // A second connection after a loss, and what is planned on it, have no words.
            Event::Connected(_) if self.connected.backend != 0 => Block::default(),
            Event::Planned(_) if self.planned => Block::default(),
            Event::Connected(connected) => {
                self.connected = connected.clone();
                Block::out(self.datasource())
            }
            Event::Notice(notice) => {
                self.created |= notice.code == "database_created";
                self.unmanaged |= notice.code == "not_managed";
                if notice.code == "resolved" {
                    self.resolved =
                        Some(notice.text.replace('`', "").replace(" is marked", " marked"));
                }
                Block::default()
            }
            Event::Planned(planned) => {
                self.planned = true;
                Block::out(count(planned))
            }
            Event::MigrationStarted(started) => {
                Block::out(format!("Applying migration `{}`\n", started.migration))
            }
            Event::MigrationApplied(applied) => {
                self.applied.push(applied.migration.clone());
                Block::default()
            }
            Event::MigrationStatus(status) => {
                self.statuses.push(status.clone());
                Block::default()
            }
            Event::RunFinished(finished) => self.end(finished),
            Event::ConnectWaiting(_)
            | Event::LockWaiting(_)
            | Event::LockAcquired(_)
            | Event::Settled(_)
            | Event::RestorePoint(_)
            | Event::StatementFinished(_)
            | Event::AttemptBlocked(_)
            | Event::MigrationFailed(_)
            | Event::CheckFinding(_)
            | Event::Heartbeat(_)
            | Event::Interrupted(_)
            | Event::Output(_)
            | Event::OutputDropped(_)
            | Event::Unknown => Block::default(),
        }
    }

    fn datasource(&self) -> String {
        let Connected { host, port, database, schema, .. } = &self.connected;
        let line = format!(
            "Datasource \"db\": PostgreSQL database \"{database}\", schema \"{schema}\" at \"{host}:{port}\"\n\n"
        );
        if self.created {
            format!("{line}PostgreSQL database {database} created at {host}:{port}\n\n")
        } else {
            line
        }
    }

    fn end(&self, finished: &RunFinished) -> Block {
        match (&finished.failure, self.command) {
            (_, RunnerCommand::Status)
                if finished.outcome == Outcome::Done
                    || self.unmanaged
                    || !self.statuses.is_empty() =>
            {
                self.status()
            }
            (Some(failure), _) => Block::err(self.error(failure)),
            (None, RunnerCommand::Resolve) => Block::out(format!(
                "Migration {}.\n\n",
                self.resolved.as_deref().unwrap_or_default()
            )),
            (None, _) => match finished.outcome {
                Outcome::Applied => Block::out(self.applied_tree()),
                Outcome::NothingToDo
                | Outcome::Done
                | Outcome::Failed
                | Outcome::Interrupted
                | Outcome::Unknown => Block::out("\nNo pending migrations to apply.\n"),
            },
        }
    }

    fn applied_tree(&self) -> String {
        let names = self.applied.iter().map(|name| format!("  └─ {name}/\n    └─ migration.sql\n"));
        let names: String = names.collect();
        format!(
            "\nThe following migration(s) have been applied:\n\nmigrations/\n{names}\nAll migrations have been successfully applied.\n"
        )
    }

    /// Prisma looks for pending ones first, and then at nothing else.
    fn status(&self) -> Block {
        let names = |wanted: &[&str]| -> Vec<&str> {
            let found =
                self.statuses.iter().filter(|status| wanted.contains(&status.state.as_str()));
            found.map(|status| status.migration.as_str()).collect()
        };
        let (pending, missing, failed) =
            (names(&["pending"]), names(&["missing", "ahead"]), names(&["unfinished"]));
        let found = self.statuses.len() - missing.len();
        let head = count(&Planned { found: found as u64, ..Planned::default() });
        if self.unmanaged {
            return Block {
                out: head,
                err: "The current database is not managed by Prisma Migrate.\n\n\
                      Read more about how to baseline an existing production database:\nhttps://pris.ly/d/migrate-baseline\n"
                    .to_owned(),
            };
        }
        if !pending.is_empty() && !missing.is_empty() {
            let common = names(&["applied", "edited"]).last().copied().unwrap_or("null");
            return Block {
                out: head,
                err: format!(
                    "Your local migration history and the migrations table from your database are different:\n\n\
                     The last common migration is: {common}\n\nThe migration have not yet been applied:\n{}\n\n\
                     The migration{} from the database are not found locally in prisma/migrations:\n{}\n",
                    pending.join("\n"),
                    if missing.len() > 1 { "s" } else { "" },
                    missing.join("\n")
                ),
            };
        }
        if !pending.is_empty() {
            let noun = if pending.len() > 1 { "migrations" } else { "migration" };
            return Block::out(format!(
                "{}Following {noun} have not yet been applied:\n{}\n\n\
                 To apply migrations in development run prisma migrate dev.\n\
                 To apply migrations in production run prisma migrate deploy.\n",
                head.trim_end_matches('\n').to_owned() + "\n",
                pending.join("\n")
            ));
        }
        if !failed.is_empty() {
            let noun = if failed.len() > 1 { "migrations" } else { "migration" };
            return Block {
                out: head,
                err: format!("Following {noun} have failed:\n{}\n\n{RESOLVE}\n", failed.join("\n")),
            };
        }
        Block::out(format!("{head}Database schema is up to date!\n"))
    }

    fn error(&self, failure: &Failure) -> String {
        let Connected { host, user, .. } = &self.connected;
        let name = failure.migration.as_deref().unwrap_or_default();
        let code = failure.prisma_code.as_deref().unwrap_or_default();
        let text = match code {
            "P1000" => format!("Authentication failed against database server at `{host}`, the provided database credentials for `{user}` are not valid."),
            "P1002" => format!(
                "The database server was reached but timed out.\n\nPlease try again.\n\nPlease make sure your database server is running at the configured address.\n\n\
                 Context: Timed out trying to acquire a postgres advisory lock (SELECT pg_advisory_lock(72707369)). {}. See https://pris.ly/d/migrate-advisory-locking for details.",
                failure.message
            ),
            "P3005" => "The database schema is not empty. Read more about how to baseline an existing production database: https://pris.ly/d/migrate-baseline".to_owned(),
            "P3008" => format!("The migration `{name}` is already recorded as applied in the database."),
            "P3009" => unfinished(failure),
            "P3011" => format!("Migration `{name}` cannot be rolled back because it was never applied to the database. Hint: did you pass in the whole migration name? (example: \"20201207184859_initial_migration\")"),
            "P3012" => format!("Migration `{name}` cannot be rolled back because it is not in a failed state."),
            "P3015" => "Could not find the migration file at migration.sql. Please delete the directory or restore the migration file.".to_owned(),
            "P3017" => format!("The migration {name} could not be found. Please make sure that the migration exists, and that you included the whole name of the directory. (example: \"20201207184859_initial_migration\")"),
            "P3018" => failed(failure, name),
            "P3019" => format!(
                "The datasource provider `postgresql` specified in your schema does not match the one specified in the migration_lock.toml, `{}`. \
                 Please remove your current migration directory and start a new migration history with prisma migrate dev. Read more: https://pris.ly/d/migrate-provider-switch",
                failure.detail.as_deref().unwrap_or_default()
            ),
            "P1001" | "P1003" | "P1010" | "P1013" => return format!("Error: {code}: {}\n", failure.message),
            _ => return format!("Error: {}\n", failure.message),
        };
        format!("Error: {code}\n\n{text}\n\n")
    }
}

fn count(planned: &Planned) -> String {
    match planned.found {
        0 => "No migration found in prisma/migrations\n\n".to_owned(),
        1 => "1 migration found in prisma/migrations\n\n".to_owned(),
        found => format!("{found} migrations found in prisma/migrations\n\n"),
    }
}

fn unfinished(failure: &Failure) -> String {
    let lines = failure.unfinished.iter().map(|row| {
        format!("The `{}` migration started at {} failed\n", row.name, prisma_time(&row.started_at))
    });
    format!(
        "migrate found failed migrations in the target database, new migrations will not be applied. {RESOLVE}\n{}",
        lines.collect::<String>()
    )
}

/// `2026-11-21 03:10:33.620 UTC`: no, three or six digits, whichever suffices.
fn prisma_time(rfc3339: &str) -> String {
    let text = rfc3339.trim_end_matches('Z').replace('T', " ");
    let text = text.strip_suffix("000").unwrap_or(&text);
    let text = text.strip_suffix(".000").unwrap_or(text);
    format!("{text} UTC")
}

fn failed(failure: &Failure, name: &str) -> String {
    let code = failure.sqlstate.as_deref().unwrap_or("none");
    // The server has no DETAIL for a lock that is not available: what is there names the blockers.
    let detail = failure.detail.as_ref().filter(|_| code != "55P03");
    let detail = detail.map_or(String::new(), |detail| format!("\nDETAIL: {detail}"));
    format!(
        "A migration failed to apply. New migrations cannot be applied before the error is recovered from. {RESOLVE}\n\n\
         Migration name: {name}\n\nDatabase error code: {code}\n\nDatabase error:\nERROR: {}{detail}",
        failure.message
    )
}
