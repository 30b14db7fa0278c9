//! Owns refusing flags without a value: what they were made of is not there.

use crate::settings::{Key, Shape};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

/// Flags for which a blank has a meaning of its own, or a refusal of its own.
const OWN: [&str; 5] = ["base", "since", "applied", "rolled-back", "baseline"];

/// The first flag that is blank, of this command or the one below.
pub(super) fn find(command: &Command, matches: &ArgMatches) -> Option<String> {
    let here =
        command.get_arguments().filter_map(|argument| argument.get_long().zip(Some(argument)));
    let blank = here
        .filter(|(flag, _)| !OWN.contains(flag) && !is_read_with_the_settings(flag))
        .find(|(_, argument)| is_blank(argument, matches))
        .map(|(flag, _)| flag.to_owned());
    blank.or_else(|| {
        let (name, below) = matches.subcommand()?;
        find(command.find_subcommand(name)?, below)
    })
}

/// One value of a setting is judged with the other layers; of several, each is looked at here.
fn is_read_with_the_settings(flag: &str) -> bool {
    Key::ALL.into_iter().any(|key| key.name() == flag && key.shape() != Shape::List)
}

fn is_blank(argument: &Arg, matches: &ArgMatches) -> bool {
    let id = argument.get_id().as_str();
    let given = matches.try_get_raw(id).ok().flatten();
    matches.value_source(id) == Some(ValueSource::CommandLine)
        && given.is_some_and(|mut values| {
            values.any(|value| value.to_str().is_some_and(|text| text.trim().is_empty()))
        })
}
