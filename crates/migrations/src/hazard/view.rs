//! Owns which columns a view has, as far as its words tell.

use super::words::{Kind, Reader, Word, closing, parts};

/// The columns of what stands behind `CREATE VIEW name`; none where a column has no name that the words
/// tell, as with `*`.
pub(super) fn columns(mut reader: Reader<'_>) -> Option<Vec<String>> {
    if reader.left.first().is_some_and(|word| word.is("(")) {
        let end = closing(reader.left) - 1;
        let inside = reader.left.get(1..end)?;
        return parts(inside).into_iter().map(|part| Reader::new(part).name()).collect();
    }
    let select = reader.left.iter().position(|word| word.is("AS"))?;
    reader.left = reader.left.get(select + 1..)?;
    if !reader.eat("SELECT") {
        return None;
    }
    reader.eat("DISTINCT");
    let mut depth = 0_usize;
    let end = reader.left.iter().position(|word| {
        if word.is("(") {
            depth += 1;
        } else if word.is(")") {
            depth = depth.saturating_sub(1);
        }
        depth == 0 && ["FROM", "UNION", "WHERE"].iter().any(|end| word.is(end))
    });
    let items = reader.left.get(..end.unwrap_or(reader.left.len()))?;
    parts(items).into_iter().map(column).collect()
}

/// The name behind `AS`, or of the column itself.
fn column(item: &[Word<'_>]) -> Option<String> {
    let last = item.last()?;
    let named = matches!(last.kind, Kind::Bare | Kind::Quoted) && !last.is("END");
    let before = item.len().checked_sub(2).and_then(|at| item.get(at));
    let clear = before.is_none_or(|word| word.is("AS") || word.is(".") || word.is(")"));
    (named && clear).then(|| last.value())
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    #[test]
    fn columns_have_the_names_that_the_words_give_them() {
        for (sql, expected) in [
            (
                "AS SELECT id, u.\"Name\", count(*) AS n, max(a) m FROM users u",
                Some(vec!["id", "Name", "n", "m"]),
            ),
            ("(a, b) AS SELECT 1, 2", Some(vec!["a", "b"])),
            ("WITH (security_invoker) AS SELECT a FROM t", Some(vec!["a"])),
            ("AS SELECT * FROM t", None),
            ("AS SELECT a, count(*) FROM t", None),
            ("AS SELECT CASE WHEN a THEN 1 END FROM t", None),
            ("AS WITH x AS (SELECT 1) SELECT * FROM x", None),
        ] {
            let all = words(sql, 0..sql.len());
            let found = columns(Reader::new(&all));
            let expected: Option<Vec<String>> =
                expected.map(|names| names.into_iter().map(str::to_owned).collect());
            assert_eq!(found, expected, "{sql}");
        }
    }
}
