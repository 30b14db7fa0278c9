//! A script for another database than the one it names: in a scratch database "the database" is the
//! scratch database, and what it sets for a role is set there only. PURE.

use super::words::{Word, words};

/// `script` with every `DATABASE from` as `DATABASE to`, and `ALTER ROLE … SET` as `ALTER ROLE … IN
/// DATABASE to SET`. Strings, such as the body of a `DO`, stay as they are.
pub(super) fn for_database(script: &str, from: &str, to: &str) -> String {
    let words = words(script);
    let to = format!("\"{}\"", to.replace('"', "\"\""));
    let is = |at: usize, wanted: &[&str]| {
        words.get(at).is_some_and(|word: &Word<'_>| {
            wanted.iter().any(|wanted| word.text.eq_ignore_ascii_case(wanted))
        })
    };
    let (mut out, mut copied) = (String::with_capacity(script.len()), 0);
    for (at, word) in words.iter().enumerate() {
        if at > 0 && is(at - 1, &["database"]) && names(word.text, from) {
            out.push_str(&script[copied..word.start]);
            out.push_str(&to);
            copied = word.start + word.text.len();
        }
        let of_role = at >= 3 && is(at - 3, &["alter"]) && is(at - 2, &["role", "user"]);
        if of_role && is(at, &["set", "reset"]) {
            out.push_str(&script[copied..word.start]);
            out.push_str("IN DATABASE ");
            out.push_str(&to);
            out.push(' ');
            copied = word.start;
        }
    }
    out.push_str(&script[copied..]);
    out
}

/// Whether an identifier, as written, is this name.
pub(super) fn names(word: &str, name: &str) -> bool {
    match word.strip_prefix('"').and_then(|word| word.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\"") == name,
        None => word.to_lowercase() == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_is_the_scratch_database() {
        for (script, expected) in [
            (
                "ALTER DATABASE shop SET search_path = app;",
                "ALTER DATABASE \"s\" SET search_path = app;",
            ),
            ("alter database /* x */ \"shop\" reset all", "alter database /* x */ \"s\" reset all"),
            ("ALTER DATABASE \"Shop\" OWNER TO o", "ALTER DATABASE \"Shop\" OWNER TO o"),
            ("GRANT CONNECT ON DATABASE SHOP TO app", "GRANT CONNECT ON DATABASE \"s\" TO app"),
            ("ALTER ROLE app SET x = 1", "ALTER ROLE app IN DATABASE \"s\" SET x = 1"),
            ("ALTER USER ALL RESET ALL", "ALTER USER ALL IN DATABASE \"s\" RESET ALL"),
            (
                "ALTER ROLE app IN DATABASE shop SET x = 1",
                "ALTER ROLE app IN DATABASE \"s\" SET x = 1",
            ),
            ("ALTER ROLE app LOGIN; SET x = 1", "ALTER ROLE app LOGIN; SET x = 1"),
            (
                "SELECT 'ALTER DATABASE shop', $$DATABASE shop$$ -- DATABASE shop",
                "SELECT 'ALTER DATABASE shop', $$DATABASE shop$$ -- DATABASE shop",
            ),
        ] {
            assert_eq!(for_database(script, "shop", "s"), expected);
        }
    }
}
