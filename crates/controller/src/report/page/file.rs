//! Owns the page's file: whether it can be written, and that nobody ever sees half of it.

use crate::error::Error;
use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A file that can be written.
#[derive(Debug)]
pub(crate) struct PageFile {
    path: PathBuf,
    folder: PathBuf,
}

impl PageFile {
    /// The file at `path`, or why there can be none: its folder has to be there, and writable.
    pub(crate) fn at(path: &str) -> Result<Self, Error> {
        let refused = |why: String| Err(Error::usage(why).hinted(HINT));
        if path.is_empty() {
            return refused("--report is empty".to_owned());
        }
        if path == "-" {
            return refused("--report does not write to stdout, which has the log".to_owned());
        }
        let mut path = PathBuf::from(path);
        // The file behind a link is replaced, not the link.
        if let Ok(behind) = path.canonicalize() {
            path = behind;
        }
        let shown = path.display().to_string();
        // What is renamed over a device or a pipe would take its place.
        if path.metadata().is_ok_and(|found| !found.is_file()) || shown.ends_with('/') {
            return refused(format!("--report {shown} is not a file"));
        }
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder.to_owned(),
            Some(_) | None => PathBuf::from("."),
        };
        let file = Self { path, folder };
        match file.begin() {
            Ok(_trial) => Ok(file),
            Err(cause) => Err(Error::usage(format!(
                "--report {shown} cannot be written: no file can be made in {}",
                file.folder.display()
            ))
            .caused_by(reason(&cause))
            .hinted(HINT)),
        }
    }

    /// Puts `text` there, all of it or nothing.
    pub(super) fn put(&self, text: &str) -> Result<(), String> {
        let put = || {
            let mut file = self.begin()?;
            file.write_all(text.as_bytes())?;
            file.persist(&self.path)?;
            Ok(())
        };
        put().map_err(|cause| {
            format!("--report {} could not be written: {}", self.path.display(), reason(&cause))
        })
    }

    fn begin(&self) -> io::Result<NamedTempFile> {
        tempfile::Builder::new()
            .prefix(".ecs-migrate-")
            .suffix(".html")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(&self.folder)
    }
}

const HINT: &str = "name a file in a folder that is there: --report run.html";

/// Without the temporary file's name, which tells nobody anything.
fn reason(cause: &io::Error) -> String {
    let text = cause.to_string();
    text.split_once(" at path \"").map_or(text.as_str(), |(reason, _)| reason).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: &str) -> String {
        let error = PageFile::at(path).unwrap_err();
        assert_eq!((error.exit_code(), error.hint()), (2, Some(HINT)), "{path}");
        [vec![error.to_string()], error.causes()].concat().join(": ")
    }

    #[test]
    fn what_cannot_be_written_is_found_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_str().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        for (path, expected) in [
            (String::new(), "--report is empty".to_owned()),
            ("-".to_owned(), "--report does not write to stdout, which has the log".to_owned()),
            (root.to_owned(), format!("--report {root} is not a file")),
            (format!("{root}/new/"), format!("--report {root}/new/ is not a file")),
            ("/dev/null".to_owned(), "--report /dev/null is not a file".to_owned()),
            (
                format!("{root}/no/run.html"),
                format!(
                    "--report {root}/no/run.html cannot be written: no file can be made in {root}/no: No such file or directory (os error 2)"
                ),
            ),
            (
                format!("{root}/file/run.html"),
                format!(
                    "--report {root}/file/run.html cannot be written: no file can be made in {root}/file: Not a directory (os error 20)"
                ),
            ),
        ] {
            assert_eq!(refusal(&path), expected);
        }
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "the trial leaves nothing");
    }

    #[test]
    fn a_file_is_replaced_whole_and_a_link_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("run.html"), "old and much longer").unwrap();
        std::os::unix::fs::symlink(path("run.html"), path("link.html")).unwrap();
        let file = PageFile::at(path("link.html").to_str().unwrap()).unwrap();
        assert_eq!(file.put("new"), Ok(()));
        assert_eq!(std::fs::read_to_string(path("run.html")).unwrap(), "new");
        assert!(path("link.html").is_symlink());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
        std::fs::remove_dir_all(folder.path()).unwrap();
        let complaint = file.put("newer").unwrap_err();
        assert!(
            complaint.ends_with("could not be written: No such file or directory (os error 2)")
        );
    }
}
