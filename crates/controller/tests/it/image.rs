//! `image push` and `run --build` against the sandbox's registry, over real HTTP.

use crate::shown::schema::Closed;
use crate::support::binary::{Ended, Invocation};
use crate::support::place::Place;
use crate::support::runner::{applied, ends_with};
use crate::support::story::container;
use data_encoding::BASE64;
use sandbox::JournalEntry;
use serde_json::{Value, json};
use std::path::Path;

const REPOSITORY: &str = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/app-migrate";

/// What the registry's uploads are in the journal.
const UPLOADS: [&str; 4] =
    ["InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage"];

/// The head of a static program for an ELF machine: 62 is x86-64, 183 is AArch64.
fn program(machine: u8) -> Vec<u8> {
    let mut file = vec![0_u8; 64 + 56];
    file[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1]);
    (file[16], file[18], file[20]) = (2, machine, 1);
    (file[32], file[52], file[54], file[56], file[64]) = (64, 64, 56, 1, 1);
    file
}

/// The files that an image is made of, in the directory where the command runs.
fn project(root: &Path) {
    let migration = root.join("prisma/migrations/20260101000000_a");
    std::fs::create_dir_all(&migration).unwrap();
    std::fs::write(migration.join("migration.sql"), "SELECT 1;\n").unwrap();
    std::fs::write(root.join("runner"), program(62)).unwrap();
    std::fs::write(root.join("runner-arm64"), program(183)).unwrap();
    let definition = json!({"family": "app-migrate", "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc", "cpu": "256", "memory": "512",
        "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
        "executionRoleArn": "arn:aws:iam::111122223333:role/exec",
        "containerDefinitions": [container("migrate", "REPLACE_IMAGE")]});
    std::fs::write(root.join("task.json"), definition.to_string()).unwrap();
}

fn command(place: &Place, arguments: &[&str]) -> Invocation {
    let invocation = place.invoke(arguments);
    project(invocation.directory());
    invocation
        .with("ECS_MIGRATE_IMAGE_REPOSITORY", REPOSITORY)
        .with("ECS_MIGRATE_REGISTRY_ENDPOINT", &place.endpoint())
        .with("ECS_MIGRATE_RUNNER", "runner")
}

fn push(place: &Place, more: &[&str]) -> Invocation {
    command(place, &[&["image", "push"], more].concat())
}

fn good(ended: &Ended, said: &str) {
    assert_eq!(ended.code, 0, "{}", ended.everything());
    assert!(ended.everything().contains(said), "no {said:?} in {}", ended.everything());
}

fn uploads(place: &Place) -> usize {
    UPLOADS.iter().map(|operation| place.calls(operation)).sum()
}

/// Everything that pushing asks AWS and its registry for, in a runtime of its own: sockets need real time.
pub(crate) fn journal_of_push() -> Vec<JournalEntry> {
    let story = async {
        let place = Place::with_repository(ends_with(applied(1))).await;
        good(&push(&place, &[]).run().await, "uploaded");
        place.sandbox.journal()
    };
    let alone = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(story)
    });
    alone.join().unwrap()
}

#[tokio::test]
async fn the_same_content_is_pushed_once() {
    let place = Place::with_repository(ends_with(applied(1))).await;
    let outputs = tempfile::NamedTempFile::new().unwrap();
    let first = push(&place, &[])
        .with("GITHUB_OUTPUT", outputs.path().to_str().unwrap())
        .with("GITHUB_SHA", "c0ffee")
        .run()
        .await;
    good(&first, "1 migration");
    let image = first.out.trim();
    let digest = image.strip_prefix(REPOSITORY).and_then(|rest| rest.strip_prefix('@')).unwrap();
    let written = std::fs::read_to_string(outputs.path()).unwrap();
    assert!(written.contains(&format!("\n{image}\n")), "{written}");
    assert!(written.contains(&format!("\n{digest}\n")), "{written}");
    let tag = &digest["sha256:".len()..][..16];
    assert_eq!(place.sandbox.image_digest("app-migrate", tag).as_deref(), Some(digest));
    // Two layers and the configuration.
    assert_eq!((place.calls("CompleteLayerUpload"), place.calls("PutImage")), (3, 1));
    let before = uploads(&place);
    let again = push(&place, &["--commit", "c0ffee"]).run().await;
    good(&again, "nothing uploaded");
    assert_eq!(again.out, first.out);
    assert_eq!(uploads(&place), before);
    // Another commit is another configuration; its layers are there.
    good(&push(&place, &["--commit", "beef"]).run().await, "bytes uploaded");
    assert_eq!(place.calls("CompleteLayerUpload"), 4);
}

#[tokio::test]
async fn a_tag_never_moves() {
    let place = Place::with_repository(ends_with(applied(1))).await;
    good(&push(&place, &["--tag", "v1"]).run().await, "tag v1");
    good(&push(&place, &["--tag", "v1"]).run().await, "nothing uploaded");
    let moved = push(&place, &["--tag", "v1", "--commit", "beef"]).run().await;
    assert_eq!(moved.code, 86, "{}", moved.everything());
    for said in ["immutable", "tags of this repository never move"] {
        assert!(moved.err.contains(said), "{}", moved.everything());
    }
}

#[tokio::test]
async fn what_cannot_run_is_not_pushed() {
    let place = Place::with_repository(ends_with(applied(1))).await;
    for (more, code, said) in [
        (&["--migrations", "nowhere"][..], 2, "there is no migrations directory"),
        (&["--runner", "task.json"], 2, "is not a 64-bit Linux program"),
        (&["--runner", "nowhere"], 2, "cannot read the runner"),
        (&["--runner", "runner-arm64"], 2, "is for linux/arm64, but the image is for linux/amd64"),
        (&["--platform", "linux/arm64"], 2, "is for linux/amd64, but the image is for linux/arm64"),
        (&["--template", "task.json", "--runner", "runner-arm64"], 2, "is for linux/arm64"),
        (&["--platform", "windows/amd64"], 2, "is not known"),
        (&["--tag", "a b"], 2, "flag --tag is a list"),
        (&["--image-repository", "app"], 2, "the registry is missing"),
        (&["--image-repository", "ghcr.io/app:v1"], 2, "it has a tag"),
        (&["--registry-endpoint", "http://registry.local"], 2, "has no TLS"),
        // The runner is said in the environment, and a flag is stronger.
        (&["--base-image", "127.0.0.1:1/base:v1"], 86, "no connection"),
        (&["--username", "x"], 2, "--password-stdin"),
        (&["--username", "x", "--password-stdin"], 2, "no password"),
        (
            &["--image-repository", "111122223333.dkr.ecr.eu-west-1.amazonaws.com/other"],
            86,
            "must exist",
        ),
    ] {
        let ended = push(&place, more).run().await;
        assert_eq!(ended.code, code, "{more:?}: {}", ended.everything());
        assert!(ended.err.contains(said), "{more:?}: {}", ended.everything());
        assert!(ended.out.is_empty() && uploads(&place) == 0, "{more:?}");
    }
}

#[tokio::test]
async fn other_registries_take_dockers_credentials() {
    let place = Place::with_repository(ends_with(applied(1))).await;
    let host = place.endpoint().replace("http://", "");
    let repository = format!("{host}/app-migrate");
    let folder = tempfile::tempdir().unwrap();
    for (login, code, said) in [
        ("AWS:sandbox-token", 0, "uploaded"),
        ("AWS:hunter2", 86, "does not accept the credentials"),
    ] {
        let auth = BASE64.encode(login.as_bytes());
        let mut config = json!({"auths": {}});
        config["auths"][&host] = json!({"auth": auth});
        std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
        let ended = push(&place, &["--image-repository", &repository])
            .with("DOCKER_CONFIG", folder.path().to_str().unwrap())
            .with("AWS_ACCESS_KEY_ID", "")
            .run()
            .await;
        assert_eq!(ended.code, code, "{}", ended.everything());
        assert!(ended.everything().contains(said), "{}", ended.everything());
        assert!(!ended.everything().contains("hunter2"), "{}", ended.everything());
    }
    assert_eq!(place.calls("GetAuthorizationToken"), 0);
}

#[tokio::test]
async fn a_folder_and_a_dry_run_have_the_digest_of_the_push() {
    let place = Place::with_repository(ends_with(applied(1))).await;
    let shown = push(&place, &["--dry-run", "--output", "json"]).run().await;
    assert_eq!(Closed::read().holds_text("image", &shown.out), ["image", "result"]);
    let shown: Value = serde_json::from_str(shown.out.lines().next().unwrap()).unwrap();
    assert_eq!((&shown["fate"], uploads(&place)), (&json!("shown"), 0));
    let writing = push(&place, &["--output-dir", "layout"]);
    good(&writing.run().await, "written");
    let layout = writing.directory().join("layout");
    let index = std::fs::read_to_string(layout.join("index.json")).unwrap();
    let index: Value = serde_json::from_str(&index).unwrap();
    assert_eq!(index["manifests"][0]["digest"], shown["digest"]);
    assert_eq!(std::fs::read_dir(layout.join("blobs/sha256")).unwrap().count(), 4);
    good(&push(&place, &[]).run().await, shown["digest"].as_str().unwrap());
}

#[tokio::test]
async fn migrations_are_put_on_an_image_of_somebody() {
    let place = Place::with_repository(ends_with(applied(1))).await;
    good(&push(&place, &["--tag", "base"]).run().await, "uploaded");
    let before = place.calls("CompleteLayerUpload");
    let host = place.endpoint().replace("http://", "");
    let base = format!("{host}/app-migrate:base");
    let folder = tempfile::tempdir().unwrap();
    let mut config = json!({"auths": {}});
    config["auths"][&host] = json!({"auth": BASE64.encode(b"AWS:sandbox-token")});
    std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    let ended = push(&place, &["--base-image", &base])
        .with("DOCKER_CONFIG", folder.path().to_str().unwrap())
        .run()
        .await;
    good(&ended, "1 migration");
    // The base's two layers are there; the migrations hide those of the base, so their layer is new.
    assert_eq!(place.calls("CompleteLayerUpload"), before + 2);
}

#[tokio::test]
async fn a_run_builds_pushes_and_runs_by_digest() {
    let place = Place::with_repository(ends_with(applied(1))).await;
    let network = ["--subnets", "subnet-a", "--security-groups", "sg-a"];
    let build = ["run", "--build", "--template", "task.json", "--output", "json"];
    let ended = command(&place, &[&build[..], &network].concat()).run().await;
    good(&ended, "\"type\":\"image\"");
    let objects: Vec<Value> =
        ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let image = &objects.iter().find(|object| object["type"] == "image").unwrap()["image"];
    assert!(image.as_str().unwrap().starts_with(&format!("{REPOSITORY}@sha256:")), "{image}");
    assert_eq!(objects.last().unwrap()["exit_code"], 0);
    assert_eq!(place.calls("RunTask"), 1);
    for (more, said) in [
        (&["--migrations", "elsewhere"][..], "--migrations needs --build"),
        (&["--build", "--image", "app:1"], "cannot be used with"),
    ] {
        let ended =
            command(&place, &[&["run", "--template", "task.json"], more].concat()).run().await;
        assert_eq!(ended.code, 2, "{}", ended.everything());
        assert!(ended.err.contains(said), "{}", ended.everything());
    }
    // A bad image stops it before anything is run.
    let broken = [&build[..], &network, &["--migrations", "nowhere"]].concat();
    assert_eq!(command(&place, &broken).run().await.code, 2);
    assert_eq!(place.calls("RunTask"), 1);
}
