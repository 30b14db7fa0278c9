//! The database from Secrets Manager, over HTTP, as the task's role fetches it.

use crate::support::{Ended, World, finish};
use sandbox::{Config, Faults, RequestAnswer, RequestFault, Sandbox, Server, Speed};

/// A Secrets Manager that holds the database's address in several shapes.
async fn secrets(world: &World) -> (Sandbox, Server) {
    let address = world.url.split('@').nth(1).unwrap().split('/').next().unwrap();
    let (host, port) = address.split_once(':').unwrap();
    let database = &world.database;
    let whole = format!(
        r#"{{"engine":"postgres","host":"{host}","port":{port},"username":"postgres","password":"p#/ %@","dbname":"{database}"}}"#
    );
    let config = Config::new(Speed::Instant)
        .secret("whole", whole)
        .secret("managed", r#"{"username":"postgres","password":"hunter2"}"#)
        .secret("url", world.url.clone())
        .secret("odd", r#"{"user":"postgres","password":"hunter2"}"#);
    let sandbox = Sandbox::new(config);
    let server = sandbox.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
    (sandbox, server)
}

async fn deploy(world: &World, server: &Server, changes: &[(&str, &str)]) -> Ended {
    let mut command = world.command(&["deploy"]);
    let settings = [
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "y"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_MAX_ATTEMPTS", "1"),
    ];
    for (name, value) in settings.iter().chain(changes) {
        command.env(name, value);
    }
    command.env("AWS_ENDPOINT_URL", server.endpoint());
    let ended = finish(command.spawn().unwrap()).await;
    assert!(!ended.stdout.contains("hunter2"), "{}", ended.stdout);
    ended
}

#[tokio::test]
async fn every_shape_is_found_by_name_or_arn() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    let (sandbox, server) = secrets(&world).await;
    let arn = sandbox.secret_arn("whole").unwrap();
    let address = world.url.split('@').nth(1).unwrap().split('/').next().unwrap();
    let (host, port) = address.split_once(':').unwrap();
    let elsewhere = [
        ("ECS_MIGRATE_SECRET", "managed"),
        ("PGHOST", host),
        ("PGPORT", port),
        ("PGDATABASE", &world.database),
    ];
    for changes in [
        vec![("ECS_MIGRATE_SECRET", "whole")],
        // An ARN names its own region.
        vec![("ECS_MIGRATE_SECRET", arn.as_str()), ("AWS_REGION", "")],
        vec![("ECS_MIGRATE_SECRET", "url")],
        elsewhere.to_vec(),
    ] {
        let ended = deploy(&world, &server, &changes).await;
        ended.succeeded();
        let source = format!("from secret {}", changes[0].1);
        assert!(ended.stdout.contains(&source), "{}", ended.stdout);
    }
    assert_eq!(world.history().await, ["1_a applied 1"]);
}

#[tokio::test]
async fn what_is_wrong_with_a_secret_is_named() {
    let world = World::new().await;
    let (sandbox, server) = secrets(&world).await;
    for (changes, word) in [
        (vec![("ECS_MIGRATE_SECRET", "nope")], "ResourceNotFoundException"),
        (vec![("ECS_MIGRATE_SECRET", "managed")], "no `host`"),
        (vec![("ECS_MIGRATE_SECRET", "odd")], "no `username`"),
        (vec![("ECS_MIGRATE_SECRET", "whole"), ("AWS_REGION", "")], "no AWS region"),
    ] {
        let ended = deploy(&world, &server, &changes).await;
        let failure = ended.failed(22);
        assert!(failure.message.contains(word) && failure.hint.is_some(), "{failure:?}");
    }
    let nobody = [
        ("ECS_MIGRATE_SECRET", "whole"),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:1"),
    ];
    let ended = deploy(&world, &server, &nobody).await;
    let message = &ended.failed(22).message;
    assert!(message.contains("Connection refused") && !message.contains('{'), "{message}");
    // An image without files trusts AWS all the same, and does not fall over.
    let bare = [
        ("ECS_MIGRATE_SECRET", "whole"),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "https://127.0.0.1:1"),
        ("SSL_CERT_FILE", "/dev/null"),
        ("SSL_CERT_DIR", "/nonexistent"),
    ];
    let message = deploy(&world, &server, &bare).await.failed(22).message.clone();
    assert!(message.contains("Connection refused"), "{message}");
    sandbox.set_faults(Faults {
        requests: vec![RequestFault {
            operation: "GetSecretValue".to_owned(),
            from: 1,
            to: None,
            answer: RequestAnswer::Error {
                kind: "AccessDeniedException".to_owned(),
                message: "Access to KMS is not allowed".to_owned(),
                status: 400,
            },
        }],
        ..Faults::default()
    });
    let ended = deploy(&world, &server, &[("ECS_MIGRATE_SECRET", "whole")]).await;
    let hint = ended.failed(22).hint.clone().unwrap();
    assert!(
        hint.contains("secretsmanager:GetSecretValue") && hint.contains("kms:Decrypt"),
        "{hint}"
    );
}
