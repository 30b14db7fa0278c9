//! Owns in which schema a script's names without one are, as far as its own words tell: a `search_path` that
//! a script sets moves every table that it names afterwards.

use super::action::UNTOLD;
use super::words::{Kind, Reader, Word};

/// The schema of names without one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SearchPath {
    /// Nothing where it is the usual one.
    schema: String,
    /// How often nobody could tell.
    untold: usize,
}

impl SearchPath {
    /// The schema, as [`Reader::in_path`] takes it.
    pub(super) fn schema(&self) -> &str {
        &self.schema
    }

    /// Takes in a statement.
    pub(super) fn follow(&mut self, statement: &[Word<'_>]) {
        let mut reader = Reader::new(statement);
        if reader.eat("RESET") {
            if reader.eat("ALL") || reader.eat("search_path") {
                self.schema.clear();
            }
        } else if reader.eat("DISCARD ALL") {
            self.schema.clear();
        } else if reader.eat("SET") {
            reader.eat_one(&["SESSION", "LOCAL"]);
            let path = |reader: &mut Reader<'_>| {
                reader.eat("search_path") && (reader.eat("TO") || reader.eat("="))
            };
            if reader.eat("SCHEMA") || path(&mut reader) {
                self.set(reader.left);
            }
        } else if says_set_config(statement) {
            self.lose();
        }
    }

    fn set(&mut self, schemas: &[Word<'_>]) {
        match schemas {
            [only] if only.is("DEFAULT") => self.schema.clear(),
            [only] if only.kind != Kind::Symbol => match only.value() {
                name if name == "public" => self.schema.clear(),
                name if name.is_empty() || name.contains(',') => self.lose(),
                name => self.schema = name,
            },
            // `"$user", public` is what a server comes with.
            [user, comma, public]
                if user.value() == "$user" && comma.is(",") && public.value() == "public" =>
            {
                self.schema.clear();
            }
            _ => self.lose(),
        }
    }

    fn lose(&mut self) {
        self.untold += 1;
        self.schema = format!("{UNTOLD}{}", self.untold);
    }
}

fn says_set_config(statement: &[Word<'_>]) -> bool {
    let named = |word: &Word<'_>| word.is("set_config");
    let path = |word: &Word<'_>| word.kind == Kind::Literal && word.value() == "search_path";
    statement.iter().any(named) && statement.iter().any(path)
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    #[test]
    fn the_last_word_counts() {
        for (sql, schema) in [
            ("SELECT 1", ""),
            ("SET search_path TO app", "app"),
            ("SET LOCAL search_path = 'app'", "app"),
            ("SET SESSION search_path = \"App\"", "App"),
            ("SET SCHEMA 'app'", "app"),
            ("SET search_path TO public", ""),
            ("SET search_path TO \"$user\", public", ""),
            ("SET search_path TO app; RESET search_path", ""),
            ("SET search_path TO app; SET search_path TO DEFAULT", ""),
            ("SET search_path TO app, public", "\u{1}1"),
            ("SET search_path = 'app, public'", "\u{1}1"),
            ("SELECT pg_catalog.set_config('search_path', '', false)", "\u{1}1"),
            ("SET search_path TO a, b; SET search_path TO b, a", "\u{1}2"),
            ("SET lock_timeout = 1", ""),
        ] {
            let mut path = SearchPath::default();
            for statement in sql.split("; ") {
                path.follow(&words(statement, 0..statement.len()));
            }
            assert_eq!(path.schema(), schema, "{sql}");
        }
    }
}
