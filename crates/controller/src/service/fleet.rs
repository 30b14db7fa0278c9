//! Owns several rollouts at once: shows their news, hears signals, and leaves them to ECS.

use super::ending::{Ending, Outcome};
use super::session::{Job, News, Wires, roll_out};
use crate::report::{Event, Report};
use crate::signal::Listener;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// What an UpdateService that is under way has left after a signal: GitHub kills after 7.5 s.
const SIGNAL_PATIENCE: Duration = Duration::from_secs(5);

/// Whether services are deployed at once or one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Together,
    InOrder,
}

/// Follows rollouts.
pub(crate) struct Fleet<'a> {
    pub(crate) report: &'a mut Report,
    pub(crate) listener: &'a mut Listener,
}

impl Fleet<'_> {
    /// All of them to their endings, in the order of the jobs. A signal leaves them.
    pub(crate) async fn follow(&mut self, jobs: Vec<Job>) -> Vec<Ending> {
        let (sender, mut news) = mpsc::unbounded_channel();
        let (leave, left) = watch::channel(false);
        let mut sessions = JoinSet::new();
        let mut endings: Vec<Option<Ending>> = jobs.iter().map(|_| None).collect();
        for (index, job) in jobs.iter().cloned().enumerate() {
            let wires = Wires { news: sender.clone(), left: left.clone() };
            sessions.spawn(async move { (index, roll_out(job, wires).await) });
        }
        let mut until: Option<Instant> = None;
        loop {
            tokio::select! {
                biased;
                signal = self.listener.next() => {
                    let why = format!("{}: the rollout is left to ECS", signal.name());
                    self.report.emit(&Event::Note(why));
                    leave.send_replace(true);
                    until = Some(Instant::now() + if until.is_some() { Duration::ZERO } else { SIGNAL_PATIENCE });
                }
                Some((service, news)) = news.recv() => self.show(service, news),
                ended = sessions.join_next() => match ended {
                    Some(Ok((index, ending))) => endings[index] = Some(ending),
                    Some(Err(_)) => {}
                    None => break,
                },
                () = over(until) => break,
            }
        }
        sessions.abort_all();
        while let Ok((service, said)) = news.try_recv() {
            self.show(service, said);
        }
        endings
            .into_iter()
            .zip(&jobs)
            .map(|(ending, job)| ending.unwrap_or_else(|| left_behind(job)))
            .collect()
    }

    fn show(&mut self, service: String, news: News) {
        self.report.emit(&match news {
            News::Line(text) => Event::Service { service, text },
            News::Warning { text, hint } => {
                Event::Warning { text: format!("{service}: {text}"), hint }
            }
        });
    }
}

async fn over(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// Its session did not end in time: an update may be under way.
fn left_behind(job: &Job) -> Ending {
    let definition = job.target.short_name().to_owned();
    Ending {
        service: job.service.clone(),
        outcome: Outcome::Left,
        sentence: format!(
            "left while it was being updated: a rollout of {definition} may have begun"
        ),
        definition,
        stands_on: String::new(),
        cause: None,
        fix: Outcome::Left.fix().map(str::to_owned),
        evidence: Vec::new(),
        last_lines: Vec::new(),
        look: None,
        duration: Duration::ZERO,
    }
}
