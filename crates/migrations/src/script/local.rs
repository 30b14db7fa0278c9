//! What a script's text says of the session that it changes: names that the catalog does not list,
//! and which changes end with their transaction. PURE.

use squawk_lexer::{TokenKind, tokenize};
use std::collections::BTreeSet;

/// Names of settings with a dot, such as `app.tenant`: the server lists them nowhere, so only the
/// text can name them. A literal may be such a name for a function that is called.
pub(super) fn custom_settings<'a>(statements: impl Iterator<Item = Sets<'a>>) -> Vec<String> {
    let mut names = BTreeSet::new();
    for Sets { text, may_set } in statements {
        let sets = has_word(text, "set_config")
            || (may_set && (has_word(text, "set") || has_word(text, "reset")));
        if sets {
            let dotted =
                text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '$')));
            names.extend(dotted.filter(|name| is_dotted(name)).map(str::to_ascii_lowercase));
        } else if may_set {
            let literals = text.split('\'').skip(1).step_by(2);
            names.extend(literals.filter(|name| is_name(name)).map(str::to_ascii_lowercase));
        }
    }
    names.into_iter().collect()
}

/// A statement, by what it may set.
pub(super) struct Sets<'a> {
    pub(super) text: &'a str,
    /// Whether it sets by itself, or calls what may.
    pub(super) may_set: bool,
}

/// Whether a word stands in a text, in any case.
pub(super) fn has_word(text: &str, wanted: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .any(|word| word.eq_ignore_ascii_case(wanted))
}

fn is_name(literal: &str) -> bool {
    let of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '$');
    is_dotted(literal) && literal.chars().all(of_name)
}

fn is_dotted(name: &str) -> bool {
    let starts = |part: &str| part.starts_with(|c: char| c.is_alphabetic() || c == '_');
    name.contains('.') && name.split('.').all(starts)
}

/// What a unit's text tells of a setting that is different inside its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasts {
    /// It holds afterwards.
    Session,
    /// It ends with the transaction.
    Transaction,
    /// The text does not tell.
    Unknown,
}

/// How long a change of the setting `name` lasts that these statements made.
pub(super) fn lasts<'a>(statements: impl Iterator<Item = &'a str>, name: &str) -> Lasts {
    let (mut session, mut transaction) = (false, false);
    for text in statements {
        let words = words(text);
        let named = words.iter().any(|word| names(word, name));
        if !named {
            continue;
        }
        let local = words.iter().any(|word| word == "local") || ends_with(&words, "true");
        let sets = words.iter().any(|word| word == "set" || word == "reset");
        let lasting =
            (sets && !words.iter().any(|word| word == "local")) || ends_with(&words, "false");
        session |= lasting;
        transaction |= local;
    }
    match (session, transaction) {
        (true, false) => Lasts::Session,
        (false, true) => Lasts::Transaction,
        (_, _) => Lasts::Unknown,
    }
}

/// `set_config(…, true)`
fn ends_with(words: &[String], truth: &str) -> bool {
    words.iter().any(|word| word == "set_config")
        && words.windows(2).any(|pair| pair[0] == truth && pair[1] == ")")
}

/// `search_path` is also set as SCHEMA, the session's user as SESSION AUTHORIZATION, which takes the role
/// back as well, the time zone and the encoding with words of their own (PostgreSQL, "SET").
fn names(word: &str, name: &str) -> bool {
    let also = match name {
        "search_path" => "schema",
        "session_authorization" | "role" => "authorization",
        "TimeZone" => "zone",
        "client_encoding" => "names",
        _ => name,
    };
    let word = word.trim_matches(|c| matches!(c, '\'' | '"'));
    word.eq_ignore_ascii_case(name) || word.eq_ignore_ascii_case(also)
}

/// Tokens in small letters; a dotted name as one.
fn words(text: &str) -> Vec<String> {
    let mut at = 0;
    let mut words: Vec<String> = Vec::new();
    let mut joins = false;
    for token in tokenize(text) {
        let start = at;
        at += usize::try_from(token.len).unwrap_or(0);
        if matches!(
            token.kind,
            TokenKind::Whitespace
                | TokenKind::LineComment
                | TokenKind::BlockComment { .. }
                | TokenKind::Eof
        ) {
            continue;
        }
        let word = text[start..at].to_ascii_lowercase();
        match words.last_mut() {
            Some(last) if joins || word == "." => last.push_str(&word),
            Some(_) | None => words.push(word.clone()),
        }
        joins = word == ".";
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_ones_own_are_named_by_the_text() {
        for (text, may_set, names) in [
            ("SET app.tenant = '5'", true, vec!["app.tenant"]),
            ("SELECT set_config('App.User', 'x', false), 1.5", true, vec!["app.user"]),
            ("SET search_path = app", true, vec![]),
            ("SELECT * FROM app.users", true, vec![]),
            ("RESET a.b", true, vec!["a.b"]),
            ("SELECT put('app.actor', 'mig')", true, vec!["app.actor"]),
            ("SELECT put('a@app.org', '1.5')", true, vec![]),
            ("INSERT INTO t SELECT set_config('a.b', 'x', false)", false, vec!["a.b"]),
            ("UPDATE t SET a = u.b FROM u", false, vec![]),
            ("INSERT INTO t VALUES ('example.org')", false, vec![]),
        ] {
            let found = custom_settings([Sets { text, may_set }].into_iter());
            assert_eq!(found, names, "{text}");
        }
    }

    #[test]
    fn how_long_a_change_lasts() {
        for (texts, name, lasts_for) in [
            (vec!["BEGIN", "SET search_path = app", "COMMIT"], "search_path", Lasts::Session),
            (vec!["SET LOCAL search_path = app"], "search_path", Lasts::Transaction),
            (vec!["SET SCHEMA 'app'"], "search_path", Lasts::Session),
            (vec!["SELECT set_config('search_path', 'app', false)"], "search_path", Lasts::Session),
            (
                vec!["SELECT set_config('search_path', 'app', true)"],
                "search_path",
                Lasts::Transaction,
            ),
            (vec!["SET role owner", "SET LOCAL ROLE NONE"], "role", Lasts::Unknown),
            (vec!["SET LOCAL lock_timeout = 1"], "search_path", Lasts::Unknown),
            (vec!["SELECT f()"], "search_path", Lasts::Unknown),
            (vec!["SET SESSION AUTHORIZATION x"], "session_authorization", Lasts::Session),
            (vec!["SET app.tenant = '5'"], "app.tenant", Lasts::Session),
            (vec!["SET SESSION AUTHORIZATION x"], "role", Lasts::Session),
            (vec!["SET LOCAL SESSION AUTHORIZATION x"], "role", Lasts::Transaction),
            (vec!["RESET SESSION AUTHORIZATION"], "role", Lasts::Session),
            (vec!["RESET ROLE"], "role", Lasts::Session),
            (vec!["RESET search_path"], "search_path", Lasts::Session),
        ] {
            assert_eq!(lasts(texts.iter().copied(), name), lasts_for, "{texts:?}");
        }
    }
}
