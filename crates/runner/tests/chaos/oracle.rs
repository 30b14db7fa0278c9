//! A second opinion: psql, file by file, each in a session of its own.

use std::path::Path;
use tokio::process::Command;

/// What a database holds, as text: its schema by `pg_dump`, and every row.
pub(crate) async fn contents(programs: &Path, url: &str) -> String {
    let dump = run(Command::new(programs.join("pg_dump"))
        .args(["--no-comments", "--inserts", "--exclude-schema=ecs_migrate"])
        .args(["--exclude-table=*._prisma_migrations", url]))
    .await;
    // Rows lie where vacuum and repeated attempts let them; an identity counts attempts that were
    // rolled back. What pg_dump calls a key of its own is another one each time.
    let shown = |line: &&str| {
        !line.starts_with("--")
            && !line.starts_with("\\")
            && !line.starts_with("SELECT pg_catalog.setval")
            && !line.is_empty()
    };
    let mut lines: Vec<String> = dump.lines().filter(shown).map(without_identity).collect();
    lines.sort();
    lines.join("\n")
}

fn without_identity(line: &str) -> String {
    match line.strip_prefix("INSERT INTO public.done ").and_then(|rest| rest.split_once(", ")) {
        Some((values, _id)) if values.starts_with("VALUES") || values.starts_with("OVERRIDING") => {
            format!("done {values}")
        }
        Some(_) | None => line.to_owned(),
    }
}

/// Applies the scripts as a person would.
pub(crate) async fn apply(programs: &Path, url: &str, scripts: &[(&str, &str)], folder: &Path) {
    for (name, _script) in scripts {
        let file = folder.join(name).join("migration.sql");
        run(Command::new(programs.join("psql"))
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-f"])
            .arg(file))
        .await;
    }
}

async fn run(command: &mut Command) -> String {
    let output = command.env("PGOPTIONS", "-c client_min_messages=error").output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
