//! Secrets Manager itself.

use sandbox::{Config, Speed};

use crate::support::World;

#[tokio::test(start_paused = true)]
async fn create_put_get() {
    let world = World::in_memory(Config::new(Speed::Instant));
    let created = world.secrets.create_secret().name("app/db").send().await.expect("created");
    let arn = created.arn().expect("an arn");
    let get = || world.secrets.get_secret_value().secret_id("app/db").send();
    let empty = get().await.expect_err("no value").into_service_error();
    assert_eq!(
        empty.meta().message(),
        Some("Secrets Manager can't find the specified secret value for staging label: AWSCURRENT")
    );
    for value in ["one", "two"] {
        let put = world.secrets.put_secret_value().secret_id(arn).secret_string(value);
        put.send().await.expect("put");
        assert_eq!(get().await.expect("a value").secret_string(), Some(value));
    }
    let previous = world.secrets.get_secret_value().secret_id(arn).version_stage("AWSPREVIOUS");
    assert_eq!(previous.send().await.expect("a value").secret_string(), Some("one"));

    let missing = world.secrets.get_secret_value().secret_id("no").send().await;
    assert!(missing.expect_err("missing").into_service_error().is_resource_not_found_exception());
    let again = world.secrets.create_secret().name("app/db").send().await;
    assert!(again.expect_err("exists").into_service_error().is_resource_exists_exception());
}

#[tokio::test(start_paused = true)]
async fn the_journal_holds_no_secret() {
    let world = World::in_memory(Config::new(Speed::Instant));
    let create = world.secrets.create_secret().name("app/db").secret_string("hunter2");
    create.send().await.expect("created");
    let journal = serde_json::to_string(&world.sandbox.journal()).expect("JSON");
    assert!(journal.contains("CreateSecret") && !journal.contains("hunter2"), "{journal}");
}
