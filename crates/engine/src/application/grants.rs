//! Owns the GRANTs for what a role lacks. PURE.

use crate::check::Finding;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The most objects in one statement, so that a line of the log stays under its limit.
const OBJECTS: usize = 20;

/// The most objects that a sentence names.
const NAMES: usize = 3;

/// What sort of thing is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    Schema,
    Table,
    Sequence,
    Routine,
    Type,
}

impl Sort {
    /// The sort that the query named.
    pub(super) fn from_word(word: &str) -> Self {
        match word {
            "schema" => Self::Schema,
            "sequence" => Self::Sequence,
            "routine" => Self::Routine,
            "type" => Self::Type,
            _ => Self::Table,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Schema => "SCHEMA",
            Self::Table => "TABLE",
            Self::Sequence => "SEQUENCE",
            Self::Routine => "ROUTINE",
            Self::Type => "TYPE",
        }
    }

    /// What ALTER DEFAULT PRIVILEGES calls them; for a schema there is nothing in a schema.
    const fn plural(self) -> Option<&'static str> {
        match self {
            Self::Schema => None,
            Self::Table => Some("TABLES"),
            Self::Sequence => Some("SEQUENCES"),
            Self::Routine => Some("ROUTINES"),
            Self::Type => Some("TYPES"),
        }
    }
}

/// One thing that cannot be used as it should; names are quoted where SQL needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) sort: Sort,
    pub(super) schema: String,
    /// Empty for the schema itself.
    pub(super) name: String,
    /// The rights that are lacking.
    pub(super) rights: Vec<String>,
}

impl fmt::Display for Object {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sort {
            Sort::Schema => formatter.write_str(&self.schema),
            Sort::Table | Sort::Sequence | Sort::Routine | Sort::Type => {
                write!(formatter, "{}.{}", self.schema, self.name)
            }
        }
    }
}

/// Everything that a role lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lacking {
    /// The application's role, quoted where SQL needs it.
    pub(super) role: String,
    /// The role that migrates, which makes the next objects.
    pub(super) us: String,
    pub(super) objects: Vec<Object>,
    /// Tables that it uses column by column, with the columns that were added behind those. Somebody may
    /// have decided so: that is said, and is no failure.
    pub(super) behind: Vec<Object>,
}

impl Lacking {
    /// A finding for each table of which only the first columns can be used.
    pub(crate) fn advice(&self) -> Vec<Finding> {
        let advice = self.behind.iter().map(|table| {
            let rights = table.rights.join(", ");
            let sentence = format!(
                "{} uses {table} column by column, and may not use what stands behind those: {rights}",
                self.role
            );
            let grant = format!("if it needs that, run: GRANT {rights} ON TABLE {table} TO {};", self.role);
            Finding::skip("application_rights", sentence).fix(grant)
        });
        advice.collect()
    }

    /// Whether nothing is.
    pub(crate) fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// `app cannot use 4 things as it should: public.a, public.b, public.c, …`
    pub(crate) fn sentence(&self) -> String {
        let things = match self.objects.len() {
            1 => "one thing".to_owned(),
            count => format!("{count} things"),
        };
        let names: Vec<String> = self.objects.iter().take(NAMES).map(Object::to_string).collect();
        let more = if self.objects.len() > NAMES { ", …" } else { "" };
        format!("{} cannot use {things} as it should: {}{more}", self.role, names.join(", "))
    }

    /// A finding for each statement: what is lacking, and the GRANT.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        const NAME: &str = "application_rights";
        let mut groups: BTreeMap<(Sort, &[String]), Vec<&Object>> = BTreeMap::new();
        for object in &self.objects {
            groups.entry((object.sort, &object.rights)).or_default().push(object);
        }
        let mut findings = Vec::new();
        for ((sort, rights), objects) in &groups {
            let rights = rights.join(", ");
            for share in objects.chunks(OBJECTS) {
                let names = share.iter().map(ToString::to_string).collect::<Vec<_>>();
                let names = names.join(", ");
                let sentence = format!("{} lacks {rights} on {names}", self.role);
                let grant =
                    format!("run: GRANT {rights} ON {} {names} TO {};", sort.word(), self.role);
                findings.push(Finding::no(NAME, sentence).fix(grant));
            }
        }
        let defaults = self.defaults();
        if !defaults.is_empty() {
            let sentence = format!(
                "what {} makes next lacks the same rights, unless they are its defaults",
                self.us
            );
            let fix =
                format!("so that the next migration needs no GRANT, run: {}", defaults.join(" "));
            findings.push(Finding::skip(NAME, sentence).fix(fix));
        }
        findings
    }

    /// One statement for each schema and sort, with every right that is lacking there.
    fn defaults(&self) -> Vec<String> {
        let mut rights: BTreeMap<(&str, Sort), BTreeSet<&str>> = BTreeMap::new();
        for object in &self.objects {
            let lacking = object.rights.iter().map(String::as_str);
            rights.entry((&object.schema, object.sort)).or_default().extend(lacking);
        }
        let (us, role) = (&self.us, &self.role);
        rights
            .into_iter()
            .filter_map(|((schema, sort), rights)| {
                let rights = rights.into_iter().collect::<Vec<_>>().join(", ");
                let objects = sort.plural()?;
                Some(format!(
                    "ALTER DEFAULT PRIVILEGES FOR ROLE {us} IN SCHEMA {schema} GRANT {rights} ON {objects} TO {role};"
                ))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(sort: Sort, name: &str, rights: &[&str]) -> Object {
        let rights = rights.iter().map(|right| (*right).to_owned()).collect();
        Object { sort, schema: "public".into(), name: name.into(), rights }
    }

    fn lacking(objects: Vec<Object>) -> Lacking {
        Lacking { role: "app".into(), us: "admin".into(), objects, behind: Vec::new() }
    }

    fn fixes(lacking: &Lacking) -> Vec<String> {
        lacking.findings().into_iter().filter_map(|finding| finding.fix).collect()
    }

    #[test]
    fn one_statement_for_what_lacks_the_same() {
        let lacking = lacking(vec![
            object(Sort::Schema, "", &["USAGE"]),
            object(Sort::Table, "a", &["SELECT", "INSERT"]),
            object(Sort::Table, "\"B\"", &["SELECT", "INSERT"]),
            object(Sort::Table, "c", &["DELETE"]),
            object(Sort::Routine, "f(a integer)", &["EXECUTE"]),
        ]);
        assert_eq!(
            fixes(&lacking),
            [
                "run: GRANT USAGE ON SCHEMA public TO app;",
                "run: GRANT DELETE ON TABLE public.c TO app;",
                "run: GRANT SELECT, INSERT ON TABLE public.a, public.\"B\" TO app;",
                "run: GRANT EXECUTE ON ROUTINE public.f(a integer) TO app;",
                "so that the next migration needs no GRANT, run: \
                 ALTER DEFAULT PRIVILEGES FOR ROLE admin IN SCHEMA public GRANT DELETE, INSERT, SELECT ON TABLES TO app; \
                 ALTER DEFAULT PRIVILEGES FOR ROLE admin IN SCHEMA public GRANT EXECUTE ON ROUTINES TO app;",
            ]
        );
        assert_eq!(
            lacking.sentence(),
            "app cannot use 5 things as it should: public, public.a, public.\"B\", …"
        );
    }

    #[test]
    fn many_objects_go_over_several_lines() {
        let names: Vec<String> = (0..=OBJECTS).map(|number| format!("t{number}")).collect();
        let objects = names.iter().map(|name| object(Sort::Sequence, name, &["USAGE"])).collect();
        assert_eq!(fixes(&lacking(objects)).len(), 3);
    }

    #[test]
    fn a_schema_alone_needs_no_default() {
        assert_eq!(fixes(&lacking(vec![object(Sort::Schema, "", &["USAGE"])])).len(), 1);
    }
}
