//! Owns a layer: files become the same bytes wherever and whenever they are packed.

use super::blob::Blob;
use crate::error::Error;
use flate2::{Compression, GzBuilder};
use migrations::contained::{self, NotContained};
use oci_spec::image::MediaType;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use tar::{Builder, EntryType, Header};

/// The default of gzip; another one would change every digest.
const LEVEL: Compression = Compression::new(6);

/// What the gzip header says of the operating system: unknown (RFC 1952, 2.3.1).
const OF_NO_SYSTEM: u8 = 255;

/// A packed layer.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    pub(crate) blob: Blob,
    /// The digest of what is packed: what the configuration names.
    pub(crate) diff_id: String,
}

/// A tar archive in the making. Owner root, time 0, mode 0755 or 0644, whatever the disk says.
struct Archive(Builder<Vec<u8>>);

impl Archive {
    fn new() -> Self {
        Self(Builder::new(Vec::new()))
    }

    fn directory(&mut self, name: &str) -> io::Result<()> {
        self.entry(EntryType::Directory, &format!("{name}/"), (0o755, &[]))
    }

    fn file(&mut self, name: &str, (mode, content): (u32, &[u8])) -> io::Result<()> {
        self.entry(EntryType::Regular, name, (mode, content))
    }

    fn entry(
        &mut self,
        kind: EntryType,
        name: &str,
        (mode, content): (u32, &[u8]),
    ) -> io::Result<()> {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(content.len() as u64);
        self.0.append_data(&mut header, name, content)
    }

    fn pack(self) -> io::Result<Layer> {
        let archive = self.0.into_inner()?;
        let diff_id = super::blob::digest(&archive);
        let mut packer =
            GzBuilder::new().mtime(0).operating_system(OF_NO_SYSTEM).write(Vec::new(), LEVEL);
        packer.write_all(&archive)?;
        let blob = Blob::new(MediaType::ImageLayerGzip, packer.finish()?);
        Ok(Layer { blob, diff_id })
    }
}

/// The runner alone, as `/ecs-migrate-runner`.
pub(crate) fn runner(program: &[u8]) -> Layer {
    let mut archive = Archive::new();
    archive
        .file(RUNNER, (0o755, program))
        .and_then(|()| archive.pack())
        .expect("invariant: memory takes everything")
}

/// Where the runner is in an image, without the slash.
pub(crate) const RUNNER: &str = "ecs-migrate-runner";

/// Where the migrations are in an image, without the slash.
pub(crate) const MIGRATIONS: &str = "migrations";

/// What is below the migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beneath {
    /// The runner alone.
    Nothing,
    /// An image, which may have migrations already: they are hidden (OCI image-spec, "Opaque Whiteout").
    AnImage,
}

/// Everything below `directory`, as `/migrations`. A linked file is packed as what it links to inside of
/// `directory`, a linked directory is left out: the runner reads them the same way. Whatever would bring
/// in something else is refused.
pub(crate) fn migrations(directory: &Path, beneath: Beneath) -> Result<Layer, Error> {
    let mut archive = Archive::new();
    Walk { root: directory, archive: &mut archive }.add(directory, MIGRATIONS)?;
    let hidden = match beneath {
        Beneath::Nothing => Ok(()),
        Beneath::AnImage => archive.file(&format!("{MIGRATIONS}/.wh..wh..opq"), (0o644, &[])),
    };
    hidden.and_then(|()| archive.pack()).map_err(|cause| cannot_read(directory, cause))
}

/// What is packed, and the folder that nothing of it may leave.
struct Walk<'a> {
    root: &'a Path,
    archive: &'a mut Archive,
}

impl Walk<'_> {
    fn add(&mut self, directory: &Path, name: &str) -> Result<(), Error> {
        let unreadable = |cause| cannot_read(directory, cause);
        self.archive.directory(name).map_err(unreadable)?;
        let entries: io::Result<Vec<_>> =
            std::fs::read_dir(directory).map_err(unreadable)?.collect();
        let mut entries = entries.map_err(unreadable)?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let Some(own) = entry.file_name().to_str().map(str::to_owned) else {
                return Err(Error::usage(format!("the name of {} is not UTF-8", path.display())));
            };
            let unreadable = |cause| cannot_read(&path, cause);
            let is_link = entry.file_type().map_err(unreadable)?.is_symlink();
            let name = format!("{name}/{own}");
            if std::fs::metadata(&path).map_err(unreadable)?.is_dir() {
                if !is_link {
                    self.add(&path, &name)?;
                }
                continue;
            }
            let mut content = Vec::new();
            let mut file = contained::open(self.root, &path).map_err(|why| refused(&path, &why))?;
            file.read_to_end(&mut content).map_err(unreadable)?;
            self.archive.file(&name, (0o644, &content)).map_err(unreadable)?;
        }
        Ok(())
    }
}

/// An image is for everybody who may pull it: a link must not carry the job's own files into it.
fn refused(path: &Path, why: &NotContained) -> Error {
    Error::usage(format!("cannot pack {}: {why}", path.display()))
        .hinted("put the file itself into the directory of migrations")
}

fn cannot_read(path: &Path, cause: io::Error) -> Error {
    Error::usage(format!("cannot pack {}", path.display())).caused_by(cause)
}

#[cfg(test)]
mod tests {
    use super::super::test_files::project;
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn names(layer: &Layer) -> Vec<String> {
        let unpacked = flate2::read::GzDecoder::new(layer.blob.bytes());
        let mut archive = tar::Archive::new(unpacked);
        let entry = |entry: io::Result<tar::Entry<'_, _>>| {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.mtime().unwrap()), (0, 0));
            format!("{:o} {}", header.mode().unwrap(), entry.path().unwrap().display())
        };
        archive.entries().unwrap().map(entry).collect()
    }

    #[test]
    fn the_same_files_are_the_same_bytes_for_ever() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        project(one.path(), &["20260101000000_a", "20260102000000_b"]);
        project(two.path(), &["20260102000000_b", "20260101000000_a"]);
        let file = two.path().join("20260101000000_a/migration.sql");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let long = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_hours(1);
        std::fs::File::open(&file).unwrap().set_modified(long).unwrap();
        let (one, two) = (
            migrations(one.path(), Beneath::Nothing).unwrap(),
            migrations(two.path(), Beneath::Nothing).unwrap(),
        );
        assert_eq!(one.blob.bytes(), two.blob.bytes());
        assert_eq!(
            names(&one),
            [
                "755 migrations/",
                "755 migrations/20260101000000_a/",
                "644 migrations/20260101000000_a/migration.sql",
                "755 migrations/20260102000000_b/",
                "644 migrations/20260102000000_b/migration.sql",
            ]
        );
        // Another version of the compressor must not change what was pushed before unnoticed.
        assert_eq!(
            one.blob.digest(),
            "sha256:087936fcdab1e4807b1aadd9ac75410f87d6c1de2ff41c117011d0413d12b94d"
        );
    }

    #[test]
    fn links_are_packed_as_the_runner_reads_them() {
        let root = tempfile::tempdir().unwrap();
        project(root.path(), &["0_shared"]);
        std::fs::create_dir(root.path().join("1_a")).unwrap();
        symlink("../0_shared/migration.sql", root.path().join("1_a/migration.sql")).unwrap();
        symlink("/etc", root.path().join("2_b")).unwrap();
        let layer = migrations(root.path(), Beneath::Nothing).unwrap();
        assert_eq!(
            names(&layer),
            [
                "755 migrations/",
                "755 migrations/0_shared/",
                "644 migrations/0_shared/migration.sql",
                "755 migrations/1_a/",
                "644 migrations/1_a/migration.sql",
            ]
        );
        symlink("/nowhere", root.path().join("3_c")).unwrap();
        assert!(migrations(root.path(), Beneath::Nothing).is_err());
    }

    #[test]
    fn nothing_from_outside_of_the_directory_is_packed() {
        let elsewhere = tempfile::NamedTempFile::new().unwrap();
        for (target, words) in [
            ("/proc/self/environ", "outside of the directory"),
            ("/etc/passwd", "outside of the directory"),
            ("/dev/zero", "outside of the directory"),
            (elsewhere.path().to_str().unwrap(), "outside of the directory"),
        ] {
            let root = tempfile::tempdir().unwrap();
            project(root.path(), &["1_a"]);
            symlink(target, root.path().join("1_a/notes.txt")).unwrap();
            let refused = migrations(root.path(), Beneath::Nothing).unwrap_err().to_string();
            assert!(refused.contains("1_a/notes.txt") && refused.contains(words), "{refused}");
        }
        let root = tempfile::tempdir().unwrap();
        project(root.path(), &["1_a"]);
        let path = root.path().join("1_a/socket");
        let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let refused = migrations(root.path(), Beneath::Nothing).unwrap_err().to_string();
        assert!(refused.contains("a socket, not a file"), "{refused}");
    }

    #[test]
    fn a_long_name_is_kept() {
        let root = tempfile::tempdir().unwrap();
        let name = format!("20260101000000_{}", "x".repeat(200));
        project(root.path(), &[&name]);
        let layer = migrations(root.path(), Beneath::Nothing).unwrap();
        assert!(names(&layer).contains(&format!("644 migrations/{name}/migration.sql")));
    }
}
