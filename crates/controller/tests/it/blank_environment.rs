//! A variable that should have named the environment and is empty: the guard that it was meant for is
//! not lost without a word.

use crate::support::runner::{applied, ends_with};
use crate::support::story::{Story, at};
use sandbox::{Program, Script};

const NETWORK: [&str; 4] = ["--subnets", "subnet-a", "--security-groups", "sg-a"];

fn story() -> Story {
    Story::running(ends_with(applied(1))).set("GITHUB_RUN_ID", "77")
}

#[tokio::test(start_paused = true)]
async fn it_is_refused_by_every_command_that_it_would_guard() {
    let story = story();
    story.run(&["--environment", "staging"]).await.says(0, &[]);
    let story = story.set("ECS_MIGRATE_ENVIRONMENT", "");
    let template = story.template_path();
    let of_template = ["--template", &template, "--image", "app:1"];
    let family = ["--task-definition", "app-migrate"];
    let service = ["--service", "api", "--service-image", "api:2", "--commit", "c1"];
    for line in [
        [&["run"], &of_template[..], &NETWORK].concat(),
        [&["release"], &of_template[..], &NETWORK, &service[..4]].concat(),
        [&["deploy-service"], &of_template[..], &service].concat(),
        [&["status"], &family[..], &NETWORK].concat(),
        [&["resolve"], &family[..], &NETWORK, &["--applied", "1_init"]].concat(),
        [&["exec"], &family[..], &NETWORK, &["--", "psql"]].concat(),
        [&["doctor"], &family[..]].concat(),
        vec!["cancel"],
        vec!["setup-infra", "--family", "app", "--plan"],
    ] {
        let told = story.invoke(&line).await;
        assert_eq!(told.code, 2, "{line:?}: {}", told.everything());
        assert!(
            told.err.contains("env ECS_MIGRATE_ENVIRONMENT is blank"),
            "{line:?}: {}",
            told.err
        );
        assert!(told.err.contains("or leave it out"), "{line:?}: {}", told.err);
    }
    assert_eq!(story.sandbox.tasks().len(), 1);
    assert_eq!(story.calls("StopTask"), 0);
    // Where it guards nothing it is as if it were not there.
    for line in [[&["logs"], &family[..]].concat(), [&["runs"], &family[..]].concat()] {
        story.invoke(&line).await.says(0, &[]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_in_the_file_or_a_flag_stands_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("ecs-migrate.toml");
    std::fs::write(&config, "environment = \"production\"\n").unwrap();
    let program = Program::scripted(|launch| {
        let told = launch.environment.get("ECS_MIGRATE_ENVIRONMENT").map(String::as_str);
        Script::new().exits(at(5), if told == Some("production") { 0 } else { 3 })
    });
    let story = Story::running(program).plain().set("ECS_MIGRATE_ENVIRONMENT", "");
    story.run(&["--environment", "production"]).await.says(0, &[]);
    let story = story.set("ECS_MIGRATE_CONFIG", config.to_str().unwrap());
    story.run(&[]).await.says(0, &[]);
    assert_eq!(story.run(&["--environment", "staging"]).await.code, 3);
}
