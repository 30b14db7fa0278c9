//! Owns the command that is told how a run ended. Its failure changes nothing about the run.

use crate::words;
use serde_json::Value;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, timeout, timeout_at};

/// How long the command may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// GitHub kills 7.5 s after its first signal: whatever the command still does then is lost anyway.
const LIMIT_AFTER_SIGNAL: Duration = Duration::from_millis(7_300);

/// How long the words of a command that has ended are waited for: they are in the pipe already.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// As much of the command's own words as a warning repeats.
const REPEATED: usize = 2_000;

/// When the command has to be through.
pub(crate) fn deadline(now: Instant, signalled: Option<Instant>) -> Instant {
    let usual = now + LIMIT;
    signalled.map_or(usual, |signalled| usual.min(signalled + LIMIT_AFTER_SIGNAL))
}

/// Runs `command` by the shell with `result` on its standard input; a complaint if that went wrong.
pub(crate) async fn tell(command: &str, result: &Value, until: Instant) -> Option<String> {
    let began = Instant::now();
    if until <= began {
        return Some("--on-finish: no time was left to run it".to_owned());
    }
    let mut child = match start(command) {
        Ok(child) => child,
        Err(cause) => return Some(format!("--on-finish: cannot start a shell: {cause}")),
    };
    let ended = tokio::select! {
        biased;
        ended = timeout_at(until, talk(&mut child, format!("{result}\n"))) => ended.ok(),
        () = interrupted() => None,
    };
    match ended {
        Some(Ok((status, _))) if status.success() => None,
        Some(Ok((status, said))) => {
            let said = if said.is_empty() { String::new() } else { format!(": {said}") };
            Some(format!("--on-finish: {status}{said}"))
        }
        Some(Err(cause)) => Some(format!("--on-finish: {cause}")),
        None => {
            kill(&mut child).await;
            let took = words::duration(began.elapsed());
            Some(format!("--on-finish: it was killed after {took}"))
        }
    }
}

/// In a process group of its own, so that its children can be killed with it.
fn start(command: &str) -> io::Result<Child> {
    Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

async fn talk(child: &mut Child, result: String) -> io::Result<(ExitStatus, String)> {
    let (input, mut errors) = (child.stdin.take(), child.stderr.take());
    let mut said = Vec::new();
    let status = {
        // A command that does not read is no failure.
        let give = async {
            if let Some(mut input) = input {
                let _unread = input.write_all(result.as_bytes()).await;
            }
        };
        let talk = async { tokio::join!(give, listen(&mut errors, &mut said)) };
        tokio::select! {
            // What it left in the background has both ends of the pipes, too, and is not waited for.
            status = child.wait() => status?,
            _ = talk => child.wait().await?,
        }
    };
    // What it said itself is in the pipe by now.
    let _still_open = timeout(LAST_WORDS, listen(&mut errors, &mut said)).await;
    Ok((status, String::from_utf8_lossy(&said).trim().to_owned()))
}

/// Keeps the end of what is said until nobody can say more.
async fn listen(errors: &mut Option<ChildStderr>, said: &mut Vec<u8>) {
    let Some(errors) = errors else { return };
    let mut piece = [0; 4_096];
    while let Ok(read @ 1..) = errors.read(&mut piece).await {
        said.extend_from_slice(&piece[..read]);
        let excess = said.len().saturating_sub(REPEATED);
        said.drain(..excess);
    }
}

/// A signal that arrives now is for the command: the run is over.
async fn interrupted() {
    let streams = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = streams else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

async fn kill(child: &mut Child) {
    let group = child.id().and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?));
    if let Some(group) = group {
        let _gone = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _gone = child.wait().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    #[tokio::test]
    async fn the_command_gets_the_result_and_its_success_is_silent() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let command = format!("cat > {}", file.path().display());
        assert_eq!(tell(&command, &json!({"outcome": "applied"}), soon()).await, None);
        let got = std::fs::read_to_string(file.path()).unwrap();
        assert_eq!(got, "{\"outcome\":\"applied\"}\n");
    }

    #[tokio::test]
    async fn its_failure_is_told() {
        let large = json!({"text": "x".repeat(1_000_000)});
        for (command, expected) in [
            ("echo no such webhook >&2; exit 22", "--on-finish: exit status: 22: no such webhook"),
            ("exit 1", "--on-finish: exit status: 1"),
            ("kill -9 $$", "--on-finish: signal: 9 (SIGKILL)"),
        ] {
            assert_eq!(tell(command, &large, soon()).await.as_deref(), Some(expected));
        }
        assert_eq!(tell("exit 0", &large, soon()).await, None, "it need not read");
    }

    #[tokio::test]
    async fn what_the_command_leaves_behind_is_not_waited_for() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().display();
        // Of a background command the shell closes standard input, so it is handed on by number.
        for (command, expected) in [
            (format!("exec 3<&0; sleep 600 <&3 & echo $! > {path}"), None),
            (
                format!("sleep 600 & echo $! > {path}; echo no such webhook >&2; exit 22"),
                Some("--on-finish: exit status: 22: no such webhook"),
            ),
        ] {
            // More than a pipe holds: nobody reads it.
            let large = json!({"text": "x".repeat(1_000_000)});
            let complaint = tell(&command, &large, soon()).await;
            assert_eq!(complaint.as_deref(), expected);
            let left = std::fs::read_to_string(file.path()).unwrap();
            let left = left.trim().parse().ok().and_then(rustix::process::Pid::from_raw).unwrap();
            // It goes on.
            rustix::process::kill_process(left, rustix::process::Signal::KILL).unwrap();
        }
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_killed_with_its_children() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().display();
        let command = format!("sleep 600 & echo $! > {path}; wait");
        let until = Instant::now() + Duration::from_secs(2);
        let complaint = tell(&command, &json!({}), until).await.unwrap();
        assert!(complaint.starts_with("--on-finish: it was killed after 2."), "{complaint}");
        let child = std::fs::read_to_string(file.path()).unwrap();
        let child: i32 = child.trim().parse().unwrap();
        // A signal that was sent is not yet a process that is gone.
        let died = async {
            let stat = || std::fs::read_to_string(format!("/proc/{child}/stat"));
            while stat().is_ok_and(|stat| !stat.contains(") Z ")) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        assert!(timeout_at(soon(), died).await.is_ok(), "process {child} goes on");
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_signal_only_what_is_left_counts() {
        let now = Instant::now() + Duration::from_mins(1);
        let ago = |seconds| Some(now - Duration::from_secs(seconds));
        for (signalled, expected) in [
            (None, LIMIT),
            (ago(1), Duration::from_millis(6_300)),
            (ago(7), Duration::from_millis(300)),
        ] {
            assert_eq!(deadline(now, signalled) - now, expected);
        }
        assert!(deadline(now, ago(8)) < now);
        let complaint = tell("true", &json!({}), deadline(now, ago(68))).await;
        assert_eq!(complaint.as_deref(), Some("--on-finish: no time was left to run it"));
    }
}
