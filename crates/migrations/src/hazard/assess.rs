//! Owns the judgement over one script.

use super::action::{Action, Column, ConstraintKind, Deed, UNTOLD, Verb};
use super::behind::{self, Behind};
use super::doubt::{self, Presence};
use super::effect::{self, Effect, Rows};
use super::put_back::PutBack;
use super::reading::read;
use super::sentence::sentence;
use super::types::{Conversion, TypeChange, keeps_values, type_change};
use super::words::{Reader, resolved, words};
use super::{Finding, Grade, Known, Rule, exception, squawk};
use crate::script::{Form, Phase, Script, line_at};

/// As [`super::assess`], with what is a hazard only if the database has what the scripts call new.
pub fn suspects(script: &Script, known: &mut Known) -> Vec<Finding> {
    let mut findings: Vec<(usize, Finding)> = Vec::new();
    // A dump of data has no hazards, and a tree takes about fifty times the text.
    let violations = if script.text.len() > crate::script::LARGE {
        Vec::new()
    } else {
        squawk::violations(&script.text)
    };
    let reading = read(script);
    let actions = &reading.actions;
    let changes_schema =
        actions.iter().any(|a| !matches!(a.deed, Deed::Data { .. } | Deed::Other(_)));
    let back = PutBack(actions);
    let mut statements = effect::effects(script).into_iter().peekable();
    let mut losses = Vec::new();
    for action in actions {
        // What a statement does is judged by what is known before it.
        while let Some(statement) =
            statements.next_if(|statement| statement.range.start <= action.range.start)
        {
            let schema = reading.schema_at(statement.range.start);
            let found = losing((&statement, schema), (script, known, &back));
            losses.push((statement.range, found));
        }
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
                let found = || finding((script, known, &back), rule, action);
                let doubted = doubt::of_action((rule, action), known, found);
                findings.extend(doubted.map(|found| (action.range.start, found)));
                continue;
            }
            if let Some(finding) = finding((script, known, &back), rule, action) {
                findings.push((
                    action.range.start,
                    Finding { sentence: said.unwrap_or(finding.sentence.clone()), ..finding },
                ));
            }
        }
        known.learn(action);
    }
    for statement in statements {
        let schema = reading.schema_at(statement.range.start);
        let found = losing((&statement, schema), (script, known, &back));
        losses.push((statement.range, found));
    }
    known.end_of_file();
    // Where a rule says already what is lost, nothing is to be said of it in general.
    let mut more = Vec::new();
    for (range, found) in losses {
        let said = |rule: Rule| {
            findings.iter().any(|(start, known): &(usize, Finding)| {
                let same = rule == Rule::MayLose || known.rule == Rule::DeleteAll;
                let is_sure = known.presence != Presence::Doubted;
                range.contains(start) && same && is_sure && known.grades.contains(&Grade::Loses)
            })
        };
        more.extend(found.into_iter().filter(|one| {
            !matches!(one.rule, Rule::MayLose | Rule::DeleteRows) || !said(one.rule)
        }));
    }
    let mut findings: Vec<Finding> = findings.into_iter().map(|(_, finding)| finding).collect();
    findings.extend(of_the_file(script));
    findings.extend(more);
    findings.extend(hidden(script, known));
    // A block that is looked into needs no advice to do so.
    let opaque: Vec<u32> = findings
        .iter()
        .filter(|one| one.rule == Rule::OpaqueBlock && one.grade() == Grade::Loses)
        .map(|one| one.line)
        .collect();
    findings.retain(|one| {
        one.rule != Rule::OpaqueBlock || one.grade() == Grade::Loses || !opaque.contains(&one.line)
    });
    exception::apply(script, &mut findings);
    findings.sort_by_key(|finding| (finding.line, finding.column));
    findings
}

/// What the statements call behind the things that they name; `known` then knows what they put there.
fn hidden(script: &Script, known: &mut Known) -> Vec<Finding> {
    let mut findings = Vec::new();
    for statement in &script.statements {
        let found = known.armed.behind(&behind::of_statement(script, statement));
        findings.extend(found.into_iter().map(|Behind { function, sentence }| Finding {
            line: statement.line,
            ..Finding::of_file(Rule::OpaqueCall, &function, sentence)
        }));
        known.armed.learn(script.text_of(statement));
    }
    findings
}

/// What of a statement's effects is a loss, as far as is known.
fn losing(
    (statement, schema): (&effect::Statement, &str),
    (script, known, back): (&Script, &Known, &PutBack<'_>),
) -> Vec<Finding> {
    let found = statement.effects.iter().filter_map(|effect| {
        let mut action = Action {
            range: statement.range.clone(),
            table: None,
            deed: Deed::Other(String::new()),
        };
        let table = |parts: &[String]| resolved(parts, schema);
        let mut what = None;
        let mut doubted = None;
        let rule = match effect {
            Effect::Deletes { table: parts, rows } => {
                action.table = table(parts);
                match rows {
                    Rows::Named => Rule::DeleteNamed,
                    Rows::Any => Rule::DeleteRows,
                }
            }
            Effect::Overwrites { table: parts, columns } => {
                action.table = table(parts);
                let name = action.table.as_deref().unwrap_or_default();
                let new = |column: &String| known.is_new_column(name, column);
                if !columns.is_empty() && columns.iter().all(new) {
                    let perhaps = |column: &&String| known.is_perhaps_new_column(name, column);
                    doubted = Some(columns.iter().find(perhaps)?.clone());
                }
                Rule::OverwriteRows
            }
            Effect::Calls(name) => {
                action.deed = Deed::Other(name.clone());
                Rule::OpaqueCall
            }
            Effect::Block(does) => {
                what = Some(format!("a DO block {does}, so it may delete data or write over it"));
                Rule::OpaqueBlock
            }
            Effect::Unseen(what) => {
                action.deed = Deed::Other((*what).to_owned());
                Rule::MayLose
            }
        };
        let finding = finding((script, known, back), rule, &action)?;
        if action.table.as_deref().is_some_and(|table| known.has_only_new_rows(table)) {
            return doubt::of_table(finding, known);
        }
        if let Some(column) = doubted {
            return doubt::of_column(finding, &column);
        }
        Some(match what {
            Some(sentence) => Finding { sentence, grades: vec![Grade::Loses], ..finding },
            None => finding,
        })
    });
    found.collect()
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
        Deed::AddColumn(Column { kind, checked, indexed, .. }) => {
            if kind.ends_with("serial") {
                rules.push(Rule::AddColumnRewrite);
            }
            if kind == "json" {
                rules.push(Rule::JsonColumn);
            }
            if *checked {
                rules.push(Rule::AddCheck);
            }
            if *indexed {
                rules.push(Rule::AddUnique);
            }
        }
        Deed::Drop { what, .. } => rules.extend(match what.as_str() {
            "COLUMN" => Some(Rule::DropColumn),
            "SCHEMA" => Some(Rule::DropSchema),
            "DATABASE" => Some(Rule::DropDatabase),
            "RULE" => Some(Rule::DropRule),
            _ => None,
        }),
        Deed::DropTable => rules.push(Rule::DropTable),
        Deed::ChangeType { .. } => rules.push(Rule::ChangeColumnType),
        Deed::Disable(_) => rules.push(Rule::DisableTrigger),
        Deed::CreateRule(_) => rules.push(Rule::CreateRule),
        Deed::Lock => rules.push(Rule::LockTable),
        Deed::DropOwned(_) => rules.push(Rule::DropOwned),
        Deed::CreateTable { columns, .. } if columns.iter().any(|column| column.kind == "json") => {
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
        Deed::Truncate { .. } => rules.push(Rule::Truncate),
        Deed::Data { verb: Verb::Delete, bounded: false } => rules.push(Rule::DeleteAll),
        Deed::Data { .. } if changes_schema => rules.push(Rule::Backfill),
        // squawk says it only where PostgreSQL has REPACK, from 19 on.
        Deed::Rewrite => rules.push(Rule::RewriteTable),
        Deed::Opaque => rules.push(Rule::OpaqueBlock),
        Deed::CreateTable { .. }
        | Deed::CreateView(_)
        | Deed::Rollback
        | Deed::SetSchema { .. }
        | Deed::RenameSchema { .. }
        | Deed::Inherit(_)
        | Deed::CreateIndex { .. }
        | Deed::CreateType(_)
        | Deed::AddConstraint { .. }
        | Deed::SetNotNull(_)
        | Deed::SetDefault(_)
        | Deed::Column(_)
        | Deed::RenameColumn { .. }
        | Deed::RenameTable { .. }
        | Deed::RenameConstraint { .. }
        | Deed::RenameIndex(_)
        | Deed::RenameType { .. }
        | Deed::Data { .. }
        | Deed::Refresh { .. }
        | Deed::Other(_) => {}
    }
    rules
}

/// Whether nobody can be hurt: the object is as new as the change, or stays where it was.
#[expect(clippy::wildcard_enum_match_arm, reason = "few deeds can be harmless")]
fn harmless(rule: Rule, action: &Action, known: &Known, back: &PutBack<'_>) -> bool {
    let table = action.table.as_deref();
    if matches!(rule, Rule::JsonColumn | Rule::Style | Rule::LongName) {
        return false;
    }
    if table.is_some_and(|table| known.has_only_new_rows(table)) {
        return true;
    }
    let loses = rule.grades().contains(&Grade::Loses);
    let new = |table: &str| {
        known.is_new_table(table) || (known.is_perhaps_new(table) && rule != Rule::ChangeColumnType)
    };
    if !loses && table.is_some_and(new) {
        return true;
    }
    let is_new_column =
        |column: &str| table.is_some_and(|table| known.is_new_column(table, column));
    match &action.deed {
        Deed::Drop { what, name, .. } if what == "COLUMN" => is_new_column(name),
        Deed::Drop { what, name, cascade: false } if what == "TYPE" => {
            known.is_new_type(name)
                || known.old_name_of_type(name).is_some_and(|old| back.is_type(old))
        }
        Deed::Drop { what, .. } if what == "CONSTRAINT" => back.is_dropped(table),
        Deed::Drop { what, name, .. } if what.ends_with("VIEW") => {
            back.is_view(name, known.view(name))
        }
        Deed::RenameColumn { from, .. } => is_new_column(from),
        // Code that runs leaves a new column out, and then its default is all that fills it.
        Deed::Column(column) if rule == Rule::DropDefault => {
            back.is_default(table, column)
                || (is_new_column(column) && !default_was_needed(known, action))
        }
        Deed::Column(column) => is_new_column(column),
        Deed::RenameType { from, .. } => known.is_new_type(from) || back.is_type(from),
        Deed::ChangeType { column, to, conversion: Conversion::None } => {
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
    let mut conversion = Conversion::None;
    if let Deed::ChangeType { column, to, conversion: how } = &action.deed {
        to_type = Some(to.clone());
        conversion = how.clone();
        let old = action.table.as_deref().and_then(|table| known.column(table, column));
        let is_same = |old: &Column| {
            matches!(type_change(&old.kind, to), TypeChange::Nothing | TypeChange::Rewrite)
                || back.becomes(to, &old.kind)
        };
        if old.is_some_and(is_same) {
            grades.retain(|grade| *grade != Grade::Breaks);
        }
        let is_back = old.is_some_and(|old| back.becomes(to, &old.kind));
        if rule == Rule::ChangeColumnType
            && !is_back
            && !keeps_values(old.map(|old| old.kind.as_str()), to, how)
        {
            grades.insert(0, Grade::Loses);
        }
    }
    if let Deed::Drop { cascade: true, .. } = &action.deed
        && matches!(rule, Rule::DropType | Rule::DropDomain)
    {
        grades.insert(0, Grade::Loses);
    }
    if let (Rule::SetNotNull, Some(table), Deed::SetNotNull(column)) =
        (rule, &action.table, &action.deed)
        && known.is_new_column(table, column)
        && known.column(table, column).is_some_and(|column| column.has_default)
    {
        grades.retain(|grade| *grade != Grade::Breaks);
    }
    if action.table.as_deref().is_some_and(|table| known.is_perhaps_new(table)) {
        grades.retain(|grade| *grade == Grade::Loses);
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
    let perhaps = action.table.as_deref().is_some_and(|table| known.is_perhaps_new(table));
    let presence = if perhaps || says_if_exists(&script.text[action.range.clone()]) {
        Presence::Perhaps
    } else {
        Presence::Needed
    };
    Some(Finding {
        presence,
        rule,
        grades,
        table: action
            .table
            .as_deref()
            .filter(|table| !table.starts_with(UNTOLD))
            .map(|table| known.original(table)),
        column_name: column_of(action),
        sentence: sentence(rule, &object, action),
        object,
        to_type,
        conversion,
        cascades: matches!(action.deed, Deed::Truncate { cascade: true }),
        line: line_at(&script.text, start),
        column: u32::try_from(column).unwrap_or(u32::MAX),
        fix: rule.fix().to_owned(),
        allowed: None,
    })
}

fn says_if_exists(text: &str) -> bool {
    let all = words(text, 0..text.len());
    Reader::new(&all).has("IF EXISTS")
}

#[expect(clippy::wildcard_enum_match_arm, reason = "few facts are about a column")]
fn column_of(action: &Action) -> Option<String> {
    match &action.deed {
        Deed::ChangeType { column, .. } | Deed::SetNotNull(column) => Some(column.clone()),
        _ => None,
    }
}

/// Whether code that leaves the column out fails without the default.
fn default_was_needed(known: &Known, action: &Action) -> bool {
    let (Some(table), Deed::Column(column)) = (&action.table, &action.deed) else { return true };
    known.column(table, column).is_none_or(|column| column.not_null)
}
