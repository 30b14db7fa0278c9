//! What a database of another encoding has in catalogs that all databases of a server share.

use crate::support::World;

#[tokio::test]
async fn a_default_that_is_no_text_of_this_database() {
    let world = World::new().await;
    let role = format!("{}_l", world.database);
    let latin = format!("{}_latin", world.database);
    world
        .sql(&format!("CREATE DATABASE {latin} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'"))
        .await;
    let there = crate::support::client(&world.url.replace(&world.database, &latin)).await;
    // é is one byte there.
    there
        .batch_execute(&format!(
            "CREATE ROLE {role} LOGIN SUPERUSER; ALTER ROLE {role} SET app.name = 'caf\u{e9}'"
        ))
        .await
        .unwrap();
    drop(there);
    world.migration("1_a", "CREATE TABLE t(a int);");
    world.migration("2_b", "SELECT 1;");
    let mut command = world.command(&["deploy"]);
    command.env("DATABASE_URL", world.url.replace("postgres@", &format!("{role}@")));
    let ended = crate::support::finish(command.spawn().unwrap()).await;
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
}
