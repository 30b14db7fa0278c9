//! Services over time: a rollout, a rollback, and both views of them.

use std::time::Duration;

use aws_sdk_ecs::types::{
    Deployment, DeploymentRolloutState, DesiredStatus, Service, ServiceCurrentRevisionSummary,
    ServiceDeploymentStatus,
};
use sandbox::{Config, Faults, Program, Script, ServiceEffect, ServiceFault, Speed};
use serde_json::json;

use crate::support::{World, container};

/// Image `good` serves, image `bad` exits.
async fn world(breaker: bool) -> World {
    let bad = Script::new().exits(Duration::from_secs(2), 1);
    let config = Config::new(Speed::Aws)
        .image("good", Program::script(Script::new()))
        .image("bad", Program::script(bad));
    let world = World::in_memory(config.service(json!({
        "serviceName": "api", "desiredCount": 2,
        "taskDefinition": "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:1",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-7"]}},
        "deploymentConfiguration": {
            "deploymentCircuitBreaker": {"enable": breaker, "rollback": breaker}}
    })));
    for image in ["good", "good", "bad"] {
        let container = container("web").image(image).build();
        let register =
            world.definition().family("web").set_container_definitions(Some(vec![container]));
        register.send().await.expect("registered");
    }
    world
}

async fn service(world: &World) -> Service {
    let answer = world.ecs.describe_services().services("api").send().await.expect("described");
    answer.services()[0].clone()
}

fn primary(service: &Service) -> &Deployment {
    let found = service.deployments().iter().find(|one| one.status() == Some("PRIMARY"));
    found.expect("a PRIMARY deployment")
}

/// Until the PRIMARY deployment is over.
async fn settled(world: &World) -> Service {
    for _ in 0..3_000 {
        let service = service(world).await;
        if primary(&service).rollout_state() != Some(&DeploymentRolloutState::InProgress) {
            return service;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("it goes on for ever");
}

async fn statuses(world: &World) -> Vec<ServiceDeploymentStatus> {
    let answer = world.ecs.list_service_deployments().service("api").send().await.expect("listed");
    answer.service_deployments().iter().filter_map(|brief| brief.status().cloned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_rollout_replaces_the_tasks_and_says_so_in_both_views() {
    let world = world(true).await;
    let before = service(&world).await;
    let update = world.ecs.update_service().service("api").task_definition("web:2");
    let answer = update.send().await.expect("updated");
    let begun = answer.service().expect("a service");
    let ours = primary(begun).id().expect("an id").to_owned();
    assert_ne!(Some(ours.as_str()), primary(&before).id());
    assert_eq!(begun.deployments().len(), 2);
    assert_eq!(statuses(&world).await, [ServiceDeploymentStatus::InProgress]);
    let after = settled(&world).await;
    assert_eq!(primary(&after).id(), Some(ours.as_str()));
    assert_eq!((after.deployments().len(), after.running_count()), (1, 2));
    assert_eq!(statuses(&world).await, [ServiceDeploymentStatus::Successful]);
    let newest = after.events()[0].message().expect("a message");
    assert_eq!(newest, "(service api) has reached a steady state.");
    let list = world.ecs.list_tasks().started_by(&ours).desired_status(DesiredStatus::Running);
    assert_eq!(list.send().await.expect("listed").task_arns().len(), 2);
    let list = world.ecs.list_tasks().service_name("api").send().await.expect("listed");
    assert_eq!(list.task_arns().len(), 2);
    // Where nothing changes nothing begins.
    let same = world.ecs.update_service().service("api").task_definition("web:2");
    let same = same.send().await.expect("updated");
    assert_eq!(same.service().expect("a service").deployments().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_breaker_rolls_back_and_both_views_tell_the_same() {
    let world = world(true).await;
    let old = primary(&service(&world).await).id().expect("an id").to_owned();
    let update = world.ecs.update_service().service("api").task_definition("web:3");
    update.send().await.expect("updated");
    let mut seen = Vec::new();
    for _ in 0..600 {
        for status in statuses(&world).await {
            if seen.last() != Some(&status) {
                seen.push(status);
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let expected = [
        ServiceDeploymentStatus::InProgress,
        ServiceDeploymentStatus::RollbackInProgress,
        ServiceDeploymentStatus::RollbackSuccessful,
    ];
    assert_eq!(seen, expected);
    let after = service(&world).await;
    assert_eq!(primary(&after).id(), Some(old.as_str()));
    assert_eq!(after.running_count(), 2, "stable again, with the old definition");
    let arn = world.ecs.list_service_deployments().service("api").send().await.expect("listed");
    let arn = arn.service_deployments()[0].service_deployment_arn().expect("an ARN").to_owned();
    let answer = world.ecs.describe_service_deployments().service_deployment_arns(arn).send().await;
    let answer = answer.expect("described");
    let told = &answer.service_deployments()[0];
    let breaker = told.deployment_circuit_breaker().expect("a breaker");
    assert!(breaker.failure_count() >= breaker.threshold());
    assert_eq!(
        told.status_reason(),
        Some("Service deployment rolled back because the circuit breaker threshold was exceeded.")
    );
    let revision = told.target_service_revision().and_then(|revision| revision.arn());
    let revisions = world.ecs.describe_service_revisions();
    let revisions = revisions.service_revision_arns(revision.expect("an ARN")).send().await;
    let revisions = revisions.expect("described");
    let definition = revisions.service_revisions()[0].task_definition().expect("a definition");
    assert!(definition.ends_with("web:3"), "{definition}");
}

#[tokio::test(start_paused = true)]
async fn readers_may_be_behind_and_inactive_definitions_are_refused() {
    let world = world(false).await;
    let effect = ServiceEffect::HiddenFor { seconds: 20.0 };
    let fault = ServiceFault { service: None, from: 1, to: None, effect };
    world.sandbox.set_faults(Faults { services: vec![fault], ..Faults::default() });
    let update = world.ecs.update_service().service("api").task_definition("web:2");
    update.send().await.expect("updated");
    assert_eq!(service(&world).await.deployments().len(), 1, "the news has not spread");
    assert!(statuses(&world).await.is_empty());
    tokio::time::sleep(Duration::from_secs(21)).await;
    assert_eq!(service(&world).await.deployments().len(), 2);
    let deregister = world.ecs.deregister_task_definition().task_definition("web:3");
    deregister.send().await.expect("deregistered");
    let refused = world.ecs.update_service().service("api").task_definition("web:3").send().await;
    let refused = refused.expect_err("refused").into_service_error();
    assert_eq!(refused.meta().message(), Some("TaskDefinition is inactive"));
    let missing = world.ecs.update_service().service("web").task_definition("web:2").send().await;
    let missing = missing.expect_err("refused").into_service_error();
    assert_eq!(missing.meta().code(), Some("ServiceNotFoundException"));
}

/// A success with half of the tasks, and old ones that stay for a while.
#[tokio::test(start_paused = true)]
async fn an_early_success_leaves_old_tasks_behind_until_they_are_taken_away() {
    for (cleanup, deferred) in [("DEFERRED", true), ("BLOCKING", false)] {
        let world = World::in_memory(
            Config::new(Speed::Aws).image("good", Program::script(Script::new())).service(json!({
                "serviceName": "api", "desiredCount": 2,
                "taskDefinition": "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:1",
                "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-7"]}},
                "deploymentConfiguration": {"earlySuccessCriteria": {
                    "enable": true, "healthyPercent": 50, "sourceServiceRevisionCleanup": cleanup}}
            })),
        );
        let effect = ServiceEffect::OldTasksProtected { seconds: 300.0 };
        let fault = ServiceFault { service: None, from: 1, to: None, effect };
        world.sandbox.set_faults(Faults { services: vec![fault], ..Faults::default() });
        let container = container("web").image("good").build();
        let register =
            world.definition().family("web").set_container_definitions(Some(vec![container]));
        register.send().await.expect("registered");
        let update = world.ecs.update_service().service("api").task_definition("web:1");
        update.force_new_deployment(true).send().await.expect("updated");
        let over = settled(&world).await;
        assert_eq!(statuses(&world).await, [ServiceDeploymentStatus::Successful]);
        let old: Vec<i32> = over.deployments()[1..].iter().map(Deployment::running_count).collect();
        assert_eq!(old, if deferred { vec![2] } else { vec![] }, "{cleanup}");
        let counted = over.current_service_revisions().iter();
        let counted: Vec<i32> =
            counted.map(ServiceCurrentRevisionSummary::running_task_count).collect();
        assert_eq!(counted, if deferred { vec![2, 2] } else { vec![2] }, "{cleanup}");
        tokio::time::sleep(Duration::from_secs(400)).await;
        assert_eq!(service(&world).await.deployments().len(), 1, "{cleanup}");
    }
}
