//! What people see of the main endings, word for word.

use crate::support::runner::{Lines, applied, ends_with, failed, rolls_back_when_stopped};
use crate::support::story::{Story, Told, at, config};
use controller::Signal;
use protocol::DatabaseState;
use protocol::event::{Event, Heartbeat, Outcome, RunFinished};
use sandbox::{
    FailureFault, Faults, LineFate, OnTerminate, Program, RequestAnswer, RequestFault, Script,
    StartPhase, TaskEffect, TaskFault,
};

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
            (r"\d\d:\d\d:\d\d\.\d\d\dZ", "[time]"),
            (r"after (\d+\.\d s|\d+ ms|\d+ m \d\d s)", "after [time]"),
            (r#""(at_ms|elapsed_ms|duration_ms)":\d+"#, r#""$1":"[ms]""#),
            (r#""run":"[a-z2-7]{26}""#, r#""run":"[run]""#),
        ]}, { $assertion; });
    };
}

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
      see all            aws logs tail /ecs/app --log-stream-names p/migrate/[id] --since 1d --region eu-west-1
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
      see all            aws logs tail /ecs/app --log-stream-names p/migrate/[id] --since 1d --region eu-west-1
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
      log                0 lines, complete
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
      see all            aws logs tail /ecs/app --log-stream-names p/migrate/[id] --since 1d --region eu-west-1
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
async fn a_failed_migration_as_json() {
    let program = ends_with(failed(10, "relation \"t\" already exists"));
    let told = Story::running(program).run(&["--output", "json"]).await;
    assert_shown!(told, @r#"
    exit 10
    --- stdout
    {"hint":"name it as repository@sha256:…","text":"image app:1 is registered by its tag, which can be moved: only ECR is asked for digests","type":"warning"}
    {"arn":"arn:aws:ecs:eu-west-1:111122223333:task-definition/app-migrate:1","name":"app-migrate:1","registration":"new","type":"task_definition"}
    {"text":"network: subnets subnet-a (flag --subnets), security groups sg-a (flag --security-groups), no public address","type":"note"}
    {"arrival":"started","cluster":"default","container":"migrate","task_arn":"arn:aws:ecs:eu-west-1:111122223333:task/default/[id]","task_definition":"app-migrate:1","type":"task"}
    {"elapsed_ms":"[ms]","status":"PROVISIONING","type":"status"}
    {"elapsed_ms":"[ms]","status":"PENDING","type":"status"}
    {"elapsed_ms":"[ms]","status":"RUNNING","type":"status"}
    {"at_ms":"[ms]","container":"migrate","line":{"at":"2026-11-21T[time]","ecs_migrate":1,"event":{"command":"","kind":"run_started","version":""},"msg":"run started","process":"p-1","run":"[run]","seq":1},"type":"log"}
    {"at_ms":"[ms]","container":"migrate","line":{"at":"2026-11-21T[time]","ecs_migrate":1,"event":{"applied":0,"database":"unchanged","duration_ms":"[ms]","exit_code":10,"failure":{"hint":"fix the migration and push again","message":"relation \"t\" already exists","migration":"20260101000000_init","sqlstate":"42P07"},"kind":"run_finished","outcome":"failed","pending":0},"msg":"run finished","process":"p-1","run":"[run]","seq":2},"type":"log"}
    {"elapsed_ms":"[ms]","status":"DEPROVISIONING","type":"status"}
    {"applied":0,"attach":null,"cause":null,"class":"migration_failed","cluster":"default","container":"migrate","database":"unchanged","duration_ms":"[ms]","evidence":[{"name":"migration","text":"20260101000000_init"},{"name":"SQLSTATE","text":"42P07"},{"name":"status","text":"DEPROVISIONING"},{"name":"stop code","text":"EssentialContainerExited"},{"name":"stopped reason","text":"Essential container in task exited"},{"name":"container migrate","text":"exit code 10, image app:1"},{"name":"network","text":"subnet-a, eni-[id], [address], sg-a"},{"name":"definition","text":"app-migrate:1"}],"exit_code":10,"fix":"fix the migration and push again","log_gaps":[],"log_lines":2,"log_state":"complete","log_url":"https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Fecs$252Fapp/log-events/p$252Fmigrate$252F[id]","outcome":"failed","sentence":"migration `20260101000000_init` failed: relation \"t\" already exists","task_arn":"arn:aws:ecs:eu-west-1:111122223333:task/default/[id]","task_definition":"app-migrate:1","type":"result"}
    --- stderr
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_never_started_in_github() {
    let told = never_starting().run(&["--output", "github"]).await;
    assert_shown!(told, @r"
    exit 80
    --- stdout
    ::warning title=ecs-migrate::image app:1 is registered by its tag, which can be moved: only ECR is asked for digests%0Aname it as repository@sha256:…
    ::stop-commands::[id]
    started container migrate of app-migrate:1 in cluster default: arn:aws:ecs:eu-west-1:111122223333:task/default/[id]
    task is provisioning after [time]
    task is pending after [time]
    task is deprovisioning after [time]
    task is stopped after [time]

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
      log                0 lines, complete
    ::[id]::
    ::error title=ecs-migrate%3A never_started%2C exit 80::the task never started%0Acause: the execution role may not read the secret%0Afix: allow secretsmanager:GetSecretValue on this secret to the execution role (not the task role)%0Adatabase: untouched: nothing ran, so it is safe to run again%0Astopped reason: ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/exec/x is not authorized to perform: secretsmanager:GetSecretValue on resource: db
    --- stderr
    task definition registered: app-migrate:1
    network: subnets subnet-a (flag --subnets), security groups sg-a (flag --security-groups), no public address
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

/// A story, the arguments of its run, and what to call it.
type Ending = (&'static str, Story, &'static [&'static str]);

fn task_fault(program: Program, effects: Vec<TaskEffect>) -> Story {
    let tasks = effects
        .into_iter()
        .map(|effect| TaskFault { family: None, from: 1, to: None, effect })
        .collect();
    Story::with(config().image("app:1", program).faults(Faults { tasks, ..Faults::default() }))
}

fn request_fault(program: Program, operation: &str, from: u64, answer: RequestAnswer) -> Story {
    let requests = vec![RequestFault { operation: operation.to_owned(), from, to: None, answer }];
    let faults = Faults { requests, ..Faults::default() };
    Story::with(config().image("app:1", program).faults(faults))
}

fn refusal(kind: &str, message: &str) -> RequestAnswer {
    RequestAnswer::Error { kind: kind.to_owned(), message: message.to_owned(), status: 400 }
}

fn stubborn() -> Program {
    Program::script(Script::new().line(at(0), "working").on_terminate(OnTerminate::Ignore))
}

fn without_a_last_word(code: i32) -> Program {
    Program::scripted(move |launch| {
        Script::new().line(at(0), Lines::of(launch).started()).exits(at(5), code)
    })
}

fn exits(code: i32) -> Program {
    Program::script(Script::new().line(at(0), "working").exits(at(5), code))
}

fn outside(stop_code: &str, reason: &str) -> TaskEffect {
    TaskEffect::StoppedFromOutside {
        after_seconds: 20.0,
        stop_code: stop_code.to_owned(),
        stopped_reason: Some(reason.to_owned()),
    }
}

fn green() -> Vec<Ending> {
    let nothing = RunFinished {
        outcome: Outcome::NothingToDo,
        database: DatabaseState::Unchanged,
        ..RunFinished::default()
    };
    let denied = refusal(
        "AccessDeniedException",
        "User: arn:aws:sts::111122223333:assumed-role/deploy/gh is not authorized to perform: logs:GetLogEvents on resource: arn:aws:logs:eu-west-1:111122223333:log-group:/ecs/app",
    );
    let lost = TaskEffect::LogLines {
        container: None,
        from: 2,
        to: Some(3),
        every: 1,
        fate: LineFate::Lost,
    };
    let talkative = Program::scripted(|launch| {
        let mut lines = Lines::of(launch);
        let mut beat = || lines.next("working", Event::Heartbeat(Heartbeat::default()));
        let script = Script::new().line(at(0), beat()).line(at(1), beat()).line(at(2), beat());
        script.line(at(3), lines.finished(applied(2))).exits(at(4), 0)
    });
    vec![
        ("nothing to do", Story::running(ends_with(nothing)), &[]),
        ("a plain command", Story::running(exits(0)), &[]),
        (
            "a log that may not be read",
            request_fault(ends_with(applied(2)), "GetLogEvents", 1, denied),
            &[],
        ),
        ("lines lost on the way", task_fault(talkative, vec![lost]), &[]),
    ]
}

fn red() -> Vec<Ending> {
    let memory = TaskEffect::OutOfMemory { container: None, after_seconds: Some(5.0) };
    let ended = |code, database, message| {
        let mut finished = failed(code, message);
        finished.database = database;
        ends_with(finished)
    };
    let part_way = ended(10, DatabaseState::PartWay, "could not create unique index \"u\"");
    let needs_attention = ended(11, DatabaseState::NeedsAttention, "the journal does not match");
    let disagreeing = Program::scripted(|launch| {
        let last = Lines::of(launch).finished(failed(10, "relation \"t\" already exists"));
        Script::new().line(at(0), last).exits(at(5), 0)
    });
    vec![
        ("part-way", Story::running(part_way), &[]),
        ("part-way, and a person has to look", Story::running(needs_attention), &[]),
        ("a runner that was killed", Story::running(without_a_last_word(137)), &[]),
        ("out of memory", task_fault(stubborn(), vec![memory]), &[]),
        ("no last word", Story::running(without_a_last_word(0)), &[]),
        ("a last word that disagrees", Story::running(disagreeing), &[]),
        (
            "Spot",
            task_fault(
                Program::script(Script::new().line(at(0), "working")),
                vec![
                    outside("SpotInterruption", "Your Spot Task was interrupted."),
                    TaskEffect::ExitCodeAbsent { container: None },
                ],
            ),
            &[],
        ),
        (
            "a stop code of tomorrow",
            task_fault(
                stubborn(),
                vec![outside("SomethingNew", "A reason that nobody has seen yet.")],
            ),
            &[],
        ),
        (
            "no exit code",
            task_fault(exits(0), vec![TaskEffect::ExitCodeAbsent { container: None }]),
            &[],
        ),
        (
            "a task that ECS forgot",
            task_fault(
                stubborn(),
                vec![TaskEffect::Missing { from_seconds: 0.0, to_seconds: None }],
            ),
            &[],
        ),
    ]
}

/// What we did to the task, or could not do.
fn ours() -> Vec<Ending> {
    vec![
        ("a time limit", Story::running(rolls_back_when_stopped()), &["--timeout", "1m"]),
        ("a time limit, unproved", Story::running(stubborn()), &["--timeout", "1m"]),
        ("a cancel, unproved", Story::running(stubborn()).signal(at(60), Signal::Terminate), &[]),
        (
            "a cancel before anything ran",
            Story::running(stubborn()).signal(at(5), Signal::Interrupt),
            &[],
        ),
        (
            "detached",
            Story::running(stubborn()).signal(at(60), Signal::Interrupt),
            &["--on-cancel", "detach"],
        ),
        (
            "a watch that is lost",
            request_fault(
                stubborn(),
                "DescribeTasks",
                5,
                refusal(
                    "ExpiredTokenException",
                    "The security token included in the request is expired",
                ),
            ),
            &[],
        ),
        (
            "no capacity",
            request_fault(
                stubborn(),
                "RunTask",
                1,
                RequestAnswer::Failures(vec![FailureFault {
                    reason: "RESOURCE:MEMORY".to_owned(),
                    detail: None,
                }]),
            ),
            &["--capacity-timeout", "20s"],
        ),
        (
            "no right",
            request_fault(
                stubborn(),
                "RunTask",
                1,
                refusal(
                    "AccessDeniedException",
                    "User: arn:aws:sts::111122223333:assumed-role/deploy/gh is not authorized to perform: iam:PassRole on resource: arn:aws:iam::111122223333:role/exec",
                ),
            ),
            &[],
        ),
    ]
}

/// Read it as somebody who was woken up by it.
#[tokio::test(start_paused = true)]
async fn every_other_ending() {
    let mut page = Vec::new();
    for (name, story, arguments) in green().into_iter().chain(red()).chain(ours()) {
        let told = story.run(arguments).await;
        let steps = ["task definition registered", "started container", "task is "];
        let said: Vec<&str> = told
            .err
            .lines()
            .filter(|line| !steps.iter().any(|step| line.starts_with(step)))
            .collect();
        let ending = told.out.split_once("\n\n").map_or(told.out.as_str(), |(_, ending)| ending);
        page.push(format!("=== {name}: exit {}\n{}\n{ending}", told.code, said.join("\n")));
    }
    filtered!(insta::assert_snapshot!(page.join("\n")));
}
