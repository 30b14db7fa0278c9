//! GitHub Actions as `act` plays it, directly on this machine: the example's repository with the
//! workflow and the action that it is told to copy, against a sandbox with the real runner.

use super::real::{self, Database};
use super::tools;
use sandbox::{Config, HostEnvironment, Program, Sandbox, Script, Server, Speed, WallClock};
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::{Child, Command};

const PARTS: [&str; 5] = ["api", "web", "admin", "docs", "status"];

const REGISTRY: &str = "111122223333.dkr.ecr.eu-central-1.amazonaws.com";

/// What the database is to be called; act has one set of variables for both environments.
pub(crate) const ENVIRONMENT: &str = "rehearsal";

/// A repository, a cloud and a database.
pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    pub(crate) database: Database,
    server: Server,
    folder: tempfile::TempDir,
    act: PathBuf,
}

/// What a run of the workflow left.
pub(crate) struct Played {
    pub(crate) green: bool,
    pub(crate) log: String,
}

/// Something that serves until it is stopped.
pub(crate) fn serves() -> Program {
    Program::script(Script::new())
}

impl Stage {
    /// The example with this API; `None`, and a counted skip, without act or PostgreSQL.
    pub(crate) async fn open(api: Program) -> Option<Self> {
        let python = tools::python().await?;
        let database = Database::fresh().await?;
        let folder = tempfile::tempdir().unwrap();
        // What docker built last: the migrations of that commit.
        let migrations = folder.path().join("migrations").display().to_string();
        let runner = real::runner().await.display().to_string();
        let words = [runner, "--migrations".to_owned(), migrations];
        let mut config = Config::new(Speed::Fast)
            .region("eu-central-1")
            .wall_clock(WallClock::System)
            .host(HostEnvironment { path: Some("/usr/bin:/bin".to_owned()), home: None })
            .cluster("shop")
            .log_group("/ecs/shop-migrate")
            .log_group("/ecs/shop")
            .secret("shop/database", database.secret())
            .secret("shop/url", &database.url)
            .image("*/shop-migrate@*", Program::Command(words.to_vec()))
            .image("*/shop-api@*", api);
        for part in &PARTS[1..] {
            config = config.image(format!("*/shop-{part}@*"), serves());
        }
        let sandbox = Sandbox::new(config);
        let server = sandbox.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
        let act = Path::new(&python).with_file_name("act");
        let stage = Self { sandbox, database, server, folder, act };
        stage.furnish();
        Some(stage)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn furnish(&self) {
        let root = tools::root();
        let repository = self.path("shop");
        let copy = |from: &Path, to: &Path| {
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            run(Command::new("cp").arg("-r").arg(from).arg(to));
        };
        copy(&root.join("examples/gate"), &repository);
        for file in [".github/workflows/deploy.yml", ".github/actions"] {
            copy(&root.join(file), &repository.join(file));
        }
        self.git(&["init", "-q", "-b", "main"]);
        self.commit("The example");
        // Who gives credentials says where AWS is.
        let credentials = format!(
            "name: x\nruns:\n  using: composite\n  steps:\n    - shell: bash\n      run: |\n        \
             {{ echo AWS_ACCESS_KEY_ID=x; echo AWS_SECRET_ACCESS_KEY=x; echo AWS_REGION=eu-central-1; \
             echo AWS_ENDPOINT_URL={}; }} >>\"$GITHUB_ENV\"\n",
            self.server.endpoint()
        );
        std::fs::create_dir(self.path("credentials")).unwrap();
        std::fs::write(self.path("credentials/action.yml"), credentials).unwrap();
        std::fs::create_dir(self.path("bin")).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_ecs-migrate"), self.path("bin/ecs-migrate"))
            .unwrap();
        let place = self.folder.path().display();
        // The last green run; a file holds it.
        self.program("gh", &format!("cat {place}/green 2>/dev/null || true"));
        // It knows what was pushed.
        self.program(
            "aws",
            &format!(
                "case $2 in get-login-password) echo x;; batch-get-image)\n\
                 for word; do case $word in imageTag=*) tag=${{word#imageTag=}};; shop-*) name=$word;; esac; done\n\
                 if image=$(grep \"/$name:$tag\\$\" {place}/pushed 2>/dev/null); then echo \"sha256:$(echo \"$image\" | sha256sum | cut -c 1-64)\"; else echo None; fi;; esac"
            ),
        );
        // Tells what it built by a digest, and keeps the migrations.
        self.program(
            "docker",
            &format!(
                "[ $1 = buildx ] || exit 0\n\
                 while [ $# -gt 0 ]; do case $1 in --metadata-file) file=$2;; --tag) tag=$2;; esac; shift; done\n\
                 case $tag in */shop-migrate:*) rm -rf {place}/migrations; cp -r apps/api/prisma/migrations {place}/migrations;; esac\n\
                 echo \"$tag\" | tee -a {place}/pushed >>{place}/built\n\
                 echo \"{{\\\"containerimage.digest\\\": \\\"sha256:$(echo \"$tag\" | sha256sum | cut -c 1-64)\\\"}}\" >\"$file\""
            ),
        );
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.path("bin").join(name);
        std::fs::write(&path, format!("#!/bin/bash\n{script}\n")).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.arg("-C").arg(self.path("shop")).args(arguments);
        command
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .envs([("GIT_AUTHOR_NAME", "t"), ("GIT_AUTHOR_EMAIL", "t@example.com")])
            .envs([("GIT_COMMITTER_NAME", "t"), ("GIT_COMMITTER_EMAIL", "t@example.com")]);
        run(&mut command)
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    /// A commit that writes one file.
    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.path("shop").join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self.commit(file);
    }

    /// A commit with a migration.
    pub(crate) fn migration(&self, name: &str, sql: &str) {
        self.write(&format!("apps/api/prisma/migrations/{name}/migration.sql"), sql);
    }

    /// The run before this one was green.
    fn was_green(&self) {
        std::fs::write(self.path("green"), self.git(&["rev-parse", "HEAD"])).unwrap();
    }

    /// What was built since the last look, by repository.
    pub(crate) fn built(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("built")).unwrap_or_default();
        let _ignored = std::fs::remove_file(self.path("built"));
        let name =
            |line: &str| line.rsplit_once('/').unwrap().1.split(':').next().unwrap().to_owned();
        text.lines().map(name).collect()
    }

    /// Begins the workflow of a push.
    pub(crate) fn push(&self) -> Child {
        let event = json!({"ref": "refs/heads/main", "repository": {"default_branch": "main"}});
        std::fs::write(self.path("event.json"), event.to_string()).unwrap();
        let pins = std::fs::read_to_string(tools::root().join("docs/actions.md")).unwrap();
        let row = pins.lines().find(|line| line.contains("configure-aws-credentials")).unwrap();
        let commit = row.split('|').nth(3).unwrap().trim();
        let local = format!(
            "aws-actions/configure-aws-credentials@{commit}={}",
            self.path("credentials").display()
        );
        let mut command = Command::new(&self.act);
        command
            .args(["push", "--workflows", ".github/workflows/main.yml", "--rm"])
            .args(["--platform", "ubuntu-24.04=-self-hosted", "--local-repository", &local])
            .args(["--eventpath", self.path("event.json").to_str().unwrap()])
            .args([
                "--var",
                "AWS_REGION=eu-central-1",
                "--var",
                &format!("ECR_REGISTRY={REGISTRY}"),
            ])
            .args(["--var", &format!("ECS_MIGRATE_ENVIRONMENT={ENVIRONMENT}")])
            .args(["--var", "AWS_ROLE_ARN=arn:aws:iam::111122223333:role/shop-deploy"])
            .current_dir(self.path("shop"))
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", self.path("bin").display()))
            .env("HOME", self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command.spawn().unwrap()
    }

    /// Plays the workflow of a push to its end.
    pub(crate) async fn pushed(&self) -> Played {
        self.ended(self.push()).await
    }

    /// The end of a run that began.
    pub(crate) async fn ended(&self, run: Child) -> Played {
        let output = run.wait_with_output().await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let log = text(&output.stdout) + &text(&output.stderr);
        let green = output.status.success();
        if green {
            self.was_green();
        }
        Played { green, log }
    }

    /// How often an operation was called.
    pub(crate) fn calls(&self, operation: &str) -> usize {
        self.sandbox.journal().iter().filter(|entry| entry.operation == operation).count()
    }

    /// What a service stands on, once that is all it stands on.
    pub(crate) fn stands_on(&self, service: &str) -> Option<String> {
        let (definition, complete) = self.sandbox.service("shop", service)?;
        complete.then(|| definition.rsplit_once('/').unwrap().1.to_owned())
    }

    /// How many migrations the database has.
    pub(crate) async fn applied(&self) -> usize {
        let rows = "SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NOT NULL";
        self.database.ask(rows).await.parse().unwrap()
    }
}

fn run(command: &mut Command) -> String {
    let output = command.as_std_mut().output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    assert!(output.status.success(), "{command:?}: {}", text(&output.stderr));
    text(&output.stdout)
}
