//! Owns names that look like a setting and are none: a check that is misspelt in a task definition
//! would otherwise be off without a word. PURE.

use crate::cli::Cli;
use clap::{Command, CommandFactory as _};
use std::collections::BTreeSet;

const OURS: &str = "ECS_MIGRATE_";

/// Each such name, and the setting that was meant. `ecs-migrate`'s own variables, which may stand in
/// the same environment, are only told when they are nearly one of the runner's.
pub(crate) fn near_misses<'n>(names: impl Iterator<Item = &'n str>) -> Vec<(&'n str, String)> {
    let known = settings(&Cli::command());
    names
        .filter(|name| name.starts_with(OURS) && !known.contains(*name))
        .filter_map(|name| {
            Some((name, known.iter().find(|setting| is_near(name, setting))?.clone()))
        })
        .collect()
}

/// The variables of all options, of every command.
fn settings(command: &Command) -> BTreeSet<String> {
    let own = command.get_arguments().filter_map(|argument| argument.get_env()?.to_str());
    let own = own.map(str::to_owned).collect::<BTreeSet<_>>();
    command.get_subcommands().fold(own, |all, inner| &all | &settings(inner))
}

/// The same but for underscores, or one letter.
fn is_near(name: &str, setting: &str) -> bool {
    let plain = |text: &str| text.replace('_', "");
    strsim::levenshtein(&plain(name), &plain(setting)) <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_found() {
        for (name, expected) in [
            ("ECS_MIGRATE_LOCKWAIT", Some("ECS_MIGRATE_LOCK_WAIT")),
            ("ECS_MIGRATE_MIGRATION", Some("ECS_MIGRATE_MIGRATIONS")),
            ("ECS_MIGRATE_CHEKC_POLICY", None),
            ("ECS_MIGRATE_CHEK", Some("ECS_MIGRATE_CHECK")),
            ("ECS_MIGRATE_CHECK", None),
            // Those of the controller, and somebody's own.
            ("ECS_MIGRATE_RUN", None),
            ("ECS_MIGRATE_CLUSTER", None),
            ("ECS_MIGRATE_COMMIT", None),
            ("DATABASE_URL", None),
        ] {
            let found = near_misses([name].into_iter());
            let meant = found.first().map(|(_, meant)| meant.as_str());
            assert_eq!(meant, expected, "{name}");
        }
    }
}
