//! Owns a part of the repository: its name and which files belong to it. PURE.

use super::touched::{Kind, Touched};
use crate::error::Error;
use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

/// Names that the outputs of `changes` have for themselves.
const RESERVED: [&str; 3] = ["changed", "known", "reason"];

/// A part and its globs. They are compared with the whole path from the top of the repository:
/// `*` stays in a folder, `**` does not, `{a,b}` is either, a leading `!` takes files out again. A file
/// that may belong to it does: `[id]` is a set of letters and also the name of a folder.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) name: String,
    inside: GlobSet,
    outside: GlobSet,
    /// The steps of each glob that is not taken out, for what has no files of its own here.
    steps: Vec<Vec<GlobSet>>,
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
        let steps = inside.iter().map(|glob| steps(name, glob)).collect::<Result<_, _>>()?;
        Ok(Self {
            name: name.to_owned(),
            inside: set(name, inside.into_iter())?,
            outside: set(name, outside)?,
            steps,
        })
    }

    /// Whether what was touched belongs to the part, or may hold something that does.
    pub(crate) fn has(&self, touched: &Touched) -> bool {
        let path = touched.path.as_str();
        if self.outside.is_match(path) {
            return false;
        }
        match touched.kind {
            Kind::File => self.inside.is_match(path),
            // Of a submodule and of a link git only says that it points elsewhere now: whatever is
            // below it may have changed.
            Kind::Elsewhere => {
                self.inside.is_match(path)
                    || self.steps.iter().any(|steps| may_be_below(steps, path))
            }
        }
    }
}

/// Whether a glob of these steps can match anything below the path.
fn may_be_below(steps: &[GlobSet], path: &str) -> bool {
    let mut names = path.split('/');
    for step in steps {
        let Some(name) = names.next() else { return true };
        // `**`, alone or in a step, reaches any depth.
        if step.is_empty() {
            return true;
        }
        if !step.is_match(name) {
            return false;
        }
    }
    // A folder is everything in it.
    true
}

/// The steps of a glob; an empty set is one that reaches any depth. A glob whose braces span folders
/// has only that one.
fn steps(name: &str, glob: &str) -> Result<Vec<GlobSet>, Error> {
    let path = glob.trim_start_matches("./").trim_end_matches('/');
    let any = GlobSet::empty;
    if path.split('/').any(|step| step.matches('{').count() != step.matches('}').count()) {
        return Ok(vec![any()]);
    }
    path.split('/')
        .map(|step| if step.contains("**") { Ok(any()) } else { set_of(name, &[step.to_owned()]) })
        .collect()
}

fn set<'a>(name: &str, globs: impl Iterator<Item = &'a str>) -> Result<GlobSet, Error> {
    let mut patterns = Vec::new();
    for glob in globs {
        let path = glob.trim_start_matches("./");
        if path.is_empty() || path.starts_with('/') || path.split('/').any(|step| step == "..") {
            return Err(Error::usage(format!("`{glob}` in [changes] of {name} names no file"))
                .hinted("globs start at the top of the repository, without `/` in front"));
        }
        // A folder is everything in it, as everybody expects who writes one; and what is in a folder
        // changes when a link or a submodule takes the folder's place.
        let folder = path.trim_end_matches('/');
        let folder = folder.trim_end_matches("/**");
        patterns.push(folder.to_owned());
        if !folder.ends_with("**") {
            patterns.push(format!("{folder}/**"));
        }
    }
    set_of(name, &patterns)
}

fn set_of(name: &str, patterns: &[String]) -> Result<GlobSet, Error> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        for glob in meanings(pattern).map_err(|cause| {
            Error::usage(format!("`{pattern}` in [changes] of {name} is no glob")).caused_by(cause)
        })? {
            set.add(glob);
        }
    }
    set.build().map_err(|cause| {
        Error::usage(format!("the globs in [changes] of {name} are too many")).caused_by(cause)
    })
}

/// What a glob can mean: brackets are a set of letters, and what Next.js and others call a folder
/// (`app/[id]`, `app/[[...slug]]`).
fn meanings(pattern: &str) -> Result<Vec<Glob>, globset::Error> {
    let build = |text: &str| GlobBuilder::new(text).literal_separator(true).build();
    let as_names = with_plain_brackets(pattern);
    match (build(pattern), as_names) {
        (Ok(glob), None) => Ok(vec![glob]),
        (Ok(glob), Some(names)) => Ok([Ok(glob), build(&names)].into_iter().flatten().collect()),
        // `[user-id]` is a name, though no set of letters.
        (Err(_), Some(names)) => Ok(vec![build(&names)?]),
        (Err(cause), None) => Err(cause),
    }
}

/// The glob with its brackets as letters of names, where it has pairs of them.
fn with_plain_brackets(pattern: &str) -> Option<String> {
    let mut plain = String::new();
    let (mut open, mut pairs) = (0_usize, 0_usize);
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                plain.push(letter);
                plain.extend(letters.next());
                continue;
            }
            '[' => open += 1,
            ']' if open > 0 => {
                open -= 1;
                pairs += 1;
            }
            _ => {}
        }
        match letter {
            '[' => plain.push_str("[[]"),
            ']' => plain.push_str("[]]"),
            _ => plain.push(letter),
        }
    }
    (open == 0 && pairs > 0).then_some(plain)
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
            (&["app/[id]/**"], "app/[id]/page.tsx", true),
            (&["app/[id]/**"], "app/i/page.tsx", true),
            (&["app/[id]/**"], "app/[name]/page.tsx", false),
            (&["app/[user-id]/**"], "app/[user-id]/page.tsx", true),
            (&["app/[[...slug]]/*.tsx"], "app/[[...slug]]/page.tsx", true),
            (&["app/(shop)/@side/**"], "app/(shop)/@side/[id]/a b.tsx", true),
            (&["*.[jt]s"], "x.ts", true),
            (&["app/\\[id\\]/**"], "app/[id]/page.tsx", true),
            (&["app/**", "!app/[id]/**"], "app/[id]/page.tsx", false),
            // A folder that is a link now.
            (&["apps/api/**"], "apps/api", true),
        ] {
            let file = Touched { path: path.to_owned(), kind: Kind::File };
            assert_eq!(part(globs).unwrap().has(&file), has, "{globs:?} {path}");
        }
    }

    #[test]
    fn what_points_elsewhere_may_hold_anything() {
        for (globs, path, has) in [
            (&["vendor/lib/**"][..], "vendor/lib", true),
            (&["vendor/lib/src/*.c"], "vendor/lib", true),
            (&["vendor/*/src/**"], "vendor/lib", true),
            (&["**/*.sql"], "vendor/lib", true),
            (&["vendor/{lib,other}/x"], "vendor/lib", true),
            (&["{vendor/lib,x}/y"], "vendor/lib", true),
            (&["vendor/[id]/x"], "vendor/[id]", true),
            (&["vendor"], "vendor/lib", true),
            (&["apps/api/**"], "vendor/lib", false),
            (&["vendor/library/**"], "vendor/lib", false),
            (&["vendor/**", "!vendor/lib/**"], "vendor/lib", false),
            (&["vendor/**", "!vendor/lib/*.md"], "vendor/lib", true),
            (&["*.toml"], "vendor", false),
        ] {
            let link = Touched { path: path.to_owned(), kind: Kind::Elsewhere };
            assert_eq!(part(globs).unwrap().has(&link), has, "{globs:?} {path}");
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
