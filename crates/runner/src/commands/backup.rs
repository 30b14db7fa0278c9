//! Owns what is kept before the first change: a backup, and the schema as it was. Each runs under the
//! lock, only when something is to be applied, and its failure stops with nothing changed.

use super::{Context, Failed};
use crate::process::mask::Mask;
use crate::process::program::{self, Program};
use crate::process::supervise::{self, Surroundings};
use crate::source::Found;
use engine::{Error, Hold, Interrupt, Kind};
use migrations::Directory;
use std::ffi::OsString;

/// What has to be run.
pub(super) struct Backups(Vec<Program>);

impl Backups {
    /// Finds the programs, before anything is looked at.
    pub(super) fn find(context: &Context<'_>) -> Result<Self, Error> {
        let guards = &context.options.guards;
        let search = context.environment.path();
        let mut programs = Vec::new();
        if let Some(file) = guards.schema_dump.as_ref().filter(|file| !file.as_os_str().is_empty())
        {
            let words = ["pg_dump", "--schema-only", "--no-password", "--file"].map(OsString::from);
            let words = [words.as_slice(), &[file.clone().into_os_string()]].concat();
            programs.push(Program::find(&words, search)?);
        }
        if let Some(line) = guards.backup_command.as_ref().filter(|line| !line.is_empty()) {
            let words =
                program::words(line).map_err(|cause| Error::new(Kind::Configuration, cause))?;
            programs.push(Program::find(&words, search)?);
        }
        Ok(Self(programs))
    }

    /// Runs them, if something is to be applied.
    pub(super) async fn run(
        self,
        context: &Context<'_>,
        (found, directory): (&Found, &Directory),
        interrupt: &mut Interrupt,
    ) -> Result<(), Failed> {
        if self.0.is_empty() || !to_be_applied(context, found, directory, interrupt).await? {
            return Ok(());
        }
        let address = context.address(&found.settings, context.child_url()).await?;
        let mask = Mask::new(address.secrets());
        let surroundings = Surroundings {
            emitter: context.emitter,
            mask: &mask,
            grace: context.options.grace,
            guard: context.guard(&found.settings, &address),
        };
        let mut sink = context.sink(found.source.clone());
        let lock = (context.options.lock_key, context.options.lock_wait);
        let mut hold = Hold::acquire(&found.settings, lock, &mut sink, interrupt).await?;
        let mut result = Ok(());
        for program in self.0 {
            let program = program.with(&address.variables());
            let ended = supervise::run(&program, &surroundings, &mut hold, &mut sink).await;
            result = ended.map_err(Failed::from).and_then(|ending| {
                if ending.interrupted {
                    let message = format!("interrupted during `{}`", program.name);
                    return Err(Error::new(Kind::Interrupted, message).into());
                }
                match ending.stopped {
                    Some(error) => Err(error.database(engine::DatabaseState::Unchanged).into()),
                    None if ending.exit.code() == 0 => Ok(()),
                    None => Err(Error::new(
                        Kind::Contradicted,
                        format!(
                            "nothing was applied, because `{}` {}",
                            program.name,
                            ending.exit.words()
                        ),
                    )
                    .hint("its own last lines say why; without a backup nothing is changed")
                    .into()),
                }
            });
            if result.is_err() {
                break;
            }
        }
        hold.release().await;
        result
    }
}

/// What stops the deployment anyway needs no backup.
async fn to_be_applied(
    context: &Context<'_>,
    found: &Found,
    directory: &Directory,
    interrupt: &mut Interrupt,
) -> Result<bool, Error> {
    let mut quiet = |_progress| {};
    let allowances = context.allowances();
    let looked = engine::status(&found.settings, directory, &allowances, &mut quiet);
    let status = tokio::select! {
        status = looked => status,
        () = interrupt.wait() => {
            return Err(Error::new(Kind::Interrupted, "interrupted before the backup"));
        }
    };
    match status {
        Ok(status) => Ok(status.blocker.is_none() && status.pending() > 0),
        // A database that is about to be made has nothing to keep.
        Err(error) if context.options.create_database && error.prisma_code == Some("P1003") => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
