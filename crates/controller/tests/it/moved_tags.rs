//! A tag outside of ECR: resolved by its registry, or rolled out anew.

use crate::support::place::Place;
use crate::support::runner::{applied, ends_with};
use crate::support::shop::{Shop, rolls_back, serves};
use crate::support::story::container;
use sandbox::Program;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A registry with one tag; its address.
async fn registry(digest: Arc<Mutex<String>>) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let digest = Arc::clone(&digest);
            tokio::spawn(async move {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { return };
                    request.push(byte);
                }
                let request = String::from_utf8(request).unwrap();
                let status = match request.split(' ').nth(1).unwrap() {
                    "/v2/" => "200 OK",
                    path if path.ends_with("/manifests/latest") => "200 OK",
                    _ => "404 Not Found",
                };
                let digest = digest.lock().unwrap().clone();
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\
                     content-type: application/vnd.oci.image.manifest.v1+json\r\n\
                     docker-content-digest: {digest}\r\n\r\n"
                );
                let _gone = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    address
}

fn digest(letter: &str) -> String {
    format!("sha256:{}", letter.repeat(64))
}

#[tokio::test]
async fn a_registry_says_what_a_tag_is_now() {
    let now = Arc::new(Mutex::new(digest("a")));
    let registry = registry(Arc::clone(&now)).await;
    let place = Place::deploying("exit 0", "exec sleep 600").await;
    let line = ["register", "--template", "api.json", "--image", "api:1"];
    let register = place.invoke(&line);
    let definition = json!({"family": "api", "containerDefinitions": [container("api", "x")]});
    std::fs::write(register.directory().join("api.json"), definition.to_string()).unwrap();
    let registered = register.run().await;
    assert_eq!(registered.code, 0, "{}", registered.everything());
    for letter in ["a", "b"] {
        *now.lock().unwrap() = digest(letter);
        let image = format!("{registry}/shop/api:latest");
        let shown = place
            .invoke(&["deploy-service", "--service", "api", "--without-verdict", "x", "--dry-run"])
            .with("ECS_MIGRATE_SERVICE_IMAGE", &image)
            .run()
            .await;
        assert_eq!(shown.code, 0, "{}", shown.everything());
        let named = format!("{registry}/shop/api@{}", digest(letter));
        assert!(shown.out.contains(&named), "no {named} in {}", shown.everything());
        assert!(!shown.err.contains("can be moved"), "{}", shown.everything());
    }
}

#[tokio::test]
async fn the_migration_is_what_its_tag_is_now_too() {
    let now = Arc::new(Mutex::new(digest("a")));
    let registry = registry(Arc::clone(&now)).await;
    let words = ["sh", "-c", "echo migrated"].map(str::to_owned).to_vec();
    let place = Place::with_repository(Program::Command(words)).await;
    let image = format!("{registry}/shop/app-migrate:latest");
    for (letter, revisions) in [("a", 1), ("a", 1), ("b", 2)] {
        *now.lock().unwrap() = digest(letter);
        let ended = place.gate_of(&image, "run", &["--expect", "plain"]).run().await;
        assert_eq!(ended.code, 0, "{}", ended.everything());
        assert!(!ended.err.contains("can be moved"), "{}", ended.everything());
        // Its image runs by a digest only, and each is a revision of its own.
        assert_eq!(place.calls("RegisterTaskDefinition"), revisions, "{letter}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_no_registry_resolves_is_rolled_out_anew() {
    let shop = Shop::open(ends_with(applied(1)), serves(), rolls_back()).await;
    let deploy = async || {
        // Nobody listens there.
        let line = ["deploy-service", "--service", "api", "--service-image", "localhost:1/api:2"];
        shop.story.invoke(&[&line[..], &["--without-verdict", "x"]].concat()).await
    };
    let first = deploy().await;
    first.says(0, &["api: is on api:2 after"]);
    assert!(first.err.contains("registered by its tag, which can be moved"), "{}", first.err);
    deploy().await.says(0, &["api: is on api:2 after"]);
    assert_eq!(shop.story.calls("UpdateService"), 2);
    assert_eq!(shop.story.calls("RegisterTaskDefinition"), 2, "the first is the shop's own");
}

/// A proxy that lets nobody through; who was asked for.
async fn closed_proxy() -> (String, Arc<Mutex<BTreeSet<String>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(BTreeSet::new()));
    let wanted = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let wanted = Arc::clone(&wanted);
            tokio::spawn(async move {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { return };
                    request.push(byte);
                }
                let request = String::from_utf8(request).unwrap();
                wanted.lock().unwrap().insert(request.lines().next().unwrap().to_owned());
                let _gone = stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await;
            });
        }
    });
    (address, asked)
}

#[tokio::test]
async fn docker_hub_is_asked_where_a_name_has_no_registry() {
    let place = Place::deploying("exit 0", "exec sleep 600").await;
    let register = place.invoke(&["register", "--template", "api.json", "--image", "team/api:2"]);
    let definition = json!({"family": "api", "containerDefinitions": [container("api", "x")]});
    std::fs::write(register.directory().join("api.json"), definition.to_string()).unwrap();
    let registered = register.run().await;
    assert_eq!(registered.code, 0, "{}", registered.everything());
    for image in ["team/api:2", "api", "docker.io/team/api:2"] {
        let (proxy, asked) = closed_proxy().await;
        let shown = place
            .invoke(&["deploy-service", "--service", "api", "--without-verdict", "x", "--dry-run"])
            .with("ECS_MIGRATE_SERVICE_IMAGE", image)
            .with("HTTPS_PROXY", &proxy)
            .run()
            .await;
        assert_eq!(shown.code, 0, "{image}: {}", shown.everything());
        let asked = asked.lock().unwrap().clone();
        let hub = "CONNECT index.docker.io:443 HTTP/1.1".to_owned();
        assert_eq!(asked, BTreeSet::from([hub]), "{image}: {}", shown.everything());
        let warned = format!("image {image} is registered by its tag, which can be moved");
        assert!(shown.err.contains(&warned), "{image}: {}", shown.everything());
        // It may be what it was, and it may not.
        let anew = if image == "team/api:2" {
            "would begin a new deployment of api:1 on service api"
        } else {
            "would register a revision and update service api"
        };
        assert!(shown.out.contains(anew), "{image}: {}", shown.everything());
    }
}
