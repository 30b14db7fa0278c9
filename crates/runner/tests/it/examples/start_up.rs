//! `examples/start-up`: containers of several services that migrate when they start.

use super::container::{Container, health};
use super::image::Image;
use super::{Checkout, root};
use crate::support::{Server, World, client, npm_of, send};
use rustix::process::Signal;
use serde_json::Value;
use std::path::PathBuf;
use tokio::process::Command;
use tokio::sync::OnceCell;

const WHY_NOT: &str = "the services of examples/start-up cannot be installed with npm";

/// What `npm ci` installs; none where npm cannot.
async fn modules() -> Option<&'static PathBuf> {
    static FOLDER: OnceCell<Option<PathBuf>> = OnceCell::const_new();
    let install = || async {
        let folder = npm_of(&root().join("examples/start-up"), "npm-start-up", WHY_NOT).await?;
        Some(folder.join("node_modules"))
    };
    FOLDER.get_or_init(install).await.as_ref()
}

/// A service as a commit builds and ECS starts it.
struct Service {
    image: Image,
    variables: Vec<(String, String)>,
}

impl Service {
    /// `secret` is what Secrets Manager holds.
    async fn new(checkout: &Checkout, name: &str, secret: &Value) -> Option<Self> {
        let modules = modules().await?;
        let image = Image::build(checkout.path(), &format!("services/{name}/Dockerfile"));
        assert_eq!(image.runs, ["npm ci --omit=dev --ignore-scripts"]);
        image.link("node_modules", modules);
        let definition = checkout.json(&format!("infra/{name}/task-definition.json"));
        let container = &definition["containerDefinitions"][0];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let said = container["environment"].as_array().unwrap().iter();
        let mut variables: Vec<(String, String)> =
            said.map(|pair| (text(&pair["name"]), text(&pair["value"]))).collect();
        // ECS takes the value of a JSON key as it is: `ARN:KEY::`.
        variables.extend(container["secrets"].as_array().unwrap().iter().map(|pair| {
            let key = pair["valueFrom"].as_str().unwrap().rsplit(':').nth(2).unwrap();
            let value = &secret[key];
            (text(&pair["name"]), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        }));
        Some(Self { image, variables })
    }

    fn command(&self, version: &str) -> Command {
        let mut command = self.image.container(&[]);
        command.envs(self.variables.clone()).env("VERSION", version).env("NAME", version);
        // Each container has a network of its own there; here they share one.
        command.env("PORT", "0");
        command
    }

    fn start(&self, version: &str) -> Container {
        Container::run(&mut self.command(version))
    }
}

impl Checkout {
    fn json(&self, path: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.path().join(path)).unwrap()).unwrap()
    }
}

impl World {
    /// The secret that RDS writes for a role.
    fn secret(&self, role: &str, password: &str) -> Value {
        let url = url::Url::parse(&self.url).unwrap();
        serde_json::json!({
            "engine": "postgres", "host": url.host_str(), "port": url.port(), "dbname": self.database,
            "username": role, "password": password,
        })
    }
}

#[tokio::test]
async fn of_eight_containers_at_once_each_migration_is_applied_once_and_all_serve() {
    let world = World::new().await;
    let checkout = Checkout::of("start-up");
    let secret = world.secret("postgres", "any");
    let Some(api) = Service::new(&checkout, "api", &secret).await else { return };
    let worker = Service::new(&checkout, "worker", &secret).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut apis: Vec<Container> = (0..4).map(|_| api.start("v1")).collect();
    let mut workers: Vec<Container> = (0..4)
        .map(|number| {
            let mut command = worker.command(&format!("worker-{number}"));
            Container::run(command.env("ALIVE_FILE", folder.path().join(number.to_string())))
        })
        .collect();
    let mut applied = 0;
    for container in &mut apis {
        let port = container.port().await;
        let answer = health(port).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains(r#"{"version":"v1","accounts":2,"first":"first-co"}"#), "{answer}");
        applied += container.so_far().finished().applied;
    }
    for container in &mut workers {
        container.until(" takes jobs").await;
        applied += container.so_far().finished().applied;
    }
    assert_eq!(usize::try_from(applied).unwrap(), checkout.names().len());
    world.has_exactly(&checkout.names()).await;
    world.lock_is_free().await;

    world.sql("INSERT INTO jobs (account_id) SELECT 1 FROM generate_series(1, 50)").await;
    world
        .until("(SELECT count(*) FROM jobs WHERE state = 'DONE' AND worker LIKE 'worker-_') = 50")
        .await;
    // The worker's own health check, where its file is.
    let definition = checkout.json("infra/worker/task-definition.json");
    let check =
        definition["containerDefinitions"][0]["healthCheck"]["command"][1].as_str().unwrap();
    let here = check.replace("/tmp/alive", &folder.path().join("0").display().to_string());
    assert_ne!(here, check);
    for (check, healthy) in
        [(here.as_str(), true), (&check.replace("/tmp/alive", "/nonexistent"), false)]
    {
        let status =
            Command::new("sh").args(["-c", check]).stderr(std::process::Stdio::null()).status();
        assert_eq!(status.await.unwrap().success(), healthy, "{check}");
    }
    for container in apis.into_iter().chain(workers) {
        send(&container.child, Signal::TERM);
        assert_eq!(container.end().await.code, 0);
    }
}

#[tokio::test]
async fn with_a_migration_that_fails_the_new_container_does_not_start_and_the_old_one_serves() {
    let world = World::new().await;
    let checkout = Checkout::of("start-up");
    let secret = world.secret("postgres", "any");
    let Some(old) = Service::new(&checkout, "api", &secret).await else { return };
    let mut serving = old.start("v1");
    let port = serving.port().await;

    checkout.migration("20260301090000_owner", r#"ALTER TABLE "accounts" ADD COLUMN "owner" TEXT; ALTER TABLE "account" ADD COLUMN "typo" TEXT;"#);
    let broken = Service::new(&checkout, "api", &secret).await.unwrap();
    // ECS tries again until its circuit breaker gives up.
    for _ in 0..3 {
        let ended = broken.start("v2").end().await;
        assert_eq!(ended.failed(10).migration.as_deref(), Some("20260301090000_owner"));
        assert!(!ended.stdout.contains("listens"), "{}", ended.stdout);
    }
    assert!(health(port).await.contains(r#""version":"v1""#));
    // An old container that is started meanwhile, for load or a lost host.
    let mut another = old.start("v1");
    assert!(health(another.port().await).await.starts_with("HTTP/1.1 200"));

    checkout
        .migration("20260301090000_owner", r#"ALTER TABLE "accounts" ADD COLUMN "owner" TEXT;"#);
    let fixed = Service::new(&checkout, "api", &secret).await.unwrap();
    let mut new = fixed.start("v3");
    assert!(health(new.port().await).await.contains(r#""version":"v3""#));
    assert_eq!(new.so_far().finished().applied, 1);
    // ECS rolls back: the old image starts on the newer schema.
    let mut back = old.start("v1");
    assert!(health(back.port().await).await.contains(r#""version":"v1""#));
    assert!(back.so_far().notice("database_ahead"));
}

#[tokio::test]
async fn while_a_long_migration_runs_the_others_wait_and_say_so() {
    let world = World::new().await;
    let checkout = Checkout::of("start-up");
    // As long as the test wants it to be.
    world.sql("CREATE SCHEMA test; CREATE TABLE test.go(now int)").await;
    checkout.migration(
        "20260301090000_long",
        "DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM test.go) LOOP PERFORM pg_sleep(0.02); END LOOP; END $$;",
    );
    let secret = world.secret("postgres", "any");
    let Some(api) = Service::new(&checkout, "api", &secret).await else { return };
    let mut first = api.start("v1");
    first.until("statement_").await;
    world.until("EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'DO $$ BEGIN WHILE%' AND state = 'active' AND datname = current_database())").await;
    let mut second = api.start("v1");
    let waiting = second.until("lock_waiting").await;
    assert!(waiting.contains("ecs-migrate"), "{waiting}");
    let heartbeat = first.until("heartbeat").await;
    assert!(heartbeat.contains("20260301090000_long"), "{heartbeat}");
    // A third one whose patience ends first: ECS starts it again.
    let mut impatient = api.command("v1");
    let impatient = Container::run(impatient.env("ECS_MIGRATE_LOCK_WAIT", "100ms"));
    impatient.end().await.failed(20);
    world.sql("INSERT INTO test.go VALUES (1)").await;
    for container in [&mut first, &mut second] {
        assert!(health(container.port().await).await.starts_with("HTTP/1.1 200"));
    }
    let applied = [&first, &second].map(|container| container.so_far().finished().applied);
    assert_eq!(applied, [6, 0]);

    // ECS is not less patient than the containers.
    let wait = |name: &str| {
        let definition = checkout.json(&format!("infra/{name}/task-definition.json"));
        let container = definition["containerDefinitions"][0].clone();
        let mut variables = container["environment"].as_array().unwrap().iter();
        let wait = variables.find(|pair| pair["name"] == "ECS_MIGRATE_LOCK_WAIT").unwrap();
        let wait = humantime::parse_duration(wait["value"].as_str().unwrap()).unwrap();
        (container, wait.as_secs())
    };
    let seconds = |value: &Value| value.as_u64().unwrap();
    let grace = &checkout.json("infra/api/service.json")["healthCheckGracePeriodSeconds"];
    assert!(seconds(grace) >= wait("api").1);
    let (worker, patience) = wait("worker");
    let check = &worker["healthCheck"];
    let retries = seconds(&check["retries"]) * seconds(&check["interval"]);
    assert!(seconds(&check["startPeriod"]) + retries >= patience);
}

#[tokio::test]
async fn a_password_of_any_characters_needs_no_encoding_by_hand() {
    let server = Server::start().await;
    let world = World::at(&server.url).await;
    let password = r##"p#a^s+s!w@o/r%d %41 ?&=:;"'\$~[x]"##;
    let quoted = password.replace('\'', "''");
    // This role, and no other, has to say its password (scripts/postgres.sh).
    world.sql(&format!("CREATE ROLE with_password LOGIN PASSWORD '{quoted}'; ALTER DATABASE {} OWNER TO with_password", world.database)).await;
    let checkout = Checkout::of("start-up");
    let Some(api) = Service::new(&checkout, "api", &world.secret("with_password", password)).await
    else {
        return;
    };
    let mut container = api.start("v1");
    let answer = health(container.port().await).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let said = container.so_far();
    assert!(
        said.finished().applied == 5
            && !said.stdout.contains("p#a")
            && !said.stdout.contains("p%23a"),
        "{}",
        said.stdout
    );
    let owner = client(&world.url)
        .await
        .query_one("SELECT tableowner::text FROM pg_tables WHERE tablename = 'accounts'", &[])
        .await
        .unwrap();
    assert_eq!(owner.try_get::<_, String>(0).unwrap(), "with_password");
    // A wrong one is refused, so it was asked for.
    let wrong =
        Service::new(&checkout, "api", &world.secret("with_password", "p#a")).await.unwrap();
    wrong.start("v1").end().await.failed(22);
}
