//! Owns what setup-infra writes into the settings file: PURE but for the one write.

use crate::error::{Error, Kind};
use crate::task_definition::Change;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use toml_edit::{DocumentMut, Item, Value, value};

/// A key of the settings file and its value.
pub(crate) type Entry = (&'static str, EntryValue);

/// A text or a list of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntryValue {
    Text(String),
    List(Vec<String>),
}

/// The file as it will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edited {
    pub(crate) text: String,
    /// What differs from the file as it is.
    pub(crate) changes: Vec<Change>,
}

/// The text with these entries; comments, order and everything else stay.
pub(crate) fn edit(text: &str, entries: &[Entry]) -> Result<Edited, Error> {
    let bare = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mark = if bare.len() == text.len() { "" } else { BYTE_ORDER_MARK };
    let (original, text) = (bare, bare.replace("\r\n", "\n"));
    let text = text.as_str();
    let mut document: DocumentMut = text.parse().map_err(|cause: toml_edit::TomlError| {
        Error::usage("the settings file is not valid TOML").caused_by(cause)
    })?;
    let mut changes = Vec::new();
    for (name, wanted) in entries {
        let found = document.get(name);
        if found.is_some_and(|item| wanted.is_in(item)) {
            continue;
        }
        changes.push(Change {
            path: (*name).to_owned(),
            before: found.map_or_else(|| "(absent)".to_owned(), undecorated),
            after: wanted.item().to_string().trim().to_owned(),
        });
        let mut item = wanted.item();
        // A comment behind the old value stays behind the new one.
        if let (Some(new), Some(old)) = (item.as_value_mut(), found.and_then(Item::as_value)) {
            *new.decor_mut() = old.decor().clone();
        }
        document[*name] = item;
    }
    if changes.is_empty() {
        return Ok(Edited { text: format!("{mark}{original}"), changes });
    }
    // Comments without a key are what follows the last one: they would end up behind the new keys.
    let text = if text.parse::<DocumentMut>().is_ok_and(|before| before.is_empty()) {
        document.set_trailing("");
        let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        format!("{text}{gap}{document}")
    } else {
        document.to_string()
    };
    let text = format!("{mark}{}", with_line_ends_of(original, &text));
    Ok(Edited { text, changes })
}

/// What some editors write in front of UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Each line that stays keeps its end, with another value too; a new one gets that of the line before it, or of the first.
fn with_line_ends_of(original: &str, text: &str) -> String {
    let ends = |line: &str| if line.ends_with("\r\n") { "\r\n" } else { "\n" };
    let mut left: Vec<&str> = original.split_inclusive('\n').collect();
    let mut end = left.first().map_or("\n", |line| ends(line));
    let mut written = String::new();
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches('\n');
        let key = |line: &str| line.split_once('=').map(|(key, _)| key.trim().to_owned());
        let same = |known: &str| {
            let known = known.trim_end_matches(['\r', '\n']);
            known == bare || (key(known).is_some() && key(known) == key(bare))
        };
        if let Some(place) = left.iter().position(|known| same(known)) {
            end = ends(left[place]);
            left.drain(..=place);
        }
        written.push_str(bare);
        if line.ends_with('\n') {
            written.push_str(end);
        }
    }
    written
}

/// A value without the comment behind it.
fn undecorated(item: &Item) -> String {
    let mut item = item.clone();
    if let Some(value) = item.as_value_mut() {
        value.decor_mut().clear();
    }
    item.to_string().trim().to_owned()
}

impl EntryValue {
    fn item(&self) -> Item {
        match self {
            Self::Text(text) => value(text),
            Self::List(items) => value(items.iter().collect::<toml_edit::Array>()),
        }
    }

    /// Whether the file says the same: a list may be a text with commas there.
    fn is_in(&self, item: &Item) -> bool {
        let texts = |items: &toml_edit::Array| -> Vec<String> {
            items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        match (self, item.as_str(), item.as_array()) {
            (Self::Text(wanted), Some(found), _) => wanted == found,
            (Self::List(wanted), None, Some(found)) => *wanted == texts(found),
            (Self::List(wanted), Some(found), _) => wanted.join(",") == found.replace(' ', ""),
            _ => false,
        }
    }
}

/// Puts the text in the file's place at once: a reader finds the old one or the new one. Where the path
/// is a link, that is the place of the file that it leads to; who may read it stays.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Error> {
    let failed = |cause: std::io::Error| {
        Error::new(Kind::SetupFailed, format!("cannot write {}", path.display()))
            .caused_by(cause)
            .hinted("the infrastructure is ready; run setup-infra again to write the file")
    };
    let target = followed(path).map_err(failed)?;
    let path = target.as_path();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = folder.unwrap_or(Path::new(".")).join(format!(".{name}.{}", std::process::id()));
    let written = std::fs::File::create(&draft)
        .and_then(|mut file| {
            if let Ok(there) = std::fs::metadata(path) {
                file.set_permissions(there.permissions())?;
            }
            file.write_all(text.as_bytes()).and_then(|()| file.sync_all())
        })
        .and_then(|()| std::fs::rename(&draft, path));
    written.map_err(|cause| {
        let _ignored = std::fs::remove_file(&draft);
        failed(cause)
    })
}

/// As many links lead to each other (Linux, path_resolution(7)).
const LINKS: usize = 40;

/// Where a path leads, also to a file that does not exist yet.
fn followed(path: &Path) -> std::io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match std::fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            // No link, or nothing there.
            Err(_) => return Ok(path),
        }
    }
    Err(std::io::Error::other("too many links lead to each other"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> EntryValue {
        EntryValue::Text(text.to_owned())
    }

    #[test]
    fn comments_and_order_stay_and_only_differences_are_changes() {
        let before =
            "# ours\ncluster = \"main\" # the big one\ntimeout = \"30m\"\nsubnets = \"a, b\"\n";
        let list = EntryValue::List(vec!["a".to_owned(), "b".to_owned()]);
        let entries = [
            ("cluster", text("prod")),
            ("subnets", list.clone()),
            ("security-groups", EntryValue::List(vec!["sg".to_owned()])),
        ];
        let edited = edit(before, &entries).unwrap();
        assert_eq!(
            edited.text,
            "# ours\ncluster = \"prod\" # the big one\ntimeout = \"30m\"\nsubnets = \"a, b\"\nsecurity-groups = [\"sg\"]\n"
        );
        let changes: Vec<String> =
            edited.changes.iter().map(|c| format!("{} {} {}", c.path, c.before, c.after)).collect();
        assert_eq!(changes, ["cluster \"main\" \"prod\"", "security-groups (absent) [\"sg\"]"]);
        assert_eq!(edit(&edited.text, &entries).unwrap().changes, []);
        assert_eq!(edit("", &[("subnets", list)]).unwrap().text, "subnets = [\"a\", \"b\"]\n");
        assert_eq!(
            edit("# ours", &[("cluster", text("a"))]).unwrap().text,
            "# ours\ncluster = \"a\"\n"
        );
        assert!(edit("cluster = ", &entries).is_err());
    }

    #[test]
    fn a_file_is_replaced_whole_and_a_failed_write_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        write(&path, "a = 1\n").unwrap();
        write(&path, "b = 2\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "b = 2\n");
        assert!(write(&folder.path().join("none/x.toml"), "").is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn line_ends_and_the_mark_in_front_stay() {
        let entries = [("cluster", text("b")), ("subnets", text("s"))];
        for (before, after) in [
            ("cluster = \"a\"\r\n", "cluster = \"b\"\r\nsubnets = \"s\"\r\n"),
            (
                "# x\r\ncluster = \"a\"\n\n[changes]\r\nx = 1\r\n",
                "# x\r\ncluster = \"b\"\nsubnets = \"s\"\n\n[changes]\r\nx = 1\r\n",
            ),
            ("\u{feff}cluster = \"a\"\n", "\u{feff}cluster = \"b\"\nsubnets = \"s\"\n"),
        ] {
            assert_eq!(edit(before, &entries).unwrap().text, after);
        }
        let same = "\u{feff}# x\r\ncluster = \"b\" # y\nsubnets = \"s\"";
        let edited = edit(same, &entries).unwrap();
        assert_eq!((edited.changes, edited.text), (vec![], same.to_owned()));
    }

    #[test]
    fn a_link_stays_one_and_rights_stay() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("shared")).unwrap();
        symlink("shared/one.toml", path("ecs-migrate.toml")).unwrap();
        symlink("ecs-migrate.toml", path("again.toml")).unwrap();
        write(&path("again.toml"), "a = 1\n").unwrap();
        let mode = std::fs::Permissions::from_mode(0o640);
        std::fs::set_permissions(path("shared/one.toml"), mode).unwrap();
        write(&path("again.toml"), "a = 2\n").unwrap();
        assert!(path("again.toml").is_symlink() && path("ecs-migrate.toml").is_symlink());
        let file = path("shared/one.toml");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "a = 2\n");
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o640);
        symlink("loop.toml", path("loop.toml")).unwrap();
        assert!(write(&path("loop.toml"), "").is_err());
    }
}
