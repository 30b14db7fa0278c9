//! Owns whether a body runs statements of which its text does not tell what they are. PURE.

use super::words::words;

/// Languages in which a function may do what the server's operating system lets it.
const UNTRUSTED: [&str; 6] = ["plpythonu", "plpython2u", "plpython3u", "plperlu", "pltclu", "plsh"];

/// Whether a routine of this language may do anything, whatever its body says.
pub(super) fn is_untrusted(language: &str) -> bool {
    UNTRUSTED.contains(&language.trim_matches(['"', '\'']).to_lowercase().as_str())
}

/// Whether a body has an `EXECUTE` of a text that does not begin with a whole word, or of a `COPY` whose
/// other end is put in later.
pub(super) fn is_untold(body: &str) -> bool {
    let all = words(body);
    let is = |at: usize, wanted: &[&str]| {
        all.get(at).is_some_and(|word| wanted.iter().any(|one| word.text.eq_ignore_ascii_case(one)))
    };
    (0..all.len()).filter(|at| is(*at, &["execute"])).any(|at| {
        let mut next = at + 1;
        // Of a trigger, and in GRANT.
        if is(next, &["function", "procedure", "on", ",", "to"]) {
            return false;
        }
        while is(next, &["(", "format", "pg_catalog", ".", "concat"]) {
            next += 1;
        }
        let Some(text) = all.get(next).and_then(|word| super::beyond::body(word.text)) else {
            return true;
        };
        let is_whole = is(next + 1, &[";", "using", "into"]) || next + 1 == all.len();
        !is_whole && !tells(text)
    })
}

/// Whether the beginning of a text tells what statement it is.
fn tells(text: &str) -> bool {
    let text = text.trim_start().to_lowercase();
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (first, rest) = text.split_at(end);
    let is_one =
        !rest.trim_end().trim_end_matches(';').contains(';') && !(rest.trim_end().ends_with(';'));
    let shown = rest.contains("stdout") || rest.contains(" from ");
    !first.is_empty()
        && rest.starts_with(char::is_whitespace)
        && is_one
        && (first != "copy" || shown)
        && !["do", "execute"].contains(&first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_tells_what_it_is() {
        for (body, untold) in [
            ("BEGIN EXECUTE 'ALTER TABLE ' || t || ' ADD x int'; END", false),
            ("BEGIN EXECUTE format('CREATE INDEX ON %I (a)', t); END", false),
            ("BEGIN EXECUTE (format('ALTER TABLE %I', t)); END", false),
            ("BEGIN EXECUTE 'SELECT 1; SELECT 2'; END", false),
            ("BEGIN EXECUTE 'SELECT 1' INTO x; END", false),
            ("BEGIN GRANT EXECUTE ON FUNCTION f TO x; PERFORM 1; END", false),
            ("BEGIN CREATE TRIGGER t AFTER INSERT ON a EXECUTE FUNCTION f(); END", false),
            ("BEGIN RAISE NOTICE 'execute x'; -- EXECUTE x\nEND", false),
            ("BEGIN EXECUTE sql; END", true),
            ("BEGIN EXECUTE 'CO' || 'PY a TO x'; END", true),
            ("BEGIN EXECUTE 'COPY a TO ' || quote_literal(f); END", true),
            ("BEGIN EXECUTE format('COPY a TO %L', f); END", true),
            ("BEGIN EXECUTE format('%s a TO %L', c, f); END", true),
            ("BEGIN EXECUTE 'SELECT 1; ' || other; END", true),
            ("BEGIN EXECUTE 'DO ' || quote_literal(x); END", true),
            ("BEGIN EXECUTE r.command; END", true),
        ] {
            assert_eq!(is_untold(body), untold, "{body}");
        }
        assert!(is_untrusted("plpython3u") && !is_untrusted("plpgsql"));
    }
}
