//! `replay`: everything from nothing, in a scratch database that is dropped again.

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
        let found = context.database().await?;
        let scratch = Scratch::create(&found.settings).await?;
        Ok::<_, Error>((found, scratch))
    };
    let (found, scratch) = tokio::select! {
        prepared = prepared => prepared?,
        () = interrupt.wait() => {
            return Err(Error::new(Kind::Interrupted, "interrupted before the replay").into());
        }
    };
    let place = Found { settings: scratch.settings.clone(), ..found };
    let work = Work { found: place, kept: None, steps, directory };
    let result = deploy::apply_to(&inside, work, (Turn::Always, interrupt)).await;
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
