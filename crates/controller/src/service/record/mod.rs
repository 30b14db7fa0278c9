//! Owns whether a migration is proved green for a commit, by the newest run that the log and ECS
//! know of: PURE. What ran beside a green run, or after it, and was not green revokes it, whoever
//! started it; what nobody can tell apart from such a run blocks.

mod refusal;
mod runs;

pub(crate) use refusal::Refusal;
pub(crate) use runs::LoggedLine;

use protocol::{RunnerCommand, Standing};
use runs::{Run, only_looks, runs};
use std::collections::BTreeSet;

/// What is to be proved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim<'a> {
    pub(crate) commit: &'a str,
    /// `cluster/family`.
    pub(crate) place: &'a str,
    /// Whose database it must have been; empty if nobody says so.
    pub(crate) environment: &'a str,
    /// The image that was built for the commit, where somebody says it.
    pub(crate) image: Option<&'a str>,
}

/// What is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Evidence {
    /// Lines of the family's log streams, those with `run_started` or `run_finished` and others, in
    /// any order.
    pub(crate) lines: Vec<LoggedLine>,
    /// Whether there are lines with these words that were not read.
    pub(crate) unread: bool,
    /// The family's tasks that ECS remembers; none where it may not be asked.
    pub(crate) tasks: Option<Vec<TaskRecord>>,
}

/// ECS's word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct TaskRecord {
    /// Its id, as its log stream's name ends.
    pub(crate) task: String,
    pub(crate) created_at: i64,
    /// The end, once there is one.
    pub(crate) stopped_at: Option<i64>,
    /// None while it has not ended.
    pub(crate) good_end: Option<bool>,
    /// Whether it is a task of its own, somebody's hand through `ecs-migrate`.
    pub(crate) is_one_off: bool,
    /// What RunTask asked of it, where that is a command of the runner.
    pub(crate) asked: Option<RunnerCommand>,
    /// The environment that RunTask named; empty if none.
    pub(crate) environment: String,
    /// The image of the container, as the definition named it.
    pub(crate) image: String,
}

/// The run that proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proof {
    pub(crate) run: String,
    /// The environment that it was for, empty if nothing says one.
    pub(crate) environment: String,
}

impl Evidence {
    /// The runs that it tells of. What a process wrote last may still be on its way to the log when ECS has
    /// it for ended: until it has said its last word it went on to that moment.
    fn runs(&self) -> Vec<Run> {
        let mut all = runs(&self.lines);
        let tasks = self.tasks.as_deref().unwrap_or_default();
        for run in all.iter_mut().filter(|run| run.word.finished.is_none()) {
            let ended = tasks.iter().find(|task| task.task == run.task);
            run.last = run.last.max(ended.and_then(|task| task.stopped_at).unwrap_or_default());
        }
        all
    }

    /// Whether older lines could change nothing: the run that counts is among these, and of no run the
    /// end was read without the beginning. Where no environment is named, there must be one only.
    pub(crate) fn is_enough(&self, claim: Claim<'_>) -> bool {
        let all = self.runs();
        let here: Vec<&Run> = all.iter().filter(|run| !is_elsewhere(run, claim)).collect();
        !claim.environment.is_empty()
            && all.iter().all(|run| run.word.started.is_some())
            && decisive(&here).is_some()
    }

    /// The tasks whose runs have not said their last word: later lines of theirs say whether they
    /// went on beside another run.
    pub(crate) fn unfinished(&self) -> Vec<String> {
        let open = runs(&self.lines).into_iter().filter(|run| run.word.finished.is_none());
        open.map(|run| run.task).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// The run that proves it, or why nothing does.
pub(crate) fn green(evidence: &Evidence, claim: Claim<'_>) -> Result<Proof, Refusal> {
    if evidence.unread {
        return Err(Refusal::Unread);
    }
    let all = evidence.runs();
    let here: Vec<&Run> = all.iter().filter(|run| !is_elsewhere(run, claim)).collect();
    let tasks = evidence.tasks.as_deref().unwrap_or_default();
    if let Some(task) = tasks.iter().find(|task| is_in_progress(task, &all, claim)) {
        return Err(Refusal::InProgress { task: task.task.clone() });
    }
    let newest = decisive(&here).ok_or_else(|| Refusal::NoRun { place: claim.place.to_owned() })?;
    // Where ECS may not be asked, a command of somebody's that wrote later may still go on.
    let open = |run: &&&Run| {
        run.is_one_off()
            && !run.only_looks()
            && run.word.finished.is_none()
            && run.last >= newest.begun
    };
    if let (None, Some(run)) = (&evidence.tasks, here.iter().find(open)) {
        return Err(Refusal::InProgress { task: run.task.clone() });
    }
    let unrecorded = |task: &&TaskRecord| {
        let known = all.iter().any(|run| run.task == task.task);
        let elsewhere = is_another(&task.environment, claim.environment);
        let ended = task.stopped_at.unwrap_or(task.created_at);
        let looks = task.is_one_off || task.asked.is_some_and(only_looks);
        !known && !elsewhere && !looks && ended.max(task.created_at) >= newest.begun
    };
    if let Some(task) = tasks.iter().filter(unrecorded).max_by_key(|task| task.created_at) {
        return Err(Refusal::NoRecord { task: task.task.clone() });
    }
    let run = newest.run.clone();
    if newest.standing() == Standing::Unclear {
        return Err(Refusal::Unclear { run, command: newest.command() });
    }
    check_commit(newest, claim)?;
    let commit = newest.commit().to_owned();
    let ecs = tasks.iter().find(|task| task.task == newest.task).and_then(|task| task.good_end);
    match &newest.word.finished {
        None => return Err(Refusal::NoLastWord { run, commit }),
        Some(finished) if !newest.word.ended_well() => {
            return Err(Refusal::Red { run, commit, exit_code: finished.exit_code });
        }
        Some(_) if ecs == Some(false) => return Err(Refusal::Contradicted { run, commit }),
        Some(_) => {}
    }
    let remembered = tasks.iter().find(|task| task.task == newest.task);
    check_image(newest, remembered.map_or("", |task| task.image.as_str()), claim)?;
    check_environment(newest, &here, claim)?;
    check_database(newest, &here, claim)?;
    Ok(Proof { run, environment: newest.word.environment().to_owned() })
}

/// Whether it is known to be of another place or of another environment's database.
fn is_elsewhere(run: &Run, claim: Claim<'_>) -> bool {
    is_another(run.place(), claim.place) || is_another(run.word.environment(), claim.environment)
}

/// What nobody said is not another one.
fn is_another(said: &str, wanted: &str) -> bool {
    !said.is_empty() && !wanted.is_empty() && said != wanted
}

/// Whether a task may be changing the database now.
fn is_in_progress(task: &TaskRecord, all: &[Run], claim: Claim<'_>) -> bool {
    if task.good_end.is_some() || is_another(&task.environment, claim.environment) {
        return false;
    }
    let mut of_task = all.iter().filter(|run| run.task == task.task).peekable();
    if of_task.peek().is_none() {
        return !task.asked.is_some_and(only_looks);
    }
    // `start` becomes the application, which goes on for ever.
    let became = |run: &Run| run.command() == RunnerCommand::Start && run.word.ended_well();
    !of_task.all(|run| run.only_looks() || is_elsewhere(run, claim) || became(run))
}

/// The run that counts: the one that ended last, unless one that was not green went on after that one
/// had begun. Two runs take turns by the lock, so of those that overlap nobody can say from outside
/// which was the last to change something.
fn decisive<'a>(here: &[&'a Run]) -> Option<&'a Run> {
    let counts = |run: &&&Run| match run.standing() {
        Standing::Proof | Standing::Unclear => true,
        Standing::Behind => !run.word.ended_well(),
        Standing::Aside => false,
    };
    let is_proof = |run: &Run| run.standing() == Standing::Proof && run.word.ended_well();
    let counted: Vec<&Run> = here.iter().filter(counts).copied().collect();
    let last = counted.iter().max_by_key(|run| (run.last, !is_proof(run)))?;
    let beside = counted.iter().filter(|run| !is_proof(run) && run.last >= last.begun);
    beside.max_by_key(|run| run.last).or(Some(last)).copied()
}

fn check_commit(newest: &Run, claim: Claim<'_>) -> Result<(), Refusal> {
    match newest.commit() {
        "" => Err(Refusal::NoCommit { run: newest.run.clone() }),
        of if of == claim.commit => Ok(()),
        of => Err(Refusal::OtherCommit { of: of.to_owned(), wanted: claim.commit.to_owned() }),
    }
}

/// What ran is what was built. An older runner does not say it; ECS does, as long as it remembers.
fn check_image(newest: &Run, remembered: &str, claim: Claim<'_>) -> Result<(), Refusal> {
    let Some(built) = claim.image else { return Ok(()) };
    let said = newest.word.started.as_ref().map_or("", |started| started.origin.image.as_str());
    let ran = if said.is_empty() { remembered } else { said };
    let run = newest.run.clone();
    match ran {
        "" => Err(Refusal::NoImage { run }),
        ran if is_same_image(ran, built) => Ok(()),
        ran => Err(Refusal::OtherImage { run, of: ran.to_owned(), wanted: built.to_owned() }),
    }
}

/// The same content, whatever the registry is called; without a digest the same name.
fn is_same_image(one: &str, other: &str) -> bool {
    let digest = |image: &str| image.split_once('@').map(|(_, digest)| digest.to_owned());
    match (digest(one), digest(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

/// Another environment's runs were left out before. What is left is this one's, or says none.
fn check_environment(newest: &Run, here: &[&Run], claim: Claim<'_>) -> Result<(), Refusal> {
    if !claim.environment.is_empty() {
        return match newest.word.environment() {
            "" => Err(Refusal::NoEnvironment {
                run: newest.run.clone(),
                wanted: claim.environment.to_owned(),
            }),
            _ => Ok(()),
        };
    }
    let names: BTreeSet<&str> =
        here.iter().map(|run| run.word.environment()).filter(|name| !name.is_empty()).collect();
    match names.len() {
        0 | 1 => Ok(()),
        _ => Err(Refusal::Environments { names: names.into_iter().map(str::to_owned).collect() }),
    }
}

/// After the proof nobody may have met another database under the same name: it was restored, or it
/// was replaced. And where no environment is named, there must be one database only.
fn check_database(newest: &Run, here: &[&Run], claim: Claim<'_>) -> Result<(), Refusal> {
    let identity = newest.word.identity();
    let later = here.iter().filter(|run| run.last > newest.last && !run.word.identity().is_empty());
    if let Some(other) = later.max_by_key(|run| run.last)
        && !identity.is_empty()
        && other.word.identity() != identity
    {
        let (run, later) = (newest.run.clone(), other.run.clone());
        return Err(Refusal::AnotherDatabase { run, later });
    }
    let databases: BTreeSet<_> = here
        .iter()
        .map(|run| run.word.identity())
        .filter(|it| !it.is_empty())
        .map(lasting)
        .collect();
    if claim.environment.is_empty() && databases.len() > 1 {
        return Err(Refusal::Databases);
    }
    Ok(())
}

/// What a restore leaves of `server/timeline/database`.
fn lasting(identity: &str) -> (&str, &str) {
    let server = identity.split('/').next().unwrap_or_default();
    (server, identity.rsplit('/').next().unwrap_or_default())
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

#[cfg(test)]
#[path = "model.rs"]
mod model;
