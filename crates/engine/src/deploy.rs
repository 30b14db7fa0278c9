//! The story of a deployment: connect, lock, settle, plan, apply; and again after a lost connection.

use crate::announce::announce;
use crate::apply::{Step, apply};
use crate::blocked::blocked;
use crate::drift::{self, DriftSearch, OnDrift};
use crate::environment;
use crate::error::{DatabaseState, Error, Kind};
use crate::foresee::{Ground, KeepBefore, Pause, Reached, Start, calls_for_keeping};
use crate::hazard::{self, Review};
use crate::history::History;
use crate::hold::Hold;
use crate::interrupt::Interrupt;
use crate::meant;
use crate::observe::{Notes, Observer};
use crate::opening::{self, MissingDatabase};
use crate::part_way;
use crate::progress::{Progress, Sink};
use crate::reach::{Purpose, reach};
use crate::recovery::{Attempted, Recovery, lost};
use crate::restore::{self, RestorePoint};
use crate::session::Session;
use crate::settings::ConnectionSettings;
use crate::settle::{Resumable, settle};
use crate::steps;
use crate::traffic::Traffic;
use crate::transaction::Begun;
use crate::turn::lock_in_turn;
use migrations::plan::Blocker;
use migrations::{Allowances, Directory, Mode, Plan, Row, Share};
use std::time::Duration;
use tokio::time::Instant;

/// What to deploy, and how.
#[derive(Debug)]
pub struct Deploy<'a> {
    /// The database.
    pub connection: &'a ConnectionSettings,
    /// The migrations.
    pub directory: &'a Directory,
    /// Differences in the history that are allowed.
    pub allowances: &'a Allowances,
    /// The run, for the marker.
    pub run: &'a str,
    /// Advisory keys to hold, in order; the first one is the fence.
    pub lock_keys: &'a [i64],
    /// How long to wait for them.
    pub lock_wait: Duration,
    /// What to do about a database that does not exist.
    pub missing_database: MissingDatabase,
    /// Whose habits to keep.
    pub habits: Habits,
    /// How far to get in the way of the application.
    pub traffic: Traffic,
    /// What to do while somebody else has the locks.
    pub turn: Turn,
    /// Names of the steps that follow the migrations; see [`Hold::start_step`].
    pub steps: &'a [String],
    /// Which share of the pending migrations is applied.
    pub share: Share,
    /// The check before anything is changed, if there is one.
    pub review: Option<&'a Review>,
    /// What to do about a schema that was changed beside the migrations; none does not look.
    pub drift: Option<(OnDrift, DriftSearch<'a>)>,
    /// Before what something has to be kept.
    pub keep: KeepBefore,
}

/// What to do while somebody else has the locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Wait for them: the database may only be touched in turn.
    Always,
    /// Take them only if something is to be done, and go on as soon as somebody else has done it.
    IfNeeded,
}

/// Whose habits to keep where Prisma's are not the safest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habits {
    /// Ours: what was rolled back is recorded as such, and the next run tries again.
    Safer,
    /// Prisma's: a failed migration stays failed until somebody resolves it.
    Prisma,
}

/// What a deployment did, also when it failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Names of the migrations it applied.
    pub applied: Vec<String>,
    /// How many were still to be applied at its end.
    pub pending: usize,
    /// How many of them wait for the rollout of the new code.
    pub waiting: usize,
    /// Where the database was before the first change.
    pub restore_point: Option<RestorePoint>,
}

/// Brings the database up to date, and keeps the first key for the steps that follow. Where something
/// has to be kept before it pauses, with its locks, and goes on from there. `report` is true at every
/// moment, whatever the result.
pub async fn deploy(
    deploy: &Deploy<'_>,
    start: Start,
    report: &mut Report,
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<Reached, Error> {
    let (mut session, mut recovery) = match start {
        Start::Fresh => {
            let missing = deploy.missing_database;
            let session = opening::open(deploy.connection, missing, sink, interrupt).await?;
            (session, Recovery::default())
        }
        Start::After(pause, kept) => {
            let Pause { hold, mut recovery } = *pause;
            recovery.kept = kept;
            (hold.into_session().await?, recovery)
        }
    };
    loop {
        let outcome = deploy_in(deploy, &session, (report, &mut recovery), (sink, interrupt)).await;
        match outcome {
            Ok(Course::Outdated) => {
                session = renew(deploy, session, (sink, interrupt)).await?;
            }
            Ok(Course::ToKeep) => {
                let hold = Hold::of(session, deploy.connection, deploy.lock_keys[0]);
                return Ok(Reached::Pause(Box::new(Pause { hold, recovery })));
            }
            Ok(Course::Done) => {
                let hold = Hold::of(session, deploy.connection, deploy.lock_keys[0]);
                for key in deploy.lock_keys.iter().skip(1).filter(|_| !deploy.steps.is_empty()) {
                    hold.let_go(*key).await?;
                }
                return Ok(Reached::End(Some(Box::new(hold))));
            }
            Err(error) if recovery.ended.is_none() && lost(&error, &session).await => {
                let so_far = (deploy, &*report);
                session = recovery.again(so_far, (session, error), (sink, interrupt)).await?;
            }
            outcome => {
                session.close().await;
                return outcome
                    .map(|_over| Reached::End(None))
                    .map_err(|error| recovery.in_doubt(error));
            }
        }
    }
}

/// How often something is kept, because the history was changed meanwhile by somebody who takes no lock.
const KEEPINGS: u32 = 3;

/// How far a session came.
enum Course {
    /// Nothing is left to be done, and the locks are held.
    Done,
    /// Somebody else did it, or there was nothing to do: the locks are not held.
    NotNeeded,
    /// Something has to be kept first, and the locks are held.
    ToKeep,
    /// More is to be applied, but a new session would begin otherwise than this one goes on.
    Outdated,
}

/// A new session for the rest, by which each migration sees what the ones before it changed for new
/// sessions: as if it had come with a run of its own. Between the two the locks are free; whoever takes
/// them then finds nothing half done.
async fn renew(
    deploy: &Deploy<'_>,
    session: Session,
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<Session, Error> {
    sink.emit(Progress::Notice {
        code: "session_renewed",
        text: "what was applied changes what new sessions begin with, so the rest is applied in a new one"
            .to_owned(),
    });
    // First: the role, or the server, may have room for one connection only.
    session.close().await;
    let wanted = (Purpose::Write, deploy.connection.connect_wait);
    reach(deploy.connection, wanted, sink, interrupt).await
}

async fn deploy_in(
    deploy: &Deploy<'_>,
    session: &Session,
    (report, recovery): (&mut Report, &mut Recovery),
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<Course, Error> {
    let history = History::locate(session).await?;
    sink.emit(session.connected(deploy.connection, history.schema()));
    if !lock_in_turn(deploy, session, sink, interrupt).await? {
        let history = History::locate(session).await?;
        let rows = history.rows_patiently(session, (sink, interrupt)).await?;
        recovery.credit(&rows, report, sink);
        report.pending = 0;
        return Ok(Course::NotNeeded);
    }
    // Again, under the lock: another run may have made the table meanwhile.
    let mut history = History::locate(session).await?;
    if !history.exists() {
        history.refuse_strangers(session).await?;
    }
    let rows = history.rows_patiently(session, (sink, interrupt)).await?;
    recovery.credit(&rows, report, sink);
    let (rows, resumable) = settle(session, &history, rows, (&mut *sink, &mut *interrupt)).await?;
    let begun = !resumable.is_empty();
    let known = (&mut history, rows, resumable);
    let outcome = go_on(deploy, session, known, (report, recovery), (sink, interrupt)).await;
    match outcome {
        Err(error) if begun && error.database == DatabaseState::Unchanged => {
            Err(still_part_way(error, session, &history).await)
        }
        outcome => outcome,
    }
}

/// Plans, and applies what is planned.
async fn go_on(
    deploy: &Deploy<'_>,
    session: &Session,
    (history, rows, resumable): (&mut History, Vec<Row>, Resumable),
    (report, recovery): (&mut Report, &mut Recovery),
    (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
) -> Result<Course, Error> {
    if let Some(error) = recovery.ended.clone() {
        return Err(error.database(DatabaseState::Unchanged));
    }
    check_resumable(session, &resumable, deploy.directory).await?;
    let plan = make_plan(deploy, &rows).map_err(blocked)?;
    announce(&plan, deploy, sink);
    report.waiting = plan.waiting.len();
    report.pending = plan.pending.len() + report.waiting + plan.left.len();
    check_share(&plan, &resumable)?;
    if !plan.pending.is_empty() && !recovery.reviewed {
        if let Some(review) = deploy.review {
            let pending = (deploy.directory, &plan);
            hazard::review(review, session, pending, (&mut *sink, &mut *interrupt)).await?;
        }
        if let Some(guard) = deploy.drift {
            let compared = (deploy.connection, deploy.directory);
            drift::before(session, compared, guard, (&mut *sink, &mut *interrupt)).await?;
        }
        recovery.reviewed = true;
    }
    // What was kept stands for this plan only: whoever came in between is seen, and kept as well.
    let ground = Ground::of(&plan, &rows);
    if report.applied.is_empty() && recovery.kept_for.as_ref() != Some(&ground) {
        let how = (deploy.keep, deploy.review);
        let planned = (deploy.directory, &plan);
        let keeps = calls_for_keeping(how, session, planned, (&mut *sink, &mut *interrupt)).await?;
        recovery.kept_for = Some(ground);
        if keeps && recovery.keepings == KEEPINGS {
            return Err(Error::new(
                Kind::Contradicted,
                "nothing was applied, because the history was changed every time while a backup was made",
            )
            .hint("find out who writes it without the advisory lock; is it the backup's own command?"));
        }
        if keeps {
            recovery.keepings += 1;
            return Ok(Course::ToKeep);
        }
    }
    // Behind everything that may still refuse: what is refused leaves nothing.
    history.ensure(session).await?;
    Box::pin(meant::keep(session, history, sink)).await?;
    if !deploy.steps.is_empty() {
        steps::ensure(session).await?;
    }
    environment::claim(session, deploy.connection, sink).await?;
    if plan.pending.is_empty() {
        return Ok(Course::Done);
    }
    if report.restore_point.is_none() {
        let point = restore::note(session, deploy.connection, recovery.kept.as_ref()).await?;
        sink.emit(Progress::RestorePoint(point.clone()));
        report.restore_point = Some(point);
    }
    let notes = if plan.applied.is_empty() { Notes::Nothing } else { Notes::Locks };
    let observer = Observer::open(deploy.connection, notes, sink, interrupt).await;
    let turn = (&*history, &plan, &resumable);
    let outcome =
        apply_all(deploy, turn, (session, &observer), (report, recovery, sink, interrupt)).await;
    observer.close().await;
    outcome
}

async fn apply_all(
    deploy: &Deploy<'_>,
    (history, plan, resumable): (&History, &Plan, &Resumable),
    (session, observer): (&Session, &Observer),
    (report, recovery, sink, interrupt): (
        &mut Report,
        &mut Recovery,
        &mut dyn Sink,
        &mut Interrupt,
    ),
) -> Result<Course, Error> {
    let of = report.applied.len() + plan.pending.len();
    for migration in &plan.pending {
        if interrupt.requested() {
            return Err(Error::new(
                Kind::Interrupted,
                format!("interrupted before `{}`", migration.name),
            ));
        }
        let (id, begun) = match resumable.get(&migration.name) {
            Some(row) => (row.id.clone(), Begun::Earlier(row)),
            None => (uuid::Uuid::new_v4().to_string(), Begun::Now),
        };
        let number = report.applied.len() + 1;
        let step = Step { deploy, history, migration, number, of, id: &id, begun, observer };
        recovery.attempt = Some(Attempted {
            migration: migration.name.clone(),
            id: id.clone(),
            begun: Instant::now(),
        });
        // A migration's future is large, and everything above would carry it.
        Box::pin(apply(&step, session, (sink, interrupt))).await?;
        recovery.attempt = None;
        report.applied.push(migration.name.clone());
        report.pending -= 1;
        if session.is_outdated() && number < of {
            return Ok(Course::Outdated);
        }
    }
    Ok(Course::Done)
}

/// A run that changed nothing where an earlier one left a migration part-way; it may have been
/// rolled back meanwhile.
async fn still_part_way(error: Error, session: &Session, history: &History) -> Error {
    let part_way = |row: &Row| {
        row.unfinished() && row.marker().is_some_and(|marker| marker.mode == Mode::Statements)
    };
    match history.rows(session).await {
        Ok(rows) if !rows.iter().any(part_way) => error,
        Ok(_) if error.kind == Kind::Interrupted => {
            Error { kind: Kind::InterruptedPartWay, ..error }.database(DatabaseState::PartWay)
        }
        Ok(_) => error.database(DatabaseState::PartWay),
        Err(_) => error.database(DatabaseState::Unknown),
    }
}

async fn check_resumable(
    session: &Session,
    resumable: &Resumable,
    directory: &Directory,
) -> Result<(), Error> {
    match resumable.values().find(|row| directory.get(&row.name).is_none()) {
        None => Ok(()),
        Some(row) => Err(part_way::without_directory(session, row).await?),
    }
}

/// What is part-way is red in every share: this one cannot end it.
fn check_share(plan: &Plan, resumable: &Resumable) -> Result<(), Error> {
    let others = plan.waiting.iter().chain(&plan.left);
    let mut part_way = others.filter(|name| resumable.contains_key(*name));
    match part_way.next() {
        None => Ok(()),
        Some(name) => Err(part_way::of_another_share(name)),
    }
}

/// What is to be applied in this share.
pub(crate) fn make_plan(deploy: &Deploy<'_>, rows: &[Row]) -> Result<Plan, Blocker> {
    Plan::make(deploy.directory, rows, deploy.allowances)?.share(deploy.share, deploy.allowances)
}
