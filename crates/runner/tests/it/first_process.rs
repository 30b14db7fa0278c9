//! As process 1 of a container without an init: signals are forwarded, orphans do not stay zombies.

use crate::support::{World, finish, search_path, send_to, skip};
use rustix::process::Signal;
use std::time::Duration;

/// The runner as process 1 of a namespace of its own, with a shell script under the lock.
fn first(world: &World, script: &str) -> Option<tokio::process::Command> {
    if !rustix::process::geteuid().is_root() {
        skip("a PID namespace needs root");
        return None;
    }
    let runner = world.command(&["exec", "--", "sh", "-c", script]);
    let runner = runner.as_std();
    let mut command = tokio::process::Command::new("unshare");
    command
        .args(["--pid", "--fork", "--mount-proc"])
        .arg(runner.get_program())
        .args(runner.get_args())
        .env_clear()
        .envs(runner.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("PATH", search_path())
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true);
    Some(command)
}

#[tokio::test]
async fn orphans_are_reaped_and_the_end_of_the_command_is_not_missed() {
    let world = World::new().await;
    // Ten orphans end; what waits for them is process 1, and then nothing of them is left.
    let script = "tr '\\0' ' ' </proc/1/cmdline; echo; \
        for i in 1 2 3 4 5 6 7 8 9 10; do (setsid sh -c 'exit 3' &) ; done; \
        zombies() { grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l; }; \
        tries=0; while sleep 0.05; [ $(zombies) != 0 ]; do tries=$((tries + 1)); [ $tries -lt 200 ] || exit 9; done; \
        echo $(ls -d /proc/[0-9]* | wc -l) left; exit 6";
    let Some(mut command) = first(&world, script) else { return };
    let ended = finish(command.spawn().unwrap()).await;
    assert_eq!(ended.code, 6, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.output("stdout").contains("ecs-migrate-runner exec"), "{}", ended.stdout);
    ended.finished();
    world.lock_is_free().await;
}

#[tokio::test]
async fn signals_to_process_1_reach_the_command() {
    let world = World::new().await;
    let script = format!(
        "trap 'echo caught; exit 4' TERM; echo ready >{}; while :; do sleep 0.05; done",
        world.path("ready")
    );
    let Some(mut command) = first(&world, &script) else { return };
    let child = command.spawn().unwrap();
    world.file("ready").await;
    let unshare = child.id().unwrap();
    let children = format!("/proc/{unshare}/task/{unshare}/children");
    let first: i32 = std::fs::read_to_string(children).unwrap().trim().parse().unwrap();
    send_to(first, Signal::TERM);
    let ended = tokio::time::timeout(Duration::from_secs(20), finish(child)).await.unwrap();
    assert_eq!(ended.code, 4, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.output("stdout"), "caught\n");
    world.lock_is_free().await;
}
