//! Owns what a difference in a property means: whether somebody changed the schema by it, and whether its
//! values may be shown. PURE.

/// A partition's place in its parent.
pub(super) const PARTITION: &str = "partition";

/// The columns in their order.
const COLUMNS: &str = "columns";

/// Between the columns: no name that anybody writes has it.
const UNIT: char = '\u{1f}';

/// What comes and goes while a database is used, by operation and no migration.
pub(super) fn passes(facet: &str) -> bool {
    matches!(facet, "autovacuum" | "contents")
}

/// Addresses and passwords of other servers: that they differ is said, and not what they are.
pub(super) fn is_hidden(facet: &str) -> bool {
    facet == "foreign options"
}

/// Whether an object with this property only, on one side, comes and goes.
pub(super) fn is_passing_object(facets: impl IntoIterator<Item = impl AsRef<str>>) -> bool {
    facets.into_iter().any(|facet| facet.as_ref() == PARTITION)
}

/// Both sides as they are compared: of the order of the columns only those that both have, because a
/// missing one is told by itself.
pub(super) fn both<'a>(
    facet: &str,
    (one, other): (Option<&'a String>, Option<&'a String>),
) -> (Option<String>, Option<String>) {
    let (Some(here), Some(there)) = (one, other) else { return (one.cloned(), other.cloned()) };
    if facet != COLUMNS {
        return (Some(here.clone()), Some(there.clone()));
    }
    let common = |of: &str, with: &str| {
        let with: std::collections::BTreeSet<&str> = with.split(UNIT).collect();
        let kept: Vec<&str> = of.split(UNIT).filter(|name| with.contains(name)).collect();
        Some(kept.join(", "))
    };
    (common(here, there), common(there, here))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_columns_is_that_of_those_which_both_have() {
        for (here, there, seen) in [
            ("a\u{1f}b", "a\u{1f}b", ("a, b", "a, b")),
            ("a\u{1f}c\u{1f}b", "a\u{1f}b", ("a, b", "a, b")),
            ("b\u{1f}a", "a\u{1f}b\u{1f}c", ("b, a", "a, b")),
        ] {
            let (here, there) = (here.to_owned(), there.to_owned());
            let (one, other) = both(COLUMNS, (Some(&here), Some(&there)));
            assert_eq!((one.as_deref(), other.as_deref()), (Some(seen.0), Some(seen.1)));
        }
        let only = "x".to_owned();
        assert_eq!(both(COLUMNS, (Some(&only), None)), (Some(only.clone()), None));
    }
}
