//! Owns `docs/commands.md`: what the binaries answer to `--help`, each option once.

use std::collections::BTreeSet;
use std::future::Future;

/// The page's name below `docs`.
pub const FILE: &str = "commands.md";

const HEAD: &str = "# Commands\n\nGenerated from what the binaries answer to `--help`; a test compares, and `cargo run -p handbook` writes it. \
     Options of a whole binary stand at its top and are not repeated below; a command of the runner has those that it obeys. [Settings](settings.md) has the \
     environment variables of `ecs-migrate`, [exit codes](exit-codes.md) what the processes end with.\n";

/// The page, from what `answer` says to a command line such as `["ecs-migrate", "image", "--help"]`.
pub async fn markdown<F: Future<Output = String>>(answer: impl Fn(Vec<String>) -> F) -> String {
    let mut page = HEAD.to_owned();
    for binary in ["ecs-migrate", "ecs-migrate-runner"] {
        // A stack, so that what is below a command follows it.
        let mut open = vec![(vec![binary.to_owned()], BTreeSet::new())];
        while let Some((words, above)) = open.pop() {
            let asked: Vec<String> = words.iter().cloned().chain(["--help".to_owned()]).collect();
            let help = answer(asked).await;
            let own = without(&help, &above);
            page.push_str(&format_section(&words, &own));
            let mut known = flags(&help);
            known.extend(above);
            for name in subcommands(&help).into_iter().rev() {
                let below: Vec<String> = words.iter().cloned().chain([name]).collect();
                open.push((below, known.clone()));
            }
        }
    }
    page
}

fn format_section(words: &[String], help: &str) -> String {
    let level = if words.len() == 1 { "##" } else { "###" };
    format!("\n{level} {}\n\n```text\n{help}```\n", words.join(" "))
}

/// The commands of the list in a help text.
fn subcommands(help: &str) -> Vec<String> {
    let Some((_, list)) = help.split_once("\nCommands:\n") else { return Vec::new() };
    let rows = list.lines().take_while(|row| !row.is_empty());
    let named = rows.filter_map(|row| row.strip_prefix("  ").filter(|row| !row.starts_with(' ')));
    let names = named.filter_map(|row| row.split_whitespace().next().map(str::to_owned));
    names.filter(|name| name != "help").collect()
}

/// The flag that an entry of the list of options begins with.
fn flag(line: &str) -> Option<&str> {
    let entry = line.trim_start();
    let indented = line.len() - entry.len();
    let named = (2..=6).contains(&indented) && entry.starts_with('-');
    named.then(|| entry.split([' ', ',']).find(|word| word.starts_with("--"))).flatten()
}

fn flags(help: &str) -> BTreeSet<String> {
    help.lines().filter_map(flag).map(str::to_owned).collect()
}

/// A help text without the options that are known from above, and without headings over nothing.
fn without(help: &str, known: &BTreeSet<String>) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut dropping = false;
    for line in help.lines().map(str::trim_end) {
        if let Some(flag) = flag(line) {
            dropping = known.contains(flag);
        } else if !line.is_empty() && !line.starts_with(' ') {
            dropping = false;
            drop_empty_heading(&mut kept);
        }
        if !dropping {
            kept.push(line);
        }
    }
    drop_empty_heading(&mut kept);
    while kept.last().is_some_and(|line| line.is_empty()) {
        kept.pop();
    }
    kept.join("\n") + "\n"
}

fn drop_empty_heading(kept: &mut Vec<&str>) {
    let said = kept.iter().rposition(|line| !line.is_empty());
    if let Some(last) = said
        && kept[last].ends_with(':')
        && !kept[last].starts_with(' ')
    {
        kept.truncate(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOP: &str = "Does things\n\nUsage: x <COMMAND>\n\nCommands:\n  run   Runs\n          on\n  help  Print\n\nOptions:\n      --wide <N>\n          How wide\n\n  -h, --help\n          Print help\n";
    const RUN: &str = "Runs\n\nUsage: x run\n\nOptions:\n  -f, --fast\n          \n          [env: FAST=]\n\n  -h, --help  Print help\n\nEverywhere:\n      --wide <N>  How wide\n";

    #[test]
    fn commands_are_found() {
        assert_eq!(subcommands(TOP), ["run"]);
        assert!(subcommands(RUN).is_empty());
    }

    #[test]
    fn what_is_known_is_not_repeated() {
        let own = without(RUN, &flags(TOP));
        assert_eq!(
            own,
            "Runs\n\nUsage: x run\n\nOptions:\n  -f, --fast\n\n          [env: FAST=]\n"
        );
        assert_eq!(without("A\n\nOptions:\n  -h, --help\n", &flags(TOP)), "A\n");
    }
}
