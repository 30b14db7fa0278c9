//! Owns the file that says what is built and deployed, held against the parts: one that `changes` does
//! not know would never be built, and nobody would be told.

use super::part::Part;
use crate::error::Error;
use crate::words;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// Reads the file (a JSON list of objects, each with its `part`) and refuses what no part is.
pub(crate) fn compare_with_list(path: &Path, parts: &[Part]) -> Result<(), Error> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|cause| Error::usage(format!("cannot read {shown}")).caused_by(cause))?;
    let list: Value = serde_json::from_str(&text)
        .map_err(|cause| Error::usage(format!("{shown} is not valid JSON")).caused_by(cause))?;
    let known: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
    compare(&list, &known)
        .map_err(|(message, hint)| Error::usage(format!("{message} ({shown})")).hinted(hint))
}

/// What is wrong, and what to do.
type Wrong = (String, String);

fn compare(list: &Value, known: &[&str]) -> Result<(), Wrong> {
    let form = || {
        let hint = "a list such as [{\"part\": \"api\", \"service\": \"shop-api\"}]".to_owned();
        ("the list of parts is not a list of objects with a `part` each".to_owned(), hint)
    };
    let mut seen = BTreeSet::new();
    for entry in list.as_array().ok_or_else(form)? {
        let name = entry.get("part").and_then(Value::as_str).ok_or_else(form)?;
        if !known.contains(&name) {
            let meant = words::nearest(name, known.iter().copied());
            let meant = meant.map(|meant| format!(", did you mean `{meant}`?")).unwrap_or_default();
            return Err((
                format!("`{name}` would never be built: it is not in [changes]{meant}"),
                format!("in ecs-migrate.toml, under [changes]: {name} = [\"apps/{name}/**\"]"),
            ));
        }
        if !seen.insert(name) {
            let hint = "a part has one image; give the other one a name of its own".to_owned();
            return Err((format!("the part `{name}` is there twice"), hint));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_part_is_known_once() {
        let known = ["api", "web"];
        assert_eq!(compare(&json!([{"part": "api", "service": "s"}]), &known), Ok(()));
        assert_eq!(compare(&json!([]), &known), Ok(()));
        for (list, words) in [
            (json!([{"part": "apo"}]), "not in [changes], did you mean `api`?"),
            (json!([{"part": "worker"}]), "`worker` would never be built"),
            (json!([{"part": "api"}, {"part": "api"}]), "there twice"),
            (json!([{"service": "api"}]), "with a `part` each"),
            (json!([{"part": 1}]), "with a `part` each"),
            (json!({"part": "api"}), "with a `part` each"),
        ] {
            let (message, _) = compare(&list, &known).unwrap_err();
            assert!(message.contains(words), "{message}");
        }
    }
}
