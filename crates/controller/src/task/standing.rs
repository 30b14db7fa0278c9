//! Owns what becomes of a task that an earlier invocation of this run started: it is followed while
//! it is in flight, and its end is no verdict of this invocation, whatever it was: the database may
//! be another one since then.

use super::arn::TaskArn;
use super::pace::Pace;
use super::snapshot::{Described, TaskSnapshot};
use crate::aws::Aws;
use crate::report::{Event, Report};
use crate::signal::{Listener, Signal};
use std::time::Duration;
use tokio::time::Instant;

/// ECS may not know a task of a moment ago everywhere, and it forgets a task an hour after its end. That
/// another one is started for it asks for more patience than a verdict.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(2);

/// How an earlier task stands.
#[derive(Debug)]
pub(super) enum Standing {
    /// It goes on, or nobody can say that it does not. With a signal that came while it was looked at.
    InFlight(Option<Signal>),
    /// It is over, and how it ended.
    Over(String),
}

/// Looks at earlier tasks.
pub(super) struct Onlooker<'a> {
    pub(super) aws: &'a Aws,
    pub(super) report: &'a mut Report,
    pub(super) listener: &'a mut Listener,
    pub(super) pace: &'a Pace,
    /// When looking ends.
    pub(super) give_up: Instant,
}

impl Onlooker<'_> {
    /// Looks until it is known. A task that is being stopped is waited for: its end is near, and no
    /// verdict would come of following it.
    pub(super) async fn standing(
        &mut self,
        cluster: &str,
        task: &TaskArn,
        container: &str,
    ) -> Standing {
        let began = Instant::now();
        let mut said = false;
        loop {
            let looked = tokio::select! {
                biased;
                signal = self.listener.next() => return Standing::InFlight(Some(signal)),
                looked = self.aws.look_at_task(cluster, task.as_str()) => looked,
            };
            match looked {
                Ok(Described::Task(task)) => match over(&task, container) {
                    Some(how) => return Standing::Over(how),
                    None if task.stop_code.is_none() => return Standing::InFlight(None),
                    None if said => {}
                    None => {
                        said = true;
                        self.report.emit(&Event::Note(format!(
                            "an earlier task of this run is being stopped, waiting for its end: {}",
                            task.arn
                        )));
                    }
                },
                // A task that another controller started a moment ago is not known everywhere yet.
                Ok(Described::Missing) if began.elapsed() >= FORGOTTEN_AFTER => {
                    return Standing::Over("ECS has forgotten it".to_owned());
                }
                Ok(Described::Missing) => {}
                Err(error) if error.is_transient() => {}
                Err(_) => return Standing::InFlight(None),
            }
            if Instant::now() >= self.give_up {
                return Standing::InFlight(None);
            }
            let pause = self.pace.jittered(self.pace.first_minute);
            tokio::select! {
                biased;
                signal = self.listener.next() => return Standing::InFlight(Some(signal)),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

/// How a task ended, if it has.
fn over(task: &TaskSnapshot, container: &str) -> Option<String> {
    if !task.decides(container) {
        return None;
    }
    let code = task.container(container).and_then(|container| container.exit_code);
    Some(match (code, task.started) {
        (Some(code), _) => format!("exit code {code}"),
        (None, true) => "without an exit code".to_owned(),
        (None, false) => "it never started".to_owned(),
    })
}
