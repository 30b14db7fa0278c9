//! Owns what queries and data statements do, wherever in a statement they stand.

use super::super::words::{Kind, Reader, Word, parts, words};
use super::{Effect, Rows, harmless};
use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};

/// What the node and everything in it does.
pub(super) fn effects(node: &SyntaxNode) -> Vec<Effect> {
    let mut effects = calls(node);
    for inner in node.descendants() {
        if let Some(delete) = ast::Delete::cast(inner.clone()) {
            let table = name(delete.relation_name().map(|name| name.syntax().clone()));
            let filter = delete.where_clause_or_current_of().map(|part| part.syntax().to_string());
            let rows = rows(filter.as_deref().unwrap_or_default());
            effects.push(Effect::Deletes { table, rows });
        } else if let Some(update) = ast::Update::cast(inner.clone()) {
            let table = name(update.relation_name().map(|name| name.syntax().clone()));
            let filter = update.where_clause_or_current_of().map(|part| part.syntax().to_string());
            let set = update.set_clause().map(|set| set.syntax().to_string());
            effects.extend(overwrites(table, set, filter.as_deref().unwrap_or_default()));
        } else if let Some(merge) = ast::Merge::cast(inner.clone()) {
            let table = name(merge.table_relation_name().map(|name| name.syntax().clone()));
            effects.extend(merges(&merge, &table));
        } else if let Some(insert) = ast::Insert::cast(inner.clone()) {
            let table = name(insert.relation_name_ref().map(|name| name.syntax().clone()));
            let conflict = insert.on_conflict_clause().and_then(|clause| clause.conflict_action());
            if let Some(ast::ConflictAction::ConflictDoUpdateSet(update)) = conflict {
                let set = update.set_clause().map(|set| set.syntax().to_string());
                effects.extend(overwrites(table, set, ""));
            }
        }
    }
    effects
}

/// The functions that the node calls and that may do anything.
pub(super) fn calls(node: &SyntaxNode) -> Vec<Effect> {
    let callee = |inner: SyntaxNode| {
        let called = ast::CallExpr::cast(inner)?.expr()?.syntax().to_string();
        let name = name_of(&called).map_or_else(|| called.clone(), |parts| parts.join("."));
        let plain = name.strip_prefix("pg_catalog.").unwrap_or(&name);
        (!harmless::is(plain)).then_some(Effect::Calls(name))
    };
    node.descendants().filter_map(callee).collect()
}

fn merges(merge: &ast::Merge, table: &[String]) -> Vec<Effect> {
    let mut effects = Vec::new();
    for clause in merge.merge_when_clauses() {
        for inner in clause.syntax().descendants() {
            if ast::MergeDelete::can_cast(inner.kind()) {
                effects.push(Effect::Deletes { table: table.to_owned(), rows: Rows::Any });
            } else if let Some(update) = ast::MergeUpdate::cast(inner) {
                let set = update.set_clause().map(|set| set.syntax().to_string());
                effects.extend(overwrites(table.to_owned(), set, ""));
            }
        }
    }
    effects
}

/// What `SET …` writes over, but for columns of which the filter says that they are empty.
fn overwrites(table: Vec<String>, set: Option<String>, filter: &str) -> Option<Effect> {
    let set = set.unwrap_or_default();
    let set = words(&set, 0..set.len());
    let filter = words(filter, 0..filter.len());
    let empty = empty_columns(&filter);
    let mut columns = Vec::new();
    for part in parts(set.get(1..).unwrap_or_default()) {
        match Reader::new(part).part_names() {
            Some(names) if names.len() == 1 => {
                columns.extend(names.into_iter().filter(|column| !empty.contains(column)));
            }
            // Several at once, or a part of one.
            Some(_) | None => return Some(Effect::Overwrites { table, columns: Vec::new() }),
        }
    }
    (!columns.is_empty()).then_some(Effect::Overwrites { table, columns })
}

/// The columns that are NULL in every row that `WHERE a IS NULL AND …` lets through.
fn empty_columns(filter: &[Word<'_>]) -> Vec<String> {
    let mut reader = Reader::new(filter);
    if !reader.eat("WHERE") || reader.has_outside("OR") {
        return Vec::new();
    }
    let conjuncts = split_outside(reader.left, "AND");
    let empty = |part: &[Word<'_>]| {
        let mut reader = Reader::new(part);
        let names = reader.part_names()?;
        (reader.eat("IS NULL") && reader.left.is_empty()).then(|| names.last().cloned())?
    };
    conjuncts.into_iter().filter_map(empty).collect()
}

/// Whether `WHERE a = 1 AND …` or `WHERE a IN (1, 2)` names the rows.
fn rows(filter: &str) -> Rows {
    let filter = words(filter, 0..filter.len());
    let mut reader = Reader::new(&filter);
    if !reader.eat("WHERE") || reader.has_outside("OR") {
        return Rows::Any;
    }
    let names = |part: &&[Word<'_>]| {
        let mut reader = Reader::new(part);
        if reader.part_names().is_none() {
            return false;
        }
        let equal = reader.eat("=") && matches!(reader.left, [only] if only.kind == Kind::Literal);
        let listed = reader.eat("IN (")
            && reader
                .left
                .iter()
                .all(|word| word.kind == Kind::Literal || word.is(",") || word.is(")"));
        equal || listed
    };
    let named = split_outside(reader.left, "AND").iter().any(names);
    if named { Rows::Named } else { Rows::Any }
}

fn split_outside<'a>(all: &'a [Word<'a>], by: &str) -> Vec<&'a [Word<'a>]> {
    let (mut depth, mut begin) = (0_usize, 0);
    let mut found = Vec::new();
    for (at, word) in all.iter().enumerate() {
        if word.is("(") {
            depth += 1;
        } else if word.is(")") {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && word.is(by) {
            found.push(&all[begin..at]);
            begin = at + 1;
        }
    }
    found.push(&all[begin..]);
    found
}

fn name(node: Option<SyntaxNode>) -> Vec<String> {
    node.and_then(|node| name_of(&node.to_string())).unwrap_or_default()
}

/// A name as it is written, without `ONLY`.
fn name_of(text: &str) -> Option<Vec<String>> {
    let words = words(text, 0..text.len());
    let mut reader = Reader::new(&words);
    while reader.eat("ONLY") || reader.eat("(") {}
    reader.part_names()
}
