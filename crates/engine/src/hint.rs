//! What to do about the common refusals of the server.

/// The hint for a SQLSTATE.
pub(crate) fn for_sqlstate(code: &str) -> Option<&'static str> {
    Some(match code {
        "42P07" | "42701" | "42710" | "42P06" | "42723" => {
            "it exists already: somebody made it outside the migrations, or the migration repeats an earlier one"
        }
        "42P01" | "42703" | "42704" | "42883" | "3F000" => {
            "it does not exist: check its spelling and schema, and whether an earlier migration drops or renames it"
        }
        "42501" => {
            "the role lacks the right: let the owner run GRANT for it, or run migrations as the owner"
        }
        "42601" => "check the syntax near the place that the message names",
        "55P03" => "another session held the table: run again, or end that session",
        "40P01" | "40001" => "it collided with another session: run again",
        "23505" => "the data has duplicates: remove them in a migration before this one",
        "23502" => "the data has NULLs: fill them in a migration before this one",
        "23503" => {
            "the data refers to rows that do not exist: clean it in a migration before this one"
        }
        "23514" => "the data violates the check: clean it in a migration before this one",
        "57014" => "it was cancelled, or ran into a statement_timeout",
        "53100" => "the disk is full",
        "25006" => {
            "the database is read-only: is this a replica, or does the script set READ ONLY?"
        }
        "25001" | "2D000" | "55006" => {
            "it refuses to run in a transaction: put `-- ecs-migrate: transaction=off` at the top of the file"
        }
        "55P04" => {
            "a new enum value can be used only after it is committed: move the use to the next migration, or put `-- ecs-migrate: transaction=off` at the top of the file"
        }
        _ => return None,
    })
}
