//! Owns what a statement calls without naming it: functions behind triggers, rules, defaults, checks,
//! indexes, views, domains, casts and operators. What a statement can reach is told by the names and
//! symbols in it; what is behind them by the scripts, here, and by the catalog, in the engine.

mod armed;
mod body;

pub use armed::sentence;
pub(super) use armed::{Armed, Behind};
pub use body::Body;

use super::effect;
use super::words::{Kind, Word, words};
use crate::script::{LARGE, Script, Statement};
use std::collections::BTreeSet;

/// What a statement may reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Line of the file on which the statement starts, from 1.
    pub line: u32,
    /// The names in it without their schemas, as PostgreSQL stores them.
    pub names: BTreeSet<String>,
    /// Its operators.
    pub symbols: BTreeSet<String>,
    /// Which triggers it can fire.
    pub fires: Fires,
    /// Whether it changes the catalog, so that an event trigger may run.
    pub defines: bool,
}

/// Which triggers a statement can fire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fires {
    /// Those on `INSERT`.
    pub on_insert: bool,
    /// Those on `UPDATE`.
    pub on_update: bool,
    /// Those on `DELETE` and `TRUNCATE`.
    pub on_delete: bool,
}

impl Fires {
    /// What both are about.
    #[must_use]
    pub fn both(self, other: Self) -> Self {
        Self {
            on_insert: self.on_insert && other.on_insert,
            on_update: self.on_update && other.on_update,
            on_delete: self.on_delete && other.on_delete,
        }
    }

    /// Whether there is a trigger that both are about.
    pub fn meet(self, other: Self) -> bool {
        self.both(other) != Self::default()
    }
}

/// The longest part of a statement that is looked at in a script that is mostly data: its table stands at
/// the beginning.
const BEGINNING: usize = 2_000;

/// What the statements of a script may reach, in their order.
pub(super) fn reaches(script: &Script) -> Vec<Reach> {
    let mut found: Vec<Reach> = Vec::new();
    for statement in &script.statements {
        let reach = of_statement(script, statement);
        // Thousands of rows, one statement each.
        let same = found.last().is_some_and(|last| {
            (&last.names, &last.symbols, last.fires) == (&reach.names, &reach.symbols, reach.fires)
        });
        if !same {
            found.push(reach);
        }
    }
    found
}

/// What one of them may reach.
pub(super) fn of_statement(script: &Script, statement: &Statement) -> Reach {
    let text = script.text_of(statement);
    let looked_at = if script.text.len() > LARGE { BEGINNING } else { text.len() };
    Reach { line: statement.line, ..of(&text[..text.floor_char_boundary(looked_at)]) }
}

/// What a statement by itself may reach; nothing, where it runs nothing of the tables that it names.
fn of(text: &str) -> Reach {
    let all = words(text, 0..text.len());
    let mut reach = Reach::default();
    let Some(first) = all.first() else { return reach };
    let has = |word: &str| all.iter().any(|one| one.is(word));
    reach.defines =
        ["CREATE", "ALTER", "DROP", "GRANT", "REVOKE", "COMMENT", "REFRESH", "SECURITY"]
            .iter()
            .any(|word| first.is(word));
    let makes_rows = first.is("CREATE") && (has("SELECT") || has("VALUES") || has("TABLE AS"));
    let builds = first.is("CREATE") && has("INDEX");
    let is_only_made = first.is("CREATE") && !builds && !makes_rows;
    let second = all.get(1).copied();
    let is_of = |word: &str| second.is_some_and(|second| second.is(word));
    // What they make or take away is not run by them.
    let is_made = first.is("CREATE")
        && [
            "FUNCTION",
            "PROCEDURE",
            "TRIGGER",
            "VIEW",
            "RULE",
            "POLICY",
            "OR",
            "CONSTRAINT",
            "RECURSIVE",
        ]
        .iter()
        .any(|word| is_of(word));
    let runs_nothing =
        ["DROP", "GRANT", "REVOKE", "COMMENT", "SET", "RESET", "SHOW", "PREPARE", "LOCK"]
            .iter()
            .any(|word| first.is(word));
    let alters_no_rows = first.is("ALTER") && !is_of("TABLE") && !is_of("DOMAIN");
    if is_only_made || is_made || runs_nothing || alters_no_rows {
        return reach;
    }
    note(&mut reach, &all);
    if first.is("DO") {
        let bodies = all.iter().filter(|word| word.kind == Kind::Literal);
        for body in bodies.filter_map(|word| effect::quoted(word.text)) {
            note(&mut reach, &words(&body, 0..body.len()));
        }
    }
    if first.is("ALTER") || first.is("CREATE") {
        reach.fires = Fires::default();
    }
    reach
}

/// Notes the names, the operators and the verbs of these words.
fn note(reach: &mut Reach, all: &[Word<'_>]) {
    let mut symbol = String::new();
    let mut ended = 0;
    for word in all {
        match word.kind {
            Kind::Bare | Kind::Quoted => {
                reach.names.insert(word.value());
                reach.fires.on_insert |=
                    ["INSERT", "COPY", "MERGE"].iter().any(|verb| word.is(verb));
                reach.fires.on_update |= ["UPDATE", "MERGE"].iter().any(|verb| word.is(verb));
                reach.fires.on_delete |=
                    ["DELETE", "MERGE", "TRUNCATE"].iter().any(|verb| word.is(verb));
            }
            Kind::Literal | Kind::Symbol => {}
        }
        let is_part = word.kind == Kind::Symbol && word.text.chars().all(|c| OPERATOR.contains(c));
        if !is_part || ended != word.start {
            reach.symbols.extend((!symbol.is_empty()).then(|| std::mem::take(&mut symbol)));
        }
        if is_part {
            symbol.push_str(word.text);
            ended = word.start + word.text.len();
        }
    }
    reach.symbols.extend((!symbol.is_empty()).then_some(symbol));
}

/// The characters of operators (PostgreSQL, "Operators").
const OPERATOR: &str = "+-*/<>=~!@#%^&|`?";

/// What a function does that is reached, and everything that it reaches in turn.
pub fn reached_by(body: &Body, line: u32) -> Reach {
    let mut reach = Reach { line, ..Reach::default() };
    note(&mut reach, &words(&body.text, 0..body.text.len()));
    reach
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(sql: &str) -> Reach {
        reaches(&Script::parse(sql)).remove(0)
    }

    #[test]
    fn a_statement_reaches_what_it_names() {
        let insert = reach("INSERT INTO app.\"Logs\" (a) SELECT a === 1 FROM u");
        assert!(["Logs", "u", "a"].iter().all(|name| insert.names.contains(*name)), "{insert:?}");
        assert!(insert.symbols.contains("==="), "{insert:?}");
        assert_eq!((insert.fires.on_insert, insert.fires.on_update), (true, false));
        let block = reach("DO $$ BEGIN UPDATE t SET a = 1; END $$");
        assert!(block.names.contains("t") && block.fires.on_update, "{block:?}");
        let altered = reach("ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u(id) ON DELETE CASCADE");
        assert!(altered.names.contains("t") && !altered.fires.on_delete && altered.defines);
        for sql in [
            "CREATE TABLE t (a int DEFAULT z())",
            "CREATE VIEW v AS SELECT z()",
            "CREATE OR REPLACE VIEW v AS SELECT z()",
            "CREATE FUNCTION z() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE TRIGGER x AFTER INSERT ON t EXECUTE FUNCTION z()",
            "DROP TABLE t",
            "COMMENT ON TABLE t IS 'x'",
        ] {
            assert!(reach(sql).names.is_empty(), "{sql}");
        }
        for sql in [
            "CREATE TABLE t AS SELECT * FROM v",
            "CREATE INDEX i ON v (a)",
            "REFRESH MATERIALIZED VIEW v",
            "COPY v FROM '/x'",
            "EXPLAIN ANALYZE SELECT * FROM v",
            "ANALYZE v",
        ] {
            assert!(reach(sql).names.contains("v"), "{sql}");
        }
    }
}
