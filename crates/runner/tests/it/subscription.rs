//! Subscriptions of who is no superuser: PostgreSQL shows only some of their columns.

use crate::support::{World, finish};

/// A role that owns the database and a subscription in it; `more` is granted to it.
async fn owner(world: &World, subscription: &str) -> String {
    let role = format!("{}_s", world.database);
    world
        .sql(&format!(
            "CREATE ROLE {role} LOGIN SUPERUSER; ALTER DATABASE {} OWNER TO {role}; ALTER SCHEMA public OWNER TO {role}; \
             SET ROLE {role}; CREATE SUBSCRIPTION {subscription} CONNECTION 'host=nowhere password=x' PUBLICATION p \
             WITH (connect = false, slot_name = NONE); RESET ROLE",
            world.database
        ))
        .await;
    world.sql(&format!("ALTER ROLE {role} NOSUPERUSER")).await;
    role
}

async fn deploy_as(world: &World, role: &str) -> crate::support::Ended {
    let mut command = world.command(&["deploy"]);
    command.env("DATABASE_URL", world.url.replace("postgres@", &format!("{role}@")));
    finish(command.spawn().unwrap()).await
}

#[tokio::test]
async fn who_is_no_superuser_changes_and_drops_its_subscription() {
    let world = World::new().await;
    let subscription = format!("{}_sub", world.database);
    let role = owner(&world, &subscription).await;
    world.migration(
        "1_a",
        &format!(
            "VACUUM;\nALTER SUBSCRIPTION {subscription} SET PUBLICATION q WITH (refresh = false);\n\
             SELECT nope();"
        ),
    );
    let red = deploy_as(&world, &role).await;
    assert_eq!(red.failed(10).sqlstate.as_deref(), Some("42883"), "{}", red.stdout);
    let publications = "SELECT subpublications::text FROM pg_subscription WHERE subdbid = \
                        (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_eq!(world.value(publications).await, "{q}");
    world.migration(
        "1_a",
        &format!(
            "VACUUM;\nALTER SUBSCRIPTION {subscription} SET PUBLICATION q WITH (refresh = false);\n\
             DROP SUBSCRIPTION {subscription};\nSELECT nope();"
        ),
    );
    let red = deploy_as(&world, &role).await;
    assert_eq!(red.failed(10).sqlstate.as_deref(), Some("42883"), "{}", red.stdout);
    assert_eq!(world.value(publications).await, "");
    // It died behind the DROP: the catalog knows that it is done.
    world.sql("UPDATE ecs_migrate.journal SET finished_at = NULL, session = NULL, settled = NULL, settings = NULL, alone = true WHERE unit = 2").await;
    world.migration(
        "1_a",
        &format!(
            "VACUUM;\nALTER SUBSCRIPTION {subscription} SET PUBLICATION q WITH (refresh = false);\n\
             DROP SUBSCRIPTION {subscription};\nSELECT 1;"
        ),
    );
    let green = deploy_as(&world, &role).await;
    assert_eq!(green.code, 0, "{}", green.stdout);
}

/// Whoever may not make one is told so by the server, as a failure of the script.
#[tokio::test]
async fn who_may_not_make_one_is_told_so() {
    let world = World::new().await;
    let role = format!("{}_s", world.database);
    world
        .sql(&format!(
            "CREATE ROLE {role} LOGIN; ALTER DATABASE {} OWNER TO {role}; ALTER SCHEMA public OWNER TO {role}",
            world.database
        ))
        .await;
    world.migration(
        "1_a",
        "VACUUM;\nCREATE SUBSCRIPTION s CONNECTION 'host=nowhere password=x' PUBLICATION p;",
    );
    let red = deploy_as(&world, &role).await;
    let failure = red.failed(10);
    assert_eq!(failure.statement.as_ref().unwrap().number, 2, "{failure:?}");
}
