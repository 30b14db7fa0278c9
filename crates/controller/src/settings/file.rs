//! Owns the settings file: found, read strictly, turned into a layer.

use super::key::Key;
use super::layers::Origin;
use super::services::{SERVICE_KEYS, ServiceTable};
use super::value;
use crate::error::Error;
use crate::words;
use migrations::hazard::Policy;
use std::collections::BTreeMap;
use std::path::PathBuf;
use toml::Value;

/// The file that is read when no other is named.
const DEFAULT_NAME: &str = "ecs-migrate.toml";

/// The file's settings and the path that messages name.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) is_there: bool,
    pub(crate) values: BTreeMap<Key, String>,
    /// The table `[changes]`: globs by part.
    pub(crate) parts: BTreeMap<String, Vec<String>>,
    pub(crate) services: BTreeMap<String, ServiceTable>,
    /// The table `[check]`.
    pub(crate) check: Policy,
}

/// The table that only `check` reads.
const CHECK: &str = "check";

/// The table that only `changes` reads.
const PARTS: &str = "changes";

/// Reads the named file, which must exist, or the default one, which may be missing.
pub(crate) fn read(named: Option<&str>) -> Result<File, Error> {
    let path = named.map_or_else(|| PathBuf::from(DEFAULT_NAME), PathBuf::from);
    let shown = path.display().to_string();
    match std::fs::read_to_string(&path) {
        Ok(text) => parse(&text, shown),
        Err(cause) if named.is_none() && cause.kind() == std::io::ErrorKind::NotFound => {
            Ok(File { is_there: false, ..parse("", shown)? })
        }
        Err(cause) => {
            Err(Error::usage(format!("cannot read the settings file {shown}")).caused_by(cause))
        }
    }
}

/// What `text` says.
fn parse(text: &str, path: String) -> Result<File, Error> {
    let mut table: toml::Table = text.parse().map_err(|cause: toml::de::Error| {
        Error::usage(format!("{path} is not valid TOML")).caused_by(cause)
    })?;
    let parts = match table.remove(PARTS) {
        Some(value) => parts(&value, &path)?,
        None => BTreeMap::new(),
    };
    let check = match table.remove(CHECK) {
        Some(value) => policy(&value, &path)?,
        None => Policy::default(),
    };
    let (values, services) = values(table, &path)?;
    Ok(File { path, is_there: true, values, parts, services, check })
}

type Values = (BTreeMap<Key, String>, BTreeMap<String, ServiceTable>);

/// The settings in `table`.
fn values(table: toml::Table, path: &str) -> Result<Values, Error> {
    let mut values = BTreeMap::new();
    let mut services = BTreeMap::new();
    for (name, value) in table {
        let known = Key::ALL.into_iter().filter(|key| key.is_in_file());
        let Some(key) = known.clone().find(|key| key.name() == name) else {
            return Err(unknown(&name, path, known.map(Key::name)));
        };
        if let (Key::Service, Value::Table(tables)) = (key, &value) {
            services = service_tables(tables, path)?;
            let names: Vec<&str> = services.keys().map(String::as_str).collect();
            values.insert(key, names.join(","));
            continue;
        }
        let text = value::of_file(key, &value, path)?;
        let origin = Origin::File { path: path.to_owned(), key };
        values.insert(key, value::read(key, &origin, &text)?);
    }
    Ok((values, services))
}

fn service_tables(
    tables: &toml::Table,
    path: &str,
) -> Result<BTreeMap<String, ServiceTable>, Error> {
    let mut services = BTreeMap::new();
    for (name, value) in tables {
        let Value::Table(fields) = value else {
            return Err(Error::usage(format!(
                "`service.{name}` in {path} is {}, but a table such as [service.{name}] is needed",
                value.type_str()
            )));
        };
        if let Some(field) = fields.keys().find(|field| !SERVICE_KEYS.contains(&field.as_str())) {
            return Err(unknown(field, path, SERVICE_KEYS.into_iter()));
        }
        let text = |field: &str| match fields.get(field) {
            None => Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => {
                Err(value::blank(&format!("`service.{name}.{field}` in {path}")))
            }
            Some(Value::String(text)) => Ok(Some(text.trim().to_owned())),
            Some(other) => Err(Error::usage(format!(
                "`service.{name}.{field}` in {path} is {}, but a text is needed",
                other.type_str()
            ))),
        };
        let table = ServiceTable {
            container: text("container")?,
            image: text("image")?,
            definition: text("definition")?,
        };
        services.insert(name.clone(), table);
    }
    Ok(services)
}

/// Each part with its globs: a text or a list of texts.
fn parts(value: &Value, path: &str) -> Result<BTreeMap<String, Vec<String>>, Error> {
    let wrong = |name: &str| {
        Error::usage(format!("`{name}` in {path} is not a glob or a list of globs"))
            .hinted("[changes], then a line such as api = [\"apps/api/**\"]")
    };
    let table = value.as_table().ok_or_else(|| wrong(PARTS))?;
    let filled = |glob: &str| (!glob.trim().is_empty()).then(|| glob.to_owned());
    let globs = |value: &Value| -> Option<Vec<String>> {
        match value {
            Value::String(glob) => filled(glob).map(|glob| vec![glob]),
            // A part without a glob would never change.
            Value::Array(items) if items.is_empty() => None,
            Value::Array(items) => {
                items.iter().map(|item| item.as_str().and_then(filled)).collect()
            }
            Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Table(_) => None,
        }
    };
    table
        .iter()
        .map(|(name, value)| {
            let globs = globs(value).ok_or_else(|| wrong(&format!("{PARTS}.{name}")))?;
            Ok((name.clone(), globs))
        })
        .collect()
}

/// The level of each grade and rule.
fn policy(value: &Value, path: &str) -> Result<Policy, Error> {
    let wrong = |cause: String| {
        Error::usage(format!("[{CHECK}] in {path}: {cause}"))
            .hinted("[check], then a line such as blocks = \"advice\" or drop-index = \"off\"")
    };
    let table = value.as_table().ok_or_else(|| wrong(format!("it is {}", value.type_str())))?;
    let mut policy = Policy::default();
    for (name, level) in table {
        let level = level.as_str().ok_or_else(|| wrong(format!("`{name}` is no text")))?;
        policy.set(name, level).map_err(|cause| wrong(cause.to_string()))?;
    }
    Ok(policy)
}

fn unknown(name: &str, path: &str, known: impl Iterator<Item = &'static str>) -> Error {
    let known: Vec<&str> = known.collect();
    let meant = words::nearest(&name.replace('_', "-"), known.iter().copied());
    let message = format!("unknown key `{name}` in {path}");
    match meant {
        Some(meant) => Error::usage(format!("{message}, did you mean `{meant}`?")),
        None => Error::usage(message).hinted(format!("known keys: {}", known.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(text, DEFAULT_NAME.to_owned()).err().unwrap().to_string()
    }

    #[test]
    fn parts_are_a_table_of_globs() {
        let file = parse("[changes]\napi = \"a/**\"\nweb = [\"w\", \"!w/*.md\"]", String::new());
        let parts = file.unwrap().parts;
        assert_eq!((&parts["api"][..], parts["web"].len()), (&["a/**".to_owned()][..], 2));
        let words = "in ecs-migrate.toml is not a glob or a list of globs";
        assert_eq!(error("changes = 1"), format!("`changes` {words}"));
        for blank in ["\"\"", "[]", "[\" \"]"] {
            assert_eq!(
                error(&format!("[changes]\napi = {blank}")),
                format!("`changes.api` {words}")
            );
        }
        assert_eq!(error("[changes]\napi = [1]"), format!("`changes.api` {words}"));
    }

    #[test]
    fn a_check_has_levels_for_grades_and_rules() {
        let file = parse("[check]\nblocks = \"advice\"\ndrop-index = \"off\"", String::new());
        assert_eq!(file.unwrap().check, Policy::parse("blocks=advice,drop-index=off").unwrap());
        assert_eq!(
            error("[check]\nblock = \"off\""),
            "[check] in ecs-migrate.toml: `block` is neither a grade nor a rule of the check"
        );
        assert!(error("[check]\nblocks = 1").ends_with("`blocks` is no text"));
    }

    #[test]
    fn a_typo_names_what_was_meant() {
        assert_eq!(
            error("clutser = \"main\""),
            "unknown key `clutser` in ecs-migrate.toml, did you mean `cluster`?"
        );
        assert_eq!(
            error("task_definition = \"x\""),
            "unknown key `task_definition` in ecs-migrate.toml, did you mean `task-definition`?"
        );
        assert_eq!(error("retries = 3"), "unknown key `retries` in ecs-migrate.toml");
    }

    #[test]
    fn a_wrong_type_and_wrong_toml_are_named() {
        assert_eq!(
            error("timeout = 30"),
            "`timeout` in ecs-migrate.toml is integer, but a text is needed"
        );
        assert_eq!(error("cluster = "), "ecs-migrate.toml is not valid TOML");
        assert!(error("run-key = \"x\"").starts_with("unknown key `run-key`"));
    }

    #[test]
    fn lists_and_truths_become_what_a_flag_would_say() {
        let text = "subnets = [\"a\", \"b\"]\nassign-public-ip = true";
        let values = parse(text, String::new()).unwrap().values;
        assert_eq!(values[&Key::Subnets], "a,b");
        assert_eq!(values[&Key::AssignPublicIp], "true");
    }

    #[test]
    fn services_are_names_or_tables() {
        let text = "[service.worker]\nimage = \"w:1\"\n[service.api]";
        let File { values, services, .. } = parse(text, String::new()).unwrap();
        assert_eq!(values[&Key::Service], "api,worker");
        assert_eq!(services["worker"].image.as_deref(), Some("w:1"));
        let values = parse("service = [\"b\", \"a\"]", String::new()).unwrap().values;
        assert_eq!(values[&Key::Service], "b,a");
        assert_eq!(
            error("[service.api]\nimge = \"x\""),
            "unknown key `imge` in ecs-migrate.toml, did you mean `image`?"
        );
        assert_eq!(
            error("[service.api]\nimage = \" \""),
            "`service.api.image` in ecs-migrate.toml is blank"
        );
        assert_eq!(
            error("[service]\napi = 1"),
            "`service.api` in ecs-migrate.toml is integer, but a table such as [service.api] is needed"
        );
    }
}
