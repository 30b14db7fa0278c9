//! `examples/wrapped`: dbmate in its own image, with the runner in front of it.

use super::Checkout;
use super::container::Container;
use super::image::Image;
use crate::support::{Ended, Server, World, send};
use crate::wrapped::tools;
use protocol::Event;
use rustix::process::Signal;
use tokio::process::Command;

/// The image's container; none where npm cannot install the tool.
async fn container(world: &World, image: &Image) -> Option<Command> {
    assert_eq!(image.runs, ["npm install --omit=dev --ignore-scripts --no-audit --no-fund"]);
    let modules = tools().await?.join("node_modules");
    if !image.has("node_modules") {
        image.link("node_modules", &modules);
    }
    let mut command = image.container(&[]);
    // dbmate's driver wants TLS unless told otherwise, and this server has none.
    command.envs(world.parts()).env("PGSSLMODE", "disable");
    Some(command)
}

fn image(checkout: &Checkout) -> Image {
    Image::build(checkout.path(), "Dockerfile")
}

impl Checkout {
    fn dbmate(&self, name: &str, script: &str) {
        let text = format!("-- migrate:up\n{script}\n-- migrate:down\n");
        std::fs::write(self.path().join("db/migrations").join(name), text).unwrap();
    }
}

impl Ended {
    fn dbmates(&self) -> usize {
        self.output("stdout").matches("Applied: ").count()
    }
}

#[tokio::test]
async fn of_two_at_once_one_migrates_and_its_code_passes_through() {
    let world = World::new().await;
    let checkout = Checkout::of("wrapped");
    let first = image(&checkout);
    let Some(mut one) = container(&world, &first).await else { return };
    let mut other = container(&world, &first).await.unwrap();
    let both = [Container::run(&mut one), Container::run(&mut other)];
    let mut applied = 0;
    for container in both {
        let ended = container.end().await;
        ended.succeeded();
        applied += ended.dbmates();
    }
    assert_eq!(applied, 3);
    assert_eq!(world.value("SELECT count(*) FROM schema_migrations").await, "3");
    assert!(world.exists("readings_taken_at_idx").await);

    checkout.dbmate("20260301090000_typo.sql", "ALTER TABLE device ADD COLUMN owner text;");
    let second = image(&checkout);
    let red = Container::run(&mut container(&world, &second).await.unwrap()).end().await;
    let finished = red.finished();
    assert!(finished.passed_through && finished.exit_code != 0, "{}", red.stdout);
    assert!((red.output("stdout") + &red.output("stderr")).contains("device"), "{}", red.stdout);
    assert_eq!(world.value("SELECT count(*) FROM schema_migrations").await, "3");
    world.lock_is_free().await;
}

#[tokio::test]
async fn while_somebody_holds_the_lock_the_tool_is_not_started() {
    let world = World::new().await;
    let image = image(&Checkout::of("wrapped"));
    world.sql("SELECT pg_advisory_lock(123456789)").await;
    let Some(mut command) = container(&world, &image).await else { return };
    let ended = Container::run(command.env("ECS_MIGRATE_LOCK_WAIT", "100ms")).end().await;
    ended.failed(20);
    assert!(!world.exists("schema_migrations").await);
    assert!(!ended.has(|event| matches!(event, Event::Output(_))));
}

#[tokio::test]
async fn a_stopped_task_stops_the_tool_before_the_lock_is_free() {
    let world = World::new().await;
    let checkout = Checkout::of("wrapped");
    checkout.dbmate("20260301090000_long.sql", "SELECT pg_sleep(60);");
    let image = image(&checkout);
    let Some(mut command) = container(&world, &image).await else { return };
    let container = Container::run(&mut command);
    let sleeps = "FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND state = 'active' AND datname = current_database() AND pid <> pg_backend_pid()";
    world.until(&format!("EXISTS (SELECT {sleeps})")).await;
    send(&container.child, Signal::TERM);
    let ended = container.end().await;
    assert!(
        ended.code != 0 && ended.has(|event| matches!(event, Event::Interrupted(_))),
        "{}",
        ended.stdout
    );
    // The server notices by itself only when the statement ends.
    world.sql(&format!("SELECT pg_terminate_backend(pid) {sleeps}")).await;
    world.lock_is_free().await;
    assert_eq!(world.value("SELECT count(*) FROM schema_migrations").await, "3");
}

#[tokio::test]
async fn the_tool_gets_any_password_and_does_not_show_it() {
    let server = Server::start().await;
    let world = World::at(&server.url).await;
    let password = "p#a^s+s!w@o/r%d 4";
    world.sql(&format!("CREATE ROLE with_password LOGIN PASSWORD '{password}'; ALTER DATABASE {} OWNER TO with_password", world.database)).await;
    let image = image(&Checkout::of("wrapped"));
    let Some(mut command) = container(&world, &image).await else { return };
    command.env("PGUSER", "with_password").env("PGPASSWORD", password);
    let ended = Container::run(&mut command).end().await;
    assert!(ended.code == 0 && ended.dbmates() == 3, "{}{}", ended.stdout, ended.stderr);
    assert!(!ended.stdout.contains("p#a") && !ended.stdout.contains("p%23a"), "{}", ended.stdout);
}
