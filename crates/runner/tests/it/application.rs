//! The application's role after a deployment: what it cannot use is red, with GRANTs that help.

use crate::check::{finding, says};
use crate::support::{Ended, World};
use protocol::event::{CheckFinding, Finding};
use protocol::{DatabaseState, Event};

/// A migration with one of everything.
const EVERYTHING: &str = "CREATE TYPE mood AS ENUM ('x'); CREATE TABLE a(id serial PRIMARY KEY, m mood); \
    CREATE TABLE \"B\"(id int GENERATED ALWAYS AS IDENTITY); CREATE VIEW v AS SELECT id FROM a; \
    CREATE TABLE parts(id int) PARTITION BY RANGE (id); CREATE TABLE parts_1 PARTITION OF parts DEFAULT; \
    CREATE FUNCTION f(n int) RETURNS int LANGUAGE sql AS 'SELECT n'; \
    CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
    REVOKE ALL ON FUNCTION f(int) FROM PUBLIC; REVOKE ALL ON FUNCTION g() FROM PUBLIC; \
    REVOKE ALL ON TYPE mood FROM PUBLIC; CREATE SCHEMA audit; CREATE TABLE audit.log(id int);";

async fn role(world: &World) -> String {
    let role = format!("app_{}", world.database);
    world.sql(&format!("CREATE ROLE {role} LOGIN; REVOKE ALL ON SCHEMA public FROM PUBLIC")).await;
    role
}

async fn drop_role(world: &World, role: &str) {
    world.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}

fn rights(ended: &Ended) -> Vec<&CheckFinding> {
    let found = ended.lines.iter().filter_map(|line| match &line.event {
        Event::CheckFinding(found) if found.name == "application_rights" => Some(found),
        _ => None,
    });
    found.collect()
}

/// The statements of the lines with [no].
fn grants(ended: &Ended) -> Vec<String> {
    let blocking = rights(ended).into_iter().filter(|found| found.verdict == Finding::No);
    blocking
        .map(|found| found.fix.as_ref().unwrap().strip_prefix("run: ").unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn what_the_application_cannot_use_is_red_after_the_migration_and_the_grants_make_it_green() {
    let world = World::new().await;
    let role = role(&world).await;
    world.migration("1_a", EVERYTHING);
    let red = world.run(&["deploy", "--app-role", &role]).await;
    let failure = red.failed(22);
    assert!(
        failure
            .message
            .starts_with(&format!("the schema is migrated, but {role} cannot use 10 things")),
        "{failure:?}"
    );
    let finished = red.finished();
    assert_eq!((finished.applied, finished.database), (1, DatabaseState::Changed));
    let expected = [
        "GRANT USAGE ON SCHEMA audit, public TO".to_owned(),
        "GRANT SELECT ON TABLE public.v TO".to_owned(),
        "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE audit.log, public.\"B\", public.a, public.parts TO".to_owned(),
        "GRANT USAGE ON SEQUENCE public.a_id_seq TO".to_owned(),
        "GRANT EXECUTE ON ROUTINE public.f(n integer) TO".to_owned(),
        "GRANT USAGE ON TYPE public.mood TO".to_owned(),
    ]
    .map(|grant| format!("{grant} {role};"));
    let mut found = grants(&red);
    found.sort();
    let mut wanted = expected.to_vec();
    wanted.sort();
    assert_eq!(found, wanted);
    // Nothing is pending any more, and it is red all the same.
    world.run(&["deploy", "--app-role", &role]).await.failed(22);
    let check = world.run(&["check", "--app-role", &role]).await;
    check.failed(14);

    world.sql(&found.concat()).await;
    world.run(&["deploy", "--app-role", &role]).await.succeeded();
    says(
        &world.run(&["check", "--app-role", &role]).await,
        "application_rights",
        Finding::Ok,
        &["everything"],
    );

    // The advice makes the next migration need no GRANT.
    let advice = rights(&red).into_iter().find(|found| found.verdict == Finding::Skip).unwrap();
    let defaults = advice.fix.as_ref().unwrap().split_once("run: ").unwrap().1;
    world.sql(defaults).await;
    world.migration("2_b", "CREATE TABLE later(id serial); CREATE TYPE other AS ENUM ('x'); REVOKE ALL ON TYPE other FROM PUBLIC;");
    world.run(&["deploy", "--app-role", &role]).await.succeeded();
    drop_role(&world, &role).await;
}

#[tokio::test]
async fn columns_memberships_and_exceptions_count() {
    let world = World::new().await;
    let role = role(&world).await;
    world.migration("1_a", "CREATE TABLE narrow(id int, secret text); CREATE TABLE log(id int);");
    world.sql(&format!("CREATE ROLE group_{role}; GRANT group_{role} TO {role}; GRANT USAGE ON SCHEMA public TO {role}")).await;
    let red = world.run(&["deploy", "--app-role", &role]).await;
    red.failed(22);
    world
        .sql(&format!(
            "GRANT SELECT (id), INSERT (id), UPDATE (id), DELETE ON narrow TO group_{role}; GRANT INSERT ON log TO {role}"
        ))
        .await;
    let red = world.run(&["deploy", "--app-role", &role]).await;
    red.failed(22);
    assert_eq!(
        grants(&red),
        [format!("GRANT SELECT, UPDATE, DELETE ON TABLE public.log TO {role};")]
    );
    let mut command = world.command(&["deploy"]);
    command.env("ECS_MIGRATE_APP_ROLE", &role).env("ECS_MIGRATE_APP_ROLE_EXCEPT", "public.log");
    crate::support::finish(command.spawn().unwrap()).await.succeeded();
    world.sql(&format!("DROP OWNED BY group_{role}; DROP ROLE group_{role}")).await;
    drop_role(&world, &role).await;
}

#[tokio::test]
async fn a_step_may_grant_and_an_unknown_role_is_red() {
    let world = World::new().await;
    let role = role(&world).await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let step = format!(
        "psql -X -q -c 'GRANT USAGE ON SCHEMA public TO {role}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}'"
    );
    let mut command = world.command(&["deploy", "--app-role", &role, "--then", &step]);
    command.env("PATH", crate::support::search_path());
    crate::support::finish(command.spawn().unwrap()).await.succeeded();
    let red = world.run(&["deploy", "--app-role", "nobody_has_this"]).await;
    assert!(
        red.failed(22).message.contains("there is no role `nobody_has_this`"),
        "{}",
        red.stdout
    );
    // Somebody else's schema with a history of its own is none of ours.
    world.sql("CREATE SCHEMA others; CREATE TABLE others._prisma_migrations(id int); CREATE TABLE others.t(id int)").await;
    world.run(&["deploy", "--app-role", &role]).await.succeeded();
    let start = ["start", "--app-role", "nobody_has_this", "--", "true"];
    let mut command = world.command(&start);
    command.env("PATH", crate::support::search_path());
    let red = crate::support::finish(command.spawn().unwrap()).await;
    red.failed(22);
    let check = world.run(&["check", "--app-role", "nobody_has_this"]).await;
    check.failed(14);
    assert!(finding(&check, "application_role").sentence.contains("there is no role"));
    drop_role(&world, &role).await;
}
