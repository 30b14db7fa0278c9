//! Owns the parts of a `CREATE INDEX CONCURRENTLY`, so that the server can read it on another table. PURE.

use super::words::Words;

/// `CREATE [UNIQUE] INDEX CONCURRENTLY [IF NOT EXISTS] index ON [ONLY] table rest`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexStatement {
    unique: bool,
    /// The index, as written.
    pub index: String,
    /// The table, as written.
    pub table: String,
    rest: String,
}

impl IndexStatement {
    /// Reads one; none if it is something else, or has no name.
    pub(super) fn read(statement: &str) -> Option<Self> {
        let words = Words::of(statement);
        let unique = words.upper(1) == "UNIQUE";
        let mut at = 1 + usize::from(unique);
        if (words.upper(0), words.upper(at)) != ("CREATE", "INDEX") {
            return None;
        }
        at += 1 + usize::from(words.upper(at + 1) == "CONCURRENTLY");
        at += 3 * usize::from(words.upper(at) == "IF");
        let (index, end) = words.name(at).filter(|_| words.upper(at) != "ON")?;
        if words.upper(end) != "ON" {
            return None;
        }
        let table = end + 1 + usize::from(words.upper(end + 1) == "ONLY");
        let (table, end) = words.name(table)?;
        Some(Self { unique, index, table, rest: words.from(end) })
    }

    /// The same on another table, without its name and not beside its users.
    #[must_use]
    pub fn on(&self, table: &str) -> String {
        let unique = if self.unique { "UNIQUE " } else { "" };
        format!("CREATE {unique}INDEX ON {table} {}", self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_taken_to_another_table() {
        for (text, on) in [
            (
                "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY app.t USING btree (lower(a) DESC, (b || ' x')) WHERE c > 1",
                Some(
                    "CREATE UNIQUE INDEX ON x USING btree (lower(a) DESC, (b || ' x')) WHERE c > 1",
                ),
            ),
            ("create index concurrently \"I\" on /* c */ t(a)", Some("CREATE INDEX ON x (a)")),
            ("CREATE INDEX CONCURRENTLY ON t(a)", None),
            ("DROP INDEX i", None),
        ] {
            let read = IndexStatement::read(text).map(|statement| statement.on("x"));
            assert_eq!(read.as_deref(), on, "{text}");
        }
    }
}
