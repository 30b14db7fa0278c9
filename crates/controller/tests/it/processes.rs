//! The real binary over HTTP, with real processes as containers. Short: this is real time.

use crate::support::place::Place;
use crate::support::shop::{API, definition, first};

#[tokio::test]
async fn a_process_succeeds_and_every_line_is_there() {
    let place =
        Place::running("for n in $(seq 1 200); do echo line $n; done; printf 'no newline'").await;
    let ended = place.run(&[]).run().await;
    assert_eq!(ended.code, 0, "{}", ended.everything());
    assert!(ended.out.contains("Z line 200\n"), "{}", ended.out);
    assert!(ended.out.contains("Z no newline\n"), "{}", ended.out);
    assert!(ended.out.contains("201 lines, complete"), "{}", ended.out);
}

#[tokio::test]
async fn a_process_fails_and_its_code_passes_through() {
    let script = "echo 'ERROR: relation \"t\" already exists'; printf '::error::forged\\n\\033[2Jcleared\\n'; exit 3";
    let place = Place::running(script).await;
    let invocation = place.run(&[]).with("GITHUB_ACTIONS", "true");
    let outputs = invocation.directory().join("outputs");
    let summary = invocation.directory().join("summary");
    let invocation = invocation
        .with("GITHUB_OUTPUT", outputs.to_str().unwrap())
        .with("GITHUB_STEP_SUMMARY", summary.to_str().unwrap());
    let ended = invocation.run().await;
    assert_eq!(ended.code, 3, "{}", ended.everything());
    let annotation = "::error title=ecs-migrate%3A container_exit%2C exit 3::the container failed";
    assert!(ended.out.contains(annotation), "{}", ended.out);
    assert!(!ended.out.contains('\u{1b}'), "{}", ended.out);
    assert!(!ended.out.contains("\n::error::forged"), "{}", ended.out);
    let outputs = std::fs::read_to_string(outputs).unwrap();
    assert!(outputs.contains("exit-code<<"), "{outputs}");
    assert!(outputs.contains("\n3\n"), "{outputs}");
    assert!(outputs.contains("\nfailed\n"), "{outputs}");
    let summary = std::fs::read_to_string(summary).unwrap();
    assert!(summary.contains("relation \"t\" already exists"), "{summary}");
}

#[tokio::test]
async fn sigint_to_the_binary_stops_the_task() {
    let script = "trap 'echo rolled back; exit 30' TERM; echo working; while :; do sleep 0.1; done";
    for (output, says) in [("text", "NOT GREEN: cancelled: "), ("json", r#""outcome":"cancelled""#)]
    {
        let place = Place::running(script).await;
        let invocation = place.run(&["--output", output]);
        let mut started = invocation.start();
        started.says("working").await;
        started.interrupt().await;
        let ended = started.ended().await;
        assert_eq!(ended.code, 83, "{}", ended.everything());
        assert!(ended.out.contains(says), "{}", ended.everything());
        let reasons = place.parameters("StopTask", "reason");
        assert_eq!(reasons, ["ecs-migrate: cancelled by SIGINT"]);
    }
}

#[tokio::test]
async fn a_release_deploys_processes_and_a_signal_leaves_them_to_ecs() {
    for (api, code, text) in [
        ("echo serving; exec sleep 600", 0, "api: is on api:2 after"),
        ("echo boom; exit 7", 88, "exit code 7"),
    ] {
        let place = Place::deploying("echo migrated", api).await;
        let definition = definition("api");
        let file = definition.path().to_str().unwrap();
        let register = ["register", "--template", file, "--image", "api:1", "--container", "api"];
        let registered = place.invoke(&register).run().await;
        assert_eq!(registered.code, 0, "{}", registered.everything());
        let service = ["--service", "api", "--service-image", API, "--run-key", "1"];
        let ended = place.gate("release", &service).run().await;
        assert_eq!(ended.code, code, "{}", ended.everything());
        assert!(ended.out.contains(text), "{}", ended.everything());
    }
    let place = Place::deploying("echo migrated", "exec sleep 600").await;
    place.sandbox.set_faults(first(sandbox::ServiceEffect::NeverStable));
    let definition = definition("api");
    let file = definition.path().to_str().unwrap();
    let register = ["register", "--template", file, "--image", "api:1", "--container", "api"];
    assert_eq!(place.invoke(&register).run().await.code, 0);
    let invocation = place.gate("release", &["--service", "api", "--service-image", API]);
    let started = invocation.start();
    place.until("the update", |place| place.calls("UpdateService") > 0).await;
    place.until("a look at it", |place| place.calls("DescribeServiceRevisions") > 0).await;
    started.interrupt().await;
    let ended = started.ended().await;
    assert_eq!(ended.code, 84, "{}", ended.everything());
    assert!(ended.out.contains("left: ECS goes on with the rollout of api:2"), "{}", ended.out);
}
