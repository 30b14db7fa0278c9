//! Owns what of a block's text can be a statement: its comments and its quoted texts cannot. PURE.

/// The text without comments and quoted texts, where they can be told; else all of it.
pub(super) fn bare(text: &str) -> String {
    // A body in quotes is quoted itself, and a backslash may keep a quote from being one.
    if !text.contains('$') || text.contains('\\') {
        return text.to_owned();
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['-', '/', '\'']) {
        let (before, from) = rest.split_at(at);
        kept.push_str(before);
        let end = if from.starts_with("--") {
            from.find('\n').unwrap_or(from.len())
        } else if from.starts_with("/*") {
            comment(from)
        } else if let Some(inside) = from.strip_prefix('\'') {
            inside.find('\'').map_or(from.len(), |end| end + 2)
        } else {
            kept.push_str(&from[..1]);
            rest = &from[1..];
            continue;
        };
        kept.push(' ');
        rest = &from[end..];
    }
    kept + rest
}

/// Behind the comment that begins the text; comments nest.
fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(found) = text[at..].find(['/', '*']) {
        at += found;
        let opens = text[at..].starts_with("/*");
        if opens {
            depth += 1;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
        } else {
            at += 1;
            continue;
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_or_quoted_is_left_out() {
        for (text, kept) in [
            ("DO $$ BEGIN a; -- commit\nb $$", "DO $$ BEGIN a;  \nb $$"),
            ("DO $$ a /* x /* commit */ y */ b - c / d $$", "DO $$ a   b - c / d $$"),
            ("DO $$ RAISE 'do ''not'' commit'; COMMIT $$", "DO $$ RAISE    ; COMMIT $$"),
            ("DO $$ /* commit", "DO $$  "),
            ("DO 'BEGIN COMMIT; END'", "DO 'BEGIN COMMIT; END'"),
            ("DO $$ x := E'\\''; COMMIT; y := ''; $$", "DO $$ x := E'\\''; COMMIT; y := ''; $$"),
        ] {
            assert_eq!(bare(text), kept, "{text}");
        }
    }
}
