//! Owns which parts changed. What cannot be known counts as changed. PURE.

use super::part::Part;
use super::touched::Touched;

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The commit that it was compared with; of several the first.
    pub(crate) with: String,
    pub(crate) touched: Vec<Touched>,
}

/// What `changes` has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// What it was compared with, or why that is not known.
    pub(crate) compared: Result<String, String>,
    pub(crate) parts: Vec<PartAnswer>,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PartAnswer {
    pub(crate) name: String,
    pub(crate) changed: bool,
    /// Its files that differ, as git has them; never written to an output.
    pub(crate) files: Vec<String>,
}

impl Answer {
    /// The names of the parts that changed.
    pub(crate) fn changed(&self) -> Vec<&str> {
        self.parts.iter().filter(|part| part.changed).map(|part| part.name.as_str()).collect()
    }
}

/// Sorts the files to the parts; without a list every part counts as changed.
pub(crate) fn answer(parts: &[Part], compared: Result<Difference, String>) -> Answer {
    let (compared, files) = match compared {
        Ok(Difference { with, touched }) => (Ok(with), Some(touched)),
        Err(why) => (Err(why), None),
    };
    let parts = parts
        .iter()
        .map(|part| {
            let files: Option<Vec<String>> = files.as_ref().map(|files| {
                files.iter().filter(|file| part.has(file)).map(|file| file.path.clone()).collect()
            });
            PartAnswer {
                name: part.name.clone(),
                changed: files.as_ref().is_none_or(|files| !files.is_empty()),
                files: files.unwrap_or_default(),
            }
        })
        .collect();
    Answer { compared, parts }
}

#[cfg(test)]
mod tests {
    use super::super::touched::Kind;
    use super::*;

    #[test]
    fn unknown_means_yes() {
        let parts =
            ["api", "web"].map(|name| Part::new(name, &[format!("apps/{name}/**")]).unwrap());
        let known = |paths: &[&str]| {
            let file = |path: &&str| Touched { path: (*path).to_owned(), kind: Kind::File };
            Ok(Difference { with: "abc".to_owned(), touched: paths.iter().map(file).collect() })
        };
        assert_eq!(answer(&parts, known(&["apps/api/x", "README.md"])).changed(), ["api"]);
        assert_eq!(answer(&parts, known(&[])).changed(), [""; 0]);
        assert_eq!(
            answer(&parts, Err("it is the first push".to_owned())).changed(),
            ["api", "web"]
        );
    }
}
