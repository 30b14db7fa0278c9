//! What people see of the main endings, word for word.

mod commands;
mod forms;
mod rough;
pub(crate) mod schema;
mod stories;
mod terminal;

use crate::support::runner::{applied, ends_with, failed, rolls_back_when_stopped};
use crate::support::story::{Story, Told, at, config};
use controller::Signal;
use sandbox::{Faults, Program, Script, StartPhase, TaskEffect, TaskFault};

fn shown(told: &Told) -> String {
    format!("exit {}\n--- stdout\n{}--- stderr\n{}", told.code, told.out, told.err)
}

/// Without what differs from run to run.
macro_rules! filtered {
    ($assertion:expr) => {
        insta::with_settings!({filters => vec![
            (r"[0-9a-f]{32}", "[id]"),
            (r"eni-[0-9a-f]+", "eni-[id]"),
            (r"10\.\d+\.\d+\.\d+", "[address]"),
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "[moment]"),
            (r"\d\d:\d\d:\d\d\.\d\d\dZ", "[time]"),
            (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "[moment]"),
            (r"\b\d\d:\d\d:\d\d\b", "[time]"),
            (r"  [0-9a-f]{12}  ", "  [id]  "),
            (r"after (\d+\.\d s|\d+ ms|\d+ m \d\d s)", "after [time]"),
            (r#""(at_ms|elapsed_ms|duration_ms)":\d+"#, r#""$1":"[ms]""#),
            (r"\b\d{13}\b", "[ms]"),
            (r"\| \d+(\.\d)? (s|ms) \|", "| [time] |"),
            (r#""run":"[a-z2-7]{26}""#, r#""run":"[run]""#),
        ]}, { $assertion; });
    };
}

use filtered;

macro_rules! assert_shown {
    ($told:expr, @$expected:literal) => {
        filtered!(insta::assert_snapshot!(shown(&$told), @$expected));
    };
}

#[tokio::test(start_paused = true)]
async fn a_green_run() {
    let told = Story::running(ends_with(applied(2))).run(&[]).await;
    assert_shown!(told, @r"
    exit 0
    --- stdout
    [time] run started
    [time] run finished

    OK: 2 migrations applied in 1.2 s
      database  changed: whole migrations are applied, nothing is half done
      task      arn:aws:ecs:eu-west-1:111122223333:task/default/[id]
      log       2 lines, complete
    --- stderr
    warning: image app:1 is registered by its tag, which can be moved: only ECR is asked for digests
    hint: name it as repository@sha256:…
    task definition registered: app-migrate:1
    network: subnets subnet-a (flag --subnets), security groups sg-a (flag --security-groups), no public address
    started container migrate of app-migrate:1 in cluster default: arn:aws:ecs:eu-west-1:111122223333:task/default/[id]
    task is provisioning after [time]
    task is pending after [time]
    task is running after [time]
    task is deprovisioning after [time]
    ");
}

#[tokio::test(start_paused = true)]
async fn a_failed_migration() {
    let program = ends_with(failed(10, "relation \"t\" already exists"));
    let told = Story::running(program).run(&[]).await;
    assert_shown!(told, @r#"
    exit 10
    --- stdout
    [time] run started
    [time] run finished

    NOT GREEN: migration `20260101000000_init` failed: relation "t" already exists [exit 10, migration_failed]
      fix                fix the migration and push again
      database           unchanged: nothing was written, or it is rolled back
      migration          20260101000000_init
      SQLSTATE           42P07
      status             DEPROVISIONING
      stop code          EssentialContainerExited
      stopped reason     Essential container in task exited
      container migrate  exit code 10, image app:1
      network            subnet-a, eni-[id], [address], sg-a
      definition         app-migrate:1
      task               arn:aws:ecs:eu-west-1:111122223333:task/default/[id]
      log                2 lines, complete
      explain            ecs-migrate explain --task-definition app-migrate --region eu-west-1 [id]
      see all            ecs-migrate logs --task-definition app-migrate --region eu-west-1 [id]
      console            https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Fecs$252Fapp/log-events/p$252Fmigrate$252F[id]
      last 2 lines
        run started
        run finished
    --- stderr
    warning: image app:1 is registered by its tag, which can be moved: only ECR is asked for digests
    hint: name it as repository@sha256:…
    task definition registered: app-migrate:1
    network: subnets subnet-a (flag --subnets), security groups sg-a (flag --security-groups), no public address
    started container migrate of app-migrate:1 in cluster default: arn:aws:ecs:eu-west-1:111122223333:task/default/[id]
    task is provisioning after [time]
    task is pending after [time]
    task is running after [time]
    task is deprovisioning after [time]
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_failed_command() {
    let script = Script::new().line(at(1), "boom \u{1b}[31mred").exits(at(2), 3);
    let told = Story::of(script).run(&[]).await;
    assert_shown!(told, @r"
    exit 3
    --- stdout
    [time] boom red

    NOT GREEN: the container failed with exit code 3 [exit 3, container_exit]
      fix                its own last lines are all that is known of the cause
      database           not known: look at the migration history before running again
      status             DEPROVISIONING
      stop code          EssentialContainerExited
      stopped reason     Essential container in task exited
      container migrate  exit code 3, image app:1
      network            subnet-a, eni-[id], [address], sg-a
      definition         app-migrate:1
      task               arn:aws:ecs:eu-west-1:111122223333:task/default/[id]
      log                1 line, complete
      explain            ecs-migrate explain --task-definition app-migrate --region eu-west-1 [id]
      see all            ecs-migrate logs --task-definition app-migrate --region eu-west-1 [id]
      console            https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Fecs$252Fapp/log-events/p$252Fmigrate$252F[id]
      last 1 line
        boom red
    --- stderr
    warning: image app:1 is registered by its tag, which can be moved: only ECR is asked for digests
    hint: name it as repository@sha256:…
    task definition registered: app-migrate:1
    network: subnets subnet-a (flag --subnets), security groups sg-a (flag --security-groups), no public address
    started container migrate of app-migrate:1 in cluster default: arn:aws:ecs:eu-west-1:111122223333:task/default/[id]
    task is provisioning after [time]
    task is pending after [time]
    task is running after [time]
    task is deprovisioning after [time]
    ");
}

fn never_starting() -> Story {
    let effect = TaskEffect::NeverStarts {
        phase: StartPhase::Pending,
        stopped_reason: "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/exec/x is not authorized to perform: secretsmanager:GetSecretValue on resource: db".to_owned(),
        container_reason: None,
    };
    let tasks = vec![TaskFault { family: None, from: 1, to: None, effect }];
    let faults = Faults { tasks, ..Faults::default() };
    Story::with(config().image("app:1", Program::script(Script::new())).faults(faults))
}

#[tokio::test(start_paused = true)]
async fn a_task_that_never_started() {
    let told = never_starting().run(&[]).await;
    assert_shown!(told, @r"
    exit 80
    --- stdout

    NOT GREEN: the task never started [exit 80, never_started]
      cause              the execution role may not read the secret
      fix                allow secretsmanager:GetSecretValue on this secret to the execution role (not the task role)
      database           untouched: nothing ran, so it is safe to run again
      status             STOPPED
      stop code          TaskFailedToStart
      stopped reason     ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/exec/x is not authorized to perform: secretsmanager:GetSecretValue on resource: db
      container migrate  no exit code, image app:1
      network            subnet-a, eni-[id], [address], sg-a
      definition         app-migrate:1
      task               arn:aws:ecs:eu-west-1:111122223333:task/default/[id]
      log                no line was seen
      explain            ecs-migrate explain --task-definition app-migrate --region eu-west-1 [id]
    --- stderr
    warning: image app:1 is registered by its tag, which can be moved: only ECR is asked for digests
    hint: name it as repository@sha256:…
    task definition registered: app-migrate:1
    network: subnets subnet-a (flag --subnets), security groups sg-a (flag --security-groups), no public address
    started container migrate of app-migrate:1 in cluster default: arn:aws:ecs:eu-west-1:111122223333:task/default/[id]
    task is provisioning after [time]
    task is pending after [time]
    task is deprovisioning after [time]
    task is stopped after [time]
    ");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run() {
    let story = Story::running(rolls_back_when_stopped()).signal(at(60), Signal::Interrupt);
    let told = story.run(&[]).await;
    assert_shown!(told, @r"
    exit 83
    --- stdout
    [time] run started
    [time] run finished

    NOT GREEN: cancelled: the task was stopped, rollback proved [exit 83, cancelled]
      fix                run again when ready
      database           unchanged: nothing was written, or it is rolled back
      status             DEPROVISIONING
      stop code          UserInitiated
      stopped reason     ecs-migrate: cancelled by SIGINT
      container migrate  exit code 30, image app:1
      network            subnet-a, eni-[id], [address], sg-a
      definition         app-migrate:1
      task               arn:aws:ecs:eu-west-1:111122223333:task/default/[id]
      log                2 lines, complete
      explain            ecs-migrate explain --task-definition app-migrate --region eu-west-1 [id]
      see all            ecs-migrate logs --task-definition app-migrate --region eu-west-1 [id]
      console            https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Fecs$252Fapp/log-events/p$252Fmigrate$252F[id]
      last 2 lines
        run started
        run finished
    --- stderr
    warning: image app:1 is registered by its tag, which can be moved: only ECR is asked for digests
    hint: name it as repository@sha256:…
    task definition registered: app-migrate:1
    network: subnets subnet-a (flag --subnets), security groups sg-a (flag --security-groups), no public address
    started container migrate of app-migrate:1 in cluster default: arn:aws:ecs:eu-west-1:111122223333:task/default/[id]
    task is provisioning after [time]
    task is pending after [time]
    task is running after [time]
    cancelled by SIGINT: asking ECS to stop the task
    ECS accepted the stop
    task is deprovisioning after [time]
    ");
}

#[tokio::test(start_paused = true)]
async fn a_refusal() {
    let told = Story::of(Script::new()).run(&["--cluster", "nowhere"]).await;
    assert_shown!(told, @r"
    exit 86
    --- stdout
    --- stderr
    warning: image app:1 is registered by its tag, which can be moved: only ECR is asked for digests
    hint: name it as repository@sha256:…
    task definition registered: app-migrate:1
    network: subnets subnet-a (flag --subnets), security groups sg-a (flag --security-groups), no public address
    error: RunTask: ClusterNotFoundException: Cluster not found.
      database: untouched: nothing ran, so it is safe to run again
    hint: check --cluster and the Region: a cluster belongs to one
    ");
}

#[tokio::test(start_paused = true)]
async fn a_difference() {
    let story = Story::running(ends_with(applied(2)));
    let told = story.run(&[]).await;
    assert_eq!(told.code, 0);
    let told = story
        .invoke(&["register", "--task-definition", "app-migrate", "--image", "app:2", "--diff"])
        .await;
    assert_shown!(told, @r#"
    exit 0
    --- stdout
    containerDefinitions.migrate.image: "app:1" -> "app:2"
    --- stderr
    warning: image app:2 is registered by its tag, which can be moved: only ECR is asked for digests
    hint: name it as repository@sha256:…
    "#);
    assert_eq!(story.calls("RegisterTaskDefinition"), 1);
}
