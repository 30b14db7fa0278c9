//! A file of a folder, and of nothing else: what a link or a device would bring in is refused.
//!
//! Whoever may propose a migration may propose a link: one to `/proc/self/environ` would carry a job's
//! credentials into an image layer, one to a FIFO would wait for ever, one to `/dev/zero` would be read
//! until memory ends.

use std::fs::File;
use std::io;
use std::path::{Component, Path};

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum NotContained {
    /// It, or what it links to, lies outside of the folder.
    #[error("it links to {0}, outside of the directory")]
    Outside(String),
    /// It is a FIFO, a socket, a device or a directory.
    #[error("it is {0}, not a file")]
    NotAFile(&'static str),
    /// The operating system refused.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
}

/// Opens `path` if it, with every link on the way, is a plain file below `root`.
///
/// # Errors
/// See [`NotContained`]; nothing is opened then, so nothing is waited for.
pub fn open(root: &Path, path: &Path) -> Result<File, NotContained> {
    if is_plain(root, path)? {
        return Ok(File::open(path)?);
    }
    let real = std::fs::canonicalize(path)?;
    if !real.starts_with(std::fs::canonicalize(root)?) {
        return Err(NotContained::Outside(real.display().to_string()));
    }
    let kind = std::fs::symlink_metadata(&real)?.file_type();
    if !kind.is_file() {
        return Err(NotContained::NotAFile(name(kind)));
    }
    Ok(File::open(real)?)
}

/// Whether nothing on the way down is a link or something else than a folder, as nearly always: a history
/// has thousands of files, and finding out where each really lies takes longer than reading it.
fn is_plain(root: &Path, path: &Path) -> io::Result<bool> {
    let Ok(below) = path.strip_prefix(root) else { return Ok(false) };
    let mut at = root.to_owned();
    let mut kind = None;
    for component in below.components() {
        if kind.is_some_and(|kind: std::fs::FileType| !kind.is_dir()) {
            return Ok(false);
        }
        let Component::Normal(name) = component else { return Ok(false) };
        at.push(name);
        kind = Some(std::fs::symlink_metadata(&at)?.file_type());
    }
    Ok(kind.is_some_and(|kind| kind.is_file()))
}

#[cfg(unix)]
fn name(kind: std::fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn name(kind: std::fs::FileType) -> &'static str {
    if kind.is_dir() { "a directory" } else { "a device" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    #[test]
    fn only_a_plain_file_below_the_root_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("migrations");
        let path = |name: &str| root.join("1_a").join(name);
        std::fs::create_dir_all(path("nested")).unwrap();
        std::fs::write(path("own.sql"), "").unwrap();
        std::fs::write(folder.path().join("beside.sql"), "").unwrap();
        symlink("own.sql", path("link.sql")).unwrap();
        symlink("../1_a/link.sql", path("link_to_link.sql")).unwrap();
        symlink(folder.path().join("beside.sql"), path("beside.sql")).unwrap();
        symlink("../../beside.sql", path("up.sql")).unwrap();
        symlink("up.sql", path("link_to_up.sql")).unwrap();
        symlink(folder.path(), path("out")).unwrap();
        symlink("/proc/self/environ", path("environ.sql")).unwrap();
        symlink("/dev/zero", path("zero.sql")).unwrap();
        symlink("nowhere", path("broken.sql")).unwrap();
        symlink("loop.sql", path("loop.sql")).unwrap();
        let _socket = UnixListener::bind(path("socket.sql")).unwrap();
        for (name, expected) in [
            ("own.sql", None),
            ("link.sql", None),
            ("link_to_link.sql", None),
            ("beside.sql", Some("outside")),
            ("up.sql", Some("outside")),
            ("link_to_up.sql", Some("outside")),
            ("out/beside.sql", Some("outside")),
            ("environ.sql", Some("outside")),
            ("zero.sql", Some("outside")),
            ("broken.sql", Some("No such file")),
            ("loop.sql", Some("symbolic links")),
            ("socket.sql", Some("a socket")),
            ("nested", Some("a directory")),
        ] {
            match (open(&root, &path(name)), expected) {
                (Ok(_file), None) => {}
                (Err(error), Some(words)) => {
                    assert!(error.to_string().contains(words), "{name}: {error}");
                }
                (opened, _) => panic!("{name}: {opened:?}"),
            }
        }
        // A root that is itself a link is the folder that was meant.
        symlink(&root, folder.path().join("linked")).unwrap();
        let linked = folder.path().join("linked");
        assert!(open(&linked, &linked.join("1_a/own.sql")).is_ok());
    }
}
