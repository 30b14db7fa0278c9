//! A second opinion: psql, file by file, each in a session of its own.

use std::path::Path;
use tokio::process::Command;

/// What a database holds, as text: its schema and every row, by `pg_dump` where one is there that knows
/// the server's version, and by the catalog.
pub(crate) async fn contents(programs: &Path, url: &str) -> String {
    let mut dumping = command(programs, "pg_dump");
    dumping.args(["--no-comments", "--inserts", "--exclude-schema=ecs_migrate"]);
    dumping.args(["--exclude-table=*._prisma_migrations", url]);
    let dumped = dumping.output().await.unwrap();
    let said = String::from_utf8_lossy(&dumped.stderr).into_owned();
    assert!(dumped.status.success() || said.contains("server version mismatch"), "{said}");
    let dump = String::from_utf8(dumped.stdout).unwrap();
    // An identity counts attempts that were rolled back, too. A line with a backslash has a key of its
    // own each time.
    let shown = |line: &&str| {
        !line.starts_with("--")
            && !line.starts_with('\\')
            && !line.starts_with("SELECT pg_catalog.setval")
            && !line.is_empty()
    };
    let mut lines: Vec<String> = dump.lines().filter(shown).map(without_identity).collect();
    for sql in CATALOG {
        lines.extend(
            run(command(programs, "psql").args(["-XAtq", "-d", url, "-c", sql]))
                .await
                .lines()
                .map(str::to_owned),
        );
    }
    lines.sort();
    lines.join("\n")
}

/// What is where, whose, and what is in it.
const CATALOG: [&str; 5] = [
    "SELECT 'relation', c.oid::regclass, relkind, pg_get_userbyid(relowner), pg_get_indexdef(c.oid) FROM pg_class c \
     WHERE relnamespace IN ('public'::regnamespace, 'app'::regnamespace) AND relname !~ '^_prisma'",
    "SELECT 'column', attrelid::regclass, attname, format_type(atttypid, atttypmod) FROM pg_attribute a \
     JOIN pg_class c ON c.oid = attrelid WHERE relnamespace IN ('public'::regnamespace, 'app'::regnamespace) \
     AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped AND relname !~ '^_prisma'",
    "SELECT 'partition', inhparent::regclass, inhrelid::regclass FROM pg_inherits",
    "SELECT 'new sessions', setconfig FROM pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase \
     WHERE datname = current_database()",
    "SELECT 'done', n FROM public.done UNION ALL SELECT 'app.t', a FROM app.t UNION ALL SELECT 't', a FROM public.t \
     UNION ALL SELECT 'used', a FROM app.used UNION ALL SELECT 'parts_1', a FROM public.parts_1",
];

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
        run(command(programs, "psql")
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-f"])
            .arg(file))
        .await;
    }
}

/// A program beside the server's, or of any other version.
fn command(programs: &Path, name: &str) -> Command {
    let beside = programs.join(name);
    let mut command =
        Command::new(if beside.exists() { beside.as_path() } else { Path::new(name) });
    command.env("PGOPTIONS", "-c client_min_messages=error");
    command
}

async fn run(command: &mut Command) -> String {
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
