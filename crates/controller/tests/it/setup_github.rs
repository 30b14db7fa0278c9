//! `setup-infra --set-github` with a `gh` that writes down what it is asked.

use crate::support::binary::{Ended, Invocation};
use crate::support::infra::{github, migration};
use sandbox::{Config, Sandbox, Speed, WallClock};
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
    // Nobody knows it, so nobody sets it.
    assert!(!asked.contains("VPC_SECURITY_GROUPS"), "{asked}");
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
