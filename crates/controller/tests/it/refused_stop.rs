//! A stop that is refused is no stop: it is said, at once, with how to go on.

use crate::support::runner::{applied, ends_with, rolls_back_when_stopped};
use crate::support::story::{Story, Told, at, config};
use controller::Signal;
use sandbox::{Faults, OnTerminate, Program, RequestAnswer, RequestFault, Script};

fn refusing(answer: RequestAnswer) -> Story {
    let fault = RequestFault { operation: "StopTask".to_owned(), from: 1, to: None, answer };
    Story::with(
        config()
            .image("app:1", rolls_back_when_stopped())
            .faults(Faults { requests: vec![fault], ..Faults::default() }),
    )
    .set("GITHUB_RUN_ID", "77")
}

fn denied() -> RequestAnswer {
    RequestAnswer::Error {
        kind: "AccessDeniedException".to_owned(),
        message: "User: x is not authorized to perform: ecs:StopTask on resource: y".to_owned(),
        status: 400,
    }
}

fn goes_on(told: &Told) {
    assert_eq!(told.code, 84, "{}", told.everything());
    let all = format!("{}{}", told.out, told.err);
    assert!(all.contains("could not be stopped and goes on: StopTask"), "{}", told.everything());
    assert!(all.contains("ecs-migrate attach --region eu-west-1 arn:"), "{}", told.everything());
}

#[tokio::test(start_paused = true)]
async fn a_signal_a_limit_and_cancel_end_at_once_and_say_that_the_task_goes_on() {
    let told = refusing(denied()).signal(at(60), Signal::Interrupt).run(&[]).await;
    goes_on(&told);
    assert!(told.took < at(63), "{:?}", told.took);
    assert!(told.out.contains("allow the action ecs:StopTask"), "{}", told.everything());

    let told = refusing(denied()).run(&["--timeout", "2m"]).await;
    goes_on(&told);
    assert!(told.took < at(125), "{:?}", told.took);

    let story = refusing(denied()).signal(at(60), Signal::Interrupt);
    assert_eq!(story.run(&["--on-cancel", "detach"]).await.code, 84);
    let story = story.without_signals();
    let told = story.invoke(&["cancel"]).await;
    goes_on(&told);
    assert!(told.took < at(5), "{:?}", told.took);
}

/// ECS is throttled for ever: it was asked, and it never heard.
#[tokio::test(start_paused = true)]
async fn a_stop_that_nobody_hears_is_bounded() {
    let throttled = || refusing(RequestAnswer::Throttle);
    let told = throttled().signal(at(60), Signal::Interrupt).run(&[]).await;
    goes_on(&told);
    assert!(told.took <= at(68), "{:?}", told.took);
    let told = throttled().run(&["--timeout", "2m"]).await;
    goes_on(&told);
    assert!(told.took <= at(120 + 160), "{:?}", told.took);
}

/// ECS says yes and does nothing: an agent that is gone, a host that hangs.
#[tokio::test(start_paused = true)]
async fn a_stop_that_is_accepted_and_never_carried_out_is_bounded() {
    let stuck = || {
        let effect = sandbox::TaskEffect::StopsLate { seconds: 86_400.0 };
        let fault = sandbox::TaskFault { family: None, from: 1, to: None, effect };
        let faults = Faults { tasks: vec![fault], ..Faults::default() };
        Story::with(config().image("app:1", rolls_back_when_stopped()).faults(faults))
            .set("GITHUB_RUN_ID", "77")
    };
    let never_ended = |told: &Told, limit| {
        assert_eq!(told.code, 84, "{}", told.everything());
        let all = format!("{}{}", told.out, told.err);
        let said = "could not be stopped and goes on: ECS accepted the stop, and no end was seen";
        for text in [said, "ecs-migrate attach --region eu-west-1 arn:", "which ECS was asked to"] {
            assert!(all.contains(text), "no {text:?} in {}", told.everything());
        }
        assert!(told.took <= at(limit), "{:?}", told.took);
        assert!(told.silence <= at(61), "{:?}", told.silence);
    };
    // What the definition gives it, and half a minute.
    never_ended(&stuck().run(&["--timeout", "2m"]).await, 120 + 151);
    let story = stuck().signal(at(60), Signal::Interrupt);
    // GitHub leaves no time to see it through.
    let told = story.run(&[]).await;
    told.says(83, &["stop requested, not yet proved", "ecs-migrate attach"]);
    assert!(told.took <= at(67), "{:?}", told.took);
    let story = story.without_signals();
    never_ended(&story.invoke(&["cancel"]).await, 151);
    let json = story.invoke(&["cancel", "--output", "json"]).await;
    assert_eq!(json.code, 84, "{}", json.everything());
    // Where room was waited for.
    let story = stuck();
    let stays = sandbox::TaskEffect::StaysIn {
        phase: sandbox::StartPhase::Provisioning,
        seconds: 86_400.0,
    };
    let mut faults = Faults::default();
    for effect in [stays, sandbox::TaskEffect::StopsLate { seconds: 86_400.0 }] {
        faults.tasks.push(sandbox::TaskFault { family: None, from: 1, to: None, effect });
    }
    story.sandbox.set_faults(faults);
    never_ended(&story.run(&["--capacity-timeout", "1m"]).await, 60 + 151);
}

/// Running again is no fix for a task that may go on, and no credentials are missing where a right is.
#[tokio::test(start_paused = true)]
async fn what_is_to_be_done_is_true_of_a_task_that_goes_on() {
    let server_fault = RequestAnswer::ServerError { status: 500 };
    let told = refusing(server_fault).signal(at(60), Signal::Interrupt).run(&[]).await;
    goes_on(&told);
    let fix = "stop it by another way, or follow it to its end with the command below";
    assert!(told.out.contains(fix), "{}", told.everything());
    assert!(!told.everything().contains("run again"), "{}", told.everything());
    let story = refusing(denied());
    let watched = RequestAnswer::Error {
        kind: "AccessDeniedException".to_owned(),
        message: "User: x is not authorized to perform: ecs:DescribeTasks on resource: y"
            .to_owned(),
        status: 400,
    };
    let fault =
        RequestFault { operation: "DescribeTasks".to_owned(), from: 3, to: None, answer: watched };
    story.sandbox.set_faults(Faults { requests: vec![fault], ..Faults::default() });
    let told = story.run(&[]).await;
    let fix =
        "allow the action ecs:DescribeTasks to the role that runs ecs-migrate; then follow it";
    told.says(86, &["the watch is lost", fix]);
    assert!(!told.out.contains("credentials"), "{}", told.everything());
}

#[tokio::test(start_paused = true)]
async fn what_never_started_and_cannot_be_stopped_goes_on() {
    let mut story_faults = Faults::default();
    story_faults.requests.push(RequestFault {
        operation: "StopTask".to_owned(),
        from: 1,
        to: None,
        answer: denied(),
    });
    story_faults.tasks.push(sandbox::TaskFault {
        family: None,
        from: 1,
        to: None,
        effect: sandbox::TaskEffect::StaysIn {
            phase: sandbox::StartPhase::Provisioning,
            seconds: 3600.0,
        },
    });
    let story = Story::with(config().image("app:1", ends_with(applied(1))).faults(story_faults));
    goes_on(&story.run(&["--capacity-timeout", "1m"]).await);
}

fn stubborn() -> Program {
    Program::script(Script::new().on_terminate(OnTerminate::Ignore))
}

/// The second task does not wait for the first one's two minutes.
#[tokio::test(start_paused = true)]
async fn cancel_stops_several_tasks_together() {
    let story = Story::running(stubborn()).set("GITHUB_RUN_ID", "77");
    let other = story.neighbour("other").signal(at(60), Signal::Interrupt);
    let story = story.signal(at(60), Signal::Interrupt);
    let detach = ["--on-cancel", "detach"];
    let (one, two) = tokio::join!(story.run(&detach), other.run(&detach));
    assert_eq!((one.code, two.code), (84, 84));
    let told = story.without_signals().invoke(&["cancel"]).await;
    told.says(0, &["cancelled: "]);
    assert!(told.took < at(180), "{:?}", told.took);
    let stops = other.sandbox.journal();
    let stops: Vec<u64> =
        stops.iter().filter(|entry| entry.operation == "StopTask").map(|entry| entry.at).collect();
    assert!(stops[1] - stops[0] < 1000, "{stops:?}");
}

#[tokio::test(start_paused = true)]
async fn cancel_leaves_other_families_and_environments_of_the_run_alone() {
    let story = Story::running(rolls_back_when_stopped()).set("GITHUB_RUN_ID", "77");
    let other = story.neighbour("other").signal(at(60), Signal::Interrupt);
    let story = story.signal(at(60), Signal::Interrupt);
    let detach = ["--on-cancel", "detach"];
    let staging = ["--environment", "staging", "--on-cancel", "detach"];
    let (one, two, three) =
        tokio::join!(story.run(&detach), other.run(&detach), story.run(&staging));
    assert_eq!((one.code, two.code, three.code), (84, 84, 84));
    let story = story.without_signals();
    let told =
        story.invoke(&["cancel", "--task-definition", "other:1", "--environment", "prod"]).await;
    told.says(0, &["rollback proved"]);
    assert_eq!(story.calls("StopTask"), 1);
    assert_eq!(told.err.matches("left alone, it is of family app-migrate").count(), 2);
    let told = story
        .set("ECS_MIGRATE_TASK_DEFINITION", "app-migrate")
        .set("ECS_MIGRATE_ENVIRONMENT", "production")
        .invoke(&["cancel"])
        .await;
    told.says(0, &["rollback proved"]);
    assert!(told.err.contains("left alone, it is of environment staging"), "{}", told.err);
    assert_eq!(other.calls("StopTask"), 2);
}
