//! Owns a part of the repository: its name and which files belong to it. PURE.

use crate::error::Error;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Names that the outputs of `changes` have for themselves.
const RESERVED: [&str; 3] = ["changed", "known", "reason"];

/// A part and its globs. They are compared with the whole path from the top of the repository:
/// `*` stays in a folder, `**` does not, `{a,b}` is either, a leading `!` takes files out again.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) name: String,
    inside: GlobSet,
    outside: GlobSet,
}

impl Part {
    /// A part of the settings file.
    pub(crate) fn new(name: &str, globs: &[String]) -> Result<Self, Error> {
        let first = name.chars().next().unwrap_or('-');
        let is_name = (first.is_ascii_alphabetic() || first == '_')
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-".contains(letter));
        if !is_name {
            return Err(Error::usage(format!("`{name}` in [changes] is no name for an output"))
                .hinted("letters, digits, `-` and `_`, with a letter first"));
        }
        if RESERVED.contains(&name) {
            return Err(Error::usage(format!(
                "`{name}` in [changes] is the name of an output that `changes` has already"
            )));
        }
        if !globs.iter().any(|glob| !glob.starts_with('!')) {
            return Err(Error::usage(format!("`{name}` in [changes] names no files"))
                .hinted(format!("e.g. {name} = [\"apps/{name}/**\"]")));
        }
        let (outside, inside): (Vec<&str>, Vec<&str>) =
            globs.iter().map(String::as_str).partition(|glob| glob.starts_with('!'));
        let outside = outside.into_iter().map(|glob| glob.trim_start_matches('!'));
        Ok(Self {
            name: name.to_owned(),
            inside: set(name, inside.into_iter())?,
            outside: set(name, outside)?,
        })
    }

    /// Whether a path belongs to the part.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.inside.is_match(path) && !self.outside.is_match(path)
    }
}

fn set<'a>(name: &str, globs: impl Iterator<Item = &'a str>) -> Result<GlobSet, Error> {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        let path = glob.trim_start_matches("./");
        if path.is_empty() || path.starts_with('/') || path.split('/').any(|step| step == "..") {
            return Err(Error::usage(format!("`{glob}` in [changes] of {name} names no file"))
                .hinted("globs start at the top of the repository, without `/` in front"));
        }
        // A folder is everything in it, as everybody expects who writes one.
        let folder = path.trim_end_matches('/');
        let mut patterns = vec![folder.to_owned()];
        if !folder.ends_with("**") {
            patterns.push(format!("{folder}/**"));
        }
        for pattern in patterns {
            let glob = GlobBuilder::new(&pattern).literal_separator(true).build();
            set.add(glob.map_err(|cause| {
                Error::usage(format!("`{path}` in [changes] of {name} is no glob")).caused_by(cause)
            })?);
        }
    }
    set.build().map_err(|cause| {
        Error::usage(format!("the globs in [changes] of {name} are too many")).caused_by(cause)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(globs: &[&str]) -> Result<Part, Error> {
        let globs: Vec<String> = globs.iter().map(ToString::to_string).collect();
        Part::new("api", &globs)
    }

    #[test]
    fn a_file_belongs_or_not() {
        for (globs, path, has) in [
            (&["apps/api/**"][..], "apps/api/src/main.rs", true),
            (&["apps/api/**"], "apps/api2/src/main.rs", false),
            (&["apps/api"], "apps/api/prisma/schema.prisma", true),
            (&["apps/api/"], "apps/api/x", true),
            (&["./apps/api"], "apps/api/x", true),
            (&["*.toml"], "Cargo.toml", true),
            (&["*.toml"], "apps/api/Cargo.toml", false),
            (&["**/*.sql"], "a.sql", true),
            (&["**/*.sql"], "a/b/c.sql", true),
            (&["apps/{api,web}/**"], "apps/web/x", true),
            (&["apps/**", "!apps/**/*.md"], "apps/api/README.md", false),
            (&["apps/**", "!apps/**/*.md"], "apps/api/main.rs", true),
            (&["apps/**", "!apps/web"], "apps/web/src/x", false),
            (&["package.json"], "package.json", true),
            (&["apps/api/**"], "apps/api/a name with \"quotes\" and\na newline", true),
            (&["apps/api/*"], "apps/api/é", true),
        ] {
            assert_eq!(part(globs).unwrap().has(path), has, "{globs:?} {path}");
        }
    }

    #[test]
    fn what_is_no_part_is_said() {
        for (name, globs, words) in [
            ("a b", &["x"][..], "no name for an output"),
            ("1st", &["x"], "no name for an output"),
            ("", &["x"], "no name for an output"),
            ("changed", &["x"], "an output that `changes` has already"),
            ("api", &[], "names no files"),
            ("api", &["!x"], "names no files"),
            ("api", &["/apps"], "names no file"),
            ("api", &["../x"], "names no file"),
            ("api", &["a[b"], "is no glob"),
        ] {
            let globs: Vec<String> = globs.iter().map(ToString::to_string).collect();
            let error = Part::new(name, &globs).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
