//! Owns the things that the catalog shows of a script, and when two names mean the same. PURE.

/// A thing that the catalog can be asked for; names as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// A table, view, index or sequence.
    Relation(String),
    /// A type or domain.
    Type(String),
    /// A column of a table.
    Column(String, String),
    /// A constraint of a table.
    Constraint(String, String),
    /// A value of an enum, without its quotes.
    EnumValue(String, String),
}

impl Shown {
    /// The relation or type that it belongs to, or is.
    pub(super) fn owner(&mut self) -> &mut String {
        match self {
            Self::Relation(name)
            | Self::Type(name)
            | Self::Column(name, _)
            | Self::Constraint(name, _)
            | Self::EnumValue(name, _) => name,
        }
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Relation(a), Self::Relation(b)) | (Self::Type(a), Self::Type(b)) => same(a, b),
            (Self::Column(a, c), Self::Column(b, d))
            | (Self::Constraint(a, c), Self::Constraint(b, d)) => same(a, b) && same(c, d),
            (Self::EnumValue(a, c), Self::EnumValue(b, d)) => same(a, b) && c == d,
            _ => false,
        }
    }
}

/// What one thing shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The statement that shows it last, by its place from 0.
    pub statement: usize,
    /// The thing as it is called before the script.
    pub before: Shown,
    /// Whether it is there then; nobody can say it where the statement does not mind.
    pub was: Option<bool>,
    /// The thing as it is called behind the script.
    pub after: Shown,
    /// Whether it is there then.
    pub is: bool,
}

/// What a script shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shows {
    /// What the catalog can be asked.
    pub facts: Vec<Fact>,
    /// Statements of which nothing shows whether they were run, by their places from 0.
    pub unclear: Vec<usize>,
}

/// A name without a schema where another one is.
pub(super) fn beside(other: &str, name: &str) -> String {
    match other.rsplit_once('.') {
        Some((schema, _)) if !name.contains('.') => format!("{schema}.{name}"),
        _ => name.to_owned(),
    }
}

/// Whether two names mean the same, as far as both say it.
pub(super) fn same(a: &str, b: &str) -> bool {
    let folded = |name: &str| -> Vec<String> {
        let parts = name.split('.').map(|part| match part.strip_prefix('"') {
            Some(quoted) => quoted.trim_end_matches('"').to_owned(),
            None => part.to_lowercase(),
        });
        parts.collect()
    };
    let (a, b) = (folded(a), folded(b));
    a.iter().rev().zip(b.iter().rev()).all(|(a, b)| a == b)
}
