//! Task definitions: revisions, the latest ACTIVE one, what the echo adds.

use aws_sdk_ecs::types::{Tag, TaskDefinitionField, TaskDefinitionStatus};
use sandbox::{Config, Program, Script, Speed};

use crate::support::{World, container};

#[tokio::test(start_paused = true)]
async fn revisions_and_their_echo() {
    let world =
        World::in_memory(Config::new(Speed::Instant).image("*", Program::script(Script::new())));
    for revision in 1..=3 {
        let tag = Tag::builder().key("n").value(revision.to_string()).build();
        let runner = container("runner").build();
        let registered = world.definition().container_definitions(runner).tags(tag).send().await;
        let definition = registered.expect("registered").task_definition.expect("a definition");
        assert_eq!(definition.revision(), revision, "every register is a revision");
    }
    world.ecs.deregister_task_definition().task_definition("migrate:3").send().await.expect("done");

    let describe = |name: &str| {
        let describe = world.ecs.describe_task_definition().task_definition(name);
        describe.include(TaskDefinitionField::Tags).send()
    };
    let latest = describe("migrate").await.expect("described");
    assert_eq!(latest.tags()[0].value(), Some("2"));
    let definition = latest.task_definition().expect("a definition");
    assert_eq!(definition.revision(), 2);
    assert!(definition.registered_at().is_some());
    let container = &definition.container_definitions()[0];
    assert_eq!((container.essential(), container.cpu()), (Some(true), 0));
    let arn = definition.task_definition_arn().expect("an arn");
    assert!(describe(arn).await.is_ok());

    let old = describe("migrate:3").await.expect("described").task_definition.expect("it");
    assert_eq!(old.status(), Some(&TaskDefinitionStatus::Inactive));
    let run = world.run().task_definition("migrate:3").send().await;
    let error = run.expect_err("inactive").into_service_error();
    assert_eq!(error.meta().code(), Some("InvalidParameterException"));
    assert_eq!(error.meta().message(), Some("TaskDefinition is inactive"));

    let unknown = describe("nothing").await.expect_err("unknown").into_service_error();
    assert_eq!(unknown.meta().code(), Some("ClientException"));
    assert_eq!(unknown.meta().message(), Some("Unable to describe task definition."));
}

#[tokio::test(start_paused = true)]
async fn services_are_there_for_their_network() {
    let service = serde_json::json!({
        "cluster": "prod",
        "serviceName": "api",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-7"], "securityGroups": ["sg-7"]}}
    });
    let world = World::in_memory(Config::new(Speed::Instant).cluster("prod").service(service));
    let describe = world.ecs.describe_services().cluster("prod").services("api").services("no");
    let answer = describe.send().await.expect("described");
    let network = answer.services()[0].network_configuration().expect("a network");
    let vpc = network.awsvpc_configuration().expect("a vpc");
    assert_eq!(
        (vpc.subnets(), vpc.security_groups()),
        (&["subnet-7".to_owned()][..], &["sg-7".to_owned()][..])
    );
    assert_eq!(answer.failures()[0].reason(), Some("MISSING"));

    let clusters = world.ecs.describe_clusters().clusters("prod").clusters("no").send().await;
    let clusters = clusters.expect("described");
    assert_eq!(clusters.clusters()[0].active_services_count(), 1);
    assert_eq!(clusters.failures()[0].reason(), Some("MISSING"));
}
