//! Owns the guards that come by the environment, which is a task definition's and so the same for every
//! command: a command that changes the schema obeys one or refuses it. One that only looks, or corrects
//! the history, changes nothing that they guard.

use super::obeyed::Obeys as _;
use super::{Cli, Command};
use crate::environment::Environment;
use clap::CommandFactory as _;
use engine::{Error, Kind};
use protocol::{RunnerCommand, env};

/// Each variable with the values that ask for nothing.
const GUARDS: [(&str, &[&str]); 8] = [
    (env::CHECK, &["false", "no", "off", "n", "f", "0"]),
    (env::PHASE, &["all", "expand"]),
    (env::APP_ROLE, &[]),
    (env::ON_DRIFT, &["ignore"]),
    (env::BACKUP_COMMAND, &[]),
    (env::SCHEMA_DUMP, &[]),
    (env::RESTORE_POINT, &["time"]),
    (env::KEEP_BEFORE, &["change"]),
];

/// Refuses guards that the command would not obey.
pub(crate) fn refuse_unobeyed(command: &Command, environment: &Environment) -> Result<(), Error> {
    let said = command.said();
    if !said.may_migrate() {
        return Ok(());
    }
    let name = said.name();
    let program = Cli::command();
    let is_asked = |(variable, nothing): &&(&str, &[&str])| {
        environment
            .get(variable)
            .is_some_and(|value| !nothing.contains(&value.to_ascii_lowercase().as_str()))
    };
    let Some((variable, nothing)) =
        GUARDS.iter().filter(is_asked).find(|(name, _)| !said.obeys(&program, name))
    else {
        return Ok(());
    };
    let message = match said {
        RunnerCommand::Start => format!(
            "`start` keeps nothing before it migrates, so it would not obey {variable}, which is set"
        ),
        RunnerCommand::Deploy
        | RunnerCommand::Status
        | RunnerCommand::Resolve
        | RunnerCommand::Exec
        | RunnerCommand::Check
        | RunnerCommand::Replay
        | RunnerCommand::Unblock
        | RunnerCommand::Unknown => format!("`{name}` would not obey {variable}, which is set"),
    };
    let nothing = nothing.first().copied().unwrap_or_default();
    Err(Error::new(Kind::Configuration, message).hint(format!(
        "let `deploy` migrate, which obeys it; or say that it is not meant for this run: {variable}={nothing}"
    )))
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;
    use std::ffi::OsString;

    #[test]
    fn a_guard_of_the_environment_is_obeyed_or_refused() {
        let refused = |words: &str, variable: &str, value: &str| {
            let words = ["runner"].into_iter().chain(words.split(' ')).map(OsString::from);
            let command = read(words, None).unwrap().command;
            let environment = [(variable.to_owned(), value.to_owned())].into_iter().collect();
            refuse_unobeyed(&command, &environment).is_err()
        };
        let (exec, start) = ("exec -- true", "start -- true");
        for (variable, value) in [
            (env::CHECK, "1"),
            (env::PHASE, "contract"),
            (env::APP_ROLE, "app"),
            (env::ON_DRIFT, "stop"),
            (env::BACKUP_COMMAND, "true"),
            (env::SCHEMA_DUMP, "/f"),
            (env::RESTORE_POINT, "snapshot"),
            (env::KEEP_BEFORE, "loss"),
        ] {
            assert!(refused(exec, variable, value), "{variable}");
            for harmless in
                ["deploy", "status", "check", "replay", "resolve --applied a", "unblock 7"]
            {
                assert!(!refused(harmless, variable, value), "{harmless} {variable}");
            }
        }
        for (variable, value) in [
            (env::CHECK, "0"),
            (env::CHECK, "FALSE"),
            (env::PHASE, "expand"),
            (env::ON_DRIFT, "ignore"),
            (env::RESTORE_POINT, "time"),
            (env::BACKUP_COMMAND, ""),
            (env::ENVIRONMENT, "production"),
            (env::LOCK_WAIT, "5m"),
            (env::MIGRATIONS, "m"),
        ] {
            assert!(!refused(exec, variable, value), "{variable}={value}");
        }
        for (variable, value, expected) in [
            (env::CHECK, "1", false),
            (env::PHASE, "contract", false),
            (env::APP_ROLE, "app", false),
            (env::ON_DRIFT, "stop", false),
            (env::BACKUP_COMMAND, "true", true),
            (env::SCHEMA_DUMP, "/f", true),
            (env::RESTORE_POINT, "rds", true),
        ] {
            assert_eq!(refused(start, variable, value), expected, "{variable}");
        }
    }
}
