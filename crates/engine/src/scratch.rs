//! A database of our own, in which migrations show what they make.

use crate::catalog;
use crate::connect::connect;
use crate::deploy::{Deploy, Habits, Report, Turn, deploy};
use crate::error::{Error, Kind};
use crate::interrupt::Interrupt;
use crate::opening::MissingDatabase;
use crate::progress::Progress;
use crate::quote;
use crate::session::Session;
use crate::settings::ConnectionSettings;
use migrations::{Allowances, Directory};
use std::collections::BTreeSet;
use std::time::Duration;

/// What the migrations of `directory` make, from nothing, in a schema of the same name.
pub(crate) async fn rehearse(
    session: &Session,
    (connection, schema): (&ConnectionSettings, &str),
    directory: &Directory,
    interrupt: &mut Interrupt,
) -> Result<BTreeSet<String>, Error> {
    let name = format!("ecs_migrate_scratch_{}", uuid::Uuid::new_v4().simple());
    session.run(&format!("CREATE DATABASE {}", quote::identifier(&name))).await.map_err(
        |fault| {
            let error = Error::from(fault);
            Error {
                message: format!(
                    "cannot make a scratch database to compare with: {}",
                    error.message
                ),
                hint: Some(
                    "let the owner run ALTER ROLE … CREATEDB, or skip the comparison with --force"
                        .to_owned(),
                ),
                ..error
            }
        },
    )?;
    let scratch = ConnectionSettings {
        database: name.clone(),
        schema: Some(schema.to_owned()),
        environment: None,
        ..connection.clone()
    };
    let made = replay(&scratch, directory, schema, interrupt).await;
    session.run(&format!("DROP DATABASE IF EXISTS {}", quote::identifier(&name))).await?;
    made
}

async fn replay(
    scratch: &ConnectionSettings,
    directory: &Directory,
    schema: &str,
    interrupt: &mut Interrupt,
) -> Result<BTreeSet<String>, Error> {
    let steps = Deploy {
        connection: scratch,
        directory,
        allowances: &Allowances::default(),
        run: "scratch",
        lock_keys: &[crate::DEFAULT_LOCK_KEY],
        lock_wait: Duration::from_secs(1),
        missing_database: MissingDatabase::Refuse,
        habits: Habits::Safer,
        // Nobody else is in it.
        traffic: crate::traffic::Traffic::NONE,
        turn: Turn::Always,
        steps: &[],
    };
    let mut quiet = |_progress: Progress| {};
    // The deployment calls us through `resolve` only on the type level; the box ends the circle.
    Box::pin(deploy(&steps, &mut Report::default(), &mut quiet, interrupt)).await.map_err(
        |error| Error {
            kind: if error.kind == Kind::Interrupted {
                Kind::Interrupted
            } else {
                Kind::Contradicted
            },
            message: format!("the migrations do not apply to an empty database: {}", error.message),
            ..error
        },
    )?;
    let session = connect(scratch).await?;
    let sentences = catalog::read(&session, schema).await;
    session.close().await;
    Ok(sentences?)
}
