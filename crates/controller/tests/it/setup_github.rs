//! `setup-infra --set-github` with a `gh` that writes down what it is asked.

use crate::support::binary::{Ended, Invocation};
use crate::support::infra::{github, migration};
use crate::support::tools;
use sandbox::{Config, Sandbox, Speed, WallClock};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;

const ARGUMENTS: [&str; 10] = [
    "setup-infra",
    "--family",
    "app",
    "--yes",
    "--github-repository",
    "octo/app",
    "--github-environment",
    "production",
    "--subnets",
    "subnet-a",
];

/// Runs it with a `gh` of this script; gives back what `gh` was asked.
async fn with_gh(script: &str, more: &[&str]) -> (Ended, String) {
    let folder = tempfile::tempdir().unwrap();
    let asked = folder.path().join("asked");
    let gh = folder.path().join("gh");
    let text = format!("#!/bin/sh\necho \"$@\" >> {}\n{script}\n", asked.display());
    std::fs::write(&gh, text).unwrap();
    std::fs::set_permissions(&gh, std::fs::Permissions::from_mode(0o755)).unwrap();
    let config = Config::new(Speed::Fast).wall_clock(WallClock::System);
    let sandbox =
        Sandbox::new(config.stack("app-infra", migration()).stack("app-github", github()));
    let server = sandbox.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let arguments = [&ARGUMENTS[..], more].concat();
    let ended = Invocation::new(&server.endpoint(), &arguments).with("PATH", &path).run().await;
    (ended, std::fs::read_to_string(asked).unwrap_or_default())
}

#[tokio::test]
async fn the_variables_are_set_and_the_numbers_asked_for() {
    let (ended, asked) = with_gh("[ $1 = variable ] || echo 11 22", &["--set-github"]).await;
    assert_eq!(ended.code, 0, "{}", ended.everything());
    let lines: Vec<&str> = asked.lines().collect();
    assert!(lines[0].starts_with("api repos/octo/app --jq"), "{asked}");
    assert_eq!(
        lines[1],
        "variable set AWS_ROLE_ARN --body arn:aws:iam::111122223333:role/app-deploy --repo octo/app --env production"
    );
    assert!(asked.contains("variable set VPC_SUBNETS --body subnet-a"), "{asked}");
    // Nobody knows them, so nobody sets them.
    assert!(!asked.contains("VPC_SECURITY_GROUPS"), "{asked}");
    assert!(!asked.contains("ECS_MIGRATE_ENVIRONMENT"), "{asked}");
    let yours = "ECS_MIGRATE_ENVIRONMENT      (yours) name that the database bears";
    assert!(ended.out.contains(yours), "{}", ended.everything());
}

/// The names in a text that stand right behind `before`.
fn words<'a>(text: &'a str, before: &str) -> BTreeSet<&'a str> {
    let word = |rest: &'a str| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
    text.split(before).skip(1).filter_map(word).collect()
}

#[tokio::test]
async fn what_is_set_is_what_the_workflow_takes_and_the_pages_list() {
    let named = ["--set-github", "--environment", "production"];
    let (ended, asked) = with_gh("[ $1 = variable ] || echo 11 22", &named).await;
    assert_eq!(ended.code, 0, "{}", ended.everything());
    let registry = "ECR_REGISTRY --body 111122223333.dkr.ecr.eu-west-1.amazonaws.com --repo";
    for set in [registry, "ECS_MIGRATE_ENVIRONMENT --body production --repo"] {
        assert!(asked.contains(&format!("variable set {set}")), "{asked}");
    }
    // All are printed; the one that nobody knows here is not set.
    let set = words(&ended.out, "gh variable set ");
    let unknown: Vec<_> = set.difference(&words(&asked, "variable set ")).copied().collect();
    assert_eq!(unknown, ["VPC_SECURITY_GROUPS"]);
    let file = |path: &str| std::fs::read_to_string(tools::root().join(path)).unwrap();
    let workflow = file(".github/workflows/deploy.yml");
    assert_eq!(words(&workflow, "vars."), set);
    let pipeline = file("docs/pipeline.md");
    let table = pipeline.split("| variable |").nth(1).unwrap().split("\n\n").next().unwrap();
    let first: String = table.lines().filter_map(|row| row.split('|').nth(1)).collect();
    assert_eq!(words(&first, " `"), set);
    let setup = file("docs/setup.md");
    let step = setup.lines().find(|line| line.contains("Environments → Variables")).unwrap();
    assert_eq!(words(step, " `"), set);
}

#[tokio::test]
async fn a_gh_that_refuses_leaves_the_command_to_paste() {
    let refuses = "echo 'gh: Not Found (HTTP 404)' >&2; exit 1";
    let (ended, _) = with_gh(refuses, &["--set-github"]).await;
    assert_eq!(ended.code, 89, "{}", ended.everything());
    assert!(
        ended.err.contains("the numbers of octo/app are not known: gh: Not Found"),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("cannot set the variable AWS_ROLE_ARN"), "{}", ended.err);
    assert!(
        ended.err.contains("hint: the infrastructure is ready; gh variable set AWS_ROLE_ARN"),
        "{}",
        ended.err
    );
}
