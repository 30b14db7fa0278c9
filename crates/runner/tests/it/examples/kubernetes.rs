//! `examples/kubernetes`: its manifests by another's judgement, and their containers as they say.

use super::image::Image;
use super::{Checkout, program, script_of};
use crate::support::{Ended, World, ended, finish, is_too_old, script, search_path, skip};
use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

const COMMIT: &str = "4f2c9ab";

/// YAML as the JSON that the API server is sent.
fn plain(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Sequence(items) => items.iter().map(plain).collect(),
        Yaml::Mapping(pairs) => {
            let members =
                pairs.iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), plain(value)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        Yaml::Value(Scalar::String(text)) => json!(text),
        Yaml::Value(Scalar::Integer(number)) => json!(number),
        Yaml::Value(Scalar::Boolean(truth)) => json!(truth),
        other => panic!("the manifests hold no {other:?}"),
    }
}

/// The first document of a manifest.
fn manifest(checkout: &Checkout, name: &str) -> Value {
    let text = std::fs::read_to_string(checkout.path().join("k8s").join(name)).unwrap();
    let text = text.replace("COMMIT", COMMIT);
    plain(&Yaml::load_from_str(&text).unwrap()[0])
}

/// A node that runs the containers of a Pod.
struct Node<'a> {
    world: &'a World,
    image: Image,
    backups: &'a Path,
}

impl Node<'_> {
    fn command(&self, container: &Value) -> Command {
        let mut variables = Vec::new();
        for source in list(&container["envFrom"]) {
            assert_eq!(source["secretRef"]["name"], "rooms-database");
            variables.extend(self.world.parts());
        }
        for pair in list(&container["env"]) {
            variables.push((text(&pair["name"]), text(&pair["value"])));
        }
        // The kubelet expands `$(NAME)` in commands and arguments.
        let words = |key: &str| -> Vec<String> {
            let expand = |word: &Value| {
                let word = text(word);
                variables
                    .iter()
                    .fold(word, |word, (name, value)| word.replace(&format!("$({name})"), value))
            };
            list(&container[key]).iter().map(expand).collect()
        };
        let mut command =
            if text(&container["image"]).starts_with("registry.example.com/rooms-migrate:") {
                assert_eq!(container["command"], Value::Null, "the image has an entry point");
                self.image.container(&words("args"))
            } else {
                let words: Vec<String> = words("command")
                    .iter()
                    .map(|word| word.replace("/backups", &self.backups.display().to_string()))
                    .collect();
                let mut command = Command::new(&words[0]);
                command.args(&words[1..]).env_clear().env("PATH", search_path());
                command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
                command
            };
        command.envs(variables);
        command
    }

    /// One container after the other, until one is not green.
    async fn pod(&self, pod: &Value) -> Vec<(String, Ended)> {
        let mut all = Vec::new();
        for container in list(&pod["initContainers"]).iter().chain(list(&pod["containers"])) {
            let output = self.command(container).output().await.unwrap();
            let text_of = |bytes| String::from_utf8(bytes).unwrap();
            let code = output.status.code().unwrap();
            all.push((
                text(&container["name"]),
                ended(code, text_of(output.stdout), text_of(output.stderr)),
            ));
            if code != 0 {
                break;
            }
        }
        all
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn names_and_codes(pod: &[(String, Ended)]) -> Vec<(&str, i32)> {
    pod.iter().map(|(name, ended)| (name.as_str(), ended.code)).collect()
}

fn image(checkout: &Checkout) -> Image {
    Image::build(checkout.path(), "migrate.Dockerfile")
}

#[tokio::test]
async fn the_manifests_are_what_kubernetes_takes() {
    let checkout = Checkout::of("kubernetes");
    let output =
        Command::new(script("python-tools.sh")).stdin(Stdio::null()).output().await.unwrap();
    if !output.status.success() {
        return skip("kubernetes-validate cannot be installed with pip");
    }
    let python = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
    let judge = async |files: &[PathBuf]| {
        let output = Command::new(python.with_file_name("kubernetes-validate"))
            .arg("--strict")
            .args(files)
            .output()
            .await
            .unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
        )
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(checkout.path().join("k8s")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("COMMIT", COMMIT)).unwrap();
        files.push(path);
    }
    assert!(files.len() >= 5, "{files:?}");
    let (good, said) = judge(&files).await;
    assert!(good, "{said}");
    // It would have seen a typo.
    let wrong = checkout.path().join("wrong.yaml");
    let text = std::fs::read_to_string(checkout.path().join("k8s/job.yaml")).unwrap();
    std::fs::write(&wrong, text.replace("onExitCodes", "onExitCode")).unwrap();
    let (good, said) = judge(&[wrong]).await;
    assert!(!good && said.contains("onExitCode"), "{said}");
}

#[tokio::test]
async fn the_job_backs_up_migrates_and_shows_the_status() {
    let world = World::new().await;
    let checkout = Checkout::of("kubernetes");
    let job = manifest(&checkout, "job.yaml")["spec"].clone();
    let pod = &job["template"]["spec"];
    let backups = tempfile::tempdir().unwrap();
    let backup = backups.path().join(format!("before-{COMMIT}.dump"));
    let node = Node { world: &world, image: image(&checkout), backups: backups.path() };
    let first = node.pod(pod).await;
    if is_too_old(&first[0].1.stderr) {
        return;
    }
    assert_eq!(
        names_and_codes(&first),
        [("backup", 0), ("migrate", 0), ("status", 0)],
        "{}",
        first.last().unwrap().1.stderr
    );
    assert_eq!(first[1].1.succeeded().applied, 3);
    assert!(first[2].1.stdout.contains("Database schema is up to date!"), "{}", first[2].1.stdout);
    world.has_exactly(&checkout.names()).await;

    // Red: the backup is of the time before, and nothing changed.
    world.sql("INSERT INTO rooms (name, seats) VALUES ('West', 2)").await;
    checkout.migration(
        "20260301090000_floors",
        "ALTER TABLE rooms ADD COLUMN floor INT; ALTER TABLE nope ADD COLUMN floor INT;",
    );
    let node = Node { image: image(&checkout), ..node };
    let red = node.pod(pod).await;
    assert_eq!(names_and_codes(&red), [("backup", 0), ("migrate", 10)]);
    let listed = Command::new("pg_restore")
        .arg("--file=-")
        .arg("--data-only")
        .arg(&backup)
        .output()
        .await
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("West") && !listed.contains("floor"), "{listed}");
    assert_eq!(
        world
            .value("SELECT count(*) FROM information_schema.columns WHERE column_name = 'floor'")
            .await,
        "0"
    );
    // Kubernetes does not try that again.
    let retried: Vec<i64> = list(&job["podFailurePolicy"]["rules"][1]["onExitCodes"]["values"])
        .iter()
        .map(|code| code.as_i64().unwrap())
        .collect();
    assert!(!retried.contains(&10) && retried.contains(&20) && retried.contains(&30));

    // Somebody ran Prisma's CLI by hand, and it died half-way: a person has to decide.
    world.sql("INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, applied_steps_count) VALUES ('x', 'x', '20260301090000_floors', now(), 0)").await;
    checkout.migration("20260301090000_floors", "ALTER TABLE rooms ADD COLUMN floor INT;");
    let node = Node { image: image(&checkout), ..node };
    assert_eq!(names_and_codes(&node.pod(pod).await), [("backup", 0), ("migrate", 12)]);
    let mut resolve = manifest(&checkout, "resolve.yaml")["spec"]["template"]["spec"].clone();
    let arguments = &mut resolve["containers"][0]["args"];
    assert_eq!(*arguments, json!(["resolve", "--rolled-back", "20260301090000_example"]));
    arguments[2] = json!("20260301090000_floors");
    assert_eq!(names_and_codes(&node.pod(&resolve).await), [("resolve", 0)]);
    assert_eq!(
        names_and_codes(&node.pod(pod).await),
        [("backup", 0), ("migrate", 0), ("status", 0)]
    );
    world.lock_is_free().await;
}

#[tokio::test]
async fn of_the_init_containers_of_many_pods_one_applies() {
    let world = World::new().await;
    let checkout = Checkout::of("kubernetes");
    let pod = &manifest(&checkout, "init-container.yaml")["spec"]["template"]["spec"];
    let node = Node { world: &world, image: image(&checkout), backups: Path::new("/nonexistent") };
    let children: Vec<_> =
        (0..5).map(|_| node.command(&pod["initContainers"][0]).spawn().unwrap()).collect();
    let mut applied = 0;
    for child in children {
        applied += finish(child).await.succeeded().applied;
    }
    assert_eq!(applied, 3);
    world.has_exactly(&checkout.names()).await;
    checkout.migration("20260301090000_floors", "ALTER TABLE nope ADD COLUMN floor INT;");
    let node = Node { image: image(&checkout), ..node };
    finish(node.command(&pod["initContainers"][0]).spawn().unwrap()).await.failed(10);
}

/// A kubectl that writes down what it is asked, and answers with the next of some conditions.
async fn deploy(answers: &[&str]) -> (i32, String) {
    let checkout = Checkout::of("kubernetes");
    let folder = checkout.path().join("programs");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("answers"), answers.join("\n") + "\n").unwrap();
    program(
        &folder,
        "kubectl",
        r#"cd "$(dirname "$0")"
case "$1" in
  get) head -n 1 answers; sed -i 1d answers ;;
  apply) echo "apply $(sed -n 's/^  name: //p' | head -n 1)" >>asked ;;
  *) echo "$1 $2 $3" >>asked ;;
esac"#,
    );
    let mut command = script_of(&checkout, "deploy.sh", &folder);
    let output = command.arg(COMMIT).env("POLL", "0").output().await.unwrap();
    let asked = std::fs::read_to_string(folder.join("asked")).unwrap_or_default();
    (output.status.code().unwrap(), asked)
}

#[tokio::test]
async fn the_api_is_deployed_only_behind_a_green_job() {
    let migrated = "apply rooms-migrate-4f2c9ab\nlogs job/rooms-migrate-4f2c9ab --all-containers\n";
    let deployed = "apply rooms-api\nrollout status deployment/rooms-api\n";
    let (code, asked) =
        deploy(&["", "", "SuccessCriteriaMet ", "SuccessCriteriaMet Complete "]).await;
    assert_eq!((code, asked), (0, format!("{migrated}{deployed}")));
    let (code, asked) = deploy(&["", "FailureTarget ", "FailureTarget Failed "]).await;
    assert_eq!((code, asked), (1, migrated.to_owned()));
    // The Job of an earlier attempt.
    let (code, asked) = deploy(&["FailureTarget Failed ", "", "Complete "]).await;
    assert_eq!(
        (code, asked),
        (0, format!("delete job/rooms-migrate-4f2c9ab \n{migrated}{deployed}"))
    );
}
