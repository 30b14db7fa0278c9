//! Owns the words of a statement, without what the server ignores. PURE.

use squawk_lexer::{TokenKind, tokenize};

/// A token that is not blank.
pub(super) struct Word<'a> {
    /// Its first byte.
    pub(super) start: usize,
    /// As written.
    pub(super) text: &'a str,
}

/// The tokens of a script that are not blank.
pub(super) fn words(script: &str) -> Vec<Word<'_>> {
    let mut at = 0;
    let mut words = Vec::new();
    for token in tokenize(script) {
        let start = at;
        at += usize::try_from(token.len).unwrap_or(0);
        let blank = matches!(
            token.kind,
            TokenKind::Whitespace
                | TokenKind::LineComment
                | TokenKind::BlockComment { .. }
                | TokenKind::Eof
        );
        if !blank {
            words.push(Word { start, text: &script[start..at] });
        }
    }
    words
}

/// The tokens of a statement that are not blank.
pub(super) struct Words<'a> {
    text: &'a str,
    /// Where each begins.
    places: Vec<usize>,
    words: Vec<&'a str>,
    upper: Vec<String>,
}

impl<'a> Words<'a> {
    pub(super) fn of(statement: &'a str) -> Self {
        let found = words(statement);
        let places = found.iter().map(|word| word.start).collect();
        let words: Vec<&str> = found.into_iter().map(|word| word.text).collect();
        let upper = words.iter().map(|word| word.to_ascii_uppercase()).collect();
        Self { text: statement, places, words, upper }
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// The text from a word on.
    pub(super) fn from(&self, at: usize) -> String {
        self.places.get(at).map_or_else(String::new, |start| self.text[*start..].trim().to_owned())
    }

    pub(super) fn word(&self, at: usize) -> &'a str {
        self.words.get(at).copied().unwrap_or_default()
    }

    pub(super) fn upper(&self, at: usize) -> &str {
        self.upper.get(at).map_or("", String::as_str)
    }

    pub(super) fn has(&self, wanted: &[&str]) -> bool {
        self.upper.windows(wanted.len()).any(|words| words == wanted)
    }

    /// A name with its schemas, and where it ends.
    pub(super) fn name(&self, at: usize) -> Option<(String, usize)> {
        let starts = |word: &str| {
            word.chars().next().is_some_and(|c| c == '"' || c == '_' || c.is_alphabetic())
        };
        let mut name = Some(self.word(at)).filter(|word| starts(word))?.to_owned();
        let mut end = at + 1;
        while self.word(end) == "." && starts(self.word(end + 1)) {
            name = format!("{name}.{}", self.word(end + 1));
            end += 2;
        }
        Some((name, end))
    }

    /// What commas separate from this place on, outside of parentheses: each from its first word up to
    /// its end.
    pub(super) fn split(&self, from: usize) -> Vec<(usize, usize)> {
        let mut parts = Vec::new();
        let (mut depth, mut start) = (0_i32, from);
        for at in from..self.len() {
            match self.word(at) {
                "(" | "[" => depth += 1,
                ")" | "]" => depth -= 1,
                "," if depth == 0 => {
                    parts.push((start, at));
                    start = at + 1;
                }
                _ => {}
            }
        }
        parts.push((start, self.len()));
        parts
    }

    /// A plain string literal, without its quotes.
    pub(super) fn literal(&self, at: usize) -> Option<String> {
        let inside = self.word(at).strip_prefix('\'')?.strip_suffix('\'')?;
        Some(inside.replace("''", "'"))
    }
}
