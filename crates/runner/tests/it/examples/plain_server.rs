//! `examples/kubernetes/plain-server`: the same image in a real container engine, started over a
//! shell that stands in for SSH: it hands the words to a shell, as sshd does.

use super::{Checkout, program, root, script_of};
use crate::support::{World, script, skip, static_binary};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::process::Command;

const COMMIT: &str = "4f2c9ab";

/// An engine of its own; it goes with everything that it holds.
struct Engine {
    folder: TempDir,
}

impl Engine {
    /// None where this machine cannot have one.
    async fn start() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            skip("containers of one's own need root");
            return None;
        }
        let engine = Self { folder: tempfile::tempdir().unwrap() };
        let mut start = engine.script("start");
        // Nothing is pulled; the engine's own log goes with its folder.
        let started = start
            .arg("127.0.0.1:1")
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status()
            .await;
        if !started.unwrap().success() {
            skip("podman cannot be started");
            return None;
        }
        Some(engine)
    }

    fn script(&self, what: &str) -> Command {
        let mut command = Command::new(script("containers.sh"));
        command.arg(what).arg(self.folder.path().join("engine"));
        command.stdin(std::process::Stdio::null());
        command
    }

    async fn run(&self, words: &[&str]) -> (i32, String) {
        let output = self.script("run").args(words).output().await.unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code().unwrap(), said)
    }

    async fn build(&self, context: &Path, dockerfile: &Path, image: &str) {
        let (context, file) = (context.to_str().unwrap(), dockerfile.to_str().unwrap());
        let runner = "RUNNER=localhost/ecs-migrate-runner:latest";
        let (code, said) = self
            .run(&[
                "buildah",
                "bud",
                "--quiet",
                "--pull-never",
                "--build-arg",
                runner,
                "--file",
                file,
                "--tag",
                image,
                context,
            ])
            .await;
        assert_eq!(code, 0, "{said}");
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let stopped = self.script("stop").into_std().output().unwrap();
        assert!(stopped.status.success() || std::thread::panicking(), "{stopped:?}");
    }
}

/// A server with the programs of the test: `ssh` to it, and its `docker`.
struct Server {
    engine: Engine,
    checkout: Checkout,
    programs: PathBuf,
}

impl Server {
    async fn new(world: &World) -> Option<Self> {
        let Some(binary) = static_binary() else {
            skip("the static binary was not built");
            return None;
        };
        let engine = Engine::start().await?;
        let checkout = Checkout::of("kubernetes");
        let context = engine.folder.path().join("context");
        std::fs::create_dir_all(context.join("amd64")).unwrap();
        std::fs::copy(binary, context.join("amd64/ecs-migrate-runner")).unwrap();
        let dockerfile = root().join("infra/docker/runner.Dockerfile");
        engine.build(&context, &dockerfile, "localhost/ecs-migrate-runner:latest").await;
        let programs = engine.folder.path().join("programs");
        std::fs::create_dir(&programs).unwrap();
        let parts = world.parts().into_iter().map(|(name, value)| format!("{name}={value}\n"));
        std::fs::write(programs.join("database.env"), parts.collect::<String>()).unwrap();
        let here = programs.display();
        // ssh -o … -o … SERVER COMMAND; the server's files are in this folder.
        program(
            &programs,
            "ssh",
            &format!(
                "shift 5\nexec sh -c \"$(echo \"$*\" | sed 's#/etc/rooms#{here}#g; s#/srv/rooms#{here}#g')\""
            ),
        );
        let engine_of = format!(
            "{} run {}",
            script("containers.sh").display(),
            engine.folder.path().join("engine").display()
        );
        program(
            &programs,
            "docker",
            &format!(
                "case \"$1\" in compose) echo \"$COMMIT $*\" >>{here}/composed ;; *) exec {engine_of} podman \"$@\" ;; esac"
            ),
        );
        Some(Self { engine, checkout, programs })
    }

    async fn build(&self, commit: &str) {
        let dockerfile = self.checkout.path().join("migrate.Dockerfile");
        let image = format!("registry.example.com/rooms-migrate:{commit}");
        self.engine.build(self.checkout.path(), &dockerfile, &image).await;
    }

    async fn deploy(&self, commit: &str) -> (i32, String) {
        let mut command = script_of(&self.checkout, "plain-server/deploy.sh", &self.programs);
        let output = command.args(["server", commit]).output().await.unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code().unwrap(), said)
    }

    fn composed(&self) -> String {
        std::fs::read_to_string(self.programs.join("composed")).unwrap_or_default()
    }
}

#[tokio::test]
async fn over_ssh_the_api_is_replaced_only_behind_a_green_container() {
    let world = World::new().await;
    let Some(server) = Server::new(&world).await else { return };
    server.build(COMMIT).await;
    let (code, said) = server.deploy(COMMIT).await;
    assert_eq!(code, 0, "{said}");
    world.has_exactly(&server.checkout.names()).await;
    let composed = "4f2c9ab compose up --detach --wait api\n";
    assert_eq!(server.composed(), composed);

    server.checkout.migration("20260301090000_typo", "ALTER TABLE nope ADD COLUMN floor INT;");
    server.build("5a5a5a5").await;
    let (code, said) = server.deploy("5a5a5a5").await;
    assert!(code == 10 && said.contains("the API stays"), "{code}: {said}");
    assert_eq!(server.composed(), composed);
    let (code, said) = server.deploy("Not;a commit").await;
    assert!(code == 2 && said.contains("small letters"), "{code}: {said}");

    // In a container that runs: `docker exec`.
    world.sql("CREATE SCHEMA test; CREATE TABLE test.go(now int)").await;
    server.checkout.migration("20260301090000_typo", "DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM test.go) LOOP PERFORM pg_sleep(0.02); END LOOP; END $$;");
    server.build("6b6b6b6").await;
    let file = server.programs.join("database.env");
    let image = "registry.example.com/rooms-migrate:6b6b6b6";
    let run = [
        "podman",
        "run",
        "--detach",
        "--name",
        "rooms",
        "--network",
        "host",
        "--env-file",
        file.to_str().unwrap(),
        image,
        "deploy",
    ];
    let (code, said) = server.engine.run(&run).await;
    assert_eq!(code, 0, "{said}");
    world.until("EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'DO $$ BEGIN WHILE%' AND state = 'active' AND datname = current_database())").await;
    let (code, said) =
        server.engine.run(&["podman", "exec", "rooms", "/ecs-migrate-runner", "status"]).await;
    assert!(said.contains("20260301090000_typo"), "{code}: {said}");
    world.sql("INSERT INTO test.go VALUES (1)").await;
    let (code, said) = server.engine.run(&["podman", "wait", "rooms"]).await;
    assert_eq!((code, said.trim()), (0, "0"));
    world.sql("DELETE FROM _prisma_migrations WHERE rolled_back_at IS NOT NULL").await;
    world.has_exactly(&server.checkout.names()).await;
}
