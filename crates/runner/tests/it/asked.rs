//! What the controller asks is obeyed in every mode, and a command takes only what it obeys.

use crate::support::{World, finish, search_path};
use protocol::event::{Event, Outcome};
use protocol::{RunnerCommand, Standing, command, env};

/// As an image's ENTRYPOINT and its command stand on the runner's command line.
const ENTRY_POINTS: [&[&str]; 4] = [
    &["start", "--", "sh", "-c", "echo application"],
    &["exec", "--", "sh", "-c", "echo wrapped"],
    &["deploy", "--lock-wait", "1m"],
    &[],
];

fn asked(words: &[&str]) -> String {
    command::encode(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
}

#[tokio::test]
async fn a_question_is_answered_whatever_the_entry_point_says_and_migrates_nothing() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    for entry_point in ENTRY_POINTS {
        let mut runner = world.command(entry_point);
        runner.env(env::COMMAND, asked(&["status"])).env("PATH", search_path());
        let ended = finish(runner.spawn().unwrap()).await;
        let finished = ended.succeeded();
        assert_eq!(finished.outcome, Outcome::Done, "{}", ended.stdout);
        assert_eq!(finished.command, RunnerCommand::Status);
        assert_eq!(finished.standing, Standing::Aside);
        let first = &ended.lines[0].event;
        assert!(
            matches!(first, Event::RunStarted(one) if one.command == RunnerCommand::Status),
            "{first:?}"
        );
        assert!(!ended.stdout.contains("application") && !ended.stdout.contains("wrapped"));
        assert!(!world.exists("a").await, "{entry_point:?} migrated");
    }
}

#[tokio::test]
async fn nonsense_is_refused_and_nothing_else_is_done_instead() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    for entry_point in ENTRY_POINTS {
        for nonsense in
            ["status", "[\"teleport\"]", "{\"a\":1}", "[1]", "[\"status\",\"--lock-wait\",\"1m\"]"]
        {
            let mut runner = world.command(entry_point);
            runner.env(env::COMMAND, nonsense).env("PATH", search_path());
            let ended = finish(runner.spawn().unwrap()).await;
            assert_eq!(ended.code, 2, "{nonsense}: {}{}", ended.stdout, ended.stderr);
            assert!(!ended.stderr.is_empty());
        }
    }
    assert!(!world.exists("a").await);
}

#[tokio::test]
async fn a_command_that_was_asked_for_does_not_ask_again() {
    let world = World::new().await;
    let mut runner = world.command(&["start", "--", "true"]);
    let script = format!("echo \"asked: [${}]\"", env::COMMAND);
    runner.env(env::COMMAND, asked(&["exec", "--", "sh", "-c", &script]));
    let ended = finish(runner.env("PATH", search_path()).spawn().unwrap()).await;
    assert_eq!(ended.succeeded().command, RunnerCommand::Exec);
    assert!(
        ended.has(|event| matches!(event, Event::Output(line) if line.text == "asked: []")),
        "{}",
        ended.stdout
    );
}

#[tokio::test]
async fn a_guard_of_the_environment_is_obeyed_or_refused() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let run = async |arguments: &[&str], (name, value): (&str, &str)| {
        let mut command = world.command(arguments);
        finish(command.env(name, value).env("PATH", search_path()).spawn().unwrap()).await
    };
    for (arguments, guard, value) in [
        (&["exec", "--", "true"][..], env::BACKUP_COMMAND, "false"),
        (&["exec", "--", "true"], env::APP_ROLE, "nobody"),
        (&["exec", "--", "true"], env::ON_DRIFT, "stop"),
        (&["exec", "--", "true"], env::CHECK, "1"),
        (&["start", "--", "true"], env::BACKUP_COMMAND, "true"),
        (&["start", "--", "true"], env::SCHEMA_DUMP, "/tmp/schema.sql"),
    ] {
        let ended = run(arguments, (guard, value)).await;
        let message = &ended.failed(2).message;
        assert!(message.contains(&format!("would not obey {guard}")), "{message}");
        assert!(!world.exists("a").await);
    }
    // Who only looks has nothing to guard, and a release tells every command its phase.
    run(&["status"], (env::BACKUP_COMMAND, "false")).await.succeeded();
    run(&["exec", "--", "true"], (env::PHASE, "expand")).await.succeeded();
    run(&[], (env::BACKUP_COMMAND, "true")).await.succeeded();
}

#[tokio::test]
async fn the_first_and_the_last_line_say_what_a_run_is_to_a_service() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    for (arguments, started_by, standing) in [
        (&["--phase", "contract", "--allow", "missing:x"][..], "", Standing::Behind),
        (&[], "ecs-migrate/github/7", Standing::Proof),
        (&["--phase", "expand"], "", Standing::Proof),
        (&["exec", "--", "true"], "ecs-migrate/github/7", Standing::Proof),
        (&["exec", "--", "true"], "ecs-migrate/task/1", Standing::Aside),
        (&["exec", "--", "true"], "", Standing::Unclear),
        (&["check"], "ecs-migrate/github/7", Standing::Aside),
    ] {
        let mut command = world.command(arguments);
        command.env(env::STARTED_BY, started_by).env("PATH", search_path());
        let ended = finish(command.spawn().unwrap()).await;
        let Event::RunStarted(started) = &ended.lines[0].event else { panic!("{}", ended.stdout) };
        assert_eq!(started.standing, standing, "{arguments:?} {started_by}");
        assert_eq!(ended.finished().standing, standing, "{arguments:?} {started_by}");
        assert_eq!(ended.finished().command, started.command);
    }
}
