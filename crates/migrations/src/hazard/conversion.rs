//! Owns what `USING` does with the values of a column.

use super::reading::kind;
use super::types::Conversion;
use super::words::{Kind, Reader, Word, closing};

/// What stands behind the new type.
pub(super) fn conversion(column: &str, reader: Reader<'_>) -> Conversion {
    let Some(using) = reader.left.iter().position(|word| word.is("USING")) else {
        return Conversion::None;
    };
    casts(column, &reader.left[using + 1..]).map_or(Conversion::Expression, Conversion::Casts)
}

/// `column::a::b`, in whatever parentheses.
fn casts(column: &str, mut words: &[Word<'_>]) -> Option<Vec<String>> {
    while words.first().is_some_and(|word| word.is("(")) && closing(words) == words.len() {
        words = words.get(1..words.len() - 1)?;
    }
    let mut reader = Reader::new(words);
    let mut casts = Vec::new();
    if words.first().is_some_and(|word| word.is("(")) {
        let end = closing(words);
        casts = self::casts(column, words.get(1..end - 1)?)?;
        reader.left = words.get(end..)?;
    } else if reader.part_names()?.last().map(String::as_str) != Some(column) {
        return None;
    }
    while !reader.left.is_empty() {
        if !(reader.eat("::") || (reader.eat(":") && reader.eat(":"))) {
            return None;
        }
        let next = reader.left.windows(2).position(|two| two[0].is(":") && two[1].is(":"));
        let next = next.or_else(|| reader.left.iter().position(|word| word.is("::")));
        let (mut part, rest) = match next {
            Some(at) => (Reader::new(&reader.left[..at]), &reader.left[at..]),
            None => (reader, &reader.left[reader.left.len()..]),
        };
        let plain = |word: &Word<'_>| match word.kind {
            Kind::Bare | Kind::Quoted => true,
            Kind::Literal => word.text.bytes().all(|byte| byte.is_ascii_digit()),
            Kind::Symbol => ["(", ")", ",", "[", "]", "."].contains(&word.text),
        };
        if !part.left.iter().all(plain) {
            return None;
        }
        let cast = kind(&mut part);
        if cast.is_empty() || !part.left.is_empty() {
            return None;
        }
        casts.push(cast);
        reader.left = rest;
    }
    Some(casts)
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    #[test]
    fn casts_of_the_column_itself_are_told_from_expressions() {
        let casts =
            |names: &[&str]| Conversion::Casts(names.iter().map(ToString::to_string).collect());
        for (sql, expected) in [
            ("", Conversion::None),
            ("USING a", casts(&[])),
            ("USING (a::text::\"Role_new\")", casts(&["text", "role_new"])),
            ("USING \"t\".a::numeric(10, 2)", casts(&["numeric(10,2)"])),
            ("USING (a)::double precision", casts(&["double precision"])),
            ("USING ((a::text))::int", casts(&["text", "int"])),
            ("USING NULL", Conversion::Expression),
            ("USING left(a, 10)", Conversion::Expression),
            ("USING b::text", Conversion::Expression),
            ("USING a::text || 'x'", Conversion::Expression),
            ("USING (a + 1)::int", Conversion::Expression),
        ] {
            let all = words(sql, 0..sql.len());
            assert_eq!(conversion("a", Reader::new(&all)), expected, "{sql}");
        }
    }
}
