//! The main endings in every form, a file an ending: what a terminal shows in colour, what GitHub
//! shows, what a step leaves, what a program reads.

use super::{filtered, never_starting, stories};
use crate::support::runner::{Lines, applied, failed, rolls_back_when_stopped};
use crate::support::story::{Story, at, config};
use controller::Signal;
use protocol::DatabaseState;
use protocol::event::{Connected, RunFinished};
use protocol::event::{Event, LockAcquired, MigrationApplied, MigrationFailed, MigrationStarted};
use protocol::failure::FailedStatement;
use sandbox::{Program, Script};
use std::path::Path;

const GOOD: &str = "20260101000000_init";
const BAD: &str = "20260102000000_orders";

fn begun(name: &str, number: u64) -> Event {
    Event::MigrationStarted(MigrationStarted {
        migration: name.to_owned(),
        number,
        of: 2,
        ..MigrationStarted::default()
    })
}

fn done(name: &str) -> Event {
    Event::MigrationApplied(MigrationApplied {
        migration: name.to_owned(),
        duration_ms: 1_500,
        ..MigrationApplied::default()
    })
}

/// A whole run of two migrations; the second one does as `second` says.
fn whole(second: impl Fn(&mut Lines) -> Vec<String> + Send + Sync + 'static, code: i32) -> Story {
    Story::with(config().image(
        "app:1",
        Program::scripted(move |launch| {
            let mut lines = Lines::of(launch);
            let mut said = vec![lines.started()];
            said.push(lines.next("connected", Event::Connected(Connected::default())));
            said.push(
                lines.next("advisory lock acquired", Event::LockAcquired(LockAcquired::default())),
            );
            said.push(lines.next("applying", begun(GOOD, 1)));
            said.push(lines.next("applied", done(GOOD)));
            said.push(lines.next("applying", begun(BAD, 2)));
            said.extend(second(&mut lines));
            let script = said
                .into_iter()
                .zip(0..)
                .fold(Script::new(), |script, (line, second)| script.line(at(second), line));
            script.exits(at(12), code)
        }),
    ))
}

fn green() -> Story {
    whole(|lines| vec![lines.next("applied", done(BAD)), lines.finished(applied(2))], 0)
}

fn broken() -> RunFinished {
    let mut finished = failed(10, "column \"n\" contains null values");
    finished.applied = 1;
    finished.database = DatabaseState::Changed;
    if let Some(failure) = &mut finished.failure {
        failure.migration = Some(BAD.to_owned());
        failure.sqlstate = Some("23502".to_owned());
        failure.statement = Some(FailedStatement {
            number: 2,
            of: 2,
            line: 3,
            text: "ALTER TABLE \"orders\" ALTER COLUMN \"n\" SET NOT NULL".to_owned(),
        });
    }
    finished
}

fn red() -> Story {
    whole(
        |lines| {
            let finished = broken();
            let failed = MigrationFailed {
                migration: BAD.to_owned(),
                failure: finished.failure.clone().unwrap_or_default(),
                database: finished.database,
            };
            vec![lines.next("failed", Event::MigrationFailed(failed)), lines.finished(finished)]
        },
        10,
    )
}

/// Whatever a log can hold against us.
fn hostile() -> Story {
    let script = Script::new()
        .line(at(0), "::error::forged")
        .line(at(1), "::stop-commands::x")
        .line(at(2), "\u{1b}[2J\u{202e}turned <script>alert(1)</script> | `````` @team")
        .line(at(3), "```")
        .exits(at(4), 3);
    Story::of(script)
}

fn checkout(root: &Path) {
    let directory = root.join("prisma/migrations").join(BAD);
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("migration.sql"), "SELECT 1;\n\nALTER TABLE \"orders\" …;\n")
        .unwrap();
}

/// The result is the last object of the JSON form, which is shown already.
fn without_result(outputs: &str) -> String {
    let Some(result) = outputs.lines().find(|line| line.starts_with('{')) else {
        return outputs.to_owned();
    };
    let object: serde_json::Value = serde_json::from_str(result).unwrap();
    assert_eq!(object["type"], "result", "{outputs}");
    outputs.replace(result, "(the result)")
}

/// One command line in every form, each on a story of its own: the page, and GitHub's part of it.
pub(super) async fn every_form(
    story: impl AsyncFn() -> Story,
    arguments: &[&str],
) -> (String, String) {
    let root = tempfile::tempdir().unwrap();
    checkout(root.path());
    let file = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
    // Right behind the command's name: what follows `--` is somebody else's.
    let (name, more) = arguments.split_at(1);
    let in_form = |form: &'static str| [name, &["--output", form], more].concat();
    let plain = story().await.show(&in_form("text")).await;
    let coloured = story().await.coloured();
    let coloured = coloured.show(&in_form("text")).await;
    let github = story()
        .await
        .set("GITHUB_ACTIONS", "true")
        .set("GITHUB_WORKSPACE", root.path().to_str().unwrap())
        .set("GITHUB_OUTPUT", &file("outputs"))
        .set("GITHUB_STEP_SUMMARY", &file("summary"))
        .show(arguments)
        .await;
    let json = story().await.show(&in_form("json")).await;
    let read = |name: &str| std::fs::read_to_string(file(name)).unwrap_or_default();
    // Colour is all that a terminal has on top.
    for (with, without) in [(&coloured.out, &plain.out), (&coloured.err, &plain.err)] {
        assert_eq!(
            comparable(&anstream::adapter::strip_str(with).to_string()),
            comparable(without)
        );
    }
    // What comes before the ending is the same as without colour.
    let text = [&coloured.err, &coloured.out].map(|text| text.replace('\u{1b}', "ESC"));
    let page = format!(
        "=== terminal, stderr\n{}=== terminal, stdout\n{}=== GitHub\n{}=== outputs\n{}=== summary\n{}=== JSON\n{}",
        text[0],
        text[1],
        github.out,
        without_result(&read("outputs")),
        read("summary"),
        json.out
    );
    (page, github.out)
}

/// Without ids and times, which are each story's own.
fn comparable(text: &str) -> String {
    let words = text.split_inclusive(char::is_whitespace);
    words.filter(|word| !word.chars().any(|letter| letter.is_ascii_digit())).collect()
}

/// An ending as a name for a file.
fn file_name(name: &str) -> String {
    let letters = name.chars().filter(|letter| *letter != ',');
    letters
        .map(|letter| if letter == ' ' { '_' } else { letter })
        .collect::<String>()
        .to_lowercase()
}

#[tokio::test(start_paused = true)]
async fn every_other_ending() {
    let all = || stories::green().into_iter().chain(stories::red()).chain(stories::ours());
    for (number, (name, _, arguments)) in all().enumerate() {
        let story = async || all().nth(number).unwrap().1;
        let (page, _) = every_form(story, &[&["run"], arguments].concat()).await;
        filtered!(insta::assert_snapshot!(file_name(name), page));
    }
}

#[tokio::test(start_paused = true)]
async fn endings() {
    for (name, story) in [
        ("green", green as fn() -> Story),
        ("failed", red),
        ("hostile", hostile),
        ("never_started", never_starting),
        ("cancelled", || {
            Story::running(rolls_back_when_stopped()).signal(at(60), Signal::Interrupt)
        }),
        ("refused", || Story::of(Script::new())),
    ] {
        let more: &[&str] = if name == "refused" { &["--cluster", "nowhere"] } else { &[] };
        let story = async || story();
        let (page, github) = every_form(story, &[&["run"], more].concat()).await;
        let errors = github.lines().filter(|line| line.starts_with("::error ")).count();
        assert_eq!(errors, usize::from(name != "green"), "{name}");
        filtered!(insta::assert_snapshot!(name, page));
    }
}
