//! Pages on disk, scripts of the project, and tests that cannot be done here.

use handbook::{page::Page, root};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

/// Every page of the repository with its path from the top, in order.
pub(crate) fn pages() -> Vec<(String, Page)> {
    let mut found = Vec::new();
    walk(&root(), &mut found);
    found.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(root().join(&path)).unwrap();
        (path.to_str().unwrap().to_owned(), Page::read(&text))
    };
    found.into_iter().map(read).collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if entry.file_type().unwrap().is_dir() {
            let ours = !name.starts_with('.') || name == ".github";
            if ours && !["target", "book", "node_modules"].contains(&name.as_str()) {
                walk(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path.strip_prefix(root()).unwrap().to_owned());
        }
    }
}

/// What a script of the project prints, `None` when it fails.
pub(crate) async fn script(name: &str) -> Option<String> {
    let mut command = Command::new(root().join("scripts").join(name));
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().await.unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

/// Says that a test cannot be done on this machine; `scripts/test.sh` counts these lines.
#[expect(clippy::disallowed_methods, reason = "tests read the environment where they need it")]
#[expect(clippy::print_stdout, reason = "the test's own output")]
pub(crate) fn skip(why: &str) {
    use std::io::Write as _;
    println!("skipped: {why}");
    if let Ok(path) = std::env::var("ECS_MIGRATE_TEST_SKIPS") {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        writeln!(file, "{why}").unwrap();
    }
}
