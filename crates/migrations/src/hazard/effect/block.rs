//! Owns what a `DO` block does, as far as it is made of statements that the parser knows. PL/pgSQL's own
//! words are taken off; whatever is left over is not understood, and may do anything.

use super::super::words::{Kind, Reader, Word, words};
use super::{Effect, Place, of_text};
use squawk_syntax::ast::{self, AstNode as _};

/// What the block does.
pub(super) fn of(block: &ast::Do) -> Vec<Effect> {
    let literal = block.body().map(|body| body.syntax().to_string()).unwrap_or_default();
    let language = block.do_language().map(|language| language.syntax().to_string());
    let known = language.is_none_or(|text| text.to_lowercase().contains("plpgsql"));
    match body(&literal).filter(|_| known) {
        Some(text) => of_body(&text),
        None => vec![Effect::Block("is not understood".to_owned())],
    }
}

/// The text between its quotes.
pub(super) fn body(literal: &str) -> Option<String> {
    if let Some(inner) = literal.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return Some(inner.replace("''", "'"));
    }
    let tag = &literal[..=literal.strip_prefix('$')?.find('$')? + 1];
    literal.strip_prefix(tag)?.strip_suffix(tag).map(str::to_owned)
}

pub(super) fn of_body(text: &str) -> Vec<Effect> {
    let all = words(text, 0..text.len());
    let mut effects = Vec::new();
    let mut declares = false;
    for piece in split(&all) {
        effects.extend(Piece { text, declares: &mut declares }.effects(piece));
    }
    let block = |effect| match effect {
        Effect::Unseen(what) => Effect::Block(format!("has {what}")),
        effect @ (Effect::Deletes { .. }
        | Effect::Overwrites { .. }
        | Effect::Calls(_)
        | Effect::Block(_)) => effect,
    };
    effects.into_iter().map(block).collect()
}

/// Between semicolons.
fn split<'a>(all: &'a [Word<'a>]) -> impl Iterator<Item = &'a [Word<'a>]> {
    all.split(|word| word.is(";")).filter(|piece| !piece.is_empty())
}

/// One piece of a body.
struct Piece<'a> {
    text: &'a str,
    /// Whether it stands between DECLARE and BEGIN.
    declares: &'a mut bool,
}

impl Piece<'_> {
    fn effects(&mut self, piece: &[Word<'_>]) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut reader = Reader::new(piece);
        loop {
            if reader.left.is_empty() {
                return effects;
            }
            if reader.eat("DECLARE") {
                *self.declares = true;
            } else if reader.eat("BEGIN") {
                *self.declares = false;
            } else if *self.declares {
                effects.extend(self.declaration(reader.left));
                return effects;
            } else if reader.eat("ELSE") || reader.eat("LOOP") || reader.eat("EXCEPTION") {
            } else if reader.eat("IF") || reader.eat("ELSIF") || reader.eat("ELSEIF") {
                effects.extend(self.expression(until(&mut reader, "THEN")));
            } else if reader.eat("WHEN") {
                let condition = until(&mut reader, "THEN");
                if !is_name_of_an_error(condition) {
                    effects.extend(self.expression(condition));
                }
            } else if reader.eat("WHILE") {
                effects.extend(self.expression(until(&mut reader, "LOOP")));
            } else if reader.eat("FOR") || reader.eat("FOREACH") {
                let head = until(&mut reader, "LOOP");
                effects.extend(self.loop_head(head));
            } else {
                effects.extend(self.last(reader));
                return effects;
            }
        }
    }

    /// `name type := value`.
    fn declaration(&self, words: &[Word<'_>]) -> Vec<Effect> {
        let assigned = words.windows(2).position(|two| two[0].is(":") && two[1].is("="));
        let value = match assigned {
            Some(at) => words.get(at + 2..),
            None => {
                let default = words.iter().position(|word| word.is("DEFAULT") || word.is("="));
                default.and_then(|at| words.get(at + 1..))
            }
        };
        value.map_or_else(Vec::new, |value| self.expression(value))
    }

    /// `name IN …`.
    fn loop_head(&self, head: &[Word<'_>]) -> Vec<Effect> {
        let within = head.iter().position(|word| word.is("IN"));
        let Some(of) = within.and_then(|at| head.get(at + 1..)) else { return unknown() };
        let mut reader = Reader::new(of);
        if reader.eat("ARRAY") {
            return self.expression(reader.left);
        }
        let first = of.first();
        if first.is_some_and(|word| word.is("SELECT") || word.is("WITH") || word.is("VALUES")) {
            return of_text(self.between(of), Place::Block);
        }
        // From one number to another.
        if of.iter().any(|word| word.is("(") || word.is("EXECUTE")) {
            unknown()
        } else {
            Vec::new()
        }
    }

    /// The statement itself, nothing before it any more.
    fn last(&self, mut reader: Reader<'_>) -> Vec<Effect> {
        let whole = reader.left;
        if reader.eat("END") || reader.eat("NULL") || reader.eat("GET DIAGNOSTICS") {
            return Vec::new();
        }
        if reader.eat("RAISE") {
            return if reader.left.iter().any(|word| word.is("(")) {
                unknown()
            } else {
                Vec::new()
            };
        }
        if reader.eat("RETURN") {
            return self.returned(reader);
        }
        if reader.eat("EXIT") || reader.eat("CONTINUE") {
            return match reader.left.iter().position(|word| word.is("WHEN")) {
                Some(at) => self.expression(&reader.left[at + 1..]),
                None => Vec::new(),
            };
        }
        if reader.eat("PERFORM") {
            return of_text(&format!("SELECT {}", self.between(reader.left)), Place::Block);
        }
        if reader.eat("EXECUTE") {
            return vec![Effect::Unseen("EXECUTE")];
        }
        let assigned = reader.part_names().is_some()
            && (reader.eat("=") || (reader.eat(":") && reader.eat("=")) || reader.eat(":="));
        if assigned {
            self.expression(reader.left)
        } else {
            of_text(self.between(whole), Place::Block)
        }
    }

    /// What a function gives back.
    fn returned(&self, mut reader: Reader<'_>) -> Vec<Effect> {
        if reader.eat("QUERY EXECUTE") {
            return vec![Effect::Unseen("EXECUTE")];
        }
        if reader.eat("QUERY") {
            return of_text(self.between(reader.left), Place::Block);
        }
        reader.eat("NEXT");
        match reader.left {
            [] => Vec::new(),
            [row] if row.is("NEW") || row.is("OLD") || row.is("NULL") => Vec::new(),
            words => self.expression(words),
        }
    }

    fn expression(&self, words: &[Word<'_>]) -> Vec<Effect> {
        of_text(&format!("SELECT {}", self.between(words)), Place::Block)
    }

    fn between(&self, words: &[Word<'_>]) -> &str {
        let last = words.last().map(|word| word.start + word.text.len());
        words.first().zip(last).map_or("", |(first, end)| &self.text[first.start..end])
    }
}

fn unknown() -> Vec<Effect> {
    vec![Effect::Block("is not understood".to_owned())]
}

/// The words before `end`, which is taken too; all of them where it is missing.
fn until<'a>(reader: &mut Reader<'a>, end: &str) -> &'a [Word<'a>] {
    let (mut depth, mut cases) = (0_usize, 0_usize);
    let left = reader.left;
    for (at, word) in left.iter().enumerate() {
        if word.is("(") {
            depth += 1;
        } else if word.is(")") {
            depth = depth.saturating_sub(1);
        } else if word.is("CASE") {
            cases += 1;
        } else if word.is("END") {
            cases = cases.saturating_sub(1);
        } else if depth == 0 && cases == 0 && word.is(end) {
            reader.left = &left[at + 1..];
            return &left[..at];
        }
    }
    reader.left = &[];
    left
}

/// `duplicate_object OR SQLSTATE '42710'`.
fn is_name_of_an_error(words: &[Word<'_>]) -> bool {
    words.iter().all(|word| matches!(word.kind, Kind::Bare | Kind::Literal))
}

#[cfg(test)]
mod tests {
    use super::super::effects;
    use super::*;
    use crate::script::Script;

    fn of(body: &str) -> Vec<Effect> {
        let script = Script::parse(format!("DO $$ {body} $$;"));
        assert_eq!(script.unparsable, None, "{body}");
        effects(&script).into_iter().flat_map(|one| one.effects).collect()
    }

    #[test]
    fn blocks_as_generators_write_them_are_harmless() {
        for body in [
            "BEGIN END",
            "BEGIN CREATE TYPE mood AS ENUM ('a'); EXCEPTION WHEN duplicate_object THEN null; END",
            "BEGIN ALTER TABLE \"t\" ADD CONSTRAINT \"f\" FOREIGN KEY (\"a\") REFERENCES \"u\"(\"id\"); EXCEPTION WHEN duplicate_object OR SQLSTATE '42P07' THEN NULL; END",
            "DECLARE n int := 0; m text; BEGIN IF NOT EXISTS (SELECT 1 FROM pg_type WHERE typname = 'x') THEN CREATE TYPE x AS ENUM ('a'); ELSE RAISE NOTICE 'there'; END IF; END",
            "DECLARE r record; BEGIN FOR r IN SELECT a FROM t LOOP INSERT INTO u VALUES (r.a); END LOOP; FOR i IN 1..10 LOOP PERFORM pg_sleep(1); END LOOP; END",
            "BEGIN n := (SELECT count(*) FROM t); IF n > 0 THEN RAISE EXCEPTION 'rows: %', n; END IF; END",
        ] {
            assert_eq!(of(body), [], "{body}");
        }
    }

    #[test]
    fn what_a_block_does_is_found_and_what_is_not_understood_is_said() {
        let block = |what: &str| Effect::Block(what.to_owned());
        for (body, effect) in [
            ("BEGIN DROP TABLE users; END", block("has DROP TABLE")),
            (
                "BEGIN DELETE FROM users; END",
                Effect::Deletes { table: vec!["users".into()], rows: super::super::Rows::Any },
            ),
            (
                "BEGIN IF true THEN DELETE FROM users; END IF; END",
                Effect::Deletes { table: vec!["users".into()], rows: super::super::Rows::Any },
            ),
            ("BEGIN EXECUTE 'DROP TABLE users'; END", block("has EXECUTE")),
            ("BEGIN PERFORM z(); END", Effect::Calls("z".into())),
            ("BEGIN x := z(); END", Effect::Calls("z".into())),
            ("DECLARE x int := z(); BEGIN END", Effect::Calls("z".into())),
            ("BEGIN IF z() THEN NULL; END IF; END", Effect::Calls("z".into())),
            (
                "DECLARE r record; BEGIN FOR r IN EXECUTE 'DELETE FROM t RETURNING *' LOOP END LOOP; END",
                block("is not understood"),
            ),
            ("BEGIN ALTER TABLE t DROP COLUMN a; END", block("has DROP COLUMN")),
            ("BEGIN TRUNCATE t; END", block("has TRUNCATE")),
            ("BEGIN OPEN c; END", block("has what the parser does not know")),
        ] {
            assert!(of(body).contains(&effect), "{body}: {:?}", of(body));
        }
        let other = Script::parse("DO LANGUAGE plpython3u $$ x $$");
        assert_eq!(effects(&other)[0].effects, [block("is not understood")]);
    }
}
