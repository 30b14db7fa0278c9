//! Owns how two databases differ, object by object. PURE.

use super::property;
use std::collections::BTreeMap;
use std::fmt;

/// From here on a value is not shown whole, in characters.
const LONG: usize = 120;

/// One property of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facet {
    /// What sort of object it is, in words: `table`, `column`.
    pub(super) sort: String,
    /// Its qualified name, quoted where SQL needs it.
    pub(super) name: String,
    /// The table that it belongs to and goes with.
    pub(super) parent: Option<String>,
    /// The property and its value; none says only that the object is there.
    pub(super) facet: Option<String>,
    pub(super) value: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Object {
    parent: Option<String>,
    facets: BTreeMap<String, String>,
}

/// What schemas hold: objects by sort and name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Catalog(BTreeMap<(String, String), Object>);

impl FromIterator<Facet> for Catalog {
    fn from_iter<I: IntoIterator<Item = Facet>>(facets: I) -> Self {
        let mut objects: BTreeMap<(String, String), Object> = BTreeMap::new();
        for Facet { sort, name, parent, facet, value } in facets {
            let object = objects.entry((sort, name)).or_default();
            object.parent = parent.or(object.parent.take());
            if let (Some(facet), Some(value)) = (facet, value) {
                object.facets.insert(facet, value);
            }
        }
        Self(objects)
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// What sort of object it is, in words.
    pub(super) sort: String,
    /// Its qualified name.
    pub(super) name: String,
    /// The table that it belongs to.
    pub(super) parent: Option<String>,
    pub(super) how: How,
    /// Whether it comes and goes while the database is used: told, and nobody's change.
    pub(crate) passes: bool,
}

/// How it differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum How {
    /// Somebody made it; what it is, in short.
    OnlyInDatabase(String),
    /// Somebody dropped it; what it is, in short.
    OnlyInMigrations(String),
    /// Somebody changed this property; none where one side has none.
    Changed { facet: String, database: Option<String>, migrations: Option<String> },
}

/// What differs, in the order of the names. Of an object that only one side has, what belongs to it goes
/// without saying.
pub(crate) fn compare(database: &Catalog, migrations: &Catalog) -> Vec<Difference> {
    let mut found = Vec::new();
    found.extend(only(database, migrations, How::OnlyInDatabase));
    found.extend(only(migrations, database, How::OnlyInMigrations));
    for ((sort, name), ours) in &database.0 {
        let Some(theirs) = migrations.0.get(&(sort.clone(), name.clone())) else { continue };
        let mut facets: Vec<&String> = ours.facets.keys().chain(theirs.facets.keys()).collect();
        facets.sort_unstable();
        facets.dedup();
        for facet in facets {
            let sides = (ours.facets.get(facet), theirs.facets.get(facet));
            let (database, migrations) = property::both(facet, sides);
            if database != migrations {
                found.push(Difference {
                    sort: sort.clone(),
                    name: name.clone(),
                    parent: ours.parent.clone(),
                    how: How::Changed { facet: facet.clone(), database, migrations },
                    passes: property::passes(facet),
                });
            }
        }
    }
    found.sort_by(|a, b| (&a.name, &a.sort).cmp(&(&b.name, &b.sort)));
    found
}

fn only(one: &Catalog, other: &Catalog, how: fn(String) -> How) -> Vec<Difference> {
    let lacking = |key: &(String, String)| one.0.contains_key(key) && !other.0.contains_key(key);
    let alone = one.0.iter().filter(|(key, object)| {
        let parents = object.parent.iter().flat_map(|parent| {
            ["table", "foreign table"].map(|sort| (sort.to_owned(), parent.clone()))
        });
        lacking(key) && !parents.into_iter().any(|parent| lacking(&parent))
    });
    alone
        .map(|((sort, name), object)| Difference {
            sort: sort.clone(),
            name: name.clone(),
            parent: object.parent.clone(),
            how: how(object.in_short()),
            passes: property::is_passing_object(object.facets.keys()),
        })
        .collect()
}

impl Object {
    /// What tells it best: its definition, or type and default of a column.
    fn in_short(&self) -> String {
        let telling = [
            property::PARTITION,
            "definition",
            "schema",
            "values",
            "attributes",
            "type",
            "nullability",
            "default",
        ];
        let values: Vec<&str> =
            telling.iter().filter_map(|name| Some(self.facets.get(*name)?.as_str())).collect();
        values.join(", ")
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.sort, self.name)?;
        let in_brackets = |short: &str| match cut(short) {
            short if short.is_empty() => String::new(),
            short => format!(" ({short})"),
        };
        match &self.how {
            How::OnlyInDatabase(short) => {
                write!(formatter, " is only in the database{}", in_brackets(short))
            }
            How::OnlyInMigrations(short) => {
                write!(formatter, " is only in the migrations{}", in_brackets(short))
            }
            How::Changed { facet, .. } if property::is_hidden(facet) => {
                write!(formatter, ": {facet} differ (their values are not shown)")
            }
            How::Changed { facet, database, migrations } => {
                let text = |side: &Option<String>| side.clone().unwrap_or_else(|| "none".into());
                let (database, migrations) = (text(database), text(migrations));
                let (line, here, there) = first_difference(&database, &migrations);
                let from = if line > 1 { format!(" in line {line}") } else { String::new() };
                write!(
                    formatter,
                    ": {facet}{from} is `{}`, the migrations make `{}`",
                    cut(here),
                    cut(there)
                )
            }
        }
    }
}

/// The first line that differs, from 1, and both sides of it.
fn first_difference<'a>(one: &'a str, other: &'a str) -> (usize, &'a str, &'a str) {
    let mut lines = (one.lines(), other.lines());
    for number in 1.. {
        match (lines.0.next(), lines.1.next()) {
            (None, None) => break,
            (here, there) if here != there => {
                return (number, here.unwrap_or_default(), there.unwrap_or_default());
            }
            (_, _) => {}
        }
    }
    // They differ in line ends alone.
    (1, one, other)
}

/// On one line, and not too long.
fn cut(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONG) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sort, name, parent, facet, value; empty is none.
    type Line<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str);

    /// Both databases, and what is said.
    type Case<'a> = (&'a [Line<'a>], &'a [Line<'a>], &'a [&'a str]);

    fn catalog(rows: &[Line<'_>]) -> Catalog {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        rows.iter()
            .map(|(sort, name, parent, facet, value)| Facet {
                sort: (*sort).into(),
                name: (*name).into(),
                parent: some(parent),
                facet: some(facet),
                value: some(value),
            })
            .collect()
    }

    fn sentences(database: &Catalog, migrations: &Catalog) -> Vec<String> {
        compare(database, migrations).iter().map(Difference::to_string).collect()
    }

    #[test]
    fn every_kind_of_difference_is_one_sentence() {
        let table = ("table", "p.a", "", "persistence", "logged");
        let long = "x".repeat(LONG + 1);
        let cases: &[Case<'_>] = &[
            (&[table], &[table], &[]),
            (
                &[
                    table,
                    ("column", "p.a.n", "p.a", "type", "text"),
                    ("column", "p.a.n", "p.a", "nullability", "null"),
                ],
                &[table],
                &["column p.a.n is only in the database (text, null)"],
            ),
            // What belongs to a table goes with it.
            (
                &[],
                &[
                    table,
                    ("column", "p.a.n", "p.a", "type", "text"),
                    ("index", "p.i", "p.a", "state", "valid"),
                ],
                &["table p.a is only in the migrations"],
            ),
            (
                &[("column", "p.a.n", "p.a", "type", "bigint")],
                &[("column", "p.a.n", "p.a", "type", "integer")],
                &["column p.a.n: type is `bigint`, the migrations make `integer`"],
            ),
            (
                &[("column", "p.a.n", "p.a", "default", "7")],
                &[("column", "p.a.n", "p.a", "", "")],
                &["column p.a.n: default is `7`, the migrations make `none`"],
            ),
            (
                &[("index", "p.i", "p.a", "state", "invalid")],
                &[("index", "p.i", "p.a", "state", "valid")],
                &["index p.i: state is `invalid`, the migrations make `valid`"],
            ),
            (
                &[("routine", "p.f()", "", "definition", "CREATE\n  one\nend")],
                &[("routine", "p.f()", "", "definition", "CREATE\n  two\nend")],
                &["routine p.f(): definition in line 2 is `one`, the migrations make `two`"],
            ),
            (
                &[("schema", "p", "", "rights of app", "USAGE")],
                &[("schema", "p", "", "", "")],
                &["schema p: rights of app is `USAGE`, the migrations make `none`"],
            ),
            (
                &[("view", "p.v", "", "definition", &long)],
                &[],
                &[&format!("view p.v is only in the database ({}…)", "x".repeat(LONG))],
            ),
        ];
        for (database, migrations, expected) in cases {
            assert_eq!(sentences(&catalog(database), &catalog(migrations)), *expected);
        }
    }

    #[test]
    fn a_table_that_became_a_view_is_two_differences() {
        let database = catalog(&[("view", "p.a", "", "definition", "SELECT 1")]);
        let migrations = catalog(&[("table", "p.a", "", "", "")]);
        assert_eq!(
            sentences(&database, &migrations),
            ["table p.a is only in the migrations", "view p.a is only in the database (SELECT 1)"]
        );
    }
}
