//! Owns the trusted roots as a file, for a child that reads files: those that were named, or those
//! that we embed for RDS. A file in memory, because the file system may be read-only.

use engine::{ConnectionSettings, Error, Kind, Roots, TlsMode};
use rustix::fs::{MemfdFlags, memfd_create};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::IntoRawFd;

/// Where a child finds the roots that the settings trust, if they verify anything and the roots are
/// not the system's.
pub(crate) fn for_child(settings: &ConnectionSettings) -> Result<Option<String>, Error> {
    let verifies = matches!(settings.tls, TlsMode::VerifyCa | TlsMode::VerifyFull);
    match &settings.root_certificates {
        Roots::File(path) => Ok(Some(path.display().to_string())),
        Roots::ByHost if verifies => {
            let Some(pem) = engine::roots::embedded_for(&settings.host_kind()) else {
                return Ok(None);
            };
            let path = lend(pem).map_err(|cause| {
                Error::new(Kind::Unexpected, format!("cannot lend the roots of RDS: {cause}"))
                    .hint("name a file with sslrootcert")
            })?;
            Ok(Some(path))
        }
        Roots::ByHost | Roots::System => Ok(None),
    }
}

/// It stays open for the life of this process, and of what the process becomes: `start` keeps the
/// process's id.
fn lend(text: &str) -> io::Result<String> {
    let mut file = File::from(memfd_create("roots.pem", MemfdFlags::empty())?);
    file.write_all(text.as_bytes())?;
    Ok(format!("/proc/{}/fd/{}", std::process::id(), file.into_raw_fd()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_child_can_read_it() {
        let path = lend("some roots").unwrap();
        let read = tokio::process::Command::new("cat").arg(&path).output().await.unwrap();
        assert_eq!(String::from_utf8(read.stdout).unwrap(), "some roots");
    }
}
