//! What the catalog shows before and after each statement of a script: names played forward through
//! renames and drops, so that it is known which of them were run. PURE.

use super::Script;
use super::shown::{Fact, Shown, Shows, beside, same};
use super::words::Words;

/// What the script shows, statement by statement.
pub(super) fn of(script: &Script) -> Shows {
    let mut play = Play::default();
    if script.unparsable.is_some() {
        play.shows.unclear = (0..script.statements.len()).collect();
        return play.shows;
    }
    for (number, statement) in script.statements.iter().enumerate() {
        play.at = number;
        if !play.statement(script.text_of(statement)) {
            play.shows.unclear.push(number);
        }
    }
    play.shows
}

#[derive(Default)]
struct Play {
    shows: Shows,
    at: usize,
    /// Whether names without a schema may mean something else than they do outside.
    path_changed: bool,
}

impl Play {
    /// Plays one; false if nothing shows whether it was run.
    fn statement(&mut self, text: &str) -> bool {
        let words = Words::of(text);
        match words.upper(0) {
            "COMMIT" | "PREPARE" => !matches!(words.upper(1), "PREPARED" | "TRANSACTION"),
            "" | "BEGIN" | "START" | "END" | "SAVEPOINT" | "RELEASE" | "LOCK" | "SHOW"
            | "RESET" | "VACUUM" | "ANALYZE" | "ANALYSE" | "REINDEX" | "CHECKPOINT" | "DISCARD"
            | "DEALLOCATE" | "LISTEN" | "UNLISTEN" => true,
            "SELECT" => {
                self.path_changed |= words.has(&["SET_CONFIG"]);
                false
            }
            "SET" => {
                self.path_changed |= words.has(&["SEARCH_PATH"]) || words.has(&["SCHEMA"]);
                true
            }
            "CREATE" => self.created(&words),
            "DROP" => self.dropped(&words),
            "ALTER" => self.altered(&words),
            _ => false,
        }
    }

    fn known(&self, name: &str) -> bool {
        !self.path_changed || name.contains('.')
    }

    fn created(&mut self, words: &Words<'_>) -> bool {
        if words.has(&["OR", "REPLACE"]) {
            return false;
        }
        if (1..4).any(|at| matches!(words.upper(at), "TEMP" | "TEMPORARY")) {
            return true;
        }
        let sorts = ["UNIQUE", "UNLOGGED", "MATERIALIZED", "RECURSIVE", "FOREIGN"];
        let at = (1..words.len()).find(|at| !sorts.contains(&words.upper(*at))).unwrap_or(1);
        let sort = words.upper(at).to_owned();
        let mut at = at + 1 + usize::from(words.upper(at + 1) == "CONCURRENTLY");
        let unless = words.upper(at) == "IF";
        at += 3 * usize::from(unless);
        let was = if unless { None } else { Some(false) };
        let Some((name, end)) = words.name(at).filter(|_| words.upper(at) != "ON") else {
            return false;
        };
        let thing = match sort.as_str() {
            "TABLE" | "VIEW" | "SEQUENCE" => Shown::Relation(name),
            "TYPE" | "DOMAIN" => Shown::Type(name),
            "INDEX" => {
                let table = end + 1 + usize::from(words.upper(end + 1) == "ONLY");
                let Some((table, _end)) = words.name(table) else { return false };
                // It is where its table is.
                Shown::Relation(beside(&table, &name))
            }
            _ => return false,
        };
        self.note(thing, was, true)
    }

    fn dropped(&mut self, words: &Words<'_>) -> bool {
        let mut at = 1 + usize::from(matches!(words.upper(1), "MATERIALIZED" | "FOREIGN"));
        let kind: fn(String) -> Shown = match words.upper(at) {
            "TABLE" | "VIEW" | "SEQUENCE" | "INDEX" => Shown::Relation,
            "TYPE" | "DOMAIN" => Shown::Type,
            _ => return false,
        };
        at += 1;
        at += usize::from(words.upper(at) == "CONCURRENTLY");
        let unless = words.upper(at) == "IF";
        at += 2 * usize::from(unless);
        let was = if unless { None } else { Some(true) };
        let mut clear = true;
        loop {
            let Some((name, end)) = words.name(at) else { return false };
            for fact in &mut self.shows.facts {
                if !matches!(fact.after, Shown::Relation(_) | Shown::Type(_))
                    && same(fact.after.owner(), &name)
                {
                    fact.is = false;
                }
            }
            clear &= self.note(kind(name), was, false);
            if words.word(end) != "," {
                return clear;
            }
            at = end + 1;
        }
    }

    fn altered(&mut self, words: &Words<'_>) -> bool {
        let sort = words.upper(1).to_owned();
        let mut at = 2 + usize::from(sort == "MATERIALIZED");
        at += 2 * usize::from(words.upper(at) == "IF");
        at += usize::from(words.upper(at) == "ONLY");
        let Some((name, end)) = words.name(at) else { return false };
        let end = end + usize::from(words.word(end) == "*");
        match sort.as_str() {
            "TABLE" | "INDEX" | "VIEW" | "SEQUENCE" | "MATERIALIZED" => {}
            "TYPE" if (words.upper(end), words.upper(end + 1)) == ("ADD", "VALUE") => {
                let unless = words.upper(end + 2) == "IF";
                let literal = words.literal(end + 2 + 3 * usize::from(unless));
                let Some(value) = literal else { return false };
                let was = if unless { None } else { Some(false) };
                return self.note(Shown::EnumValue(name, value), was, true);
            }
            "TYPE" | "DOMAIN" if (words.upper(end), words.upper(end + 1)) == ("RENAME", "TO") => {
                return self.renamed(Shown::Type, &name, words.name(end + 2));
            }
            _ => return false,
        }
        let mut clear = true;
        for action in words.split(end) {
            clear &= self.action(&name, words, action);
        }
        clear
    }

    /// One action of `ALTER TABLE`, whose words these are.
    fn action(&mut self, table: &str, words: &Words<'_>, (at, until): (usize, usize)) -> bool {
        let name = |at: usize| words.name(at).filter(|(_name, end)| *end <= until);
        let column = |name: String| Shown::Column(table.to_owned(), name);
        let constraint = |name: String| Shown::Constraint(table.to_owned(), name);
        match (words.upper(at), words.upper(at + 1)) {
            ("RENAME", "TO") => self.renamed(Shown::Relation, table, name(at + 2)),
            ("RENAME", "CONSTRAINT") => match (name(at + 2), name(at + 4)) {
                (Some((old, _)), Some((new, _))) => {
                    self.note(constraint(old), Some(true), false)
                        & self.note(constraint(new), Some(false), true)
                }
                _ => false,
            },
            ("RENAME", next) => {
                let at = at + 1 + usize::from(next == "COLUMN");
                match (name(at), name(at + 2)) {
                    (Some((old, _)), Some((new, _))) => {
                        self.note(column(old), Some(true), false)
                            & self.note(column(new), Some(false), true)
                    }
                    _ => false,
                }
            }
            ("ADD", "CONSTRAINT") => {
                let Some((new, end)) = name(at + 2) else { return false };
                let using = (end..until)
                    .find(|at| (words.upper(*at), words.upper(at + 1)) == ("USING", "INDEX"))
                    .filter(|at| words.upper(at + 2) != "TABLESPACE");
                // The index takes the constraint's name.
                let mut clear = true;
                if let Some((index, _)) = using.and_then(|at| name(at + 2))
                    && !same(&index, &new)
                {
                    clear = self.note(Shown::Relation(beside(table, &index)), Some(true), false);
                }
                self.note(constraint(new), Some(false), true) & clear
            }
            ("ADD", "PRIMARY" | "UNIQUE" | "CHECK" | "FOREIGN" | "EXCLUDE" | "NOT") => false,
            ("ADD" | "DROP", next) => {
                let adds = words.upper(at) == "ADD";
                let is_constraint = next == "CONSTRAINT";
                let mut at = at + 1 + usize::from(is_constraint || next == "COLUMN");
                let unless = words.upper(at) == "IF";
                at += if adds { 3 } else { 2 } * usize::from(unless);
                let Some((name, _end)) = name(at) else { return false };
                let was = if unless { None } else { Some(!adds) };
                let thing = if is_constraint { constraint(name) } else { column(name) };
                self.note(thing, was, adds)
            }
            _ => false,
        }
    }

    fn renamed(
        &mut self,
        kind: fn(String) -> Shown,
        old: &str,
        new: Option<(String, usize)>,
    ) -> bool {
        let Some((new, _end)) = new else { return false };
        let new = beside(old, &new);
        for fact in &mut self.shows.facts {
            if !matches!(fact.after, Shown::Relation(_) | Shown::Type(_))
                && same(fact.after.owner(), old)
            {
                fact.after.owner().clone_from(&new);
            }
        }
        self.note(kind(old.to_owned()), Some(true), false) & self.note(kind(new), Some(false), true)
    }

    /// What a statement makes of a thing.
    fn note(&mut self, thing: Shown, was: Option<bool>, is: bool) -> bool {
        let mut owner = thing.clone();
        if !self.known(owner.owner()) {
            return false;
        }
        let statement = self.at;
        match self.shows.facts.iter_mut().find(|fact| fact.after.is(&thing)) {
            Some(fact) => {
                fact.is = is;
                fact.statement = statement;
            }
            None => self.shows.facts.push(Fact {
                statement,
                before: thing.clone(),
                was,
                after: thing,
                is,
            }),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(name: &str) -> Shown {
        Shown::Relation(name.into())
    }

    fn column(table: &str, name: &str) -> Shown {
        Shown::Column(table.into(), name.into())
    }

    fn shows(script: &str) -> Shows {
        of(&Script::parse(script))
    }

    /// `thing before -> after` of every fact.
    fn facts(script: &str) -> Vec<(Shown, Option<bool>, Shown, bool)> {
        let facts = shows(script).facts.into_iter();
        facts.map(|fact| (fact.before, fact.was, fact.after, fact.is)).collect()
    }

    #[test]
    fn names_are_played_forward() {
        let made = |thing: Shown| (thing.clone(), Some(false), thing, true);
        let gone = |thing: Shown| (thing.clone(), Some(true), thing, false);
        for (script, expected) in [
            ("CREATE TABLE a(id int)", vec![made(relation("a"))]),
            (
                "ALTER TABLE a ADD COLUMN b int, ADD c numeric(3, 2), ADD COLUMN IF NOT EXISTS d int",
                vec![
                    made(column("a", "b")),
                    made(column("a", "c")),
                    (column("a", "d"), None, column("a", "d"), true),
                ],
            ),
            ("ALTER TABLE s.a RENAME TO b", vec![gone(relation("s.a")), made(relation("s.b"))]),
            (
                "ALTER TABLE a RENAME b TO c; ALTER TABLE a RENAME TO z",
                vec![
                    (column("a", "b"), Some(true), column("z", "b"), false),
                    (column("a", "c"), Some(false), column("z", "c"), true),
                    gone(relation("a")),
                    made(relation("z")),
                ],
            ),
            (
                "CREATE UNIQUE INDEX i ON s.a(id); ALTER TABLE s.a ADD CONSTRAINT k UNIQUE USING INDEX i",
                vec![
                    (relation("s.i"), Some(false), relation("s.i"), false),
                    made(Shown::Constraint("s.a".into(), "k".into())),
                ],
            ),
            (
                "CREATE TABLE a(id int); ALTER TABLE a ADD b int; DROP TABLE A",
                vec![
                    (relation("a"), Some(false), relation("a"), false),
                    (column("a", "b"), Some(false), column("a", "b"), false),
                ],
            ),
            ("DROP TABLE a, b CASCADE", vec![gone(relation("a")), gone(relation("b"))]),
            ("ALTER TYPE m ADD VALUE 'x'", vec![made(Shown::EnumValue("m".into(), "x".into()))]),
            ("CREATE TEMP TABLE t(id int); SET lock_timeout = 1; VACUUM a", vec![]),
        ] {
            assert_eq!(facts(script), expected, "{script}");
            assert_eq!(shows(script).unclear, Vec::<usize>::new(), "{script}");
        }
    }

    #[test]
    fn what_shows_nothing_is_said() {
        for (script, unclear) in [
            ("CREATE TABLE a(id int); INSERT INTO a VALUES (1)", vec![1]),
            ("CREATE INDEX ON a(id)", vec![0]),
            ("CREATE OR REPLACE VIEW v AS SELECT 1", vec![0]),
            ("ALTER TABLE a ALTER b SET NOT NULL, ADD c int", vec![0]),
            ("SET search_path = x; CREATE TABLE a(id int); CREATE TABLE y.a(id int)", vec![1]),
            ("BEGIN; UPDATE a SET b = 1; COMMIT; CREATE TABLE c(id int)", vec![1]),
            ("SELECT 1", vec![0]),
        ] {
            assert_eq!(shows(script).unclear, unclear, "{script}");
        }
    }
}
