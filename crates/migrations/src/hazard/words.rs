//! Owns a statement as words: what names, keywords and symbols it has, and where.

use squawk_lexer::{TokenKind, tokenize};
use std::ops::Range;

/// A word of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    /// Its first byte in the script.
    pub(super) start: usize,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword or a name.
    Bare,
    /// A name in quotes.
    Quoted,
    Literal,
    Symbol,
}

impl Word<'_> {
    /// Whether it is this keyword or symbol.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self.kind, Kind::Bare | Kind::Symbol) && self.text.eq_ignore_ascii_case(word)
    }

    fn is_name(&self) -> bool {
        matches!(self.kind, Kind::Bare | Kind::Quoted)
    }

    /// As PostgreSQL reads it where a name or a text stands.
    pub(super) fn value(&self) -> String {
        match self.kind {
            Kind::Literal => self.text.trim_matches('\'').replace("''", "'"),
            Kind::Bare | Kind::Quoted | Kind::Symbol => self.folded(),
        }
    }

    /// As PostgreSQL stores it.
    fn folded(&self) -> String {
        match self.kind {
            Kind::Quoted => self.text.trim_matches('"').replace("\"\"", "\""),
            Kind::Bare | Kind::Literal | Kind::Symbol => self.text.to_lowercase(),
        }
    }
}

/// The words of a part of a script, comments left out.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other token is a symbol")]
pub(super) fn words(text: &str, range: Range<usize>) -> Vec<Word<'_>> {
    let mut at = range.start;
    let mut words = Vec::new();
    for token in tokenize(&text[range]) {
        let start = at;
        at += usize::try_from(token.len).unwrap_or(0);
        let kind = match token.kind {
            TokenKind::Whitespace
            | TokenKind::LineComment
            | TokenKind::BlockComment { .. }
            | TokenKind::Eof => continue,
            TokenKind::Ident => Kind::Bare,
            TokenKind::QuotedIdent { .. } => Kind::Quoted,
            TokenKind::Literal { .. } => Kind::Literal,
            _ => Kind::Symbol,
        };
        words.push(Word { text: &text[start..at], start, kind });
    }
    words
}

/// Reads words from the front.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) left: &'a [Word<'a>],
    /// The schema of tables without one; nothing where it is the usual one.
    path: &'a str,
}

impl<'a> Reader<'a> {
    pub(super) fn new(left: &'a [Word<'a>]) -> Self {
        Self { left, path: "" }
    }

    pub(super) fn in_path(left: &'a [Word<'a>], path: &'a str) -> Self {
        Self { left, path }
    }

    /// The same search path over other words.
    pub(super) fn with(&self, left: &'a [Word<'a>]) -> Self {
        Self { left, ..*self }
    }

    /// Takes a table's name, with the schema that the search path gives it.
    pub(super) fn table(&mut self) -> Option<String> {
        resolved(&self.part_names()?, self.path)
    }

    /// Takes these words if they come next.
    pub(super) fn eat(&mut self, phrase: &str) -> bool {
        let mut left = self.left;
        for wanted in phrase.split(' ') {
            match left.split_first() {
                Some((word, rest)) if word.is(wanted) => left = rest,
                Some(_) | None => return false,
            }
        }
        self.left = left;
        true
    }

    /// Takes the first of these phrases that comes next.
    pub(super) fn eat_one(&mut self, phrases: &[&'static str]) -> Option<&'static str> {
        phrases.iter().find(|phrase| self.eat(phrase)).copied()
    }

    /// Takes a name with its schema; `public` is left out, and so is what quotes do.
    pub(super) fn name(&mut self) -> Option<String> {
        resolved(&self.part_names()?, "")
    }

    /// Takes a name with its parts.
    pub(super) fn part_names(&mut self) -> Option<Vec<String>> {
        let mut parts = Vec::new();
        loop {
            let (word, rest) = self.left.split_first().filter(|(word, _)| word.is_name())?;
            parts.push(word.folded());
            self.left = rest;
            if !self.eat(".") {
                return Some(parts);
            }
        }
    }

    /// Takes names with commas between them.
    pub(super) fn names(&mut self) -> Vec<String> {
        self.list(Self::name)
    }

    /// Takes names of tables with commas between them.
    pub(super) fn tables(&mut self) -> Vec<String> {
        self.list(Self::table)
    }

    fn list(&mut self, one: impl Fn(&mut Self) -> Option<String>) -> Vec<String> {
        let mut names = Vec::new();
        loop {
            self.eat("ONLY");
            names.extend(one(self));
            self.eat("*");
            // The arguments of a function.
            if self.left.first().is_some_and(|word| word.is("(")) {
                self.left = &self.left[closing(self.left)..];
            }
            if !self.eat(",") {
                return names;
            }
        }
    }

    /// Whether the phrase stands anywhere in what is left.
    pub(super) fn has(&self, phrase: &str) -> bool {
        (0..self.left.len()).any(|at| Self::new(&self.left[at..]).eat(phrase))
    }

    /// As `has`, outside of parentheses.
    pub(super) fn has_outside(&self, phrase: &str) -> bool {
        let mut depth = 0_usize;
        self.left.iter().enumerate().any(|(at, word)| {
            depth = deeper(depth, word);
            depth == 0 && Self::new(&self.left[at..]).eat(phrase)
        })
    }
}

/// A name as it is compared: without `public`, without the database, and with the schema that the search
/// path gives it.
pub(super) fn resolved(parts: &[String], path: &str) -> Option<String> {
    // The first of three is the database, and there is only one that it can be.
    let parts = if parts.len() > 2 { &parts[1..] } else { parts };
    match parts {
        [] => None,
        [name] if path.is_empty() => Some(name.clone()),
        [name] => Some(format!("{path}.{name}")),
        [schema, rest @ ..] if schema == "public" => Some(rest.join(".")),
        all => Some(all.join(".")),
    }
}

fn deeper(depth: usize, word: &Word<'_>) -> usize {
    if word.is("(") || word.is("[") {
        depth + 1
    } else if word.is(")") || word.is("]") {
        depth.saturating_sub(1)
    } else {
        depth
    }
}

/// Behind the parenthesis that closes the first one.
pub(super) fn closing(words: &[Word<'_>]) -> usize {
    let mut depth = 0;
    for (at, word) in words.iter().enumerate() {
        depth = deeper(depth, word);
        if depth == 0 {
            return at + 1;
        }
    }
    words.len()
}

/// The parts between commas outside of parentheses.
pub(super) fn parts<'a>(words: &'a [Word<'a>]) -> Vec<&'a [Word<'a>]> {
    let mut depth = 0;
    let mut parts = Vec::new();
    let mut begin = 0;
    for (at, word) in words.iter().enumerate() {
        depth = deeper(depth, word);
        if depth == 0 && word.is(",") {
            parts.push(&words[begin..at]);
            begin = at + 1;
        }
    }
    parts.push(&words[begin..]);
    parts.retain(|part| !part.is_empty());
    parts
}
