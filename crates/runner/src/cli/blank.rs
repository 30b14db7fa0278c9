//! Owns refusing what is blank: the variable that it was made of is not there, and what it should have
//! guarded would not be.

use super::Cli;
use super::obeyed::Obeys as _;
use crate::environment::Environment;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory as _};
use protocol::env;
use std::ffi::OsStr;

/// Variables that switch a guard on. Of every other one an empty text counts as none, because a task
/// definition cannot unset a variable; of these it would unset the guard.
const GUARDS: [&str; 12] = [
    env::ENVIRONMENT,
    env::APP_ROLE,
    env::ON_DRIFT,
    env::DRIFT_GRANTS,
    env::BACKUP_COMMAND,
    env::SCHEMA_DUMP,
    env::RESTORE_POINT,
    env::KEEP_BEFORE,
    env::CHECK,
    env::CHECK_POLICY,
    env::PHASE,
    env::LOCK_KEY,
];

/// Flags of `resolve`, which say themselves what they lack.
const OWN: [&str; 4] = ["applied", "rolled-back", "baseline", "rename-environment"];

/// Refuses a variable of a guard that is blank. Where the command was understood, only of one that it
/// would obey: of another one a blank says that it is not meant for this run.
pub(crate) fn refuse_blank(
    read: Result<Cli, clap::Error>,
    environment: &Environment,
) -> Result<Cli, clap::Error> {
    let mut program = Cli::command();
    let blank = GUARDS
        .into_iter()
        .filter(|name| environment.is_blank(name))
        .find(|name| read.as_ref().map_or(true, |cli| cli.command.said().obeys(&program, name)));
    match blank {
        None => read,
        Some(name) => Err(refused(&mut program, &format!("env {name}"))),
    }
}

/// What is said of something blank.
pub(super) fn refused(command: &mut Command, what: &str) -> clap::Error {
    let hint = "see whether the variable that it is made of is set there, or leave it out";
    command.error(ErrorKind::InvalidValue, format!("{what} is blank\n\n  {hint}"))
}

/// The first flag that is blank, of this command or the one below.
pub(super) fn flag(command: &Command, matches: &ArgMatches) -> Option<String> {
    let here =
        command.get_arguments().filter_map(|argument| argument.get_long().zip(Some(argument)));
    let blank = here
        .filter(|(flag, _)| !OWN.contains(flag))
        .find(|(_, argument)| is_given_blank(argument, matches))
        .map(|(flag, _)| flag.to_owned());
    blank.or_else(|| {
        let (name, below) = matches.subcommand()?;
        flag(command.find_subcommand(name)?, below)
    })
}

fn is_given_blank(argument: &Arg, matches: &ArgMatches) -> bool {
    let id = argument.get_id().as_str();
    matches.value_source(id) == Some(ValueSource::CommandLine)
        && matches.try_get_raw(id).ok().flatten().is_some_and(|mut values| values.any(is_blank))
}

fn is_blank(value: &OsStr) -> bool {
    value.to_str().is_some_and(|text| text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;
    use std::collections::BTreeSet;
    use std::ffi::OsString;

    fn with(name: &str, value: &str) -> Environment {
        [(name.to_owned(), value.to_owned())].into_iter().collect()
    }

    /// Of these an empty text is none: they say where and how long, or they permit something, and
    /// without them the stricter thing holds.
    const NONE: [&str; 22] = [
        env::ALLOW,
        env::APPROVE,
        env::APP_ROLE_EXCEPT,
        env::CHECK_LIMIT,
        env::CHILD_URL,
        env::COMPAT,
        env::CONNECT_WAIT,
        env::CREATE_DATABASE,
        env::GRACE,
        env::IAM_AUTH,
        env::LOCK_BUDGET,
        env::LOCK_PATIENCE,
        env::LOCK_TIMEOUT,
        env::LOCK_WAIT,
        env::LOG_FORMAT,
        env::MIGRATIONS,
        env::RDS,
        env::SCHEMA,
        env::SCRATCH_URL,
        env::SECRET,
        env::THEN,
        env::THEN_AGAIN,
    ];

    #[test]
    fn every_variable_of_an_option_is_decided_here() {
        fn of(command: &Command, found: &mut BTreeSet<String>) {
            let names = command.get_arguments().filter_map(|argument| argument.get_env());
            found.extend(names.map(|name| name.to_str().unwrap().to_owned()));
            command.get_subcommands().for_each(|below| of(below, found));
        }
        let mut found = BTreeSet::new();
        of(&Cli::command(), &mut found);
        let decided: BTreeSet<String> =
            GUARDS.iter().chain(&NONE).map(|name| (*name).to_owned()).collect();
        assert_eq!(found, decided);
        assert_eq!(decided.len(), GUARDS.len() + NONE.len());
    }

    #[test]
    fn a_guard_is_not_switched_off_by_a_blank() {
        let refused = |words: &[&str], name: &str, value: &str| {
            let words = ["runner"].iter().chain(words).map(OsString::from);
            refuse_blank(read(words, None), &with(name, value)).is_err()
        };
        for guard in GUARDS {
            for blank in ["", " ", "\t", "\r\n"] {
                assert!(refused(&["deploy"], guard, blank), "{guard} {blank:?}");
            }
            assert!(!refused(&["deploy"], guard, "x"), "{guard}");
        }
        assert!(!refused(&["deploy"], env::THEN, ""));
        // It would not obey it, so it is left out for this run; what it obeys is still a guard.
        assert!(!refused(&["exec", "--", "true"], env::BACKUP_COMMAND, ""));
        assert!(refused(&["exec", "--", "true"], env::ENVIRONMENT, ""));
    }
}
