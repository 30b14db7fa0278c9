//! What was asked is what ran: the runner's own word for it, before a service and everywhere else.

use crate::support::runner::{Lines, applied};
use crate::support::shop::{Shop, rolls_back, serves};
use crate::support::story::{Story, Told, at, container, unlabelled};
use protocol::event::{Event, Origin, Outcome, RunFinished, RunStarted};
use protocol::{RunnerCommand, Share, Standing, command, env};
use sandbox::{Launch, Program, Script};
use serde_json::{Value, json};

/// Who hears a question.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    /// A runner that obeys [`env::COMMAND`].
    New,
    /// One that hears its command line alone, and says in its first line what it does.
    Old,
}

/// An image with the runner as its ENTRYPOINT, and these words behind it.
pub(crate) fn image(entry_point: &'static [&'static str], age: Age) -> Program {
    Program::scripted(move |launch| run(launch, entry_point, age))
}

fn run(launch: &Launch, entry_point: &[&str], age: Age) -> Script {
    let entry_point = entry_point.iter().map(|word| (*word).to_owned());
    let line: Vec<String> = entry_point.chain(launch.arguments.iter().cloned()).collect();
    let asked = launch.environment.get(env::COMMAND).filter(|_| age == Age::New);
    let words = asked.map_or(line, |asked| command::decode(asked).unwrap());
    let ran = words.iter().find_map(|word| RunnerCommand::named(word));
    let ran = ran.unwrap_or(RunnerCommand::Deploy);
    let text = |name: &str| launch.environment.get(name).cloned().unwrap_or_default();
    let origin = Origin {
        started_by: text(env::STARTED_BY),
        commit: text(env::COMMIT),
        place: text(env::PLACE),
        asked: if age == Age::New { text(env::ASKED) } else { String::new() },
        ..Origin::default()
    };
    let share = match text(env::PHASE).as_str() {
        "contract" => Share::Contract,
        "expand" => Share::Expand,
        _ => Share::All,
    };
    let standing = Standing::of(ran, share, &origin);
    let said = match age {
        Age::New => (ran, standing),
        Age::Old => (RunnerCommand::Unknown, Standing::Unclear),
    };
    let started =
        RunStarted { command: ran, standing: said.1, origin, version: "0.1.0".to_owned() };
    let finished = RunFinished {
        command: said.0,
        standing: said.1,
        outcome: if ran == RunnerCommand::Deploy { Outcome::Applied } else { Outcome::Done },
        ..applied(1)
    };
    let mut lines = Lines::of(launch);
    Script::new()
        .line(at(0), lines.next(&format!("{ran} started"), Event::RunStarted(started)))
        .line(at(1), lines.finished(finished))
        .exits(at(2), 0)
}

const NETWORK: [&str; 6] =
    ["--subnets", "subnet-a", "--security-groups", "sg-a", "--task-definition", "app-migrate"];

fn with_command(words: &[&str]) -> Value {
    let mut container = container("migrate", "app:1");
    container["command"] = json!(words);
    container
}

pub(crate) async fn ask(story: &Story, words: &[&str]) -> Told {
    story.invoke(&[words, &NETWORK[..]].concat()).await
}

/// A program that ends well and is no runner.
fn hello() -> Script {
    Script::new().line(at(0), "hello").exits(at(1), 0)
}

/// Its label says that it is the runner's: a good end without the runner's word is none.
#[tokio::test(start_paused = true)]
async fn what_bears_the_label_and_says_nothing_is_never_green() {
    let labelled = || Story::running(Program::script(hello()));
    for words in [&[][..], &["--", "deploy"], &["--", "status"], &["--", "psql", "-c", "SELECT 1"]]
    {
        let story = labelled();
        story.run(words).await.says(85, &["last word"]);
        let task = story.sandbox.tasks()[0].arn.clone();
        story.invoke(&["attach", &task]).await.says(85, &["last word"]);
        let explain = ["explain", &task, "--task-definition", "app-migrate"];
        story.invoke(&explain).await.says(0, &["NOT GREEN", "last word"]);
        let runs = ["runs", "--task-definition", "app-migrate", "--output", "json"];
        assert_eq!(story.invoke(&runs).await.newest_run()["exit_code"], 85, "{words:?}");
    }
    labelled().plain().run(&[]).await.says(0, &[]);
}

/// Who says what a container is knows better than its definition, and whoever looks later goes by that.
#[tokio::test(start_paused = true)]
async fn what_was_said_of_a_container_is_told_to_whoever_looks_later() {
    let story = || Story::running(Program::script(hello()));
    for (story, said, code) in [(story(), "plain", 0), (story().plain(), "runner", 85)] {
        let told = story.run(&["--expect", said]).await;
        assert_eq!(told.code, code, "{}", told.everything());
        let task = story.sandbox.tasks()[0].arn.clone();
        let told = story.invoke(&["attach", &task]).await;
        assert_eq!(told.code, code, "{}", told.everything());
        let explain = ["explain", &task, "--task-definition", "app-migrate"];
        let told = story.invoke(&explain).await;
        assert_eq!(told.out.contains("NOT GREEN"), code != 0, "{}", told.everything());
        let runs = ["runs", "--task-definition", "app-migrate", "--output", "json"];
        assert_eq!(story.invoke(&runs).await.newest_run()["exit_code"], code, "{said}");
    }
}

/// A program that answers nothing and ends well has not answered.
#[tokio::test(start_paused = true)]
async fn a_question_without_the_runners_word_is_never_green() {
    let silent = || Story::of(hello());
    for question in ["status", "resolve", "check", "replay"] {
        silent().run(&["--", question]).await.says(85, &["last word"]);
    }
    silent().run(&["--expect", "plain", "--", "status"]).await.says(0, &[]);
}

#[tokio::test(start_paused = true)]
async fn a_question_is_answered_behind_every_entry_point() {
    for entry_point in [&["start", "--", "app"][..], &["exec", "--"], &[]] {
        let story = Story::running(image(entry_point, Age::New));
        story.register(&["--image", "app:1"]).await.says(0, &[]);
        ask(&story, &["status"]).await.says(0, &["status started", "OK: done"]);
        ask(&story, &["resolve", "--applied", "1_a"]).await.says(0, &["resolve started"]);
        let exec = [&["exec"], &NETWORK[..], &["--", "psql"]].concat();
        story.invoke(&exec).await.says(0, &["exec started"]);
        let run = ["--run-key", "1", "--", "deploy", "--lock-wait", "5m"];
        story.run(&run).await.says(0, &["deploy started"]);
    }
}

/// What an older runner makes of it was not asked.
#[tokio::test(start_paused = true)]
async fn what_ran_instead_is_red() {
    for (entry_point, ran) in [(&["start", "--", "app"][..], "start"), (&["exec", "--"], "exec")] {
        let story = Story::running(image(entry_point, Age::Old));
        story.register(&["--image", "app:1"]).await.says(0, &[]);
        for words in [&["status"][..], &["resolve", "--applied", "1_a"]] {
            let told = ask(&story, words).await;
            let text = format!(
                "not what was asked: `{ran}` ran and ended well, instead of `{}`",
                words[0]
            );
            told.says(85, &["NOT GREEN", &text]);
        }
        let again = story.run(&["--", "status"]).await;
        again.says(85, &["not what was asked"]);
    }
    // Behind a plain ENTRYPOINT it hears its command line.
    let story = Story::running(image(&[], Age::Old));
    story.register(&["--image", "app:1"]).await.says(0, &[]);
    ask(&story, &["status"]).await.says(0, &["OK: done"]);
}

#[tokio::test(start_paused = true)]
async fn a_plain_container_answers_nothing() {
    let story = Story::running(Program::script(hello()));
    story.register(&["--image", "app:1"]).await.says(0, &[]);
    for words in
        [&["status"][..], &["resolve", "--applied", "1_a"], &["status", "--expect", "plain"]]
    {
        ask(&story, words).await.says(85, &["the runner's last word never came"]);
    }
}

/// Nothing is run to find out.
#[tokio::test(start_paused = true)]
async fn a_container_that_nobody_knows_is_not_asked() {
    let story = Story::running(image(&["start", "--", "app"], Age::New));
    let story = story.containers(&[unlabelled("migrate", "app:1")]);
    story.register(&["--image", "app:1"]).await.says(0, &[]);
    for words in [&["status"][..], &["resolve", "--applied", "1_a"]] {
        let told = ask(&story, words).await;
        assert_eq!(told.code, 2, "{}", told.everything());
        for text in ["nothing says that container migrate", "ecs-migrate.runner", "--expect runner"]
        {
            assert!(told.err.contains(text), "no {text:?} in {}", told.everything());
        }
    }
    assert_eq!(story.calls("RunTask"), 0);
    // What it wrote once makes it known.
    story.run(&[]).await.says(0, &[]);
    ask(&story, &["status"]).await.says(0, &["status started", "OK: done"]);
}

#[tokio::test(start_paused = true)]
async fn the_record_of_an_older_runner_that_wraps_makes_nothing_known() {
    for (entry_point, code) in [(&["start", "--", "app"][..], 2), (&[], 0)] {
        let story = Story::running(image(entry_point, Age::Old));
        let story = story.containers(&[unlabelled("migrate", "app:1")]);
        story.run(&[]).await.says(0, &[]);
        let told = ask(&story, &["status"]).await;
        assert_eq!(told.code, code, "{entry_point:?}: {}", told.everything());
    }
}

#[tokio::test(start_paused = true)]
async fn register_writes_the_label_where_the_runner_is_known() {
    let named = |key: &str, words: Value| {
        let mut container = unlabelled("migrate", "app:1");
        container[key] = words;
        container
    };
    for (container, more, expected) in [
        (unlabelled("migrate", "app:1"), &[][..], false),
        (unlabelled("migrate", "app:1"), &["--expect", "runner"], true),
        (named("entryPoint", json!(["/ecs-migrate-runner", "start", "--"])), &[], true),
        (named("entryPoint", json!(["/ecs-migrate-runner"])), &["--expect", "plain"], false),
    ] {
        let story = Story::running(image(&[], Age::New)).containers(&[container]);
        story.register(&[&["--image", "app:1"], more].concat()).await.says(0, &[]);
        let told = ask(&story, &["status"]).await;
        assert_eq!(told.code, if expected { 0 } else { 2 }, "{more:?}: {}", told.everything());
    }
}

/// A green that migrates nothing opens no gate.
#[tokio::test(start_paused = true)]
async fn no_service_follows_what_applies_no_migration() {
    for (entry_point, more) in
        [(&[][..], &["--", "--lock-wait", "5m", "status"][..]), (&["status"], &[])]
    {
        for age in [Age::New, Age::Old] {
            let shop = Shop::open(image(entry_point, age), serves(), rolls_back()).await;
            let told = shop.release(more).await;
            told.says(85, &["NOT GREEN", "no migration was run"]);
            assert_eq!(shop.story.calls("UpdateService"), 0, "{more:?}: {}", told.everything());
        }
    }
    let shop = Shop::open(image(&[], Age::New), serves(), rolls_back()).await;
    shop.release(&["--", "exec", "--", "npx"]).await.says(0, &[]);
}

#[tokio::test(start_paused = true)]
async fn a_definition_whose_own_command_only_looks_is_refused() {
    let story = Story::running(image(&[], Age::New)).containers(&[with_command(&["status"])]);
    let told = story.run(&[]).await;
    assert_eq!(told.code, 2, "{}", told.everything());
    assert!(told.err.contains("own command is `status`"), "{}", told.everything());
    assert_eq!(story.calls("RunTask"), 0);
    // Asked for, it is what was asked.
    story.run(&["--", "status"]).await.says(0, &["status started"]);
}

/// An entry point that clears the environment loses the id of the run, and nothing else.
#[tokio::test(start_paused = true)]
async fn lines_with_another_run_are_still_our_runners() {
    for (lines, text) in [(1, "the runner's lines are of another run"), (2, "another run")] {
        let script = move |launch: &Launch| {
            let mut launch = launch.clone();
            launch.environment.insert(env::RUN.to_owned(), "other".to_owned());
            let mut said = Lines::of(&launch);
            let mut script = Script::new().line(at(1), said.started());
            if lines == 2 {
                script = script.line(at(2), said.finished(applied(1)));
            }
            script.exits(at(3), 0)
        };
        let story = Story::running(Program::scripted(script));
        story.run(&[]).await.says(85, &["NOT GREEN", text, "ECS_MIGRATE_RUN"]);
        // Who says that it is a plain container wants its exit code alone.
        story.run(&["--expect", "plain", "--run-key", "2"]).await.says(0, &[]);
    }
}

/// Whoever looks later says the same.
#[tokio::test(start_paused = true)]
async fn attach_and_explain_hold_what_ran_against_what_was_asked() {
    let story = Story::running(image(&["start", "--", "app"], Age::Old));
    story.register(&["--image", "app:1"]).await.says(0, &[]);
    ask(&story, &["status"]).await.says(85, &[]);
    let task = story.sandbox.tasks()[0].arn.clone();
    story.invoke(&["attach", &task]).await.says(85, &["not what was asked"]);
    let explain = ["explain", &task, "--task-definition", "app-migrate"];
    story.invoke(&explain).await.says(0, &["NOT GREEN: not what was asked"]);
    let runs = ["runs", "--task-definition", "app-migrate", "--output", "json"];
    assert_eq!(story.invoke(&runs).await.newest_run()["exit_code"], 85);
}

#[tokio::test(start_paused = true)]
async fn no_variable_of_ours_is_given_by_hand() {
    let story = Story::running(image(&[], Age::New));
    let told = story.run(&["--env", "ECS_MIGRATE_COMMAND=[\"status\"]"]).await;
    assert_eq!(told.code, 2, "{}", told.everything());
    assert!(told.err.contains("it is ours"), "{}", told.everything());
}
