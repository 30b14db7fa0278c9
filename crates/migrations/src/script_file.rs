//! Owns one script on disk: read once, and never another one than what was read.
//!
//! Its digest is all that an applied script is needed for, so a large one is never in memory whole.
//! A text that is kept is what is judged and sent; one that is not is read again when it is needed,
//! and refused if it is not the same any more.

use crate::checksum::{Growing, OtherLineEnds, checksum};
use crate::contained;
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is read at a time.
const CHUNK: usize = 16 * 1024;

/// A larger script is not kept: data, most likely.
const KEPT: usize = 1024 * 1024;

/// A script as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptFile {
    path: PathBuf,
    digest: String,
    bytes: usize,
    text: Option<Arc<str>>,
}

impl ScriptFile {
    /// A script that is on no disk.
    #[cfg(test)]
    pub(crate) fn of_text(path: PathBuf, text: &str) -> Self {
        Self { path, digest: checksum(text), bytes: text.len(), text: Some(text.into()) }
    }

    /// Reads it, and keeps its text where it fits into `room` bytes, which then shrinks. Only a plain file
    /// of the directory is read: what a link would bring in from elsewhere, a FIFO or a device is refused.
    /// Invalid UTF-8 is refused rather than replaced: Prisma since 6.6 would execute U+FFFD.
    pub(crate) fn read(path: &Path, room: &mut usize) -> Result<Self, String> {
        let mut file = open(path)?;
        let mut digest = Growing::default();
        let mut utf8 = Utf8::default();
        let mut text = Vec::new();
        let most = KEPT.min(*room);
        let (mut bytes, mut fits) = (0, true);
        chunks(&mut file, |chunk| {
            digest.update(chunk);
            bytes += chunk.len();
            fits = fits && text.len() + chunk.len() <= most;
            if fits {
                text.extend_from_slice(chunk);
            } else {
                text = Vec::new();
            }
            utf8.check(chunk)
        })?;
        utf8.end()?;
        let text = if fits { String::from_utf8(text).ok() } else { None };
        *room -= text.as_ref().map_or(0, String::len);
        Ok(Self {
            path: path.to_owned(),
            digest: digest.finish(),
            bytes,
            text: text.map(Into::into),
        })
    }

    /// What the history records.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Whether the history's digest is of this script, whatever its line ends.
    pub fn is_recorded_as(&self, recorded: &str) -> bool {
        if self.digest == recorded {
            return true;
        }
        let mut other = OtherLineEnds::default();
        let read = match &self.text {
            Some(text) => {
                other.update(text.as_bytes());
                Ok(())
            }
            None => open(&self.path).and_then(|mut file| {
                chunks(&mut file, |chunk| {
                    other.update(chunk);
                    Ok(())
                })
            }),
        };
        read.is_ok() && other.finish().iter().any(|digest| digest == recorded)
    }

    /// The text whose digest it is; one that was not kept is in memory once, for whoever asked.
    pub fn text(&self) -> Result<Cow<'_, str>, String> {
        if let Some(text) = &self.text {
            return Ok(Cow::Borrowed(text));
        }
        let mut text = String::with_capacity(self.bytes);
        open(&self.path)?.read_to_string(&mut text).map_err(|error| error.to_string())?;
        if checksum(&text) == self.digest {
            Ok(Cow::Owned(text))
        } else {
            Err("it was changed after it was first read".to_owned())
        }
    }

    /// Whether it is too large for a syntax tree, and so hardly more than data.
    pub fn is_large(&self) -> bool {
        self.bytes > crate::script::LARGE
    }
}

fn open(path: &Path) -> Result<File, String> {
    let root = path.parent().and_then(Path::parent).unwrap_or(path);
    contained::open(root, path).map_err(|why| why.to_string())
}

/// Hands over a file in chunks until it ends or one is refused.
fn chunks(
    file: &mut File,
    mut take: impl FnMut(&[u8]) -> Result<(), String>,
) -> Result<(), String> {
    let mut buffer = [0; CHUNK];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => take(&buffer[..read])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// Whether what comes in chunks is UTF-8.
#[derive(Default)]
struct Utf8 {
    /// Bytes that were checked.
    seen: usize,
    /// The beginning of a character whose end is still to come.
    open: Vec<u8>,
}

impl Utf8 {
    fn check(&mut self, chunk: &[u8]) -> Result<(), String> {
        let mut rest = chunk;
        while !self.open.is_empty() {
            let Some((next, behind)) = rest.split_first() else { return Ok(()) };
            self.open.push(*next);
            rest = behind;
            match std::str::from_utf8(&self.open) {
                Ok(_) => {
                    self.seen += self.open.len();
                    self.open.clear();
                }
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return Err(self.refused(0)),
            }
        }
        match std::str::from_utf8(rest) {
            Ok(_) => self.seen += rest.len(),
            Err(error) if error.error_len().is_none() => {
                self.seen += error.valid_up_to();
                self.open = rest[error.valid_up_to()..].to_vec();
            }
            Err(error) => return Err(self.refused(error.valid_up_to())),
        }
        Ok(())
    }

    fn end(&self) -> Result<(), String> {
        if self.open.is_empty() { Ok(()) } else { Err(self.refused(0)) }
    }

    fn refused(&self, behind: usize) -> String {
        format!("byte {} is not UTF-8", self.seen + behind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("migration.sql");
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    #[test]
    fn line_ends_are_no_edit_but_a_blank_is() {
        let recorded = |script: &str, stored: &str| {
            let (_folder, path) = written(script.as_bytes());
            let kept = ScriptFile::read(&path, &mut 1_000).unwrap();
            let streamed = ScriptFile::read(&path, &mut 0).unwrap();
            assert_eq!((kept.text.as_deref(), streamed.text.as_deref()), (Some(script), None));
            let answer = kept.is_recorded_as(stored);
            assert_eq!(streamed.is_recorded_as(stored), answer);
            answer
        };
        let stored = checksum("SELECT 1;\nSELECT 2;\n");
        assert!(recorded("SELECT 1;\nSELECT 2;\n", &stored));
        assert!(recorded("SELECT 1;\r\nSELECT 2;\r\n", &stored));
        assert!(!recorded("SELECT 1; \nSELECT 2;\n", &stored));
        let stored = checksum("SELECT 1;\r\nSELECT 2;\r\n");
        assert!(recorded("SELECT 1;\nSELECT 2;\n", &stored));
        assert!(!recorded("SELECT 1;", ""));
    }

    #[test]
    fn what_was_read_is_what_is_given_or_nothing() {
        let (_folder, path) = written(b"SELECT 1;");
        let kept = ScriptFile::read(&path, &mut 1_000).unwrap();
        let streamed = ScriptFile::read(&path, &mut 0).unwrap();
        assert_eq!(streamed.text().as_deref(), Ok("SELECT 1;"));
        std::fs::write(&path, "SELECT 2;").unwrap();
        assert_eq!(kept.text().as_deref(), Ok("SELECT 1;"));
        assert!(streamed.text().unwrap_err().contains("changed after it was first read"));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(kept.text().as_deref(), Ok("SELECT 1;"));
        assert!(streamed.text().is_err());
    }

    #[test]
    fn a_large_script_and_what_has_no_room_are_not_kept() {
        let (_folder, path) = written("x".repeat(KEPT + 1).as_bytes());
        let mut room = 10 * KEPT;
        assert_eq!(ScriptFile::read(&path, &mut room).unwrap().text, None);
        assert_eq!(room, 10 * KEPT);
        let (_folder, path) = written(b"SELECT 1;");
        let mut room = 12;
        assert!(ScriptFile::read(&path, &mut room).unwrap().text.is_some());
        assert_eq!(room, 3);
        assert!(ScriptFile::read(&path, &mut room).unwrap().text.is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_as_the_whole_is(bytes in prop::collection::vec(prop_oneof![Just(b'a'), any::<u8>(), Just(0xc3), Just(0xa4), Just(0xf0), Just(0x9f)], 0..12), cut in 0_usize..12) {
            let cut = cut.min(bytes.len());
            let mut utf8 = Utf8::default();
            let judged = utf8.check(&bytes[..cut]).and_then(|()| utf8.check(&bytes[cut..])).and_then(|()| utf8.end());
            let whole = std::str::from_utf8(&bytes).map(|_| ()).map_err(|error| format!("byte {} is not UTF-8", error.valid_up_to()));
            prop_assert_eq!(judged, whole);
        }
    }
}
