//! `replay`: everything from nothing, in a scratch database that is dropped again.

use super::backup::Backups;
use super::deploy::{self, Work};
use super::steps::Steps;
use super::{Context, Ended, Failed};
use crate::source::Found;
use engine::{Error, Interrupt, Kind, Scratch, Turn};
use protocol::DatabaseState;
use protocol::event::Outcome;
use std::cell::{Cell, RefCell};

pub(super) async fn run(context: &Context<'_>, mut interrupt: Interrupt) -> Result<Ended, Failed> {
    let inside = Context { waiting: Cell::new(0), met: RefCell::default(), ..*context };
    let (steps, directory) = (Steps::find(&inside)?, inside.directory()?);
    let prepared = async {
        let scratch_server = context.scratch_server()?;
        let live = context.database().await;
        let (server, source, live) = match (scratch_server, live) {
            (Some(server), Ok(live)) => (server, "the scratch URL".to_owned(), Some(live.settings)),
            (Some(server), Err(error)) if error.kind == Kind::Configuration => {
                (server, "the scratch URL".to_owned(), None)
            }
            (_, Err(error)) => return Err(error),
            (None, Ok(live)) => (live.settings.clone(), live.source, Some(live.settings)),
        };
        let scratch = Scratch::create(&server, live.as_ref()).await?;
        Ok::<_, Error>((source, scratch))
    };
    let (source, scratch) = tokio::select! {
        prepared = prepared => prepared?,
        () = interrupt.wait() => {
            return Err(Error::new(Kind::Interrupted, "interrupted before the replay").into());
        }
    };
    let place = Found { settings: scratch.settings.clone(), source };
    let work = Work { found: place, backups: Backups::none(), steps, directory };
    let result = Box::pin(deploy::apply_to(&inside, work, (Turn::Always, interrupt))).await;
    let removed = scratch.remove().await;
    let ended = result.map_err(|failed| Failed {
        // Nothing of it is left anywhere.
        error: failed.error.database(engine::DatabaseState::Unchanged),
        applied: 0,
        ..failed
    })?;
    removed?;
    Ok(Ended {
        outcome: Outcome::Done,
        database: DatabaseState::Unchanged,
        msg: format!("{}, in a scratch database that is gone again", ended.msg),
        ..ended
    })
}
