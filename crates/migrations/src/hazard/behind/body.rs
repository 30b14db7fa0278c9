//! Owns whether a function may take anything away, by its text. PURE.

use super::super::effect::{self, Effect};
use super::super::words::words;
use super::Fires;

/// A function as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Its language.
    pub language: String,
    /// Its text.
    pub text: String,
}

impl Body {
    /// Why nobody can say that it takes nothing away, when a trigger calls it for this; none, where it is
    /// seen that it does not.
    pub fn may_lose(&self, fires: Fires) -> Option<String> {
        let effects = effect::of_function(&self.language, &self.text);
        let first = effects.first().map(|effect| match effect {
            Effect::Deletes { table, .. } => format!("deletes rows of `{}`", table.join(".")),
            Effect::Overwrites { table, .. } => {
                format!("writes over rows of `{}`", table.join("."))
            }
            Effect::Calls(name) => format!("calls `{name}`"),
            Effect::Block(does) => does.clone(),
            Effect::Unseen(what) => format!("has {what}"),
        });
        let overwrites = || "writes over columns of the row".to_owned();
        first.or_else(|| (fires.on_update && self.changes_row()).then(overwrites))
    }

    /// Whether a trigger gives the row other values: in an `UPDATE` the old ones are gone.
    fn changes_row(&self) -> bool {
        let all = words(&self.text, 0..self.text.len());
        let is_new = |at: usize| all.get(at).is_some_and(|word| word.is("NEW"));
        let is = |at: usize, symbol: &str| all.get(at).is_some_and(|word| word.is(symbol));
        (0..all.len()).filter(|at| is_new(*at)).any(|at| {
            let before = at.checked_sub(1);
            let begins = before.is_none_or(|before| {
                [";", "BEGIN", "THEN", "ELSE", "LOOP", "INTO"].iter().any(|word| is(before, word))
            });
            // `NEW.a = 1`, `NEW := x`, `INTO NEW`
            begins
                && (is(at + 1, ".")
                    || is(at + 1, ":")
                    || is(at + 1, "=")
                    || before.is_some_and(|before| is(before, "INTO")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_judged_by_its_text() {
        let on_insert = Fires { on_insert: true, ..Fires::default() };
        let on_update = Fires { on_update: true, ..Fires::default() };
        let plpgsql = |text: &str| Body { language: "plpgsql".to_owned(), text: text.to_owned() };
        let touches = plpgsql(
            "BEGIN IF TG_OP = 'INSERT' THEN NEW.\"updatedAt\" = NOW(); ELSE NEW.x := OLD.x; END IF; RETURN NEW; END;",
        );
        assert_eq!(touches.may_lose(on_insert), None);
        assert_eq!(touches.may_lose(on_update).as_deref(), Some("writes over columns of the row"));
        for (text, why) in [
            ("BEGIN INSERT INTO audit VALUES (NEW.id, now()); RETURN NULL; END", None),
            ("BEGIN PERFORM pg_notify('c', row_to_json(NEW)::text); RETURN NEW; END", None),
            ("BEGIN DELETE FROM users; RETURN NEW; END", Some("deletes rows of `users`")),
            ("BEGIN RETURN z(NEW.a); END", Some("calls `z`")),
            ("BEGIN RETURN QUERY DELETE FROM t RETURNING *; END", Some("deletes rows of `t`")),
            ("BEGIN RETURN QUERY EXECUTE 'x'; END", Some("has EXECUTE")),
            ("BEGIN EXECUTE 'DELETE FROM users'; RETURN NEW; END", Some("has EXECUTE")),
        ] {
            assert_eq!(plpgsql(text).may_lose(on_insert).as_deref(), why, "{text}");
        }
        let sql = |text: &str| Body { language: "sql".to_owned(), text: text.to_owned() };
        assert_eq!(sql("SELECT lower($1)").may_lose(on_insert), None);
        assert!(sql("DELETE FROM t").may_lose(on_insert).is_some());
        let other = Body { language: "plpython3u".to_owned(), text: "pass".to_owned() };
        assert!(other.may_lose(on_insert).is_some());
    }
}
