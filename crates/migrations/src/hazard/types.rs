//! Owns what a change of a column's type means: nothing, a rewrite, or another type for the code.

/// What it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeChange {
    /// Only the catalog changes (measured on PostgreSQL 15).
    Nothing,
    /// Every row is written again, and old code goes on as before.
    Rewrite,
    /// Every row is written again, and old code may write what does not fit any more.
    Narrower,
    /// Every row is written again, and old code gets another type.
    AnotherType,
}

/// Compares two types as they are written or as `format_type` gives them.
pub fn type_change(from: &str, to: &str) -> TypeChange {
    let (from, from_limit) = split(from);
    let (to, to_limit) = split(to);
    if from == to && from_limit == to_limit {
        return TypeChange::Nothing;
    }
    let text = |name: &str| matches!(name, "varchar" | "text");
    if text(&from) && text(&to) {
        let widens = match (&from_limit, &to_limit) {
            (_, None) => true,
            (Some(from), Some(to)) => number(to) >= number(from),
            (None, Some(_)) => false,
        };
        return if widens { TypeChange::Nothing } else { TypeChange::Narrower };
    }
    if from == to {
        let precise = match (&from_limit, &to_limit) {
            (Some(_), None) => true,
            (Some(old), Some(new)) if from == "numeric" => {
                scale(old) == scale(new) && number(new) >= number(old)
            }
            (Some(old), Some(new)) => number(new) >= number(old),
            (None, _) => false,
        };
        let fits = from == "numeric"
            && matches!((&from_limit, &to_limit), (Some(old), Some(new))
                if number(new).saturating_sub(scale(new)) >= number(old).saturating_sub(scale(old)));
        return match precise {
            true => TypeChange::Nothing,
            false if fits => TypeChange::Rewrite,
            false => TypeChange::Narrower,
        };
    }
    let widens = matches!(
        (from.as_str(), to.as_str()),
        ("int2", "int4" | "int8") | ("int4", "int8") | ("float4", "float8")
    );
    if widens { TypeChange::Rewrite } else { TypeChange::AnotherType }
}

/// What becomes of a column's values on the way to its new type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Conversion {
    /// The server's own assignment, which refuses what does not fit.
    #[default]
    None,
    /// Casts of the column itself, in this order; such a cast cuts off what does not fit.
    Casts(Vec<String>),
    /// Anything else.
    Expression,
}

/// Whether every value is still there afterwards, or the statement fails. `from` is unknown where no
/// script and no database tells it.
pub fn keeps_values(from: Option<&str>, to: &str, conversion: &Conversion) -> bool {
    match conversion {
        Conversion::Expression => false,
        Conversion::None => keeps(from, to, Cut::Refused),
        Conversion::Casts(casts) => {
            let mut from = from;
            for cast in casts {
                if !keeps(from, cast, Cut::Done) {
                    return false;
                }
                from = Some(cast);
            }
            keeps(from, to, Cut::Refused)
        }
    }
}

/// What is done with a text that is too long (PostgreSQL, "Character Types").
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    Refused,
    Done,
}

fn keeps(from: Option<&str>, to: &str, cut: Cut) -> bool {
    let (to_name, to_limit) = split(to);
    let from = from.map(split);
    if from.as_ref().is_some_and(|(name, _)| name.ends_with("[]") != to_name.ends_with("[]")) {
        // An array as a text is all there.
        return to_limit.is_none() && to_name == "text";
    }
    let to_name = to_name.trim_end_matches("[]");
    let is_text = |name: &str| matches!(name, "text" | "varchar" | "citext");
    if is_text(to_name) && to_limit.is_none() {
        return true;
    }
    // A type of the team's own takes a value as it is, or refuses it.
    if !BUILT_IN.contains(&to_name) {
        return true;
    }
    let Some((from_name, from_limit)) = from else { return false };
    let from_name = from_name.trim_end_matches("[]");
    let wider = |old: &Option<String>, new: &Option<String>| match (old, new) {
        (_, None) => true,
        (Some(old), Some(new)) => number(new) >= number(old),
        (None, Some(_)) => false,
    };
    match (from_name, to_name) {
        (from, to) if is_text(from) && is_text(to) => {
            cut == Cut::Refused || wider(&from_limit, &to_limit)
        }
        ("bpchar", "bpchar" | "varchar") | ("varchar" | "text", "bpchar") => {
            cut == Cut::Refused || wider(&from_limit, &to_limit)
        }
        ("numeric", "numeric") => match (&from_limit, &to_limit) {
            (_, None) => true,
            (Some(old), Some(new)) => scale(new) >= scale(old),
            (None, Some(_)) => false,
        },
        ("int2" | "int4" | "int8", "int2" | "int4" | "int8") => true,
        ("int2" | "int4" | "int8", "numeric") => true,
        ("int2" | "int4" | "float4", "float8") | ("int2", "float4") => true,
        ("bool", "int4") | ("date", "timestamp" | "timestamptz") => true,
        ("timestamp", "timestamptz") => wider(&from_limit, &to_limit),
        ("text" | "varchar", "uuid" | "json") => true,
        (from, to) => from == to && wider(&from_limit, &to_limit),
    }
}

/// Types of the server that can hold less than another one.
const BUILT_IN: &[&str] = &[
    "int2",
    "int4",
    "int8",
    "numeric",
    "float4",
    "float8",
    "bool",
    "varchar",
    "bpchar",
    "text",
    "name",
    "bytea",
    "bit",
    "bit varying",
    "varbit",
    "uuid",
    "json",
    "jsonb",
    "xml",
    "date",
    "time",
    "timetz",
    "time with time zone",
    "timestamp",
    "timestamptz",
    "interval",
    "money",
    "inet",
    "cidr",
    "macaddr",
    "macaddr8",
    "point",
    "line",
    "lseg",
    "box",
    "path",
    "polygon",
    "circle",
    "tsvector",
    "tsquery",
    "oid",
    "int4range",
    "int8range",
    "numrange",
    "tsrange",
    "tstzrange",
    "daterange",
    "serial",
    "bigserial",
    "smallserial",
];

/// A type's name in one spelling, and what stands in its parentheses.
fn split(kind: &str) -> (String, Option<String>) {
    let kind = kind.to_lowercase();
    let (name, limit) = match (kind.find('('), kind.find(')')) {
        (Some(open), Some(close)) if open < close => {
            let rest = format!("{}{}", &kind[..open], &kind[close + 1..]);
            (rest, Some(kind[open + 1..close].replace(' ', "")))
        }
        (_, _) => (kind, None),
    };
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let array = name.ends_with("[]");
    let one = match name.trim_end_matches("[]") {
        "character varying" | "varchar" => "varchar",
        "int" | "integer" | "int4" | "serial" => "int4",
        "bigint" | "int8" | "bigserial" => "int8",
        "smallint" | "int2" | "smallserial" => "int2",
        "real" | "float4" => "float4",
        "double precision" | "float8" | "float" => "float8",
        "numeric" | "decimal" => "numeric",
        "boolean" | "bool" => "bool",
        "timestamp" | "timestamp without time zone" => "timestamp",
        "timestamptz" | "timestamp with time zone" => "timestamptz",
        "time" | "time without time zone" => "time",
        "character" | "char" | "bpchar" => "bpchar",
        other => other,
    };
    (format!("{one}{}", if array { "[]" } else { "" }), limit)
}

fn number(limit: &str) -> u32 {
    limit.split(',').next().and_then(|first| first.parse().ok()).unwrap_or(0)
}

fn scale(limit: &str) -> u32 {
    limit.split(',').nth(1).and_then(|second| second.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_some_changes_write_the_table_again() {
        for (from, to, change) in [
            ("varchar(10)", "text", TypeChange::Nothing),
            ("character varying(10)", "VARCHAR(20)", TypeChange::Nothing),
            ("text", "varchar", TypeChange::Nothing),
            ("text", "varchar(20)", TypeChange::Narrower),
            ("varchar(20)", "varchar(10)", TypeChange::Narrower),
            ("numeric(10,2)", "numeric(10,4)", TypeChange::Narrower),
            ("timestamp(6)", "timestamp(3)", TypeChange::Narrower),
            ("numeric(10,2)", "decimal(12, 2)", TypeChange::Nothing),
            ("numeric(10,2)", "numeric(12,3)", TypeChange::Rewrite),
            ("timestamp(3)", "timestamp(6) without time zone", TypeChange::Nothing),
            ("integer", "bigint", TypeChange::Rewrite),
            ("int", "INTEGER", TypeChange::Nothing),
            ("text[]", "text", TypeChange::AnotherType),
            ("timestamp(3)", "timestamptz(3)", TypeChange::AnotherType),
            ("bigint", "int", TypeChange::AnotherType),
            ("role_old", "role", TypeChange::AnotherType),
        ] {
            assert_eq!(type_change(from, to), change, "{from} -> {to}");
        }
    }

    #[test]
    fn values_stay_or_the_statement_fails() {
        let casts =
            |names: &[&str]| Conversion::Casts(names.iter().map(ToString::to_string).collect());
        let none = Conversion::None;
        for (from, to, conversion, keeps) in [
            (Some("varchar(50)"), "varchar(10)", none.clone(), true),
            (Some("varchar(50)"), "varchar(10)", casts(&["varchar(10)"]), false),
            (Some("varchar(10)"), "varchar(50)", casts(&["varchar(50)"]), true),
            (Some("numeric(10,2)"), "numeric(10,0)", none.clone(), false),
            (Some("numeric(10,2)"), "numeric(12,4)", none.clone(), true),
            (Some("numeric"), "numeric(10,2)", none.clone(), false),
            (Some("numeric(10,2)"), "integer", none.clone(), false),
            (Some("double precision"), "real", none.clone(), false),
            (Some("bigint"), "integer", none.clone(), true),
            (Some("integer"), "bigint", none.clone(), true),
            (Some("integer"), "text", none.clone(), true),
            (None, "text", none.clone(), true),
            (None, "integer", none.clone(), false),
            (Some("timestamp(6)"), "timestamp(3)", none.clone(), false),
            (Some("timestamptz"), "timestamp", none.clone(), false),
            (Some("timestamp(3)"), "date", none.clone(), false),
            (Some("date"), "timestamptz(3)", none.clone(), true),
            (Some("jsonb"), "json", none.clone(), false),
            (Some("text"), "integer", casts(&["integer"]), false),
            (Some("text"), "uuid", casts(&["uuid"]), true),
            (Some("role"), "role_new", casts(&["text", "role_new"]), true),
            (Some("text[]"), "role[]", casts(&["role[]"]), true),
            (Some("text[]"), "varchar(3)[]", none.clone(), true),
            (Some("text[]"), "integer", none.clone(), false),
            (Some("text"), "text", Conversion::Expression, false),
        ] {
            assert_eq!(
                keeps_values(from, to, &conversion),
                keeps,
                "{from:?} -> {to} {conversion:?}"
            );
        }
    }
}
