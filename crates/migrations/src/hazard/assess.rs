//! Owns the judgement over one script.

use super::action::{Action, Column, ConstraintKind, Deed, Verb};
use super::reading::actions;
use super::sentence::sentence;
use super::types::{TypeChange, type_change};
use super::{Finding, Grade, Known, Rule, exception, squawk};
use crate::script::{Form, Phase, Script, line_at};

/// What a script is a hazard for, in the order of its lines; `known` then knows the script too.
pub fn assess(script: &Script, known: &mut Known) -> Vec<Finding> {
    let mut findings = of_the_file(script);
    // A dump of data has no hazards, and a tree takes about fifty times the text.
    let violations = if script.text.len() > crate::script::LARGE {
        Vec::new()
    } else {
        squawk::violations(&script.text)
    };
    let actions = actions(script);
    let changes_schema =
        actions.iter().any(|a| !matches!(a.deed, Deed::Data { .. } | Deed::Other(_)));
    let back = PutBack(&actions);
    for action in &actions {
        let mut found: Vec<(Rule, Option<String>)> = Vec::new();
        for violation in violations.iter().filter(|v| action.range.contains(&v.start)) {
            if let Some(rule) = violation.rule(action) {
                let said = violation.is_style().then(|| violation.message.clone());
                found.push((rule, said));
            }
        }
        found.extend(ours(action, known, changes_schema).into_iter().map(|rule| (rule, None)));
        found.sort();
        found.dedup();
        for (rule, said) in found {
            if harmless(rule, action, known, &back) {
                continue;
            }
            if let Some(finding) = finding((script, known, &back), rule, action) {
                findings.push(Finding {
                    sentence: said.unwrap_or(finding.sentence.clone()),
                    ..finding
                });
            }
        }
        known.learn(action);
    }
    known.end_of_file();
    exception::apply(script, &mut findings);
    findings.sort_by_key(|finding| (finding.line, finding.column));
    findings
}

/// What the runner will make of the file.
fn of_the_file(script: &Script) -> Vec<Finding> {
    let mut findings = Vec::new();
    match &script.form {
        Form::Refused { reason, hint, line } => findings.push(Finding {
            line: *line,
            fix: hint.clone(),
            ..Finding::of_file(Rule::Refused, "file", reason.clone())
        }),
        Form::Statements { reason, units } if units.len() > 1 => {
            findings.push(Finding::of_file(
                Rule::NotOneTransaction,
                "file",
                format!("it runs statement by statement ({reason})"),
            ));
        }
        Form::Statements { .. } | Form::Transaction { .. } => {}
    }
    if let Err(said) = &script.phase {
        findings.push(Finding::of_file(Rule::Directive, "file", said.clone()));
    }
    findings
}

/// What squawk has no rule for.
fn ours(action: &Action, known: &Known, changes_schema: bool) -> Vec<Rule> {
    let mut rules = Vec::new();
    match &action.deed {
        Deed::AddColumn(Column { kind, .. }) if kind.ends_with("serial") => {
            rules.push(Rule::AddColumnRewrite);
        }
        Deed::AddColumn(Column { kind, .. }) if kind == "json" => rules.push(Rule::JsonColumn),
        Deed::CreateTable(columns) if columns.iter().any(|column| column.kind == "json") => {
            rules.push(Rule::JsonColumn);
        }
        Deed::AddConstraint { kind: ConstraintKind::Exclusion, .. } => {
            rules.push(Rule::AddExclusion);
        }
        Deed::AddConstraint { kind: ConstraintKind::NotNull, not_valid: false, .. } => {
            rules.push(Rule::SetNotNull);
        }
        Deed::AddConstraint { kind: ConstraintKind::Unique, .. } => rules.push(Rule::AddUnique),
        Deed::ValidateConstraint(name) => {
            let table = action.table.as_deref().unwrap_or_default();
            if known.was_added_not_valid(table, name) {
                rules.push(Rule::ValidateHere);
            }
        }
        Deed::AttachPartition(_) => rules.push(Rule::AttachPartition),
        Deed::Refresh { concurrently: false } => rules.push(Rule::RefreshView),
        Deed::Truncate => rules.push(Rule::Truncate),
        Deed::Data { verb: Verb::Delete, bounded: false } => rules.push(Rule::DeleteAll),
        Deed::Data { .. } if changes_schema => rules.push(Rule::Backfill),
        // squawk says it only where PostgreSQL has REPACK, from 19 on.
        Deed::Rewrite => rules.push(Rule::RewriteTable),
        Deed::Opaque => rules.push(Rule::OpaqueBlock),
        Deed::AddColumn(_)
        | Deed::CreateTable(_)
        | Deed::CreateIndex { .. }
        | Deed::CreateType(_)
        | Deed::AddConstraint { .. }
        | Deed::ChangeType { .. }
        | Deed::SetNotNull(_)
        | Deed::SetDefault(_)
        | Deed::Column(_)
        | Deed::RenameColumn { .. }
        | Deed::RenameTable { .. }
        | Deed::RenameConstraint { .. }
        | Deed::RenameIndex(_)
        | Deed::RenameType { .. }
        | Deed::Drop { .. }
        | Deed::DropTable
        | Deed::Data { .. }
        | Deed::Refresh { .. }
        | Deed::Other(_) => {}
    }
    rules
}

/// What the script puts back where it was, or takes away whole, so that a part of it is no difference to
/// the code that runs.
struct PutBack<'a>(&'a [Action]);

impl PutBack<'_> {
    /// Prisma changes an enum like that: the old type goes away, a new one gets its name.
    fn is_type(&self, name: &str) -> bool {
        let back = |deed: &Deed| matches!(deed, Deed::RenameType { to: made, .. } | Deed::CreateType(made) if made == name);
        let away = |deed: &Deed| matches!(deed, Deed::RenameType { from, .. } if from == name);
        self.has(away) && self.has(back)
    }

    /// Whether a type of this file gets the name that the column's type had.
    fn becomes(&self, made: &str, old: &str) -> bool {
        let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        self.has(|deed| {
            matches!(deed, Deed::RenameType { from, to } if same(from, made) && same(to, old))
        })
    }

    /// A view is replaced like that when its columns change.
    fn is_view(&self, name: &str) -> bool {
        self.0.iter().any(|action| {
            action.table.as_deref() == Some(name) && matches!(action.deed, Deed::CreateTable(_))
        })
    }

    fn is_default(&self, table: Option<&str>, column: &str) -> bool {
        self.0.iter().any(|action| {
            action.table.as_deref() == table
                && matches!(&action.deed, Deed::SetDefault(set) if set == column)
        })
    }

    /// Its constraints go with it, whatever order they are dropped in.
    fn is_dropped(&self, table: Option<&str>) -> bool {
        self.0.iter().any(|action| {
            action.table.as_deref() == table && matches!(action.deed, Deed::DropTable)
        })
    }

    fn has(&self, wanted: impl Fn(&Deed) -> bool) -> bool {
        self.0.iter().any(|action| wanted(&action.deed))
    }
}

/// Whether nobody can be hurt: the object is as new as the change, or stays where it was.
#[expect(clippy::wildcard_enum_match_arm, reason = "few deeds can be harmless")]
fn harmless(rule: Rule, action: &Action, known: &Known, back: &PutBack<'_>) -> bool {
    let table = action.table.as_deref();
    if matches!(rule, Rule::JsonColumn | Rule::Style | Rule::LongName) {
        return false;
    }
    if table.is_some_and(|table| known.is_new_table(table)) {
        return true;
    }
    let is_new_column =
        |column: &str| table.is_some_and(|table| known.is_new_column(table, column));
    match &action.deed {
        Deed::Drop { what, name } if what == "COLUMN" => is_new_column(name),
        Deed::Drop { what, name } if what == "TYPE" => {
            known.is_new_type(name)
                || known.old_name_of_type(name).is_some_and(|old| back.is_type(old))
        }
        Deed::Drop { what, .. } if what == "CONSTRAINT" => back.is_dropped(table),
        Deed::Drop { what, name } if what.ends_with("VIEW") => back.is_view(name),
        Deed::RenameColumn { from, .. } => is_new_column(from),
        Deed::Column(column) => {
            is_new_column(column) || (rule == Rule::DropDefault && back.is_default(table, column))
        }
        Deed::RenameType { from, .. } => known.is_new_type(from) || back.is_type(from),
        Deed::ChangeType { column, to, converted: false } => {
            let old = table.and_then(|table| known.column(table, column));
            old.is_some_and(|old| type_change(&old.kind, to) == TypeChange::Nothing)
        }
        _ => false,
    }
}

fn finding(
    (script, known, back): (&Script, &Known, &PutBack<'_>),
    rule: Rule,
    action: &Action,
) -> Option<Finding> {
    let start = action.range.start;
    let line_start = script.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let column = script.text[line_start..start].chars().count() + 1;
    let mut grades = rule.grades().to_vec();
    let mut to_type = None;
    let mut is_converted = false;
    if let Deed::ChangeType { column, to, converted } = &action.deed {
        to_type = Some(to.clone());
        is_converted = *converted;
        let old = action.table.as_deref().and_then(|table| known.column(table, column));
        let is_same = |old: &Column| {
            type_change(&old.kind, to) != TypeChange::AnotherType || back.becomes(to, &old.kind)
        };
        if old.is_some_and(is_same) {
            grades.retain(|grade| *grade != Grade::Breaks);
        }
    }
    if rule == Rule::DropDefault && !default_was_needed(known, action) {
        grades = vec![Grade::Advice];
    }
    if script.phase == Ok(Phase::AfterDeploy) {
        grades.retain(|grade| *grade != Grade::Breaks);
    }
    if grades.is_empty() {
        return None;
    }
    let object = action.object();
    Some(Finding {
        rule,
        grades,
        table: action.table.clone(),
        sentence: sentence(rule, &object, action),
        object,
        to_type,
        converted: is_converted,
        line: line_at(&script.text, start),
        column: u32::try_from(column).unwrap_or(u32::MAX),
        fix: rule.fix().to_owned(),
        allowed: None,
    })
}

/// Whether code that leaves the column out fails without the default.
fn default_was_needed(known: &Known, action: &Action) -> bool {
    let (Some(table), Deed::Column(column)) = (&action.table, &action.deed) else { return true };
    known.column(table, column).is_none_or(|column| column.not_null)
}
