//! RunTask's client token, and finding tasks by `startedBy`.

use sandbox::{Config, Program, Script, Speed};

use crate::support::{World, arn};

fn world() -> World {
    let image = Program::script(Script::new());
    World::in_memory(Config::new(Speed::Instant).cluster("prod").image("*", image))
}

#[tokio::test(start_paused = true)]
async fn the_same_request_gets_the_same_task() {
    let world = world();
    world.register(&[]).await;
    let run = || world.run().client_token("key-1").started_by("me/1");
    let first = run().send().await.expect("a task");
    let second = run().send().await.expect("the same task");
    assert_eq!(arn(&first.tasks()[0]), arn(&second.tasks()[0]));
    assert_eq!(second.tasks().len(), 1);

    let other_cluster = run().cluster("prod").send().await.expect("another task");
    assert_ne!(arn(&first.tasks()[0]), arn(&other_cluster.tasks()[0]));
}

#[tokio::test(start_paused = true)]
async fn another_request_gets_a_conflict_that_names_the_task() {
    let world = world();
    world.register(&[]).await;
    let first = world.run().client_token("key-1").send().await.expect("a task");
    let second = world.run().client_token("key-1").started_by("other").send().await;
    let error = second.expect_err("a conflict").into_service_error();
    let aws_sdk_ecs::operation::run_task::RunTaskError::ConflictException(conflict) = error else {
        panic!("{error:?}");
    };
    assert_eq!(conflict.resource_ids(), [arn(&first.tasks()[0])]);
}

#[tokio::test(start_paused = true)]
async fn tasks_are_listed_by_who_started_them() {
    let world = world();
    world.register(&[]).await;
    let run = |who| world.run().started_by(who).send();
    let mine = arn(&run("me").await.expect("a task").tasks()[0]).to_owned();
    run("other").await.expect("a task");
    let list = |status: &str| {
        let status = aws_sdk_ecs::types::DesiredStatus::from(status);
        world.ecs.list_tasks().started_by("me").desired_status(status).send()
    };
    assert_eq!(list("RUNNING").await.expect("a list").task_arns(), std::slice::from_ref(&mine));
    assert!(list("STOPPED").await.expect("a list").task_arns().is_empty());
    assert!(list("PENDING").await.expect("a list").task_arns().is_empty());

    world.ecs.stop_task().task(&mine).send().await.expect("stopped");
    assert_eq!(list("STOPPED").await.expect("a list").task_arns(), [mine]);
    let all = world.ecs.list_tasks().send().await.expect("a list");
    assert_eq!(all.task_arns().len(), 1, "RUNNING is the default");
}
