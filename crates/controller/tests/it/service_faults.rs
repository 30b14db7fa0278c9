//! What can become of a rollout: each outcome that ECS has, and each way in which it is not told.

use crate::support::runner::{applied, ends_with};
use crate::support::sdk;
use crate::support::shop::{Shop, crashes, first, gives_up, rolls_back, serves};
use crate::support::story::Told;
use sandbox::{
    ConnectionFate, Faults, RequestAnswer, RequestFate, RequestFault, ServiceEffect, StartPhase,
    TaskEffect, TaskFault,
};
use serde_json::{Value, json};
use std::time::Duration;

async fn story(api: sandbox::Program, deployment: Value, faults: Faults) -> (Shop, Told) {
    let shop = Shop::open(ends_with(applied(1)), api, deployment).await;
    shop.story.sandbox.set_faults(faults);
    let told = shop.release(&[]).await;
    (shop, told)
}

fn request(operation: &str, (from, to): (u64, Option<u64>), answer: RequestAnswer) -> Faults {
    let fault = RequestFault { operation: operation.to_owned(), from, to, answer };
    Faults { requests: vec![fault], ..Faults::default() }
}

fn error(kind: &str, message: &str) -> RequestAnswer {
    RequestAnswer::Error { kind: kind.to_owned(), message: message.to_owned(), status: 400 }
}

/// G04, G05.
#[tokio::test(start_paused = true)]
async fn a_rollout_that_ends_well() {
    let (shop, told) = story(serves(), rolls_back(), Faults::default()).await;
    told.says(0, &["api: is on api:2 after"]);
    assert!(told.err.contains("api: 2 of 2 tasks run"), "{}", told.err);
    assert!(shop.story.calls("DescribeServiceDeployments") > 2);
}

/// G01.
#[tokio::test(start_paused = true)]
async fn a_breaker_that_gives_up() {
    let (shop, told) = story(crashes(), gives_up(), Faults::default()).await;
    told.says(
        88,
        &[
            "the tasks of api:2 do not start, ECS gave up",
            "ECS deployment circuit breaker: tasks failed to start.",
            "failed tasks, the threshold is 3",
            "boom: no such column",
        ],
    );
    assert!(told.err.contains("EssentialContainerExited"), "{}", told.err);
    // Run again it needs a forced deployment: ECS begins none where nothing changes.
    assert_eq!(shop.release(&[]).await.code, 88);
    let journal = shop.story.sandbox.journal();
    let updates: Vec<_> = journal.iter().filter(|e| e.operation == "UpdateService").collect();
    assert_eq!(updates.len(), 2);
    assert_eq!(updates[1].parameters["forceNewDeployment"], true);
}

/// G02, G06, G10.
#[tokio::test(start_paused = true)]
async fn a_breaker_that_rolls_back() {
    let (shop, told) = story(crashes(), rolls_back(), Faults::default()).await;
    told.says(
        88,
        &[
            "rolled back from api:2 to api:1",
            "Service deployment rolled back because the circuit breaker threshold was exceeded.",
        ],
    );
    assert!(told.err.contains("rolling back to deployment ecs-svc/"), "{}", told.err);
    assert_eq!(shop.stands_on().as_deref(), Some("api:1"), "the end was waited for");
}

/// The same when only the older view can be read.
#[tokio::test(start_paused = true)]
async fn the_older_view_alone_is_enough() {
    let denied = || {
        error(
            "AccessDeniedException",
            "User: x is not authorized to perform: ecs:ListServiceDeployments",
        )
    };
    for (api, code, text) in
        [(serves(), 0, "is on api:2 after"), (crashes(), 88, "rolled back from api:2 to api:1")]
    {
        let faults = request("ListServiceDeployments", (1, None), denied());
        let (shop, told) = story(api, rolls_back(), faults).await;
        told.says(code, &[text]);
        let warnings = told.err.matches("service deployments cannot be read").count();
        assert_eq!(warnings, 1, "{}", told.err);
        assert!(told.err.contains("allow the action ecs:ListServiceDeployments"), "{}", told.err);
        assert_eq!(shop.story.calls("ListServiceDeployments"), 1);
    }
    let (_, told) =
        story(crashes(), gives_up(), request("ListServiceDeployments", (1, None), denied())).await;
    told.says(88, &["ECS gave up"]);
}

/// G08.
#[tokio::test(start_paused = true)]
async fn a_rollback_that_fails() {
    let (_, told) = story(crashes(), rolls_back(), first(ServiceEffect::RollbackFails)).await;
    told.says(88, &["api:2 failed, and so did the way back", "the service is in a mixed state"]);
}

/// What became of going back hides nothing of why.
#[tokio::test(start_paused = true)]
async fn a_failed_way_back_still_says_why() {
    let hook = ServiceEffect::HookFails { after_seconds: 5.0, stage: "PRE_SCALE_UP".to_owned() };
    let effects = [hook, ServiceEffect::RollbackFails];
    let services = effects.into_iter().flat_map(|effect| first(effect).services).collect();
    let (_, told) = story(serves(), rolls_back(), Faults { services, ..Faults::default() }).await;
    told.says(
        88,
        &[
            "api:2 failed, and so did the way back",
            "PRE_SCALE_UP lifecycle hook(s) failed",
            "No rollback candidate was found",
        ],
    );
}

/// A PAUSE hook waits for a person, and says so from the first minute.
#[tokio::test(start_paused = true)]
async fn a_hook_that_waits_for_somebody_is_said() {
    let stays = |seconds| ServiceEffect::StaysIn {
        stage: "PRE_SCALE_UP".to_owned(),
        seconds,
        hook: Some("ecs-pause-e7tK9G".to_owned()),
    };
    let (_, told) = story(serves(), rolls_back(), first(stays(600.0))).await;
    told.says(0, &["api: is on api:2"]);
    assert!(told.err.contains("ecs-pause-e7tK9G"), "{}", told.err);
    let shop = Shop::open(ends_with(applied(1)), serves(), rolls_back()).await;
    shop.story.sandbox.set_faults(first(stays(36_000.0)));
    let told = shop.release(&["--rollout-timeout", "5m"]).await;
    told.says(84, &["the rollout of api:2 is not over after 5 m", "ecs-pause-e7tK9G"]);
}

/// Baking takes its time by somebody's wish: the limit is what is too short.
#[tokio::test(start_paused = true)]
async fn a_deployment_that_bakes_is_no_trouble() {
    let stays =
        |seconds| ServiceEffect::StaysIn { stage: "BAKE_TIME".to_owned(), seconds, hook: None };
    let (_, told) = story(serves(), rolls_back(), first(stays(900.0))).await;
    told.says(0, &["api: is on api:2 after 15 m"]);
    let shop = Shop::open(ends_with(applied(1)), serves(), rolls_back()).await;
    shop.story.sandbox.set_faults(first(stays(36_000.0)));
    let told = shop.release(&["--rollout-timeout", "5m"]).await;
    told.says(
        84,
        &["the rollout of api:2 is not over after 5 m", "BAKE_TIME", "--rollout-timeout"],
    );
}

/// A green rollout of nothing is said to be one.
#[tokio::test(start_paused = true)]
async fn a_service_that_wants_no_task_proves_nothing() {
    let shop = Shop::open(ends_with(applied(1)), serves(), rolls_back()).await;
    let ecs = aws_sdk_ecs::Client::new(&sdk::config(&shop.story.sandbox));
    ecs.update_service().service("api").desired_count(0).send().await.unwrap();
    let told = shop.release(&[]).await;
    told.says(0, &["api: is on api:2"]);
    assert!(told.err.contains("nothing of the new code has run"), "{}", told.everything());
}

/// G09.
#[tokio::test(start_paused = true)]
async fn somebody_stops_it() {
    let effect = ServiceEffect::StoppedBySomebody { after_seconds: 20.0 };
    let (_, told) = story(serves(), rolls_back(), first(effect)).await;
    told.says(88, &["somebody stopped the deployment of api:2", "StopServiceDeployment"]);
}

/// G11.
#[tokio::test(start_paused = true)]
async fn without_a_breaker_a_crash_loop_ends_with_our_patience() {
    let (_, told) = story(crashes(), json!({}), Faults::default()).await;
    told.says(
        88,
        &["the tasks of api:2 keep failing", "enable the deployment circuit breaker with rollback"],
    );
    assert!(
        told.err.contains("is unable to consistently start tasks successfully."),
        "{}",
        told.err
    );
    assert!(told.took > Duration::from_mins(30), "{:?}", told.took);
}

#[tokio::test(start_paused = true)]
async fn what_is_never_stable_goes_on_without_us() {
    let shop = Shop::open(ends_with(applied(1)), serves(), json!({})).await;
    shop.story.sandbox.set_faults(first(ServiceEffect::NeverStable));
    let told = shop.release(&["--rollout-timeout", "5m"]).await;
    told.says(84, &["the rollout of api:2 is not over after 5 m", "goes on"]);
    // Numbers that leave the scheduler no way.
    let stuck = json!({"minimumHealthyPercent": 100, "maximumPercent": 100});
    let shop = Shop::open(ends_with(applied(1)), serves(), stuck).await;
    let told = shop.release(&["--rollout-timeout", "5m"]).await;
    told.says(84, &["goes on"]);
    assert!(
        told.err.contains("was unable to stop or start tasks during a deployment"),
        "{}",
        told.err
    );
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_newer_deployment_is_no_success_of_ours() {
    let effect = ServiceEffect::ReplacedByNewer { after_seconds: 20.0, task_definition: None };
    let (shop, told) = story(serves(), rolls_back(), first(effect)).await;
    told.says(88, &["a newer deployment, of api:1, replaced api:2"]);
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(shop.stands_on().as_deref(), Some("api:1"));
    // The same definition once more is as good as ours.
    let effect = ServiceEffect::ReplacedByNewer {
        after_seconds: 20.0,
        task_definition: Some("api:2".to_owned()),
    };
    let (shop, told) = story(serves(), rolls_back(), first(effect)).await;
    told.says(0, &["api: is on api:2 after"]);
    assert_eq!(shop.stands_on().as_deref(), Some("api:2"));
}

#[tokio::test(start_paused = true)]
async fn an_alarm_rolls_back() {
    let deployment = json!({"alarms": {"alarmNames": ["5xx"], "enable": true, "rollback": true}});
    let effect = ServiceEffect::Alarm { after_seconds: 30.0, name: "5xx".to_owned() };
    let (_, told) = story(serves(), deployment, first(effect)).await;
    told.says(88, &["rolled back from api:2 to api:1", "alarms", "5xx"]);
}

#[tokio::test(start_paused = true)]
async fn failing_health_checks_and_images_that_cannot_be_pulled_are_named() {
    let effect =
        ServiceEffect::Unhealthy { after_seconds: 15.0, reason: "Health checks failed".to_owned() };
    let (_, told) = story(serves(), rolls_back(), first(effect)).await;
    told.says(88, &["Task failed ELB health checks in (target-group"]);
    assert!(told.err.contains("is unhealthy in (target-group"), "{}", told.err);
    let effect = TaskEffect::NeverStarts {
        phase: StartPhase::Pulling,
        stopped_reason: "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref api:2: not found".to_owned(),
        container_reason: None,
    };
    let fault = TaskFault { family: Some("api".to_owned()), from: 1, to: None, effect };
    let faults = Faults { tasks: vec![fault], ..Faults::default() };
    let (_, told) = story(serves(), rolls_back(), faults).await;
    told.says(88, &["CannotPullContainerError", "TaskFailedToStart", "cause"]);
}

/// News spread slowly, and the service looks as steady as ever; the event of a steady state is no proof.
#[tokio::test(start_paused = true)]
async fn a_steady_state_is_no_proof() {
    for hidden in [5.0, 45.0, 100.0] {
        let (shop, told) =
            story(serves(), rolls_back(), first(ServiceEffect::HiddenFor { seconds: hidden }))
                .await;
        if hidden < 60.0 {
            told.says(0, &["api: is on api:2 after"]);
            assert_eq!(shop.stands_on().as_deref(), Some("api:2"), "{hidden}");
        } else {
            assert_ne!(told.code, 0, "{hidden}: {}", told.everything());
        }
    }
    let mut faults = first(ServiceEffect::SteadyStateTold { after_seconds: 1.0 });
    faults.services.extend(first(ServiceEffect::NeverStable).services);
    let (_, told) = story(serves(), json!({}), faults).await;
    told.says(84, &["is not over"]);
}

#[tokio::test(start_paused = true)]
async fn throttles_errors_and_lost_answers_decide_nothing() {
    for (operation, (from, to), answer) in [
        (
            "DescribeServices|ListServiceDeployments|DescribeServiceDeployments",
            (1, 12),
            RequestAnswer::Throttle,
        ),
        ("DescribeServiceRevisions", (1, 3), RequestAnswer::ServerError { status: 503 }),
        ("UpdateService", (1, 6), RequestAnswer::Throttle),
        (
            "UpdateService",
            (1, 2),
            RequestAnswer::Unanswered {
                request: RequestFate::CarriedOut,
                connection: ConnectionFate::Drops,
            },
        ),
        (
            "UpdateService",
            (1, 1),
            RequestAnswer::Unanswered {
                request: RequestFate::Ignored,
                connection: ConnectionFate::Hangs,
            },
        ),
        (
            "DescribeServices",
            (3, 6),
            RequestAnswer::Unanswered {
                request: RequestFate::Ignored,
                connection: ConnectionFate::Drops,
            },
        ),
    ] {
        let (shop, told) =
            story(serves(), rolls_back(), request(operation, (from, Some(to)), answer)).await;
        told.says(0, &["api: is on api:2 after"]);
        assert_eq!(shop.stands_on().as_deref(), Some("api:2"), "{operation}");
    }
}

/// Q07, and other refusals: the schema is migrated, and the service is as it was.
#[tokio::test(start_paused = true)]
async fn a_refused_update_changes_nothing() {
    for (kind, message, text) in [
        ("ClientException", "TaskDefinition is inactive", "use the family without a revision"),
        ("ServiceNotFoundException", "Service not found.", "Service not found."),
        ("ServiceNotActiveException", "Service was not ACTIVE.", "Service was not ACTIVE."),
        (
            "AccessDeniedException",
            "User: x is not authorized to perform: ecs:UpdateService on resource: y",
            "allow the action ecs:UpdateService",
        ),
    ] {
        let faults = request("UpdateService", (1, None), error(kind, message));
        let (shop, told) = story(serves(), rolls_back(), faults).await;
        told.says(86, &["not updated: AWS refused", message, text]);
        assert_eq!(shop.story.calls("UpdateService"), 1, "{message}");
        assert_eq!(shop.stands_on().as_deref(), Some("api:1"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_loses_only_the_watch() {
    let expired =
        error("ExpiredTokenException", "The security token included in the request is expired");
    let (shop, told) =
        story(serves(), rolls_back(), request("DescribeServices", (4, None), expired)).await;
    told.says(86, &["the watch is lost, the rollout of api:2 may still go on"]);
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(shop.stands_on().as_deref(), Some("api:2"));
}

/// A proxy with a page of its own stands between us and every operation of a release.
#[tokio::test(start_paused = true)]
async fn rubbish_for_an_answer_is_asked_for_again_everywhere() {
    for operation in [
        "RegisterTaskDefinition",
        "UpdateService",
        "DescribeServices",
        "ListServiceDeployments",
        "DescribeServiceDeployments",
        "DescribeServiceRevisions",
    ] {
        for (status, body) in [(200, "{}"), (200, "<html>"), (404, "<html>"), (503, "")] {
            let answer = RequestAnswer::Foreign { status, body: body.to_owned() };
            let faults = request(operation, (1, Some(3)), answer);
            let shop = Shop::open(ends_with(applied(1)), serves(), rolls_back()).await;
            shop.story.sandbox.set_faults(faults);
            let told = shop.release(&[]).await;
            let shown = format!("{operation} {status} {body}: {}", told.everything());
            assert_eq!(told.code, 0, "{shown}");
            assert_eq!(shop.stands_on().as_deref(), Some("api:2"), "{shown}");
        }
    }
}
