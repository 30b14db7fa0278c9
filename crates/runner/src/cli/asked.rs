//! Owns what is asked: by the controller, in one variable that counts in every mode, else by the
//! command line. RunTask overrides a container's command and never its ENTRYPOINT, so behind
//! `ENTRYPOINT ["ecs-migrate-runner", "start", "--", …]` no word on the command line could be heard.

use super::{Cli, blank, unobeyed, word};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, FromArgMatches as _};
use protocol::{ExitCode, RunnerCommand, command, env};
use std::ffi::{OsStr, OsString};

/// The command, from the process's arguments and what stands in [`env::COMMAND`].
pub(crate) fn read(
    mut arguments: impl Iterator<Item = OsString>,
    asked: Option<&OsStr>,
) -> Result<Cli, clap::Error> {
    let program = arguments.next().unwrap_or_else(|| OsString::from("ecs-migrate-runner"));
    let own: Vec<OsString> = arguments.collect();
    let definition = Cli::command();
    // A task definition cannot unset a variable: an empty one is none.
    let words: Vec<OsString> = match asked.filter(|value| !value.is_empty()) {
        None => word::first(&definition, &own),
        Some(value) => {
            let words = value.to_str().ok_or("it is no UTF-8").and_then(command::decode);
            let words: Vec<_> =
                words.map_err(unreadable)?.into_iter().map(OsString::from).collect();
            let words = word::first(&definition, &words);
            let joined = word::with_options_of_entry_point(&definition, &words, &own);
            refuse_lost_guards(&definition, &joined)?;
            joined.words
        }
    };
    let parsed = parse([std::slice::from_ref(&program), words.as_slice()].concat());
    let cli = parsed.map_err(|error| match (asked, error.use_stderr()) {
        // Help is no work: who asked for it would take its good end for that of a migration.
        (Some(_), false) => unreadable("it asks for no command"),
        _ => explained(error, word::of(&words)),
    })?;
    // A task definition is the same for every command: what cannot be read in it is wrong for all, and
    // `deploy`, which has every setting, reads them all.
    parse(vec![program, OsString::from("deploy")])?;
    Ok(cli)
}

/// An ENTRYPOINT's guard is one whatever is asked: a command that changes the schema obeys it or is refused.
fn refuse_lost_guards(
    definition: &clap::Command,
    joined: &word::Joined,
) -> Result<(), clap::Error> {
    let command = word::of(&joined.words).to_string_lossy().into_owned();
    if !RunnerCommand::named(&command).is_some_and(RunnerCommand::may_migrate) {
        return Ok(());
    }
    let Some(guard) = unobeyed::guard_among(definition, &joined.left) else { return Ok(()) };
    let message = format!(
        "`{command}` would not obey --{guard} of the image's ENTRYPOINT; let `deploy` migrate, or put the guard into the task definition's environment, where one run can be without it\n"
    );
    Err(Cli::command().error(ErrorKind::UnknownArgument, message))
}

/// The command that these words are, with nothing blank in it.
fn parse(words: Vec<OsString>) -> Result<Cli, clap::Error> {
    let mut command = Cli::command();
    let matches = command.try_get_matches_from_mut(words)?;
    if let Some(flag) = blank::flag(&command, &matches) {
        return Err(blank::refused(&mut command, &format!("flag --{flag}")));
    }
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

fn unreadable(cause: &str) -> clap::Error {
    let message = format!(
        "{} cannot be read: {cause}; ecs-migrate sets it, and nothing else should\n",
        env::COMMAND
    );
    Cli::command().error(ErrorKind::InvalidValue, message)
}

/// An option of other commands is not a typing error, and says whose it is.
fn explained(error: clap::Error, command: &OsStr) -> clap::Error {
    let unknown = error.kind() == ErrorKind::UnknownArgument;
    let option = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) if unknown => option.clone(),
        _ => return error,
    };
    let option = option.split([' ', '=']).next().unwrap_or_default();
    let takers = word::takers(&Cli::command(), option);
    if !option.starts_with("--") || takers.is_empty() {
        return error;
    }
    let message = format!(
        "`{}` does not take {option}, because it would not obey it; {} would\n",
        command.to_string_lossy(),
        takers.iter().map(|taker| format!("`{taker}`")).collect::<Vec<_>>().join(", ")
    );
    Cli::command().error(ErrorKind::UnknownArgument, message)
}

/// Prints help, version, or what is wrong with the command line.
pub(crate) fn explain(message: &clap::Error) -> ExitCode {
    // A closed stdout or stderr leaves nobody to tell.
    let _told = message.print();
    if message.use_stderr() { ExitCode::Usage } else { ExitCode::Success }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(arguments: &[&str], asked: Option<&str>) -> Result<RunnerCommand, String> {
        let arguments = ["runner"].iter().chain(arguments).map(OsString::from);
        read(arguments, asked.map(OsStr::new))
            .map(|cli| cli.command.said())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_the_controller_asks_counts_whatever_the_entry_point_says() {
        for entry_point in [&["start", "--", "app"][..], &["exec", "--", "app"], &["deploy"], &[]] {
            for (asked, expected) in [
                (r#"["status"]"#, RunnerCommand::Status),
                (r#"["resolve","--applied=1_a"]"#, RunnerCommand::Resolve),
                (r#"["exec","--","true"]"#, RunnerCommand::Exec),
                (r#"["--migrations","m","check"]"#, RunnerCommand::Check),
                ("[]", RunnerCommand::Deploy),
            ] {
                assert_eq!(said(entry_point, Some(asked)), Ok(expected), "{entry_point:?} {asked}");
            }
            for nonsense in [
                "status",
                "[1]",
                "{}",
                r#"["teleport"]"#,
                r#"["status"#,
                r#"["--x"]"#,
                r#"["--version"]"#,
                r#"["status","--help"]"#,
                r#"["help"]"#,
            ] {
                assert!(said(entry_point, Some(nonsense)).is_err(), "{entry_point:?} {nonsense}");
            }
        }
        assert_eq!(said(&["start", "--", "app"], Some("")), Ok(RunnerCommand::Start));
        assert_eq!(said(&["status"], None), Ok(RunnerCommand::Status));
    }

    #[test]
    fn a_guard_of_the_entry_point_is_obeyed_or_refused() {
        let exec = Some(r#"["exec","--","true"]"#);
        for (entry_point, guard) in [
            ("deploy --backup-command true", "backup-command"),
            ("start --check -- app", "check"),
            ("--on-drift=stop", "on-drift"),
            ("start --app-role app -- app", "app-role"),
            ("--phase contract", "phase"),
            ("--lock-timeout 2s", "lock-timeout"),
        ] {
            let words: Vec<&str> = entry_point.split(' ').collect();
            let refusal = said(&words, exec).unwrap_err();
            let expected = format!("`exec` would not obey --{guard} of the image's ENTRYPOINT");
            assert!(refusal.contains(&expected), "{entry_point}: {refusal}");
            assert!(said(&words, Some(r#"["status"]"#)).is_ok(), "{entry_point}");
        }
        for entry_point in ["--migrations m", "--phase expand", "start -- app --check"] {
            let words: Vec<&str> = entry_point.split(' ').collect();
            assert_eq!(said(&words, exec), Ok(RunnerCommand::Exec), "{entry_point}");
        }
    }

    #[test]
    fn a_command_takes_only_what_it_obeys_and_says_who_would() {
        for words in [
            "exec --backup-command false -- true",
            "exec --app-role nobody -- true",
            "exec --on-drift stop -- true",
            "exec --migrations m -- true",
            "start --backup-command true -- true",
            "start --yes -- true",
            "status --lock-wait 5m",
            "--lock-wait 5m status",
            "check --phase expand",
            "unblock 7 --migrations m",
            "resolve --applied a --check",
            "replay --app-role app",
        ] {
            let words: Vec<&str> = words.split(' ').collect();
            let refusal = said(&words, None).unwrap_err();
            assert!(refusal.contains("would not obey it; `deploy`"), "{words:?}: {refusal}");
        }
        for words in [
            "--lock-wait 5m --phase expand --backup-command true",
            "deploy --check --app-role app --on-drift stop --then true --yes",
            "start --lock-wait 5m --check --app-role app -- true",
            "exec --lock-key 7 --lock-budget 1s --environment production -- true",
            "status --migrations m --secret s --allow missing:a",
            "check --drift --app-role app --scratch-url postgresql://h/d",
        ] {
            let words: Vec<&str> = words.split(' ').collect();
            assert!(said(&words, None).is_ok(), "{words:?}");
        }
    }
}
