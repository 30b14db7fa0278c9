//! Owns a running child: its streams, the signals it gets, the lock above it, and its end.
//!
//! The child leads a process group of its own, and what it leaves behind ends with it: nothing of
//! the command may work on the database when the lock is free again.

use super::family;
use super::mask::Mask;
use super::output;
use super::program::Program;
use super::reap::{Exit, Reaper};
use super::signals::{self, Signals};
use crate::emit::Emitter;
use crate::words;
use engine::{Error, Hold, Kind, Lookout, Progress, Sink};
use protocol::Event;
use protocol::event::{Heartbeat, Notice};
use protocol::limits::HEARTBEAT_PERIOD;
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};
use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{ChildStderr, ChildStdout};
use tokio::time::{Instant, interval, sleep, sleep_until, timeout};

/// Once somebody else may hold the lock, the child has no more time than this to end by itself.
const GRACE_WITHOUT_LOCK: Duration = Duration::from_secs(2);

/// What a child left behind may be about to end anyway.
const A_MOMENT: Duration = Duration::from_millis(500);

/// What a child left behind has this long to end by itself.
const GRACE_FOR_THE_REST: Duration = Duration::from_secs(5);

/// How long to wait for output after everybody who could write it has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How often to look at the connections of a child: when it is gone nothing tells which they were.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How often to ask whether the group is gone; nothing tells.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// What a child runs under.
pub(crate) struct Surroundings<'a> {
    /// Where its output goes.
    pub(crate) emitter: &'a Emitter,
    /// What its output must not show.
    pub(crate) mask: &'a Mask,
    /// How long it may take to end after a signal before it is killed.
    pub(crate) grace: Duration,
}

/// How a child came to its end.
pub(crate) struct Ending {
    /// How it ended.
    pub(crate) exit: Exit,
    /// Whether we were asked to end.
    pub(crate) interrupted: bool,
    /// Why we stopped it: the lock is lost, or it queued for too long.
    pub(crate) stopped: Option<Error>,
    /// From which ports its processes spoke to the database when they were last seen.
    pub(crate) ports: BTreeSet<i32>,
}

/// Starts the program and stays with it until nothing of it is left.
pub(crate) async fn run(
    program: &Program,
    surroundings: &Surroundings<'_>,
    (hold, lookout): (&mut Hold, &mut Lookout),
    sink: &mut dyn Sink,
) -> Result<Ending, Error> {
    let deaf = |error: std::io::Error| {
        Error::new(Kind::Unexpected, format!("cannot listen for signals: {error}"))
    };
    let mut signals = Signals::listen().map_err(deaf)?;
    let mut reaper = Reaper::listen().map_err(deaf)?;
    let (child, stdout, stderr) = spawn(program)?;
    let Surroundings { emitter, mask, .. } = surroundings;
    let text = format!("running `{}` as process {}", program.name, child.0);
    let notice = Notice { code: "command_started".to_owned(), text: text.clone() };
    emitter.emit(Event::Notice(notice), text);
    let reading = async {
        tokio::join!(
            output::copy(stdout, "stdout", mask, emitter),
            output::copy(stderr, "stderr", mask, emitter)
        );
    };
    tokio::pin!(reading);
    let mut read = false;
    let mut ending = {
        let watching =
            child.watch((&mut signals, &mut reaper), surroundings, (hold, lookout, sink));
        tokio::pin!(watching);
        let beating = beat(emitter, &program.name);
        tokio::pin!(beating);
        loop {
            tokio::select! {
                ending = &mut watching => break ending,
                () = &mut reading, if !read => read = true,
                () = &mut beating => {}
            }
        }
    };
    let left = async {
        let grace = surroundings.grace.min(GRACE_FOR_THE_REST);
        child.end_the_rest(&mut signals, grace, emitter).await
    };
    tokio::pin!(left);
    loop {
        tokio::select! {
            interrupted = &mut left => {
                ending.interrupted |= interrupted;
                break;
            }
            () = &mut reading, if !read => read = true,
        }
    }
    if !read {
        // Somebody outside the group may still hold the pipes.
        let _rest = timeout(LAST_WORDS, &mut reading).await;
    }
    Ok(ending)
}

fn spawn(program: &Program) -> Result<(Child, ChildStdout, ChildStderr), Error> {
    let mut command = program.command();
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    if std::io::stdin().is_terminal() {
        // A group in the background that reads from the terminal is stopped.
        command.stdin(Stdio::null());
    }
    let mut spawned = command.spawn().map_err(|error| program.refused(&error))?;
    let child = Child(Pid::from_child(&spawned));
    let streams = (spawned.stdout.take(), spawned.stderr.take());
    let (Some(stdout), Some(stderr)) = streams else { unreachable!("both streams are pipes") };
    let unreadable = |error: std::io::Error| {
        Error::new(Kind::Unexpected, format!("cannot read the command's output: {error}"))
    };
    Ok((
        child,
        ChildStdout::from_std(stdout).map_err(unreadable)?,
        ChildStderr::from_std(stderr).map_err(unreadable)?,
    ))
}

/// Says now and then that a silent child still runs.
async fn beat(emitter: &Emitter, name: &str) {
    let begun = Instant::now();
    loop {
        sleep(HEARTBEAT_PERIOD.saturating_sub(emitter.silent_for())).await;
        if emitter.silent_for() >= HEARTBEAT_PERIOD {
            let (doing, elapsed) = (format!("running `{name}`"), begun.elapsed());
            let msg = format!("still {doing}, for {}", words::duration(elapsed));
            let elapsed_ms = words::millis(elapsed);
            emitter.emit(
                Event::Heartbeat(Heartbeat { doing, elapsed_ms, ..Heartbeat::default() }),
                msg,
            );
        }
    }
}

/// The connections of the child and of what it started, as they were seen. A look between its end and
/// the one before finds those who stay, so the last one that found any is kept as well.
#[derive(Default)]
struct Connections {
    /// The database's.
    port: u16,
    before: BTreeSet<i32>,
    now: BTreeSet<i32>,
}

impl Connections {
    fn look(&mut self) {
        let found = family::ports_to(self.port, &family::descendants());
        let last = std::mem::replace(&mut self.now, found);
        if !last.is_empty() {
            self.before = last;
        }
    }

    fn seen(&self) -> BTreeSet<i32> {
        &self.before | &self.now
    }
}

/// A child that leads its group.
#[derive(Clone, Copy)]
struct Child(Pid);

impl Child {
    fn send(self, signal: Signal) {
        // A group that is gone needs none.
        let _sent = kill_process_group(self.0, signal);
    }

    /// Also those who left the group: nothing of the command may go on when the lock is free.
    fn send_to_all(self, signal: Signal) {
        self.send(signal);
        for pid in family::descendants().into_iter().filter_map(Pid::from_raw) {
            // It may have ended just now.
            let _sent = kill_process(pid, signal);
        }
    }

    fn anybody_left(self) -> bool {
        test_kill_process_group(self.0).is_ok() || !family::descendants().is_empty()
    }

    /// Waits for its end, and brings it about where that is called for.
    async fn watch(
        self,
        (signals, reaper): (&mut Signals, &mut Reaper),
        surroundings: &Surroundings<'_>,
        (hold, lookout, sink): (&mut Hold, &mut Lookout, &mut dyn Sink),
    ) -> Ending {
        let mut deadline: Option<Instant> = None;
        let ports = BTreeSet::new();
        let mut ending = Ending { exit: Exit::Code(0), interrupted: false, stopped: None, ports };
        let mut connections = Connections { port: lookout.port(), ..Connections::default() };
        let mut looking = interval(LOOK_EVERY);
        let losing = hold.lost(sink);
        tokio::pin!(losing);
        let mut told = |progress: Progress| {
            for (event, msg) in words::describe(progress, "") {
                surroundings.emitter.emit(event, msg);
            }
        };
        // Boxed: connecting is large.
        let mut queueing = Box::pin(lookout.exceeded(&mut told));
        loop {
            let at = deadline;
            tokio::select! {
                exit = reaper.end_of(self.0) => {
                    ending.exit = exit;
                    connections.look();
                    ending.ports = connections.seen();
                    return ending;
                }
                _ = looking.tick() => connections.look(),
                signal = signals.next() => {
                    connections.look();
                    // Who asks a second time does not want to wait.
                    let impatient = signals::ends(signal) && ending.interrupted;
                    self.send(if impatient { Signal::KILL } else { signal });
                    if signals::ends(signal) && !ending.interrupted {
                        ending.interrupted = true;
                        deadline.get_or_insert(Instant::now() + surroundings.grace);
                    }
                }
                error = &mut queueing, if ending.stopped.is_none() => {
                    ending.stopped = Some(error);
                    self.send(Signal::TERM);
                    deadline.get_or_insert(Instant::now() + surroundings.grace);
                }
                error = &mut losing, if ending.stopped.is_none() => {
                    ending.stopped = Some(error);
                    self.send(Signal::TERM);
                    let soon = Instant::now() + surroundings.grace.min(GRACE_WITHOUT_LOCK);
                    deadline = Some(deadline.map_or(soon, |at| at.min(soon)));
                }
                () = sleep_until(at.unwrap_or_else(Instant::now)), if at.is_some() => {
                    connections.look();
                    self.send(Signal::KILL);
                    deadline = None;
                }
            }
        }
    }

    /// Ends what it left behind in its group; whether we were asked to end meanwhile.
    async fn end_the_rest(self, signals: &mut Signals, grace: Duration, emitter: &Emitter) -> bool {
        let gone = async || {
            while self.anybody_left() {
                sleep(ASK_AGAIN).await;
                Reaper::look(self.0);
                family::take_orphans();
            }
        };
        if !self.anybody_left() {
            return false;
        }
        // Most are only a moment behind.
        if timeout(A_MOMENT, gone()).await.is_ok() {
            return false;
        }
        let text = "the command ended and left processes behind; they are stopped".to_owned();
        let notice = Notice { code: "processes_left".to_owned(), text: text.clone() };
        emitter.emit(Event::Notice(notice), text);
        self.send_to_all(Signal::TERM);
        let interrupted = tokio::select! {
            ended = timeout(grace, gone()) => {
                if ended.is_ok() {
                    return false;
                }
                false
            }
            signal = signals.next() => signals::ends(signal),
        };
        self.send_to_all(Signal::KILL);
        let _gone = timeout(LAST_WORDS, gone()).await;
        interrupted
    }
}
