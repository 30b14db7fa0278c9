//! Owns whether a migration is proved green for a commit, by the newest run that the log and ECS
//! know of: PURE. A later red run revokes an earlier green one.

use protocol::event::{Outcome, RunFinished, RunStarted};
use protocol::line::{EventLine, Line};
use protocol::{Event, Standing};

/// What is to be proved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim<'a> {
    pub(crate) commit: &'a str,
    /// `cluster/family`.
    pub(crate) place: &'a str,
    /// The image that was built for the commit, where somebody says it.
    pub(crate) image: Option<&'a str>,
}

/// What is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Evidence {
    /// Lines of the log with `run_started` or `run_finished`, with their time, in any order.
    pub(crate) lines: Vec<(i64, String)>,
    /// Gate's tasks that ECS remembers.
    pub(crate) tasks: Vec<TaskRecord>,
}

/// ECS's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TaskRecord {
    pub(crate) task: String,
    pub(crate) created_at: i64,
    pub(crate) run: Option<String>,
    /// The image of the container, as the definition named it.
    pub(crate) image: String,
    /// None while it has not ended.
    pub(crate) good_end: Option<bool>,
}

struct Run {
    at: i64,
    run: String,
    process: String,
    started: RunStarted,
    finished: Option<RunFinished>,
}

/// The run that proves it, or why nothing does.
pub(crate) fn green(evidence: &Evidence, claim: Claim<'_>) -> Result<String, String> {
    let Claim { commit, place, image } = claim;
    let all = runs(&evidence.lines);
    let aside = |task: &&TaskRecord| {
        let known = all.iter().filter(|run| task.run.as_deref() == Some(&run.run));
        known.clone().count() > 0 && !known.clone().any(counts)
    };
    let tasks: Vec<&TaskRecord> = evidence.tasks.iter().filter(|task| !aside(task)).collect();
    if let Some(task) = tasks.iter().find(|task| task.good_end.is_none()) {
        return Err(format!("a migration is in progress: {}", task.task));
    }
    let here = |run: &&Run| counts(run) && run.started.origin.place == place;
    let newest = all.iter().filter(here).max_by_key(|run| run.at);
    let task = tasks.iter().max_by_key(|task| task.created_at);
    let Some(run) = newest else {
        return Err(format!("no run of {place} is on record"));
    };
    if let Some(task) = task
        && task.run.as_deref() != Some(&run.run)
        && task.created_at > run.at
    {
        return Err(format!("the newest run left no record in the log: {}", task.task));
    }
    if run.started.standing() == Standing::Unclear {
        return Err(format!(
            "the newest run, {}, was of the command `{}`, which proves nothing",
            run.run, run.started.command
        ));
    }
    let of = &run.started.origin.commit;
    if of.is_empty() {
        return Err("the newest run does not say which commit it was for".to_owned());
    }
    if of != commit {
        return Err(format!("the newest run was for commit {of}, not {commit}"));
    }
    let same = tasks.iter().filter(|task| task.run.as_deref() == Some(&run.run));
    let ecs = same.max_by_key(|task| task.created_at);
    if let Some(built) = image {
        let said = Some(run.started.origin.image.as_str()).filter(|image| !image.is_empty());
        match said.or(ecs.map(|task| task.image.as_str()).filter(|image| !image.is_empty())) {
            None => return Err(format!("run {} does not say which image it was of", run.run)),
            Some(ran) if !is_same_image(ran, built) => {
                return Err(format!("run {} was of image {ran}, not {built}", run.run));
            }
            Some(_) => {}
        }
    }
    let ecs = ecs.and_then(|task| task.good_end);
    match &run.finished {
        None => Err(format!("run {} of commit {commit} has not said its last word", run.run)),
        Some(finished) if !is_good(finished) => Err(format!(
            "run {} of commit {commit} ended red, exit code {}",
            run.run, finished.exit_code
        )),
        Some(_) if ecs == Some(false) => Err(format!(
            "run {} of commit {commit} said it was done, and ECS says otherwise",
            run.run
        )),
        Some(_) => Ok(run.run.clone()),
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

fn is_good(finished: &RunFinished) -> bool {
    finished.exit_code == 0
        && match finished.outcome {
            Outcome::Applied | Outcome::NothingToDo | Outcome::Done | Outcome::Unknown => true,
            Outcome::Failed | Outcome::Interrupted => false,
        }
}

/// Whether the run says anything of the proof. What follows a rollout proves nothing of what the code
/// needs, so green it is passed over; red it revokes.
fn counts(run: &Run) -> bool {
    match run.started.standing() {
        Standing::Proof | Standing::Unclear => true,
        Standing::Behind => !run.finished.as_ref().is_some_and(is_good),
        Standing::Aside => false,
    }
}

/// Lines with both words in them may be others': only what decodes counts.
fn runs(lines: &[(i64, String)]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut ends: Vec<(EventLine, RunFinished)> = Vec::new();
    for (at, text) in lines {
        let Line::Event(line) = Line::decode(text) else {
            continue;
        };
        if let Event::RunStarted(started) = &line.event {
            runs.push(Run {
                at: *at,
                run: line.run.clone(),
                process: line.process.clone(),
                started: started.clone(),
                finished: None,
            });
        } else if let Event::RunFinished(finished) = &line.event {
            ends.push(((*line).clone(), finished.clone()));
        }
    }
    for run in &mut runs {
        let end = ends.iter().find(|(line, _)| line.run == run.run && line.process == run.process);
        run.finished = end.map(|(_, finished)| finished.clone());
    }
    runs
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
