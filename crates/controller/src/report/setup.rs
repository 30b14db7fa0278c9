//! Owns how plans, progress and variables look to a person.

use super::clean::clean;
use super::event::Progress;
use super::line::push_line;
use crate::infrastructure::{Place, Plan, Variable, Verb};
use anstyle::{AnsiColor, Style};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const CARE: Style = AnsiColor::Yellow.on_default();
const QUIET: Style = Style::new().dimmed();

/// The word for programs.
pub(super) const fn word(verb: Verb) -> &'static str {
    match verb {
        Verb::Create => "create",
        Verb::Change => "change",
        Verb::Replace => "replace",
        Verb::Remove => "remove",
        Verb::Leave => "leave",
        Verb::Adopt => "adopt",
        Verb::Restore => "restore",
        Verb::Mend => "mend",
    }
}

fn sign(verb: Verb) -> (&'static str, Style) {
    match verb {
        Verb::Create | Verb::Restore => ("+", GOOD),
        Verb::Change | Verb::Mend => ("~", CARE),
        Verb::Replace => ("!", BAD),
        Verb::Remove => ("-", BAD),
        Verb::Leave | Verb::Adopt => ("=", QUIET),
    }
}

/// What will happen to a stack.
pub(super) fn plan(plan: &Plan) -> String {
    let mut text = format!("stack {}\n", clean(&plan.stack));
    let width = plan.lines.iter().map(|line| line.what.chars().count()).max().unwrap_or(0);
    for line in &plan.lines {
        let (sign, style) = sign(line.verb);
        let line = format!(
            "  {style}{sign} {:<7}{style:#} {:<width$}  {QUIET}{}{QUIET:#}",
            word(line.verb),
            clean(&line.what),
            clean(&line.reason)
        );
        push_line(&mut text, line.trim_end());
    }
    if plan.lines.is_empty() {
        push_line(&mut text, "  the stack itself: nothing that anybody would notice");
    }
    text
}

/// One step of CloudFormation.
pub(super) fn progress(progress: &Progress) -> String {
    let count = match progress.total {
        0 => String::new(),
        total => format!("[{}/{total}] ", progress.done.min(total)),
    };
    let reason = match progress.reason.as_str() {
        "" => String::new(),
        reason => format!(": {}", clean(reason)),
    };
    let status = progress.status.to_ascii_lowercase().replace('_', " ");
    format!("{count}{} {}{reason}", clean(&progress.what), clean(&status))
}

/// The variables with the commands that set them.
pub(super) fn variables(variables: &[Variable], place: Option<&Place>) -> String {
    let mut text = "variables for GitHub Actions (none of them is a secret):\n".to_owned();
    let name = variables.iter().map(|variable| variable.name.len()).max().unwrap_or(0);
    for variable in variables {
        let value = match variable.value.as_str() {
            "" => format!("(yours) {}", variable.meaning),
            value => value.to_owned(),
        };
        push_line(&mut text, &format!("  {:<name$}  {}", variable.name, clean(&value)));
    }
    push_line(&mut text, "set them in the repository, or:");
    for variable in variables {
        push_line(&mut text, &format!("  {}", clean(&variable.command(place))));
    }
    text
}
