//! Owns what is kept before the first change: a backup, the schema as it was, what RDS has. Each is made
//! under the locks of the deployment, only when something is to be applied, and its failure stops with
//! nothing changed.

use super::{Context, Failed, child};
use crate::cli::{KeepBefore, RestorePoint};
use crate::process::program::{self, Program};
use crate::rds::{self, Wish};
use crate::source::{Found, aws};
use engine::restore::Rds;
use engine::{Error, Hold, Interrupt, Kept, Kind, Sink};
use std::ffi::OsString;

/// What has to be there.
pub(super) struct Backups {
    programs: Vec<Program>,
    of_rds: Option<Wish>,
}

impl Backups {
    /// Finds the programs, before anything is looked at.
    pub(super) fn find(context: &Context<'_>) -> Result<Self, Error> {
        let keeping = &context.options.keeping;
        let search = context.environment.path();
        let mut programs = Vec::new();
        if let Some(file) = keeping.schema_dump.as_ref().filter(|file| !file.as_os_str().is_empty())
        {
            let words = ["pg_dump", "--schema-only", "--no-password", "--file"].map(OsString::from);
            let words = [words.as_slice(), &[file.clone().into_os_string()]].concat();
            programs.push(Program::find(&words, search)?);
        }
        if let Some(line) = keeping.backup_command.as_ref().filter(|line| !line.is_empty()) {
            let words =
                program::words(line).map_err(|cause| Error::new(Kind::Configuration, cause))?;
            programs.push(Program::find(&words, search)?);
        }
        let of_rds = match keeping.restore_point {
            None | Some(RestorePoint::Time) => None,
            Some(RestorePoint::Rds) => Some(Wish::RestorableTime),
            Some(RestorePoint::Snapshot) => Some(Wish::Snapshot),
        };
        Ok(Self { programs, of_rds })
    }

    /// None.
    pub(super) fn none() -> Self {
        Self { programs: Vec::new(), of_rds: None }
    }

    /// Before what they are made.
    pub(super) fn before(&self, context: &Context<'_>) -> engine::KeepBefore {
        match context.options.keeping.keep_before {
            _ if self.programs.is_empty() && self.of_rds.is_none() => engine::KeepBefore::Never,
            Some(KeepBefore::Loss) => engine::KeepBefore::Loss,
            Some(KeepBefore::Change) | None => engine::KeepBefore::Change,
        }
    }

    /// Makes them; what RDS has then.
    pub(super) async fn make(
        &self,
        context: &Context<'_>,
        found: &Found,
        (hold, sink, interrupt): (&mut Hold, &mut dyn Sink, &mut Interrupt),
    ) -> Result<Option<Kept>, Failed> {
        let of_rds = match self.of_rds {
            Some(wish) => Some((wish, database(context, found).await?)),
            None => None,
        };
        for program in &self.programs {
            run(program, context, found, (&mut *hold, &mut *sink, &*interrupt)).await?;
        }
        match of_rds {
            Some((wish, database)) => {
                Ok(Some(rds::keep(wish, database, context.emitter, interrupt).await?))
            }
            None => Ok(None),
        }
    }
}

/// Runs one of them.
async fn run(
    program: &Program,
    context: &Context<'_>,
    found: &Found,
    (hold, sink, interrupt): (&mut Hold, &mut dyn Sink, &Interrupt),
) -> Result<(), Failed> {
    let child = (program.clone(), &found.settings);
    let ran = child::run(context, child, (hold, sink), interrupt).await;
    let ending = ran.map_err(|error| error.database(engine::DatabaseState::Unchanged))?;
    if ending.interrupted {
        let message = format!("interrupted during `{}`", program.name);
        return Err(Error::new(Kind::Interrupted, message).into());
    }
    match ending.stopped {
        Some(error) => Err(error.database(engine::DatabaseState::Unchanged).into()),
        None if ending.exit.code() == 0 => Ok(()),
        None => Err(Error::new(
            Kind::Contradicted,
            format!("nothing was applied, because `{}` {}", program.name, ending.exit.words()),
        )
        .hint("its own last lines say why; without a backup nothing is changed")
        .into()),
    }
}

/// What RDS calls the database.
async fn database(context: &Context<'_>, found: &Found) -> Result<Rds, Error> {
    let guessed = Rds::behind(&found.settings);
    let Some(name) = context.options.keeping.rds.as_deref().filter(|name| !name.is_empty()) else {
        return guessed.ok_or_else(|| {
            let host = &found.settings.host;
            let text = format!("the name `{host}` does not say which database of RDS it is");
            Error::new(Kind::Configuration, text).hint("say --rds instance:ID or cluster:ID")
        });
    };
    let (sort, id) = rds::read_name(name).map_err(|why| Error::new(Kind::Configuration, why))?;
    let named = found.settings.host_kind().region().map(str::to_owned);
    let region = match named {
        Some(region) => Some(region),
        None => aws::region(&aws::config(None).await).map(str::to_owned),
    };
    let region = region.ok_or_else(|| {
        Error::new(Kind::Configuration, "no AWS Region is set for RDS").hint("set AWS_REGION")
    })?;
    Ok(Rds { sort, id: id.to_owned(), region })
}
