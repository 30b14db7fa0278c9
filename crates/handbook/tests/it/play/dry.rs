//! Runs a block without doing anything: bash reads it, and every program in it is replaced. Ours read
//! their command line and show their help; others only have to be known.

use super::foreign::{FOREIGN, HARMLESS};
use handbook::root;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// Nothing is done, so nothing takes long.
const LONGEST: Duration = Duration::from_secs(20);

const OURS: [&str; 3] = ["ecs-migrate", "ecs-migrate-runner", "ecs-migrate-sandbox"];

/// `--help` comes before `--`, so that what is wrapped is not asked for its own.
const READS: &str = r#"words=() asked=
for word; do
  [ -n "$asked" ] || [ "$word" != -- ] || { words+=(--help); asked=1; }
  words+=("$word")
done
[ -n "$asked" ] || words+=(--help)
echo "$0 $*" >>"$CALLS"
"$REAL/${0##*/}" "${words[@]}" >/dev/null || echo "  in: ${0##*/} $*" >&2
"#;

/// How many command lines of ours were read, or what is wrong.
pub(crate) async fn play(binaries: &Path, script: &str) -> Result<usize, String> {
    let folder = tempfile::tempdir().unwrap();
    let programs = folder.path().join("bin");
    let here = folder.path().join("here");
    std::fs::create_dir_all(here.join("scripts")).unwrap();
    std::fs::create_dir(&programs).unwrap();
    for name in OURS {
        program(&programs.join(name), READS);
    }
    for name in FOREIGN.map(|(name, _)| name).into_iter().chain(HARMLESS) {
        program(&programs.join(name), "");
    }
    for entry in std::fs::read_dir(root().join("scripts")).unwrap() {
        let name = entry.unwrap().file_name();
        program(&here.join("scripts").join(name), "");
    }
    let calls = folder.path().join("calls");
    std::fs::write(&calls, "").unwrap();
    let mut bash = Command::new("/bin/bash");
    let played = bash
        .args(["--noprofile", "--norc", "-c", script])
        .current_dir(&here)
        .env_clear()
        .env("PATH", &programs)
        .env("HOME", &here)
        .env("CALLS", &calls)
        .env("REAL", binaries)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let Ok(output) = tokio::time::timeout(LONGEST, played).await else {
        return Err("it waits for something that a program would do".to_owned());
    };
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let complaint =
        |line: &&str| !line.contains("No such file or directory") || line.contains("scripts/");
    let said: Vec<&str> = said.lines().filter(complaint).collect();
    if !said.is_empty() {
        return Err(said.join("\n  "));
    }
    let read = std::fs::read_to_string(&calls).unwrap().lines().count();
    let written = script.lines().filter(|line| begins_with_ours(line)).count();
    if read < written {
        return Err(format!("{written} lines begin with a command of ours, {read} were reached"));
    }
    Ok(read)
}

fn begins_with_ours(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let first = words.find(|word| *word != "exec" && !word.contains('='));
    first.is_some_and(|word| OURS.contains(&word))
}

fn program(path: &Path, script: &str) {
    std::fs::write(path, format!("#!/bin/bash\n{script}exit 0\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn what_a_program_would_refuse_is_found() {
    let binaries = handbook::binaries().await.unwrap();
    let table = [
        ("ecs-migrate run --image x # why\nexec ecs-migrate cancel", Ok(2)),
        ("A=1 ecs-migrate-runner exec -- npx prisma db seed --x", Ok(1)),
        ("ecs-migrate explain | cat >x", Ok(1)),
        ("./scripts/demo.sh", Ok(0)),
        ("ecs-migrate run --imag x", Err("unexpected argument '--imag'")),
        ("ecs-migrate runn", Err("unrecognized subcommand")),
        ("ecs-migrate-runner --lock-wait soon", Err("invalid value")),
        ("ecs-migrate run …", Err("unexpected argument")),
        ("terraform apply", Err("terraform")),
        ("./scripts/gone.sh", Err("No such file")),
        ("if true; then", Err("syntax error")),
        ("false &&\n  ecs-migrate runs", Err("0 were reached")),
    ];
    for (script, expected) in table {
        match (play(&binaries, script).await, expected) {
            (Ok(read), Ok(count)) => assert_eq!(read, count, "{script}"),
            (Err(why), Err(part)) => assert!(why.contains(part), "{script}: {why}"),
            (played, _) => panic!("{script}: {played:?}"),
        }
    }
}
