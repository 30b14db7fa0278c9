//! Whether the lock was held all the time while somebody else worked under it.

use crate::follow::Follow;
use crate::support::{Ended, World, finish, search_path};
use protocol::{DatabaseState, Event};

/// Ours, and not a command's.
const OURS: &str = "application_name LIKE 'ecs-migrate %' AND datname = current_database()";

/// Both sessions of ours hold it.
const BOTH: &str = "(SELECT count(*) = 2 FROM pg_locks WHERE locktype = 'advisory' AND granted \
     AND mode = 'ShareLock' AND objid = 123456789 \
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";

fn taken_again(event: &Event) -> bool {
    matches!(event, Event::Notice(notice) if notice.code == "lock_taken_again")
}

impl World {
    /// A command that runs until the file `go` is there.
    fn until_told(&self) -> String {
        format!(
            "sh -c 'echo $$ >{0}; while [ ! -e {1} ]; do sleep 0.05; done'",
            self.path("ready"),
            self.path("go")
        )
    }

    /// Runs it by `exec`, or as a step.
    async fn under_the_lock(&self, how: &str) -> Follow {
        let told = self.until_told();
        let mut command = match how {
            "exec" => {
                let script = told.trim_start_matches("sh -c '").trim_end_matches('\'').to_owned();
                self.command(&["exec", "--", "sh", "-c", &script])
            }
            how => self.command(&[how, "--then", &told]),
        };
        command.env("PATH", search_path());
        let run = Follow::spawn(command);
        self.file("ready").await;
        run
    }

    fn go(&self) {
        std::fs::write(self.path("go"), "").unwrap();
    }
}

fn not_proved(ended: &Ended) {
    let failure = ended.failed(20);
    assert!(
        failure.message.contains("ended well, but") && failure.message.contains("somebody else"),
        "{failure:?}"
    );
}

#[tokio::test]
async fn somebody_who_came_wrote_and_left_is_never_green() {
    for how in ["exec", "deploy"] {
        let world = World::new().await;
        world.sql("CREATE SCHEMA other; CREATE TABLE other.seen(id int)").await;
        world.migration("1_a", "CREATE TABLE a(id int);");
        let mut run = world.under_the_lock(how).await;
        let other = world.session("other").await;
        let visit = tokio::spawn(async move {
            other
                .batch_execute(
                    "SELECT pg_advisory_lock(123456789); INSERT INTO other.seen VALUES (1); SELECT pg_advisory_unlock(123456789)",
                )
                .await
        });
        world.until("EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'other' AND wait_event = 'advisory')").await;
        world
            .sql(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OURS}"))
            .await;
        visit.await.unwrap().unwrap();
        run.until(taken_again).await;
        world.go();
        let ended = run.finish().await;
        not_proved(&ended);
        assert_eq!(world.value("SELECT count(*) FROM other.seen").await, "1");
        if how == "deploy" {
            assert_eq!(ended.finished().database, DatabaseState::Changed);
            assert_eq!(
                world.value("SELECT finished_at IS NULL FROM ecs_migrate.steps").await,
                "t",
                "the step is not called done"
            );
        } else {
            assert_eq!(ended.finished().database, DatabaseState::Unknown);
        }
        world.lock_is_free().await;
    }
}

/// Ends one of our two sessions.
async fn lose(world: &World, observer: bool) {
    let is = if observer { "=" } else { "<>" };
    let sql = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OURS} AND application_name {is} 'ecs-migrate observer'"
    );
    assert_eq!(world.column(&sql).await, ["t"]);
}

/// Two sessions share it: while one is lost the other keeps everybody out.
#[tokio::test]
async fn whichever_connection_is_lost_nobody_comes_in_between() {
    for first in [true, false] {
        let world = World::new().await;
        let mut run = world.under_the_lock("exec").await;
        world.until(BOTH).await;
        let other = world.session("other").await;
        let visit = tokio::spawn(async move {
            let poll = "DO $$ BEGIN WHILE NOT pg_try_advisory_lock(123456789) LOOP PERFORM pg_sleep(0.002); END LOOP; END $$";
            other.batch_execute(poll).await.map(|()| other)
        });
        for observer in [first, !first] {
            world.until(BOTH).await;
            lose(&world, observer).await;
            run.until(taken_again).await;
        }
        world.until(BOTH).await;
        assert!(!visit.is_finished(), "nobody came in");
        world.go();
        run.finish().await.succeeded();
        visit.await.unwrap().unwrap();
    }
}

/// Whoever waits in the server is let in before anybody who comes back; the second hand keeps him out.
#[tokio::test]
async fn who_waits_in_the_server_waits_until_the_command_has_ended() {
    for second_too in [false, true] {
        let world = World::new().await;
        let mut run = world.under_the_lock("exec").await;
        world.until(BOTH).await;
        let other = world.session("other").await;
        let visit = tokio::spawn(async move {
            other.batch_execute("SELECT pg_advisory_lock(123456789)").await.map(|()| other)
        });
        world.until("EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'other' AND wait_event = 'advisory')").await;
        lose(&world, false).await;
        run.until(taken_again).await;
        assert!(!visit.is_finished(), "the second hand keeps him out");
        if second_too {
            lose(&world, true).await;
        }
        world.go();
        let ended = run.finish().await;
        if second_too {
            assert!(ended.failed(20).message.contains("application `other`"), "{}", ended.stdout);
        } else {
            ended.succeeded();
        }
        visit.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn lost_in_the_last_moment_is_not_green() {
    for how in ["exec", "--then"] {
        let world = World::new().await;
        let kill = format!(
            "psql -X -q -c \"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OURS}\""
        );
        let mut command = match how {
            "exec" => world.command(&["exec", "--", "sh", "-c", &kill]),
            _ => world.command(&["start", "--then", &kill, "--", "echo", "started"]),
        };
        command.env("PATH", search_path());
        let ended = finish(command.spawn().unwrap()).await;
        not_proved(&ended);
        assert!(!ended.stdout.contains("\nstarted"), "{}", ended.stdout);
    }
}

/// A role that has one connection has one hand, and nothing is wrong while that holds.
#[tokio::test]
async fn one_hand_is_enough_while_it_holds() {
    let world = World::new().await;
    let role = format!("one_{}", world.database);
    world.sql(&format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT 1")).await;
    let mut command = world.command(&["exec", "--", "/bin/true"]);
    command.env("DATABASE_URL", world.url.replace("postgres@", &format!("{role}@")));
    finish(command.spawn().unwrap()).await.succeeded();
    world.sql(&format!("DROP ROLE {role}")).await;
}
