//! The only module that names squawk's syntax tree: it renames nodes between releases.

use super::large;
use super::trace::changes_slots;
use super::{Class, Statement, line_at};
use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SourceFile, SyntaxNode};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the parser found.
pub(super) struct Parsed {
    pub(super) statements: Vec<Statement>,
    pub(super) unparsable: Option<String>,
}

/// Splits `text` into statements. What the parser does not understand, or panics on, becomes one
/// statement: the server understands more than any parser.
pub(super) fn parse(text: &str) -> Parsed {
    if text.len() > large::LIMIT {
        return large::parse(text);
    }
    parse_whole(text)
}

fn parse_whole(text: &str) -> Parsed {
    match catch_unwind(AssertUnwindSafe(|| statements(text))) {
        Ok(Ok(statements)) => Parsed { statements, unparsable: None },
        Ok(Err(message)) => whole(text, message),
        Err(_) => whole(text, "the parser gave up".to_owned()),
    }
}

fn whole(text: &str, message: String) -> Parsed {
    let start = text.len() - text.trim_start().len();
    let statement = Statement {
        range: start..text.trim_end().len().max(start),
        line: line_at(text, start),
        class: Class::Opaque,
    };
    Parsed { statements: vec![statement], unparsable: Some(message) }
}

/// One statement by itself.
pub(super) fn parse_one(text: &str) -> Class {
    match parse_whole(text).statements.as_slice() {
        [statement] => statement.class.clone(),
        _ => Class::Opaque,
    }
}

fn statements(text: &str) -> Result<Vec<Statement>, String> {
    let parse = SourceFile::parse(text);
    if let Some(error) = parse.errors().first() {
        let line = line_at(text, usize::from(error.range().start()));
        return Err(format!("line {line}: {}", error.message()));
    }
    let mut statements = Vec::new();
    let (mut seen, mut line) = (0, 1);
    for statement in parse.tree().stmts() {
        if matches!(statement, ast::Stmt::EmptyStmt(_)) {
            continue;
        }
        let node = statement.syntax();
        let range = node.text_range();
        let (start, end) = (usize::from(range.start()), usize::from(range.end()));
        line += line_at(&text[seen..start], start - seen) - 1;
        seen = start;
        let end = start + text[start..end].trim_end().trim_end_matches(';').trim_end().len();
        statements.push(Statement { range: start..end, line, class: class(&statement) });
    }
    Ok(statements)
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "two hundred kinds of statement run in a transaction"
)]
fn class(statement: &ast::Stmt) -> Class {
    match statement {
        ast::Stmt::CreateIndex(index) if index.concurrently_token().is_some() => {
            Class::ConcurrentIndex {
                index: index.index().map(|name| text(name.syntax())),
                table: index
                    .table_relation_name()
                    .map(|name| text(name.syntax()))
                    .unwrap_or_default(),
            }
        }
        ast::Stmt::DropIndex(index) if index.concurrently_token().is_some() => {
            let mut indexes = index.index_refs().map(|name| text(name.syntax()));
            match (indexes.next(), indexes.next()) {
                (Some(index), None) => Class::ConcurrentDrop { index },
                (_, _) => Class::Alone("DROP INDEX CONCURRENTLY"),
            }
        }
        ast::Stmt::Reindex(reindex) => reindexes(reindex),
        ast::Stmt::AlterTable(table)
            if has_word(table.syntax(), "detach") && has_word(table.syntax(), "concurrently") =>
        {
            Class::Alone("DETACH PARTITION CONCURRENTLY")
        }
        ast::Stmt::Vacuum(_) => Class::Alone("VACUUM"),
        ast::Stmt::CreateDatabase(_) => Class::Alone("CREATE DATABASE"),
        ast::Stmt::DropDatabase(_) => Class::Alone("DROP DATABASE"),
        ast::Stmt::CreateTablespace(_) => Class::Alone("CREATE TABLESPACE"),
        ast::Stmt::DropTablespace(_) => Class::Alone("DROP TABLESPACE"),
        ast::Stmt::AlterSystem(_) => Class::Alone("ALTER SYSTEM"),
        ast::Stmt::AlterDatabase(alter) if has_words(alter.syntax(), &["set", "tablespace"]) => {
            Class::Alone("ALTER DATABASE … SET TABLESPACE")
        }
        ast::Stmt::Discard(discard) if has_word(discard.syntax(), "all") => {
            Class::Alone("DISCARD ALL")
        }
        ast::Stmt::Cluster(cluster) if words(cluster.syntax()).len() == 1 => {
            Class::Alone("CLUSTER of every table")
        }
        // It makes a slot on the other side, unless it is told not to.
        ast::Stmt::CreateSubscription(create)
            if !has_word(create.syntax(), "create_slot")
                && !has_word(create.syntax(), "connect") =>
        {
            Class::Alone("CREATE SUBSCRIPTION")
        }
        query if is_query(query) && has_slot_change(query.syntax()) => {
            Class::Alone("a change of replication slots")
        }
        ast::Stmt::AlterType(alter) => enum_value(alter),
        ast::Stmt::CreateType(create) if has_word(create.syntax(), "enum") => {
            Class::CreateEnum { type_name: type_name(create.syntax()) }
        }
        ast::Stmt::Begin(begin) if has_word(begin.syntax(), "only") => Class::ReadOnly,
        ast::Stmt::Begin(begin) => Class::Begin { plain: begin.transaction_mode_list().is_none() },
        ast::Stmt::Commit(commit) => Class::Commit {
            plain: !has_word(commit.syntax(), "prepared")
                && (!has_word(commit.syntax(), "chain") || has_word(commit.syntax(), "no")),
        },
        ast::Stmt::PrepareTransaction(_) => Class::Commit { plain: false },
        ast::Stmt::Rollback(rollback) if has_word(rollback.syntax(), "to") => Class::Ordinary,
        ast::Stmt::Rollback(_) => Class::Rollback,
        ast::Stmt::Copy(copy)
            if ["stdin", "stdout"].iter().any(|word| has_word(copy.syntax(), word)) =>
        {
            Class::CopyByClient
        }
        ast::Stmt::Set(_)
        | ast::Stmt::SetRole(_)
        | ast::Stmt::SetSessionAuth(_)
        | ast::Stmt::Reset(_)
        | ast::Stmt::ResetRole(_)
        | ast::Stmt::ResetSessionAuth(_) => Class::Setting,
        ast::Stmt::SetTransaction(set) if set.session_characteristics().is_some() => Class::Setting,
        ast::Stmt::SetTransaction(set) if has_word(set.syntax(), "only") => Class::ReadOnly,
        ast::Stmt::SetTransaction(_) => Class::TransactionMode,
        ast::Stmt::Insert(_)
        | ast::Stmt::Update(_)
        | ast::Stmt::Delete(_)
        | ast::Stmt::Merge(_) => Class::Data,
        ast::Stmt::Call(_)
        | ast::Stmt::Do(_)
        | ast::Stmt::CreateSubscription(_)
        | ast::Stmt::AlterSubscription(_)
        | ast::Stmt::DropSubscription(_)
        | ast::Stmt::Cluster(_) => Class::Opaque,
        query if is_query(query) => Class::Opaque,
        _ => Class::Ordinary,
    }
}

/// Whether a statement asks for rows, and may call anything on the way.
fn is_query(statement: &ast::Stmt) -> bool {
    matches!(
        statement,
        ast::Stmt::Select(_)
            | ast::Stmt::CompoundSelect(_)
            | ast::Stmt::ParenSelect(_)
            | ast::Stmt::Values(_)
    )
}

fn has_slot_change(node: &SyntaxNode) -> bool {
    words(node).iter().any(|word| changes_slots(word))
}

fn reindexes(reindex: &ast::Reindex) -> Class {
    let says = |word: &&str| has_word(reindex.syntax(), word);
    if says(&"concurrently") {
        Class::Alone("REINDEX CONCURRENTLY")
    } else if ["database", "system", "schema"].iter().any(says) {
        Class::Alone("REINDEX of a whole schema or database")
    } else {
        Class::Ordinary
    }
}

/// `IF NOT EXISTS` and `OR REPLACE` prove nothing about whether the statement ran.
fn enum_value(alter: &ast::AlterType) -> Class {
    let Some(ast::AlterTypeAction::AddValue(add)) = alter.action() else {
        return Class::Ordinary;
    };
    Class::EnumValue {
        type_name: alter.type_name_ref().map(|name| text(name.syntax())).unwrap_or_default(),
        value: add.literal().map(|value| text(value.syntax())).unwrap_or_default(),
    }
}

/// The words between `TYPE` and `AS`.
fn type_name(node: &SyntaxNode) -> String {
    let text = text(node);
    let lower = text.to_lowercase();
    match (lower.find("type"), lower.find(" as ")) {
        (Some(start), Some(end)) if start + 4 <= end => text[start + 4..end].trim().to_owned(),
        (_, _) => String::new(),
    }
}

fn text(node: &SyntaxNode) -> String {
    node.text().to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The tokens of a statement that are not blank.
fn words(node: &SyntaxNode) -> Vec<String> {
    node.descendants_with_tokens()
        .filter_map(squawk_syntax::SyntaxElement::into_token)
        .filter(|token| !token.kind().is_trivia() && token.text() != ";")
        .map(|token| token.text().to_ascii_lowercase())
        .collect()
}

/// Whether these words follow each other.
fn has_words(node: &SyntaxNode, wanted: &[&str]) -> bool {
    words(node).windows(wanted.len()).any(|found| found == wanted)
}

/// Whether a token of the statement is this word. Quoted names and literals keep their quotes.
fn has_word(node: &SyntaxNode, word: &str) -> bool {
    node.descendants_with_tokens()
        .filter_map(squawk_syntax::SyntaxElement::into_token)
        .any(|token| token.text().eq_ignore_ascii_case(word))
}
