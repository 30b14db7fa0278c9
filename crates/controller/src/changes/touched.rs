//! Owns what git says of two trees: which paths differ, and what stands there. PURE.

/// A path that differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Touched {
    /// From the top of the repository; what is no UTF-8 is lost.
    pub(crate) path: String,
    pub(crate) kind: Kind,
}

/// What stands there, before or after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    File,
    /// A submodule or a symbolic link: its content is somewhere else.
    Elsewhere,
}

/// Modes of tree entries (git-fast-import, "filemodify"): a symbolic link and a submodule.
const ELSEWHERE: [&str; 2] = ["120000", "160000"];

/// Reads `git diff-tree -r -z --no-renames`: `:MODE MODE OID OID STATUS NUL PATH NUL` each.
pub(crate) fn read(listed: &str) -> Vec<Touched> {
    let mut fields = listed.split('\0');
    let mut touched = Vec::new();
    while let (Some(modes), Some(path)) = (fields.next(), fields.next()) {
        let mut modes = modes.trim_start_matches(':').split(' ');
        let elsewhere = [modes.next(), modes.next()]
            .iter()
            .any(|mode| mode.is_some_and(|mode| ELSEWHERE.contains(&mode)));
        let kind = if elsewhere { Kind::Elsewhere } else { Kind::File };
        touched.push(Touched { path: path.to_owned(), kind });
    }
    touched
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_and_kinds_are_read() {
        let listed = ":100644 100644 a b M\0a b\n\"c\"\0:000000 160000 0 b A\0lib\0:120000 000000 a 0 D\0l\0";
        let touched = |path: &str, kind| Touched { path: path.to_owned(), kind };
        let expected = [
            touched("a b\n\"c\"", Kind::File),
            touched("lib", Kind::Elsewhere),
            touched("l", Kind::Elsewhere),
        ];
        assert_eq!(read(listed), expected);
        assert_eq!(read(""), []);
    }
}
