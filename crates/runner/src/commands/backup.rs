//! Owns what is kept before the first change: a backup, the schema as it was, what RDS has. Each is made
//! under the lock, only when something is to be applied, and its failure stops with nothing changed.

use super::{Context, Failed, child};
use crate::cli::{KeepBefore, RestorePoint};
use crate::process::program::{self, Program};
use crate::rds::{self, Wish};
use crate::source::{Found, aws};
use engine::restore::Rds;
use engine::{Error, Foresee, Foreseen, Hold, Interrupt, Kept, Kind, Sink};
use migrations::Directory;
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

    /// Whether none is asked for.
    pub(super) fn is_nothing(&self) -> bool {
        self.programs.is_empty() && self.of_rds.is_none()
    }

    /// Makes them, if something is to be applied that calls for it; what RDS has then.
    pub(super) async fn make(
        self,
        context: &Context<'_>,
        (found, directory): (&Found, &Directory),
        interrupt: &mut Interrupt,
    ) -> Result<Option<Kept>, Failed> {
        if self.is_nothing() || !called_for(context, found, directory, interrupt).await? {
            return Ok(None);
        }
        let of_rds = match self.of_rds {
            Some(wish) => Some((wish, database(context, found).await?)),
            None => None,
        };
        let mut sink = context.sink(found.source.clone());
        let lock = (context.options.key.lock_key, context.options.wait.lock_wait);
        let mut hold = Hold::acquire(&found.settings, lock, &mut sink, interrupt).await?;
        let work = async {
            for program in &self.programs {
                run(program, context, found, (&mut hold, &mut sink, interrupt)).await?;
            }
            match of_rds {
                Some((wish, database)) => {
                    Ok(Some(rds::keep(wish, database, context.emitter, interrupt).await?))
                }
                None => Ok(None),
            }
        };
        let result = work.await;
        hold.release().await;
        result
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
    let ending = child::run(context, child, (hold, sink), interrupt).await?;
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

/// What stops the deployment anyway needs no backup.
async fn called_for(
    context: &Context<'_>,
    found: &Found,
    directory: &Directory,
    interrupt: &mut Interrupt,
) -> Result<bool, Error> {
    let review = context.options.review.review();
    let deployment = Foresee {
        connection: &found.settings,
        directory,
        allowances: &context.allowances(),
        share: context.options.review.share(),
        review: review.as_ref(),
    };
    let mut sink = context.sink(found.source.clone());
    let foreseen = match engine::foresee(&deployment, (&mut sink, interrupt)).await {
        Ok(foreseen) => foreseen,
        // A database that is about to be made has nothing to keep.
        Err(error)
            if context.options.creation.create_database && error.prisma_code == Some("P1003") =>
        {
            return Ok(false);
        }
        Err(error) => return Err(error),
    };
    Ok(match foreseen {
        Foreseen::Nothing => false,
        Foreseen::Change => context.options.keeping.keep_before != Some(KeepBefore::Loss),
        Foreseen::Loss => true,
    })
}
