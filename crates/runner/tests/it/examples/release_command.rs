//! `examples/release-command`: what Fly.io runs between build and rollout, and the scripts beside it.

use super::Checkout;
use super::container::{Container, health};
use super::image::Image;
use crate::prisma::engine;
use crate::support::{Ended, World, ended, finish, npm, search_path};
use crate::wrapped::tools;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::process::Command;
use tokio::sync::OnceCell;

/// Where `bun` is; none where npm cannot install it.
async fn bun() -> Option<&'static PathBuf> {
    static FOLDER: OnceCell<Option<PathBuf>> = OnceCell::const_new();
    let install = || async {
        let folder = npm("bun", "Bun cannot be installed with npm").await?;
        let machine = if cfg!(target_arch = "aarch64") { "aarch64" } else { "x64" };
        Some(folder.join(format!("node_modules/@oven/bun-linux-{machine}/bin")))
    };
    FOLDER.get_or_init(install).await.as_ref()
}

impl World {
    /// As platforms write it.
    fn postgres_url(&self) -> String {
        self.url.replacen("postgresql://", "postgres://", 1) + "?sslmode=disable"
    }
}

/// A Machine: the image's variables, `[env]`, the secrets.
fn machine(world: &World, checkout: &Checkout, image: &Image, arguments: &[String]) -> Command {
    let settings = fly(checkout);
    let mut command = image.container(arguments);
    for (name, value) in settings["env"].as_table().unwrap() {
        command.env(name, value.as_str().unwrap());
    }
    command.env("DATABASE_URL", world.postgres_url()).env("FLY_APP_NAME", "ledger");
    command
}

fn image(checkout: &Checkout) -> Image {
    Image::build(checkout.path(), fly(checkout)["build"]["dockerfile"].as_str().unwrap())
}

fn fly(checkout: &Checkout) -> toml::Table {
    std::fs::read_to_string(checkout.path().join("fly.toml")).unwrap().parse().unwrap()
}

/// The Machine of `release_command`: the words stand in the place of `CMD`.
async fn release(world: &World, checkout: &Checkout) -> Ended {
    let settings = fly(checkout);
    let words = shlex::split(settings["deploy"]["release_command"].as_str().unwrap()).unwrap();
    let image = image(checkout);
    let mut command = machine(world, checkout, &image, &words);
    // The test reads the events; people read sentences.
    command.env("ECS_MIGRATE_LOG_FORMAT", "json").env("RELEASE_COMMAND", "1");
    finish(command.spawn().unwrap()).await
}

#[tokio::test]
async fn the_release_command_is_the_gate() {
    let world = World::new().await;
    let checkout = Checkout::of("release-command");
    assert_eq!(release(&world, &checkout).await.succeeded().applied, 3);
    world.has_exactly(&checkout.names()).await;
    assert_eq!(release(&world, &checkout).await.succeeded().applied, 0);

    let Some(bun) = bun().await else { return };
    let image = image(&checkout);
    let mut api = machine(&world, &checkout, &image, &[]);
    api.env("PATH", format!("{}:{}", bun.display(), search_path())).env("PORT", "0");
    let mut api = Container::run(api.env("VERSION", "v1"));
    let port = api.port().await;
    assert!(health(port).await.contains(r#"{"version":"v1","accounts":2,"cents":0}"#));

    checkout.migration(
        "20260301090000_notes",
        "ALTER TABLE entries ADD COLUMN note text; ALTER TABLE entry ADD COLUMN note text;",
    );
    let red = release(&world, &checkout).await;
    assert_eq!(red.failed(10).migration.as_deref(), Some("20260301090000_notes"));
    assert!(health(port).await.starts_with("HTTP/1.1 200"));
    checkout.migration("20260301090000_notes", "ALTER TABLE entries ADD COLUMN note text;");
    assert_eq!(release(&world, &checkout).await.succeeded().applied, 1);
    // The old version on the newer schema, until its Machine is replaced.
    assert!(health(port).await.starts_with("HTTP/1.1 200"));
}

/// A script of package.json, as a package manager runs it.
async fn run_script(checkout: &Checkout, name: &str, world: &World) -> Ended {
    let package = std::fs::read(checkout.path().join("package.json")).unwrap();
    let package: Value = serde_json::from_slice(&package).unwrap();
    let script = package["scripts"][name].as_str().unwrap();
    let runner = PathBuf::from(env!("CARGO_BIN_EXE_ecs-migrate-runner"));
    let output = Command::new("sh")
        .args(["-c", script])
        .current_dir(checkout.path())
        .env_clear()
        .env("PATH", format!("{}:{}", runner.parent().unwrap().display(), search_path()))
        .env("DATABASE_URL", world.postgres_url())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    ended(output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn the_scripts_for_a_laptop_deploy_and_look() {
    let world = World::new().await;
    let checkout = Checkout::of("release-command");
    let status = run_script(&checkout, "db:status", &world).await;
    assert_eq!(status.succeeded().pending, 3);
    assert_eq!(run_script(&checkout, "db:deploy", &world).await.succeeded().applied, 3);
    assert_eq!(run_script(&checkout, "db:status", &world).await.succeeded().pending, 0);
    let package = std::fs::read_to_string(checkout.path().join("package.json")).unwrap();
    assert!(!package.contains("push"), "{package}");
}

/// The real Prisma CLI in the example's folder, with more variables.
async fn prisma(checkout: &Checkout, words: &[&str], variables: &[(&str, &str)]) -> Option<Ended> {
    let (tools, engine, bun) = (tools().await?, engine().await?, bun().await?);
    let output = Command::new("node")
        .arg(tools.join("node_modules/prisma/build/index.js"))
        .args(words)
        .current_dir(checkout.path())
        .env_clear()
        .env("PATH", format!("{}:{}", bun.display(), search_path()))
        .env("PRISMA_SCHEMA_ENGINE_BINARY", engine.join("schema-engine.mjs"))
        .env("CHECKPOINT_DISABLE", "1")
        .env("NO_COLOR", "1")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Some(ended(output.status.code().unwrap(), text(output.stdout), text(output.stderr)))
}

#[tokio::test]
async fn nobody_pushes_past_the_migrations() {
    let world = World::new().await;
    let checkout = Checkout::of("release-command");
    let here = world.postgres_url();
    // What the platform's first deployment leaves in its database.
    world.sql("CREATE SCHEMA ecs_migrate; CREATE TABLE ecs_migrate.environment (name text); INSERT INTO ecs_migrate.environment VALUES ('production')").await;
    let elsewhere = "postgres://u:p@ledger-db.flycast:5432/ledger";
    let nothing = "postgres://u:hunter2@127.0.0.1:1/ledger";
    let push = &["db", "push"][..];
    let ours = vec![("DATABASE_URL", here.as_str())];
    let with = |more| [&ours[..], &[more]].concat();
    for (words, variables, why) in [
        (push, ours.clone(), "the database belongs to production"),
        (
            &["--schema", "shared/prisma/schema.prisma", "db", "push"],
            ours.clone(),
            "belongs to production",
        ),
        (&["migrate", "reset", "--force"], ours.clone(), "belongs to production"),
        (push, with(("NODE_ENV", "production")), "this is production"),
        (push, with(("FLY_APP_NAME", "ledger")), "this is production"),
        (push, vec![("DATABASE_URL", elsewhere)], "the database is at ledger-db.flycast"),
        (push, vec![("DATABASE_URL", nothing)], "the database cannot be asked whose it is"),
        (push, vec![("DATABASE_URL", "hunter2")], "DATABASE_URL is not a URL"),
        (push, vec![], "DATABASE_URL is not set"),
    ] {
        let Some(ended) = prisma(&checkout, words, &variables).await else { return };
        assert_eq!(ended.code, 1, "{}{}", ended.stdout, ended.stderr);
        let refused =
            ended.stderr.lines().any(|line| line.starts_with("refused: ") && line.contains(why));
        assert!(refused && !ended.stderr.contains("hunter"), "{}", ended.stderr);
    }
    assert!(!world.exists("accounts").await);

    // A database of one's own: everything goes, and what is no danger is never asked about.
    world.sql("UPDATE ecs_migrate.environment SET name = 'development'").await;
    let variables = [("DATABASE_URL", here.as_str())];
    let pushed = prisma(&checkout, &["db", "push"], &variables).await.unwrap();
    assert_eq!(pushed.code, 0, "{}{}", pushed.stdout, pushed.stderr);
    assert!(world.exists("accounts").await);
    let valid = prisma(&checkout, &["validate"], &[("DATABASE_URL", elsewhere)]).await.unwrap();
    assert_eq!(valid.code, 0, "{}{}", valid.stdout, valid.stderr);
}
