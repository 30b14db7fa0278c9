//! Owns where a command's word may stand: behind its options too, and nowhere for `deploy`. PURE.

use clap::{ArgAction, Command};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// The words with the command's first: `--child-url libpq exec -- dbmate up` as people and task
/// definitions write it, and `deploy` where there is none.
pub(super) fn first(program: &Command, words: &[OsString]) -> Vec<OsString> {
    let takes_value = options(program);
    let mut place = 0;
    while let Some(word) = words.get(place) {
        let text = word.to_string_lossy();
        if text == "--" {
            break;
        }
        if !text.starts_with('-') || text == "-" {
            let (before, behind) = words.split_at(place);
            return [&behind[..1], before, &behind[1..]].concat();
        }
        let name = text.trim_start_matches('-');
        place += if takes_value.get(name) == Some(&true) { 2 } else { 1 };
    }
    match words {
        // Help alone is that of all commands.
        [only] if ["-h", "--help", "-V", "--version"].iter().any(|help| only == help) => {
            words.to_vec()
        }
        _ => [&[OsString::from("deploy")], words].concat(),
    }
}

/// What is asked beside what an ENTRYPOINT says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Joined {
    /// What is asked, with the options of the ENTRYPOINT that the asked command takes and that were not
    /// given with it: an image says there where its migrations are, whatever it is asked.
    pub(super) words: Vec<OsString>,
    /// Its options that the asked command does not take.
    pub(super) left: Vec<(String, Vec<OsString>)>,
}

/// Joins both.
pub(super) fn with_options_of_entry_point(
    program: &Command,
    asked: &[OsString],
    entry_point: &[OsString],
) -> Joined {
    let mut joined = Joined { words: Vec::new(), left: Vec::new() };
    let Some((command, rest)) = asked.split_first() else { return joined };
    let given = options_in(program, rest);
    joined.words.push(command.clone());
    for (name, option) in options_in(program, entry_point) {
        if !takers(program, &name).iter().any(|taker| command == taker.as_str()) {
            joined.left.push((name, option));
        } else if !given.iter().any(|(known, _)| *known == name) {
            joined.words.extend(option);
        }
    }
    joined.words.extend_from_slice(rest);
    joined
}

/// The options in these words, by their names, each with its value: up to the program behind `--`.
fn options_in(program: &Command, words: &[OsString]) -> Vec<(String, Vec<OsString>)> {
    let takes_value = options(program);
    let mut found = Vec::new();
    let mut words = words.iter().take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        let Some(name) = text.strip_prefix("--") else { continue };
        let mut option = vec![word.clone()];
        let name = match name.split_once('=') {
            Some((name, _)) => name,
            None => {
                if takes_value.get(name) == Some(&true) {
                    option.extend(words.next().cloned());
                }
                name
            }
        };
        found.push((name.to_owned(), option));
    }
    found
}

/// The options of all commands, and whether a value follows.
fn options(program: &Command) -> BTreeMap<String, bool> {
    let commands = program.get_subcommands();
    let all = commands.flat_map(Command::get_arguments);
    all.filter_map(|argument| {
        let takes_value = matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
        Some((argument.get_long()?.to_owned(), takes_value))
    })
    .collect()
}

/// Of an option that is not the command's, the commands that take it.
pub(super) fn takers(program: &Command, option: &str) -> Vec<String> {
    let name = option.trim_start_matches('-');
    let name = name.split_once('=').map_or(name, |(name, _)| name);
    let takes =
        |command: &&Command| command.get_arguments().any(|one| one.get_long() == Some(name));
    program.get_subcommands().filter(takes).map(|command| command.get_name().to_owned()).collect()
}

/// The command's word, once it stands first.
pub(super) fn of(words: &[OsString]) -> &OsStr {
    words.first().map_or(OsStr::new(""), OsString::as_os_str)
}

#[cfg(test)]
mod tests {
    use super::super::Cli;
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn what_an_entry_point_says_of_the_image_holds_for_whatever_is_asked() {
        for (entry_point, asked, expected) in [
            ("--migrations /m status", "status", "status --migrations /m"),
            ("--migrations=/m", "check --drift", "check --migrations=/m --drift"),
            (
                "start --migrations /m --then seed -- app --secret x",
                "status",
                "status --migrations /m",
            ),
            ("--migrations /m", "status --migrations /n", "status --migrations /n"),
            ("--migrations /m", "exec -- psql --migrations x", "exec -- psql --migrations x"),
            ("deploy --backup-command true", "exec -- true", "exec -- true"),
            ("start -- app", "status", "status"),
            ("--migrations", "status", "status --migrations"),
        ] {
            let words =
                |text: &str| text.split_whitespace().map(OsString::from).collect::<Vec<_>>();
            let (asked, entry_point) = (words(asked), words(entry_point));
            let found = with_options_of_entry_point(&Cli::command(), &asked, &entry_point);
            assert_eq!(found.words, words(expected), "{entry_point:?} {asked:?}");
        }
    }

    #[test]
    fn the_word_comes_first_wherever_it_stood() {
        for (words, expected) in [
            ("", "deploy"),
            ("status", "status"),
            ("--lock-wait 5m", "deploy --lock-wait 5m"),
            ("--lock-wait 5m status", "status --lock-wait 5m"),
            ("--lock-wait=5m status", "status --lock-wait=5m"),
            ("--iam-auth check --drift", "check --iam-auth --drift"),
            // A value that is a command's word is a value.
            ("--environment status", "deploy --environment status"),
            ("--environment status exec -- deploy", "exec --environment status -- deploy"),
            ("--child-url libpq exec -- dbmate up", "exec --child-url libpq -- dbmate up"),
            ("--lock-key -5", "deploy --lock-key -5"),
            ("--lock-key -5 exec -- true", "exec --lock-key -5 -- true"),
            ("-- true", "deploy -- true"),
            ("--help", "--help"),
            ("--lock-wait 5m --help", "deploy --lock-wait 5m --help"),
            ("-V", "-V"),
            ("status --help", "status --help"),
            ("help status", "help status"),
            ("teleport", "teleport"),
            ("--unknown status", "status --unknown"),
            ("--lock-wait", "deploy --lock-wait"),
        ] {
            let words: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
            let found = first(&Cli::command(), &words);
            let found: Vec<_> = found.iter().map(|word| word.to_string_lossy()).collect();
            assert_eq!(found.join(" "), expected, "{words:?}");
        }
    }
}
