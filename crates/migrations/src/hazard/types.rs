//! Owns what a change of a column's type means: nothing, a rewrite, or another type for the code.

/// What it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeChange {
    /// Only the catalog changes (measured on PostgreSQL 15).
    Nothing,
    /// Every row is written again, and old code goes on as before.
    Rewrite,
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
        return if widens { TypeChange::Nothing } else { TypeChange::Rewrite };
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
        return if precise { TypeChange::Nothing } else { TypeChange::Rewrite };
    }
    let widens = matches!(
        (from.as_str(), to.as_str()),
        ("int2", "int4" | "int8") | ("int4", "int8") | ("float4", "float8")
    );
    if widens { TypeChange::Rewrite } else { TypeChange::AnotherType }
}

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
            ("text", "varchar(20)", TypeChange::Rewrite),
            ("varchar(20)", "varchar(10)", TypeChange::Rewrite),
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
}
