//! No panic, ever: whatever a login, a table, a file or a server says, a run ends with a last line
//! and a code of ours.

use crate::rude::{Rude, all};
use crate::support::World;
use protocol::ExitCode;

/// Vault and RDS make logins that take on the owner's role at once.
#[tokio::test]
async fn a_login_that_takes_on_a_role_at_once() {
    let world = World::new().await;
    let (owner, login) = (format!("{}_o", world.database), format!("{}_l", world.database));
    world
        .sql(&format!(
            "CREATE ROLE {owner}; CREATE ROLE {login} LOGIN IN ROLE {owner}; ALTER ROLE {login} SET role = {owner}; \
             ALTER DATABASE {} OWNER TO {owner}; ALTER SCHEMA public OWNER TO {owner}",
            world.database
        ))
        .await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    world.migration("2_b", "CREATE TABLE b(id int);\nCREATE INDEX CONCURRENTLY i ON b(id);");
    let by_role = world.url.replace("postgres@", &format!("{login}@"));
    // The same by the options of the connection, for a login without such a setting.
    let by_options = format!("{}?options=-c%20role%3D{owner}", world.url);
    for url in [by_role, by_options] {
        for arguments in [
            vec!["deploy"],
            vec!["status"],
            vec!["check"],
            vec!["exec", "--", "true"],
            vec!["start", "--", "true"],
            vec!["deploy", "--then", "true", "--then-again"],
        ] {
            let mut command = world.command(&arguments);
            command.env("DATABASE_URL", &url).env("PATH", crate::support::search_path());
            let ended = crate::support::finish(command.spawn().unwrap()).await;
            assert_eq!(ended.code, 0, "{arguments:?}: {}{}", ended.stdout, ended.stderr);
        }
    }
    assert_eq!(world.history().await, ["1_a applied 1", "2_b applied 1"]);
    // As with Prisma, everything is the owner's.
    let owners =
        "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN ('public', 'ecs_migrate')";
    assert_eq!(world.column(owners).await, [owner]);
}

/// A history that was copied without its constraints.
#[tokio::test]
async fn a_null_where_a_history_has_none() {
    for column in ["id", "migration_name", "checksum", "started_at"] {
        let world = World::new().await;
        world.migration("1_a", "CREATE TABLE a(id int);");
        world.deploy().await.succeeded();
        world
            .sql(&format!(
                "ALTER TABLE _prisma_migrations DROP CONSTRAINT _prisma_migrations_pkey; \
                 ALTER TABLE _prisma_migrations ALTER {column} DROP NOT NULL; \
                 UPDATE _prisma_migrations SET {column} = NULL"
            ))
            .await;
        for arguments in [["deploy"].as_slice(), &["status"], &["resolve", "--applied", "1_a"]] {
            let ended = world.run(arguments).await;
            let failure = ended.failed(13);
            assert!(failure.message.contains(column), "{arguments:?}: {failure:?}");
        }
    }
}

#[tokio::test]
async fn a_nul_in_a_script_or_an_address() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);\nINSERT INTO a VALUES ('\0');");
    let ended = world.deploy().await;
    let failure = ended.failed(10);
    assert!(failure.message.contains("NUL") && failure.message.contains("line 2"), "{failure:?}");
    assert!(!world.exists("a").await);
    for url in [
        world.url.replace(&world.database, "a%00b?options=-c%20a%00b"),
        world.url.replace("postgres@", "a%00b@"),
        format!("{}?application_name=a%00b", world.url),
    ] {
        let mut command = world.command(&["deploy", "--connect-wait", "1s"]);
        command.env("DATABASE_URL", url);
        let ended = crate::support::finish(command.spawn().unwrap()).await;
        assert!([2, 21].contains(&ended.code), "{}", ended.stdout);
        assert!(ended.finished().failure.is_some());
    }
}

#[tokio::test]
async fn a_server_that_answers_nonsense() {
    let world = World::new().await;
    world.migration("1_a", "CREATE TABLE a(id int);");
    for manners in all().iter() {
        let rude = Rude::start(*manners).await;
        for arguments in
            [["deploy"].as_slice(), &["status"], &["check"], &["exec", "--", "/bin/true"]]
        {
            let mut command = world.command(arguments);
            command.args(if arguments[0] == "exec" { &[][..] } else { &["--connect-wait", "0s"] });
            command.env("DATABASE_URL", &rude.url).env("ECS_MIGRATE_CONNECT_WAIT", "0s");
            let ended = crate::support::finish(command.spawn().unwrap()).await;
            let code = u8::try_from(ended.code).expect("an exit code, not a signal");
            let known = ExitCode::ALL.iter().any(|known| known.code() == code);
            assert!(
                known && code != 0,
                "{manners:?} {arguments:?}: {}{}",
                ended.stdout,
                ended.stderr
            );
            assert!(ended.finished().failure.is_some(), "{manners:?}");
            assert!(!ended.stdout.contains("hunter2"), "{}", ended.stdout);
        }
    }
}
