//! The same story through Prisma's real engine and through ours: the same rows, the same schema.

use crate::support::{World, npm, script};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;
use tokio::sync::OnceCell;

/// Who takes a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Prisma,
    Ours,
}

/// One step of a story.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Writes a migration.
    Write(&'static str, &'static str),
    /// Removes one.
    Remove(&'static str),
    /// SQL behind everybody's back.
    Sql(&'static str),
    Deploy,
    Applied(&'static str),
    RolledBack(&'static str),
}

/// The engine's folder, installed once; none where npm cannot.
pub(crate) async fn engine() -> Option<&'static PathBuf> {
    static FOLDER: OnceCell<Option<PathBuf>> = OnceCell::const_new();
    let install = || npm("prisma", "Prisma's engine cannot be installed with npm");
    FOLDER.get_or_init(install).await.as_ref()
}

impl World {
    async fn prisma(&self, arguments: &[&str]) -> bool {
        let folder = engine().await.unwrap();
        let output = Command::new("node")
            .arg(folder.join("engine.mjs"))
            .arg(arguments[0])
            .arg(self.directory.path())
            .args(&arguments[1..])
            .env("DATABASE_URL", &self.url)
            .current_dir(folder)
            .kill_on_drop(true)
            .output();
        tokio::time::timeout(Duration::from_mins(1), output)
            .await
            .unwrap()
            .unwrap()
            .status
            .success()
    }

    async fn ours(&self, arguments: &[&str]) -> bool {
        let mut command = self.command(arguments);
        command.env("ECS_MIGRATE_COMPAT", "prisma");
        crate::support::finish(command.spawn().unwrap()).await.code == 0
    }

    /// Takes a step; whether it ended well.
    async fn step(&self, who: Who, step: Step) -> bool {
        match (step, who) {
            (Step::Write(name, script), _) => {
                self.migration(name, script);
                true
            }
            (Step::Remove(name), _) => {
                self.remove(name);
                true
            }
            (Step::Sql(sql), _) => {
                self.sql(sql).await;
                true
            }
            (Step::Deploy, Who::Prisma) => self.prisma(&["deploy"]).await,
            (Step::Applied(name), Who::Prisma) => self.prisma(&["applied", name]).await,
            (Step::RolledBack(name), Who::Prisma) => self.prisma(&["rolled-back", name]).await,
            (Step::Deploy, Who::Ours) => self.ours(&["deploy"]).await,
            (Step::Applied(name), Who::Ours) => self.ours(&["resolve", "--applied", name]).await,
            (Step::RolledBack(name), Who::Ours) => {
                self.ours(&["resolve", "--rolled-back", name]).await
            }
        }
    }

    /// The history without ids and times; of an error only that there is one.
    async fn rows(&self) -> Vec<String> {
        if !self.exists("_prisma_migrations").await {
            return vec!["no table".to_owned()];
        }
        self.column(
            "SELECT concat_ws(' ', migration_name, checksum, finished_at IS NOT NULL, rolled_back_at IS NOT NULL, applied_steps_count, \
             CASE WHEN logs IS NULL THEN 'no-logs' WHEN logs = '' THEN 'empty-logs' ELSE 'logs' END, started_at = finished_at) \
             FROM _prisma_migrations ORDER BY started_at, finished_at",
        )
        .await
    }

    async fn schema(&self) -> String {
        let bin = Command::new(script("postgres.sh"));
        let mut bin = bin;
        let folder = bin.arg("bin").output().await.unwrap();
        let program = Path::new(String::from_utf8(folder.stdout).unwrap().trim()).join("pg_dump");
        let output = Command::new(program)
            .args(["--schema-only", "--exclude-schema=ecs_migrate", &self.url])
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // Newer versions print a random word with \restrict.
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .filter(|line| !line.starts_with('\\'))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

const GOOD: [Step; 4] = [
    Step::Write("20260101000000_a", "CREATE TABLE a(id int);\nCREATE TYPE m AS ENUM ('x');"),
    Step::Write("20260102000000_b", "DO $$ BEGIN CREATE TABLE b(id int); END $$;\r\n"),
    Step::Write("20260103000000_c", ""),
    Step::Write("20260104000000_d", "-- alone\nCREATE INDEX CONCURRENTLY i ON a(id);"),
];

/// Stories, each told twice.
fn stories() -> Vec<(&'static str, Vec<Step>)> {
    let bad =
        Step::Write("20260105000000_e", "CREATE TABLE e(id int);\nALTER TABLE nope ADD x int;");
    let fixed = Step::Write("20260105000000_e", "CREATE TABLE e(id int);");
    let later = Step::Write("20260106000000_f", "CREATE TABLE f(id int);");
    let story = |steps: &[Step]| GOOD.iter().chain(steps).copied().collect::<Vec<_>>();
    vec![
        ("green twice", story(&[Step::Deploy, Step::Deploy])),
        ("nothing on disk", vec![Step::Deploy]),
        (
            "failed, blocked, rolled back, fixed",
            story(&[
                bad,
                later,
                Step::Deploy,
                Step::Deploy,
                Step::RolledBack("20260105000000_e"),
                Step::RolledBack("20260105000000_e"),
                fixed,
                Step::Deploy,
            ]),
        ),
        (
            "failed, made by hand, applied",
            story(&[
                bad,
                Step::Deploy,
                Step::Sql("CREATE TABLE e(id int)"),
                Step::Applied("20260105000000_e"),
                later,
                Step::Deploy,
            ]),
        ),
        (
            "edited, deleted and late",
            story(&[
                Step::Deploy,
                Step::Write("20260101000000_a", "SELECT 1;"),
                Step::Remove("20260103000000_c"),
                Step::Write("20260102500000_late", "CREATE TABLE late(id int);"),
                Step::Deploy,
            ]),
        ),
        ("not empty", story(&[Step::Sql("CREATE TABLE other(id int)"), Step::Deploy])),
        (
            "not empty, baselined",
            story(&[
                Step::Sql("CREATE TABLE a(id int); CREATE TYPE m AS ENUM ('x')"),
                Step::Applied("20260101000000_a"),
                Step::Deploy,
            ]),
        ),
        (
            "makes no sense",
            story(&[
                Step::Deploy,
                Step::Applied("20260101000000_a"),
                Step::RolledBack("20260101000000_a"),
                Step::RolledBack("nope"),
                Step::Applied("nope"),
            ]),
        ),
        (
            "mixed with concurrently",
            story(&[
                Step::Write(
                    "20260105000000_e",
                    "CREATE TABLE e(id int); ALTER TABLE e ADD CONSTRAINT nope CHECK (nope > 0);",
                ),
                Step::Deploy,
            ]),
        ),
        (
            "odd names",
            vec![
                Step::Write("Z_up", "SELECT 1;"),
                Step::Write("a_low", "SELECT 1;"),
                Step::Write("10_b", "SELECT 1;"),
                Step::Write("2_c", "SELECT 1;"),
                Step::Write("20260101_d", "SELECT 1;"),
                Step::Write("20260101000000_e", "SELECT 1;"),
                Step::Deploy,
            ],
        ),
        (
            "byte order mark inside a comment",
            vec![Step::Write("1_a", "SELECT 1; -- \u{feff}é"), Step::Deploy],
        ),
        (
            "another tool's tables elsewhere",
            vec![
                Step::Sql(
                    "CREATE SCHEMA other; CREATE TABLE other.t(id int); CREATE VIEW v AS SELECT 1",
                ),
                Step::Write("1_a", "SELECT 1;"),
                Step::Deploy,
            ],
        ),
    ]
}

/// Tells a story; the outcomes of its steps.
async fn tell(who: impl Fn(usize) -> Who, steps: &[Step]) -> (World, Vec<bool>) {
    let world = World::new().await;
    let mut outcomes = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        outcomes.push(world.step(who(number), *step).await);
    }
    (world, outcomes)
}

#[tokio::test]
async fn every_story_ends_the_same() {
    if engine().await.is_none() {
        return;
    }
    for (title, steps) in stories() {
        let (prisma, prismas) = tell(|_| Who::Prisma, &steps).await;
        let (ours, ourss) = tell(|_| Who::Ours, &steps).await;
        assert_eq!(ourss, prismas, "{title}: outcomes");
        assert_eq!(ours.rows().await, prisma.rows().await, "{title}: rows");
        assert_eq!(ours.schema().await, prisma.schema().await, "{title}: schema");
    }
}

#[tokio::test]
async fn half_with_one_and_half_with_the_other() {
    if engine().await.is_none() {
        return;
    }
    for first in [Who::Prisma, Who::Ours] {
        let other = if first == Who::Prisma { Who::Ours } else { Who::Prisma };
        for (title, steps) in stories() {
            let (prisma, prismas) = tell(|_| Who::Prisma, &steps).await;
            let deploys = |number: usize| {
                steps[..number]
                    .iter()
                    .filter(|step| {
                        matches!(step, Step::Deploy | Step::Applied(_) | Step::RolledBack(_))
                    })
                    .count()
            };
            let (mixed, outcomes) =
                tell(|number| if deploys(number) % 2 == 0 { first } else { other }, &steps).await;
            assert_eq!(outcomes, prismas, "{title}, {first:?} first: outcomes");
            assert_eq!(mixed.rows().await, prisma.rows().await, "{title}, {first:?} first: rows");
            assert_eq!(
                mixed.schema().await,
                prisma.schema().await,
                "{title}, {first:?} first: schema"
            );
        }
        // One migration at a time, in turns.
        let world = World::new().await;
        for (number, step) in GOOD.into_iter().enumerate() {
            assert!(world.step(first, step).await);
            assert!(world.step(if number % 2 == 0 { first } else { other }, Step::Deploy).await);
            assert!(
                world.step(if number % 2 == 0 { other } else { first }, Step::Deploy).await,
                "nothing to do"
            );
        }
        assert_eq!(world.history().await.len(), GOOD.len());
    }
}

#[tokio::test]
async fn both_at_once_apply_each_migration_once() {
    if engine().await.is_none() {
        return;
    }
    let world = World::new().await;
    for step in GOOD {
        world.step(Who::Ours, step).await;
    }
    world.migration("20260105000000_slow", "CREATE TABLE once(id int); SELECT pg_sleep(0.3);");
    let deploys =
        [Who::Ours, Who::Prisma, Who::Ours, Who::Prisma].map(|who| world.step(who, Step::Deploy));
    let outcomes = futures_util::future::join_all(deploys).await;
    assert!(outcomes.iter().all(|green| *green), "{outcomes:?}");
    let history = world.history().await;
    assert_eq!(history.len(), 5, "{history:?}");
    assert!(history.iter().all(|row| row.ends_with("applied 1")), "{history:?}");
}
