//! Owns what the scripts put behind things: which functions, and their texts. Whatever is not known of a
//! function may lose.

use super::super::effect;
use super::super::words::{Kind, Reader, Word, words};
use super::{Body, Fires, Reach, reached_by};
use std::collections::{BTreeMap, BTreeSet};

/// What was put behind things, by the names and symbols that reach it.
#[derive(Debug, Clone, Default)]
pub(in crate::hazard) struct Armed {
    codes: BTreeMap<String, Vec<Code>>,
    /// Other names that a name stands for: a view's tables, a table's types.
    links: BTreeMap<String, BTreeSet<String>>,
    bodies: BTreeMap<String, Body>,
}

/// A function behind a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Code {
    /// Behind what: `the trigger t`.
    via: String,
    /// The trigger's events; none for what is not a trigger.
    fires: Option<Fires>,
    function: String,
}

/// A function that a statement calls without naming it, and why that may lose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::hazard) struct Behind {
    pub(in crate::hazard) function: String,
    pub(in crate::hazard) sentence: String,
}

/// As much of a statement as tells what it is.
const BEGINNING: usize = 200;

/// The name by which event triggers are reached.
const DEFINING: &str = "";

/// Trigger functions of the server that take nothing away (PostgreSQL, "Trigger Functions").
const HARMLESS_TRIGGERS: [&str; 3] = [
    "suppress_redundant_updates_trigger",
    "tsvector_update_trigger",
    "tsvector_update_trigger_column",
];

impl Armed {
    /// What the statement calls behind what it reaches, where that may lose.
    pub(in crate::hazard) fn behind(&self, reach: &Reach) -> Vec<Behind> {
        let mut found = BTreeSet::new();
        let mut left = vec![reach.clone()];
        let mut judged = BTreeSet::new();
        while let Some(reach) = left.pop() {
            for code in self.codes_of(&reach) {
                let fires = code.fires.unwrap_or_default();
                let events = (fires.on_insert, fires.on_update, fires.on_delete);
                if !judged.insert((code.via.clone(), code.function.clone(), events)) {
                    continue;
                }
                let why = match self.bodies.get(&code.function) {
                    Some(body) => {
                        left.push(reached_by(body, reach.line));
                        body.may_lose(fires.both(reach.fires))
                    }
                    None => Some("is not known here".to_owned()),
                };
                found.extend(why.map(|why| Behind {
                    function: code.function.clone(),
                    sentence: sentence(&code.function, &code.via, &why),
                }));
            }
        }
        found.into_iter().collect()
    }

    /// The same with the names that its names stand for.
    pub(in crate::hazard) fn expanded(&self, mut reach: Reach) -> Reach {
        let mut left: Vec<String> = reach.names.iter().cloned().collect();
        while let Some(name) = left.pop() {
            for link in self.links.get(&name).into_iter().flatten() {
                if reach.names.insert(link.clone()) {
                    left.push(link.clone());
                }
            }
        }
        reach
    }

    fn codes_of(&self, reach: &Reach) -> Vec<&Code> {
        let reach = self.expanded(reach.clone());
        let names = reach.names.iter().chain(&reach.symbols).map(String::as_str);
        let names = names.chain(reach.defines.then_some(DEFINING));
        let mut codes: Vec<&Code> =
            names.filter_map(|name| self.codes.get(name)).flatten().collect();
        codes.retain(|code| code.fires.is_none_or(|fires| fires.meet(reach.fires)));
        codes
    }

    /// Takes in what a statement puts behind things.
    pub(in crate::hazard) fn learn(&mut self, text: &str) {
        // Rows can be as large as a disk.
        let beginning = words(text, 0..text.floor_char_boundary(BEGINNING));
        let defines =
            |word: &Word<'_>| ["CREATE", "ALTER", "DROP"].iter().any(|verb| word.is(verb));
        if !beginning.first().is_some_and(defines) {
            return;
        }
        let all = words(text, 0..text.len());
        let mut reader = Reader::new(&all);
        if reader.eat("CREATE") {
            reader.eat("OR REPLACE");
            reader.eat_one(&[
                "CONSTRAINT",
                "TEMPORARY",
                "TEMP",
                "UNLOGGED",
                "UNIQUE",
                "MATERIALIZED",
            ]);
            self.created(reader, text);
        } else if reader.eat("ALTER TABLE") || reader.eat("ALTER DOMAIN") {
            reader.eat("IF EXISTS");
            reader.eat("ONLY");
            let Some(table) = last(reader.part_names()) else { return };
            if reader.eat("RENAME TO") {
                if let Some(to) = last(reader.part_names()) {
                    self.links.entry(to).or_default().insert(table);
                }
                return;
            }
            if let Some(child) = behind(reader, "ATTACH PARTITION") {
                self.links.entry(table.clone()).or_default().insert(child);
            }
            self.calls(&table, text);
        } else if reader.eat("DROP TRIGGER") {
            reader.eat("IF EXISTS");
            let trigger = last(reader.part_names()).map(|name| format!("the trigger {name}"));
            reader.eat("ON");
            if let (Some(via), Some(table)) = (trigger, last(reader.part_names())) {
                self.codes.entry(table).or_default().retain(|code| code.via != via);
            }
        } else if reader.eat("DROP TABLE") || reader.eat("DROP VIEW") || reader.eat("DROP DOMAIN") {
            reader.eat("IF EXISTS");
            for name in reader.names() {
                let name = name.rsplit('.').next().unwrap_or_default().to_owned();
                self.codes.remove(&name);
                self.links.remove(&name);
            }
        }
    }

    fn created(&mut self, mut reader: Reader<'_>, text: &str) {
        if reader.eat("FUNCTION") || reader.eat("PROCEDURE") {
            if let Some(name) = last(reader.part_names()) {
                match body(reader) {
                    Some(body) => self.bodies.insert(name, body),
                    None => self.bodies.remove(&name),
                };
            }
        } else if reader.eat("TRIGGER") {
            let Some(name) = last(reader.part_names()) else { return };
            let fires = Fires {
                on_insert: before(&reader, "ON", "INSERT"),
                on_update: before(&reader, "ON", "UPDATE"),
                on_delete: before(&reader, "ON", "DELETE") || before(&reader, "ON", "TRUNCATE"),
            };
            let (table, function) = (behind(reader, "ON"), called(reader));
            if let (Some(table), Some(function)) = (table, function)
                && !HARMLESS_TRIGGERS.contains(&function.as_str())
            {
                self.put(
                    &table,
                    Code { via: format!("the trigger {name}"), fires: Some(fires), function },
                );
            }
        } else if reader.eat("EVENT TRIGGER") {
            let name = last(reader.part_names()).unwrap_or_default();
            if let Some(function) = called(reader) {
                let via = format!("the event trigger {name}");
                self.put(DEFINING, Code { via, fires: None, function });
            }
        } else if reader.eat("OPERATOR") {
            let symbol: String =
                reader.left.iter().take_while(|word| !word.is("(")).map(|word| word.text).collect();
            let symbol = symbol.rsplit('.').next().unwrap_or_default().to_owned();
            let function = behind(reader, "FUNCTION =").or_else(|| behind(reader, "PROCEDURE ="));
            if let Some(function) = function {
                let via = format!("the operator {symbol}");
                self.put(&symbol, Code { via, fires: None, function });
            }
        } else if reader.eat("CAST") {
            let function = behind(reader, "WITH FUNCTION");
            let (from, to) = (behind(reader, "("), behind(reader, "AS"));
            for name in [from, to].into_iter().flatten() {
                if let Some(function) = function.clone() {
                    let via = format!("a cast of {name}");
                    self.put(&name, Code { via, fires: None, function });
                }
            }
        } else if reader.eat("RULE") {
            let name = last(reader.part_names()).unwrap_or_default();
            if let Some(table) = behind(reader, "TO") {
                let via = format!("a rule of {table}");
                self.put(&table, Code { via, fires: None, function: name });
            }
        } else if reader.eat("INDEX") || reader.eat("POLICY") {
            if let Some(table) = behind(reader, "ON ONLY").or_else(|| behind(reader, "ON")) {
                self.calls(&table, text);
            }
        } else if reader.eat_one(&["TABLE", "VIEW", "RECURSIVE VIEW", "DOMAIN"]).is_some() {
            reader.eat("IF NOT EXISTS");
            let Some(name) = last(reader.part_names()) else { return };
            if let Some(parent) =
                behind(reader, "PARTITION OF").or_else(|| behind(reader, "INHERITS ("))
            {
                self.links.entry(parent).or_default().insert(name.clone());
            }
            let inside =
                reader.left.iter().filter(|word| matches!(word.kind, Kind::Bare | Kind::Quoted));
            let inside: BTreeSet<String> = inside.map(Word::value).collect();
            self.links.entry(name.clone()).or_default().extend(inside);
            self.calls(&name, text);
        }
    }

    /// Functions that a definition calls are called when the thing is used.
    fn calls(&mut self, thing: &str, text: &str) {
        for function in effect::calls_in(text) {
            let function = function.rsplit('.').next().unwrap_or_default().to_owned();
            let via = format!("`{thing}`");
            self.put(thing, Code { via, fires: None, function });
        }
    }

    fn put(&mut self, thing: &str, code: Code) {
        let codes = self.codes.entry(thing.to_owned()).or_default();
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
}

/// What is said of a function that a statement reaches.
pub fn sentence(function: &str, via: &str, why: &str) -> String {
    format!(
        "the statement calls `{function}` by {via}, which {why}, so it may delete data or write over it"
    )
}

fn last(parts: Option<Vec<String>>) -> Option<String> {
    parts?.pop()
}

/// The name behind the first of these words, without its schema.
fn behind(reader: Reader<'_>, phrase: &str) -> Option<String> {
    let from = (0..reader.left.len()).find(|at| reader.with(&reader.left[*at..]).eat(phrase))?;
    let mut reader = reader.with(&reader.left[from..]);
    reader.eat(phrase);
    last(reader.part_names())
}

/// Whether a word stands before another one.
fn before(reader: &Reader<'_>, end: &str, word: &str) -> bool {
    reader.left.iter().take_while(|one| !one.is(end)).any(|one| one.is(word))
}

/// What a trigger calls.
fn called(reader: Reader<'_>) -> Option<String> {
    behind(reader, "EXECUTE FUNCTION").or_else(|| behind(reader, "EXECUTE PROCEDURE"))
}

/// A function's text, where it is written as one.
fn body(reader: Reader<'_>) -> Option<Body> {
    let at = |word: &str| reader.left.iter().position(|one| one.is(word));
    let language = reader.left.get(at("LANGUAGE")? + 1)?;
    let literal = reader.left.iter().enumerate().find(|(at, word)| {
        word.kind == Kind::Literal
            && at.checked_sub(1).is_some_and(|before| reader.left[before].is("AS"))
    });
    let text = effect::quoted(literal?.1.text)?;
    Some(Body { language: language.value(), text })
}

#[cfg(test)]
mod tests {
    use super::super::reaches;
    use super::*;
    use crate::script::Script;

    fn found(before: &[&str], statement: &str) -> Vec<String> {
        let mut armed = Armed::default();
        for text in before {
            armed.learn(text);
        }
        let reach = reaches(&Script::parse(statement)).remove(0);
        armed.behind(&reach).into_iter().map(|one| one.function).collect()
    }

    const DELETES: &str = "CREATE FUNCTION app.z() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM users; RETURN NEW; END $$";
    const ROW: &str =
        "CREATE OR REPLACE FUNCTION z() RETURNS int AS 'DELETE FROM users; SELECT 1' LANGUAGE sql";
    const TOUCHES: &str = "CREATE FUNCTION z() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.at = now(); RETURN NEW; END $$";

    #[test]
    fn what_is_put_behind_things_is_reached() {
        for (before, statement) in [
            (
                vec![
                    DELETES,
                    "CREATE TRIGGER t AFTER INSERT OR UPDATE ON app.logs FOR EACH ROW EXECUTE FUNCTION app.z()",
                ],
                "INSERT INTO logs VALUES (1)",
            ),
            (
                vec!["CREATE CONSTRAINT TRIGGER t AFTER INSERT ON logs EXECUTE PROCEDURE z()"],
                "INSERT INTO logs VALUES (1)",
            ),
            (
                vec![
                    TOUCHES,
                    "CREATE TRIGGER t BEFORE UPDATE ON logs FOR EACH ROW EXECUTE FUNCTION z()",
                ],
                "UPDATE logs SET a = 1 WHERE a IS NULL",
            ),
            (
                vec![ROW, "CREATE TABLE logs (id int DEFAULT z())"],
                "INSERT INTO logs DEFAULT VALUES",
            ),
            (
                vec![ROW, "ALTER TABLE logs ALTER COLUMN a SET DEFAULT z()"],
                "INSERT INTO logs DEFAULT VALUES",
            ),
            (
                vec![ROW, "CREATE VIEW v AS SELECT z()", "CREATE VIEW w AS SELECT * FROM v"],
                "SELECT * FROM w",
            ),
            (vec![ROW, "CREATE OPERATOR app.=== (LEFTARG = int, FUNCTION = z)"], "SELECT 1 === 2"),
            (
                vec![ROW, "CREATE CAST (pair AS int) WITH FUNCTION z(pair) AS ASSIGNMENT"],
                "SELECT a::pair FROM t",
            ),
            (
                vec![ROW, "CREATE DOMAIN d AS int CHECK (z() > 0)", "CREATE TABLE logs (a d)"],
                "INSERT INTO logs VALUES (1)",
            ),
            (vec![ROW, "CREATE UNIQUE INDEX i ON logs (z(a))"], "INSERT INTO logs VALUES (1)"),
            (
                vec!["CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION z()"],
                "CREATE TABLE t (a int)",
            ),
            (
                vec![
                    DELETES,
                    "CREATE TABLE logs_1 PARTITION OF logs FOR VALUES IN (1)",
                    "CREATE TRIGGER t AFTER INSERT ON logs_1 EXECUTE FUNCTION z()",
                ],
                "INSERT INTO logs VALUES (1)",
            ),
            (
                vec!["CREATE RULE z AS ON INSERT TO logs DO ALSO DELETE FROM users"],
                "INSERT INTO logs VALUES (1)",
            ),
            // A function that is harmless by itself, and its table.
            (
                vec![
                    DELETES,
                    "CREATE TRIGGER t AFTER INSERT ON audit EXECUTE FUNCTION z()",
                    "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit VALUES (1); RETURN NEW; END $$",
                    "CREATE TRIGGER k AFTER INSERT ON logs EXECUTE FUNCTION keep()",
                ],
                "INSERT INTO logs VALUES (1)",
            ),
            (
                vec![
                    ROW,
                    "CREATE TABLE old (id int DEFAULT z())",
                    "ALTER TABLE old RENAME TO logs",
                ],
                "INSERT INTO logs DEFAULT VALUES",
            ),
        ] {
            assert_eq!(found(&before, statement), ["z"], "{before:?} {statement}");
        }
    }

    #[test]
    fn what_takes_nothing_away_is_passed() {
        for (before, statement) in [
            (
                vec![
                    TOUCHES,
                    "CREATE TRIGGER t BEFORE INSERT OR UPDATE ON logs FOR EACH ROW EXECUTE FUNCTION z()",
                ],
                "INSERT INTO logs VALUES (1)",
            ),
            (
                vec![DELETES, "CREATE TRIGGER t AFTER DELETE ON logs EXECUTE FUNCTION z()"],
                "INSERT INTO logs VALUES (1)",
            ),
            (
                vec![DELETES, "CREATE TRIGGER t AFTER INSERT ON logs EXECUTE FUNCTION z()"],
                "ALTER TABLE logs ADD COLUMN a int",
            ),
            (
                vec![
                    DELETES,
                    "CREATE TRIGGER t AFTER INSERT ON logs EXECUTE FUNCTION z()",
                    "DROP TRIGGER t ON logs",
                ],
                "INSERT INTO logs VALUES (1)",
            ),
            (
                vec![DELETES, "CREATE TRIGGER t AFTER INSERT ON logs EXECUTE FUNCTION z()"],
                "INSERT INTO users VALUES (1)",
            ),
            (
                vec![
                    "CREATE TABLE logs (id uuid DEFAULT gen_random_uuid(), at timestamptz DEFAULT now())",
                ],
                "INSERT INTO logs DEFAULT VALUES",
            ),
            (
                vec![
                    "CREATE TRIGGER t BEFORE UPDATE ON logs FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger(a, b)",
                ],
                "UPDATE logs SET a = 1 WHERE a IS NULL",
            ),
        ] {
            assert_eq!(found(&before, statement), [] as [String; 0], "{before:?} {statement}");
        }
    }
}
