//! What to do about the common refusals of the server.

use migrations::Script;
use migrations::script::Class;

/// The hint for what the server said of a script: its own hint and ours. What is in the script already
/// is not advised.
pub(crate) fn of_script(code: &str, theirs: Option<&str>, script: &Script) -> Option<String> {
    let ours = match code {
        "55P04" if script.directive => Some(
            "a new enum value can be used only after it is committed: move the use behind the end of the transaction that the file begins itself",
        ),
        "25001" | "2D000" | "55006" if script.directive => Some(
            "it refuses to run here: not inside BEGIN … COMMIT, a function or a block, and not beside what it needs for itself",
        ),
        "55P04" if makes_enum(script) => Some(
            "before PostgreSQL 17 a value that is added to an enum can be used only after it is committed, also when the file makes the enum: write the value into CREATE TYPE, move its use to the next migration, or put `-- ecs-migrate: transaction=off` at the top of the file",
        ),
        code => for_sqlstate(code),
    };
    match (theirs, ours) {
        // These say what to do with the file, which the server cannot know.
        (Some(theirs), Some(ours)) if matches!(code, "25001" | "2D000" | "55006" | "55P04") => {
            Some(format!("{}; {ours}", theirs.trim_end_matches('.')))
        }
        (theirs, ours) => theirs.or(ours).map(str::to_owned),
    }
}

fn makes_enum(script: &Script) -> bool {
    script.statements.iter().any(|statement| matches!(statement.class, Class::CreateEnum { .. }))
}

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
