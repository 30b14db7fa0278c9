//! A history is not begun beside another one, unless somebody names the schema that is meant.

use crate::support::World;

const AWAY: &str = "CREATE SCHEMA IF NOT EXISTS app; CREATE TABLE IF NOT EXISTS public.counter(n int); \
    INSERT INTO public.counter VALUES (1);";

async fn led_away() -> World {
    let world = World::new().await;
    world.migration("1_a", AWAY);
    world.deploy().await.succeeded();
    let database = &world.database;
    world.sql(&format!("ALTER DATABASE {database} SET search_path = app")).await;
    world
}

#[tokio::test]
async fn a_path_that_leads_elsewhere_applies_nothing_twice() {
    let world = led_away().await;
    for arguments in [
        ["deploy"].as_slice(),
        &["status"],
        &["resolve", "--applied", "1_a"],
        &["resolve", "--baseline", "1_a"],
    ] {
        let red = world.run(arguments).await;
        let failure = red.failed(13);
        assert!(
            failure.message.contains("`app`") && failure.message.contains("`public`"),
            "{}",
            red.stdout
        );
        assert!(failure.hint.as_ref().unwrap().contains("--schema public"), "{failure:?}");
    }
    let red = world.run(&["deploy", "--compat", "prisma"]).await;
    assert_eq!(red.code, 1, "{}{}", red.stdout, red.stderr);
    let checked = world.run(&["check"]).await;
    assert!(checked.stdout.contains("has no history"), "{}", checked.stdout);
    assert_eq!(world.value("SELECT count(*) FROM public.counter").await, "1");
    assert_eq!(
        world
            .column("SELECT schemaname FROM pg_tables WHERE tablename = '_prisma_migrations'")
            .await,
        ["public"]
    );
}

#[tokio::test]
async fn a_schema_that_is_meant_is_named() {
    let world = led_away().await;
    world.run(&["deploy", "--schema", "public"]).await.succeeded();
    assert_eq!(world.value("SELECT count(*) FROM public.counter").await, "1");
    let url = format!("{}?schema=public", world.url);
    let mut both = world.command(&["deploy", "--schema", "app"]);
    both.env("DATABASE_URL", &url);
    crate::support::finish(both.spawn().unwrap()).await.failed(2);
    let mut named = world.command(&["status"]);
    named.env("DATABASE_URL", &url).env("ECS_MIGRATE_SCHEMA", "public");
    crate::support::finish(named.spawn().unwrap()).await.succeeded();
    // A second one, on purpose; from then on it is found without its name.
    world.run(&["deploy", "--schema", "app"]).await.succeeded();
    assert_eq!(world.value("SELECT count(*) FROM public.counter").await, "2");
    world.deploy().await.succeeded();
    assert_eq!(world.value("SELECT count(*) FROM public.counter").await, "2");
}

/// One run that was given the name is enough, for the next ones and their connections.
#[tokio::test]
async fn a_schema_that_was_named_is_remembered() {
    let world = led_away().await;
    let named = world.run(&["deploy", "--schema", "public"]).await;
    named.succeeded();
    assert!(named.notice("schema_named"), "{}", named.stdout);
    world.migration("2_b", "CREATE TABLE IF NOT EXISTS counter(n int); INSERT INTO counter VALUES (2); CREATE TABLE made(a int);");
    for arguments in
        [["status"].as_slice(), &["deploy", "--check"], &["deploy"], &["check", "--drift"]]
    {
        let ended = world.run(arguments).await;
        ended.succeeded();
        assert!(!ended.notice("schema_named"), "{}", ended.stdout);
    }
    assert_eq!(world.value("SELECT count(*) FROM public.counter").await, "2");
    assert!(world.exists("public.made").await && !world.exists("app.made").await);
    // Prisma would stop, and so do its habits.
    let red = world.run(&["deploy", "--compat", "prisma"]).await;
    assert_eq!(red.code, 1, "{}{}", red.stdout, red.stderr);
    // Of two that were named nobody can tell which one is meant.
    world
        .sql(&format!(
            "CREATE SCHEMA third; ALTER DATABASE {} SET search_path = third",
            world.database
        ))
        .await;
    world.run(&["deploy", "--schema", "app"]).await.succeeded();
    let red = world.deploy().await;
    assert!(red.failed(13).message.contains("`app` and the schema `public`"), "{}", red.stdout);
}

/// What the search path finds anyway needs no mark, and a comment of somebody's own stays.
#[tokio::test]
async fn a_name_that_is_not_needed_is_not_kept() {
    let world = World::new().await;
    world.migration("1_a", AWAY);
    let comment = "SELECT obj_description('public._prisma_migrations'::regclass, 'pg_class')";
    assert!(!world.run(&["deploy", "--schema", "public"]).await.notice("schema_named"));
    assert_eq!(world.value(comment).await, "-");
    world.sql("COMMENT ON TABLE public._prisma_migrations IS 'ours'").await;
    world.sql(&format!("ALTER DATABASE {} SET search_path = app", world.database)).await;
    world.run(&["deploy", "--schema", "public"]).await.succeeded();
    assert_eq!(world.value(comment).await, "ours");
    world.deploy().await.failed(13);
}

/// Whoever may make a table must not lead others to it.
#[tokio::test]
async fn a_strangers_table_is_no_word_of_ours() {
    let world = led_away().await;
    let stranger = format!("{}_stranger", world.database);
    world.run(&["deploy", "--schema", "public"]).await.succeeded();
    world.deploy().await.succeeded();
    world
        .sql(&format!(
            "CREATE ROLE {stranger}; ALTER TABLE public._prisma_migrations OWNER TO {stranger}"
        ))
        .await;
    world.deploy().await.failed(13);
    world.sql(&format!("DROP OWNED BY {stranger} CASCADE; DROP ROLE {stranger}")).await;
}
