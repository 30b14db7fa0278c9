//! A PostgreSQL of a test's own, to be halted, encrypted or replicated; through scripts/postgres.sh.
#![expect(clippy::disallowed_methods, reason = "a server must stop even when its test panics")]

use std::path::{Path, PathBuf};
use tokio::process::Command;

pub(crate) struct OwnServer {
    pub(crate) folder: PathBuf,
    pub(crate) url: String,
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/postgres.sh")
}

async fn script(arguments: &[&str]) -> String {
    let output = Command::new(path()).args(arguments).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn folder() -> PathBuf {
    std::env::temp_dir().join(format!("own-{}", uuid::Uuid::new_v4().simple()))
}

impl OwnServer {
    pub(crate) async fn start() -> Self {
        let folder = folder();
        let url = script(&["start", folder.to_str().unwrap()]).await;
        Self { folder, url }
    }

    /// A replica of it; the primary is restarted meanwhile.
    pub(crate) async fn standby(&self) -> Self {
        let standby = folder();
        let url =
            script(&["standby", standby.to_str().unwrap(), self.folder.to_str().unwrap()]).await;
        Self { folder: standby, url }
    }

    /// Stops it as a crash would.
    pub(crate) async fn halt(&self) {
        script(&["halt", self.folder.to_str().unwrap()]).await;
    }

    /// Starts it again.
    pub(crate) async fn resume(&self) {
        script(&["crash", self.folder.to_str().unwrap()]).await;
    }

    pub(crate) async fn promote(&self) {
        script(&["promote", self.folder.to_str().unwrap()]).await;
    }

    pub(crate) fn port(&self) -> u16 {
        let port = self.url.rsplit_once(':').unwrap().1.split('/').next().unwrap();
        port.parse().unwrap()
    }

    /// The URL of one of its databases.
    pub(crate) fn database(&self, name: &str) -> String {
        format!("{}/{name}", self.url.rsplit_once('/').unwrap().0)
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        let stopped =
            std::process::Command::new(path()).arg("stop").arg(&self.folder).status().unwrap();
        assert!(stopped.success() || std::thread::panicking());
    }
}
