//! Owns in which schema a script's names without one are, as far as its own words tell: a `search_path` that
//! a script sets moves every table that it names afterwards.

use super::action::UNTOLD;
use super::words::{Kind, Reader, Word};
use crate::script::Form;

/// The schema of names without one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SearchPath {
    /// Nothing where it is the usual one.
    schema: String,
    /// How often nobody could tell.
    untold: usize,
    /// Whether the script has set it, so that the end of a transaction may set it back.
    was_set: bool,
    /// Whether nobody can tell how long `SET LOCAL` holds, because statements commit by themselves.
    commits: bool,
}

impl SearchPath {
    /// The one that a script begins with.
    pub(super) fn of(form: &Form) -> Self {
        Self { commits: matches!(form, Form::Statements { .. }), ..Self::default() }
    }

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
        } else if reader.eat_one(&["COMMIT", "END", "ROLLBACK", "ABORT"]).is_some() {
            if self.was_set {
                self.lose();
            }
        } else if reader.eat("SET") {
            let scope = reader.eat_one(&["SESSION", "LOCAL"]);
            let path = |reader: &mut Reader<'_>| {
                reader.eat("search_path") && (reader.eat("TO") || reader.eat("="))
            };
            if reader.eat("SCHEMA") || path(&mut reader) {
                if scope == Some("LOCAL") && self.commits {
                    self.lose();
                } else {
                    self.set(reader.left);
                }
                self.was_set = true;
            }
        } else if may_set(statement) {
            self.lose();
            self.was_set = true;
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

/// Whether a statement may set it in another way: a block, `EXECUTE`, or a function with a name that is not
/// written out. What only keeps a text sets nothing.
fn may_set(statement: &[Word<'_>]) -> bool {
    if Reader::new(statement).eat_one(&["CREATE", "COMMENT", "INSERT", "ALTER"]).is_some() {
        return false;
    }
    let names = |word: &Word<'_>| {
        word.kind == Kind::Literal && word.text.to_lowercase().contains("search_path")
    };
    let is_open = statement.iter().enumerate().any(|(at, word)| {
        word.is("set_config")
            && !matches!(statement.get(at + 1..at + 4), Some([_, name, comma]) if name.kind == Kind::Literal && comma.is(","))
    });
    is_open || statement.iter().any(names)
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
            ("SELECT set_config('search_' || 'path', 'app', true)", "\u{1}1"),
            ("SELECT set_config('lock_timeout', '1s', true)", ""),
            ("DO $$ BEGIN SET search_path = app END $$", "\u{1}1"),
            ("SET search_path TO app; ROLLBACK TO s", "\u{1}1"),
            ("BEGIN; SET lock_timeout = 1; COMMIT", ""),
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
