//! What is shown when things are rough: files that cannot be written, names and lines that mean harm,
//! more of everything than fits.

use crate::support::place::Place;
use crate::support::runner::{Lines, applied, ends_with, failed};
use crate::support::story::{Story, at, config};
use protocol::event::{Event, MigrationApplied};
use sandbox::{Program, Script};
use std::path::Path;

fn in_github(story: Story, root: &Path) -> Story {
    let file = |name: &str| root.join(name).to_str().unwrap().to_owned();
    story
        .set("GITHUB_ACTIONS", "true")
        .set("GITHUB_OUTPUT", &file("outputs"))
        .set("GITHUB_STEP_SUMMARY", &file("summary"))
}

fn read(root: &Path, name: &str) -> String {
    std::fs::read_to_string(root.join(name)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_written_is_a_warning_and_the_other_one_is_written() {
    for (broken, whole) in [("outputs", "summary"), ("summary", "outputs")] {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join(broken)).unwrap();
        let told = in_github(Story::running(ends_with(applied(2))), root.path()).run(&[]).await;
        assert_eq!(told.code, 0, "{}", told.everything());
        assert!(told.err.contains("cannot write the step's outputs or summary"), "{}", told.err);
        assert!(!read(root.path(), whole).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_summary_keeps_what_is_there_and_never_outgrows_its_limit() {
    for (there, page) in [(0, true), (1_000, true), (1_048_476, true), (1_048_550, false)] {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("summary"), "x".repeat(there)).unwrap();
        let told = in_github(Story::running(ends_with(applied(2))), root.path()).run(&[]).await;
        assert_eq!(told.code, 0, "{}", told.everything());
        let summary = read(root.path(), "summary");
        assert!(summary.starts_with(&"x".repeat(there)) && summary.len() <= 1_048_576);
        assert_eq!(summary.contains("### Migration: OK"), page, "{there}");
        assert_eq!(told.err.contains("the summary is full"), !page, "{there}: {}", told.err);
        assert_eq!(summary.contains("```mermaid"), there <= 1_000, "{there}");
    }
}

/// The runner of GitHub Actions reads both streams for commands, whatever form was asked for.
#[tokio::test(start_paused = true)]
async fn in_a_step_no_form_lets_a_command_through_and_each_masks() {
    for form in ["text", "json"] {
        let root = tempfile::tempdir().unwrap();
        let script = ["::error::forged", "  ::add-path::/tmp", "x ##[error]forged", "##[group]x"]
            .into_iter()
            .fold(Script::new(), |script, line| script.line(at(0), line.to_owned()));
        let story = in_github(Story::of(script.exits(at(1), 1)), root.path());
        let arguments =
            ["--output", form, "--expect", "plain", "--env", "API_TOKEN=hunter22hunter"];
        let told = story.run(&arguments).await;
        assert_eq!(told.code, 1, "{}", told.everything());
        let is_command = |line: &&str| line.trim_start().starts_with("::") || line.contains("##[");
        let commands: Vec<&str> =
            told.out.lines().chain(told.err.lines()).filter(is_command).collect();
        assert_eq!(commands, ["::add-mask::hunter22hunter"], "{}", told.everything());
        assert!(told.out.contains("forged"), "{}", told.out);
        if form == "json" {
            let objects = told.out.lines().map(serde_json::from_str::<serde_json::Value>);
            let texts: Vec<_> = objects.map(|object| object.unwrap()["text"].clone()).collect();
            assert!(texts.contains(&"x ##[error]forged".into()), "{texts:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_migrations_and_long_lines_fit() {
    let program = Program::scripted(|launch| {
        let mut lines = Lines::of(launch);
        let mut script = Script::new();
        for number in 0..3_000 {
            let migration = format!("{number:014}_{}", "m".repeat(80));
            let event = MigrationApplied { migration, ..MigrationApplied::default() };
            script = script.line(at(0), lines.next("applied", Event::MigrationApplied(event)));
        }
        let mut finished = failed(10, &"long ".repeat(1_000));
        finished.applied = 3_000;
        for _ in 0..30 {
            script = script.line(at(1), "`".repeat(8_192));
        }
        script.line(at(2), lines.finished(finished)).exits(at(3), 10)
    });
    let root = tempfile::tempdir().unwrap();
    let story = in_github(Story::with(config().image("app:1", program)), root.path());
    let told = story.run(&[]).await;
    assert_eq!(told.code, 10, "{}", told.err);
    assert!(read(root.path(), "outputs").len() < 300_000);
    let summary = read(root.path(), "summary");
    assert!(summary.len() < 300_000, "{}", summary.len());
    assert!(summary.contains("2800 migrations before"), "{summary}");
    let errors: Vec<&str> = told.out.lines().filter(|line| line.starts_with("::error ")).collect();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].len() < 8_000 && errors[0].contains("… [cut]"), "{}", errors[0]);
}

#[tokio::test(start_paused = true)]
async fn a_migration_with_a_hostile_name_stays_text() {
    let name = "a|b`c`<script>:;#%%\n::error::x\n## h";
    let program = Program::scripted(move |launch| {
        let mut finished = failed(10, "boom\n::error::y");
        if let Some(failure) = &mut finished.failure {
            failure.migration = Some(name.to_owned());
        }
        let mut lines = Lines::of(launch);
        let event = MigrationApplied { migration: name.to_owned(), ..MigrationApplied::default() };
        let done = lines.next("applied", Event::MigrationApplied(event));
        Script::new().line(at(0), done).line(at(1), lines.finished(finished)).exits(at(2), 10)
    });
    let root = tempfile::tempdir().unwrap();
    let story = in_github(Story::with(config().image("app:1", program)), root.path());
    let told = story.set("GITHUB_WORKSPACE", root.path().to_str().unwrap()).run(&[]).await;
    assert_eq!(told.code, 10, "{}", told.everything());
    let summary = read(root.path(), "summary");
    assert!(!summary.contains("<script>"), "{summary}");
    assert!(!summary.lines().any(|line| line.starts_with("## ")), "{summary}");
    assert!(summary.contains("  migration a_b_c__script_______"), "{summary}");
    let errors = told.out.lines().filter(|line| line.starts_with("::error")).count();
    assert_eq!(errors, 1, "{}", told.out);
    let outputs = read(root.path(), "outputs");
    assert!(!outputs.lines().any(|line| line.starts_with("::")), "{outputs}");
}

#[tokio::test(start_paused = true)]
async fn secrets_are_masked_before_anything_else() {
    let root = tempfile::tempdir().unwrap();
    let story = in_github(Story::running(ends_with(applied(2))), root.path());
    let environment = ["--env", "API_TOKEN=hunter22%\nnext", "--env", "MODE=production"];
    let told = story.run(&environment).await;
    assert_eq!(told.out.lines().next(), Some("::add-mask::hunter22%25%0Anext"), "{}", told.out);
    assert_eq!(told.out.matches("hunter22").count(), 1, "{}", told.out);
    assert!(!told.err.contains("hunter22") && !told.out.contains("production"));
    let told = story.run(&[&environment[..], &["--output", "json"]].concat()).await;
    // A program reads stdout: there the mask goes where only the step's log looks.
    assert!(!told.out.contains("hunter22"), "{}", told.out);
    assert_eq!(told.err, "::add-mask::hunter22%25%0Anext\n");
}

#[tokio::test]
async fn a_reader_that_goes_away_does_not_change_the_verdict() {
    let place = Place::running("for n in $(seq 1 3000); do echo line $n; done; exit 3").await;
    for after in ["| head -1 >/dev/null; exit ${PIPESTATUS[0]}", "2>&-", ">&- 2>&-"] {
        let invocation = place.run(&[]).with("PATH", "/usr/local/bin:/usr/bin:/bin");
        let child = invocation.start_in_step("set +e;", after);
        let output = child.wait_with_output().await.unwrap();
        assert_eq!(output.status.code(), Some(3), "{after}");
    }
}
