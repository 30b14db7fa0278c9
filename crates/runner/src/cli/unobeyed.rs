//! Owns the guards that come by the environment, which is a task definition's and so the same for every
//! command: a command that changes the schema obeys one or refuses it. One that only looks, or corrects
//! the history, changes nothing that they guard.

use super::obeyed::Obeys as _;
use super::{Cli, Command};
use crate::environment::Environment;
use clap::CommandFactory as _;
use engine::{Error, Kind};
use protocol::{RunnerCommand, env};
use std::ffi::OsString;

/// Each variable with the values that ask for nothing.
const GUARDS: [(&str, &[&str]); 10] = [
    (env::CHECK, &["false", "no", "off", "n", "f", "0"]),
    (env::PHASE, &["all", "expand"]),
    (env::APP_ROLE, &[]),
    (env::ON_DRIFT, &["ignore"]),
    (env::BACKUP_COMMAND, &[]),
    (env::SCHEMA_DUMP, &[]),
    (env::RESTORE_POINT, &["time"]),
    (env::KEEP_BEFORE, &["change"]),
    (env::LOCK_TIMEOUT, &[]),
    (env::LOCK_PATIENCE, &[]),
];

/// Refuses a share of the migrations that is asked for twice, each time another one: whoever sets the
/// variable, as a release does for what may run beside old code, must be obeyed whatever an ENTRYPOINT or a
/// definition's own command says.
fn refuse_two_phases(command: &Command, environment: &Environment) -> Result<(), Error> {
    let phase = command.options().review.phase();
    match environment.get(env::PHASE) {
        Some(other) if command.said().applies_shares() && other != phase => Err(Error::new(
            Kind::Configuration,
            format!("--phase says {phase}, and {} says {other}", env::PHASE),
        )
        .hint("leave --phase out of the image's ENTRYPOINT and of the command: `release` says which share is due")),
        Some(_) | None => Ok(()),
    }
}

/// The guards among an ENTRYPOINT's options, each by its name and its words.
pub(super) fn guard_among<'a>(
    program: &clap::Command,
    options: &'a [(String, Vec<OsString>)],
) -> Option<&'a str> {
    let variable = |option: &str| {
        let mut arguments = program.get_subcommands().flat_map(clap::Command::get_arguments);
        let argument = arguments.find(|argument| argument.get_long() == Some(option))?;
        argument.get_env()?.to_str()
    };
    options.iter().find_map(|(name, words)| {
        let (_, nothing) = GUARDS.iter().find(|(guard, _)| variable(name) == Some(guard))?;
        let last = words.last()?.to_string_lossy();
        let value = last.rsplit_once('=').map_or(&*last, |(_, value)| value);
        (!nothing.contains(&value)).then_some(name.as_str())
    })
}

/// Refuses guards that the command would not obey.
pub(crate) fn refuse_unobeyed(command: &Command, environment: &Environment) -> Result<(), Error> {
    let said = command.said();
    if !said.may_migrate() {
        return Ok(());
    }
    refuse_two_phases(command, environment)?;
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

    #[test]
    fn a_guard_of_the_environment_is_obeyed_or_refused() {
        let refused = |words: &str, variable: &str, value: &str| {
            // The variable is the option's where there is one.
            let phase = format!("--phase={value}");
            let migrates = words == "deploy" || words.starts_with("start");
            let option = (variable == env::PHASE && migrates).then_some(phase.as_str());
            let mut words = words.split(' ');
            let command = words.next();
            let words = ["runner"].into_iter().chain(command).chain(option).chain(words);
            let command = read(words.map(OsString::from), None).unwrap().command;
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
            (env::LOCK_TIMEOUT, "2s"),
            (env::LOCK_PATIENCE, "1m"),
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
            (env::LOCK_TIMEOUT, "2s", false),
        ] {
            assert_eq!(refused(start, variable, value), expected, "{variable}");
        }
    }

    #[test]
    fn a_share_is_asked_for_once() {
        for (words, phase, expected) in [
            ("deploy --phase all", "expand", true),
            ("deploy --phase=contract", "expand", true),
            ("start --phase expand -- true", "contract", true),
            ("deploy --phase expand", "expand", false),
            ("deploy --phase expand", "", false),
            ("status", "expand", false),
            ("exec -- true", "expand", false),
        ] {
            let words = ["runner"].into_iter().chain(words.split(' ')).map(OsString::from);
            let command = read(words, None).unwrap().command;
            let environment = [(env::PHASE.to_owned(), phase.to_owned())].into_iter().collect();
            let refusal = refuse_unobeyed(&command, &environment).err();
            let said = refusal.map(|error| error.to_string());
            let asked_twice = said.is_some_and(|said| said.contains("and ECS_MIGRATE_PHASE says"));
            assert_eq!(asked_twice, expected, "{command:?} {phase}");
        }
    }
}
