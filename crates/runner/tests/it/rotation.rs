//! A password that changes while we run.

use crate::follow::Follow;
use crate::own_server::OwnServer;
use crate::proxy::Proxy;
use crate::support::World;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_secretsmanager::{Client, Config};
use protocol::Event;
use sandbox::{Sandbox, Server, Speed};

/// A role with a password, and a secret that holds it.
struct Rotated {
    world: World,
    endpoint: Proxy,
    aws: Server,
    client: Client,
    /// Both go away when they are dropped.
    _kept: (OwnServer, Sandbox),
}

const OLD: &str = "hunter2 #old/@%";
const NEW: &str = "hunter2 #new'\"\\";

impl Rotated {
    async fn new() -> Self {
        let server = OwnServer::start().await;
        let world = World::at(&server.url).await;
        world.migration("1_a", "CREATE TABLE a(id int);");
        world.sql("CREATE ROLE with_password LOGIN SUPERUSER").await;
        let endpoint = Proxy::to(server.port()).await;
        let sandbox = Sandbox::new(sandbox::Config::new(Speed::Instant).secret("db", "{}"));
        let aws = sandbox.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .endpoint_url(aws.endpoint())
            .credentials_provider(Credentials::new("x", "y", None, None, "test"))
            .build();
        let client = Client::from_conf(config);
        let rotated = Self { world, endpoint, aws, client, _kept: (server, sandbox) };
        rotated.secret(OLD, "AWSCURRENT").await;
        rotated.password(OLD).await;
        rotated
    }

    /// What the database takes.
    async fn password(&self, password: &str) {
        let quoted = password.replace('\'', "''");
        self.world.sql(&format!("ALTER ROLE with_password PASSWORD '{quoted}'")).await;
    }

    /// What the secret says.
    async fn secret(&self, password: &str, stage: &str) {
        let value = serde_json::json!({
            "engine": "postgres", "host": "127.0.0.1", "port": self.endpoint.port,
            "username": "with_password", "password": password, "dbname": self.world.database,
        });
        let put = self.client.put_secret_value().secret_id("db").version_stages(stage);
        put.secret_string(value.to_string()).send().await.unwrap();
    }

    fn deploy(&self) -> Follow {
        let mut command = self.world.command(&["deploy"]);
        command
            .env_remove("DATABASE_URL")
            .env("ECS_MIGRATE_SECRET", "db")
            .env("PGSSLMODE", "disable")
            .env("AWS_ENDPOINT_URL", self.aws.endpoint())
            .env("AWS_ACCESS_KEY_ID", "x")
            .env("AWS_SECRET_ACCESS_KEY", "y")
            .env("AWS_REGION", "eu-west-1");
        Follow::spawn(command)
    }
}

#[tokio::test]
async fn it_changes_while_a_migration_runs() {
    let rotated = Rotated::new().await;
    rotated.world.migration("1_a", "CREATE TABLE a(id int); SELECT pg_advisory_xact_lock(7);");
    rotated.world.sql("SELECT pg_advisory_lock(7)").await;
    let mut run = rotated.deploy();
    run.until(|event| matches!(event, Event::MigrationStarted(_))).await;
    rotated
        .world
        .until("EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)")
        .await;
    rotated.password(NEW).await;
    rotated.secret(NEW, "AWSCURRENT").await;
    rotated.endpoint.cut();
    rotated.world.sql("SELECT pg_advisory_unlock(7)").await;
    let ended = run.finish().await;
    assert_eq!(ended.succeeded().applied, 1);
    assert!(!ended.stdout.contains("hunter2"), "{}", ended.stdout);
    assert_eq!(rotated.world.history().await.last().unwrap(), "1_a applied 1");
}

#[tokio::test]
async fn the_database_is_ahead_of_the_secret() {
    let rotated = Rotated::new().await;
    rotated.password(NEW).await;
    rotated.secret(NEW, "AWSPENDING").await;
    let ended = rotated.deploy().finish().await;
    assert_eq!(ended.succeeded().applied, 1);
}

#[tokio::test]
async fn the_secret_follows_in_a_moment() {
    let rotated = Rotated::new().await;
    rotated.password(NEW).await;
    let mut run = rotated.deploy();
    run.until_waiting("refused the password").await;
    rotated.secret(NEW, "AWSCURRENT").await;
    let ended = run.finish().await;
    assert_eq!(ended.succeeded().applied, 1);
}

#[tokio::test]
async fn the_secret_is_wrong() {
    let rotated = Rotated::new().await;
    rotated.password(NEW).await;
    let ended = rotated.deploy().finish().await;
    let failure = ended.failed(22);
    assert!(failure.message.contains("refused the password of `with_password`"), "{failure:?}");
    assert!(failure.message.contains("4 attempts"), "{failure:?}");
    assert!(failure.hint.as_deref().unwrap().contains("secret"), "{failure:?}");
    assert_eq!(failure.sqlstate.as_deref(), Some("28P01"));
    assert!(!ended.stdout.contains("hunter2"), "{}", ended.stdout);
}
