//! Owns the page about a run: it sees every event, and writes the file at the end.

mod bars;
mod course;
mod file;
mod html;
mod log;
mod model;
mod text;

pub(crate) use file::PageFile;

use super::event::Event;
use super::on_call::OnCall;
use crate::surroundings::Clock;
use course::Course;
use log::Log;
use model::{Ending, Model};
use text::{Scrub, Text};

/// Warnings that are kept.
const WARNINGS: usize = 100;

/// The page so far.
pub(crate) struct Page {
    file: PageFile,
    clock: Clock,
    seen: Seen,
    /// The text, once there was an ending.
    text: Option<String>,
}

/// What the page is made of, beside the ending.
#[derive(Debug, Default)]
struct Seen {
    scrub: Scrub,
    launched: Option<Launched>,
    /// Whether a migration was green already.
    migrated: bool,
    course: Course,
    log: Log,
    /// Texts and hints.
    warnings: Vec<(Text, Option<Text>)>,
}

/// The task that is followed.
#[derive(Debug)]
struct Launched {
    task: String,
    cluster: String,
    definition: String,
    container: String,
}

impl Page {
    pub(super) fn new(file: PageFile, clock: Clock) -> Self {
        Self { file, clock, seen: Seen::default(), text: None }
    }

    /// Takes what happened, also what no other form shows.
    pub(super) fn see(&mut self, event: &Event) {
        match event {
            Event::Secrets(secrets) => self.seen.scrub.hide(secrets),
            Event::Warning { text, hint } => self.seen.warn(text, hint.as_deref()),
            Event::Launched { task, cluster, definition, container, .. } => {
                if !self.seen.migrated {
                    // What an earlier task of this run said is not this one's.
                    (self.seen.course, self.seen.log) = (Course::default(), Log::default());
                }
                self.seen.launched = Some(Launched {
                    task: task.to_string(),
                    cluster: cluster.clone(),
                    definition: definition.clone(),
                    container: container.clone(),
                });
            }
            Event::Log(lines) => {
                for line in lines {
                    self.seen.log.push(line, &self.seen.scrub);
                    let decides = self.seen.launched.as_ref();
                    if decides.is_none_or(|launched| launched.container == line.container) {
                        self.seen.course.see(line);
                    }
                }
            }
            Event::Concluded(conclusion) => self.end(Ending::Concluded(conclusion)),
            Event::Released(released) => self.end(Ending::Released(released)),
            Event::Failed(error) => self.end(Ending::Failed(error)),
            Event::OnCall(told) => {
                if let OnCall::Explained(explanation) = &**told {
                    self.end(Ending::Explained(explanation));
                }
            }
            // The release goes on, maybe with a second task behind the rollout.
            Event::Migrated(_) => self.seen.migrated = true,
            Event::Note(_)
            | Event::Data(_)
            | Event::Differences(_)
            | Event::Definition { .. }
            | Event::Image(_)
            | Event::Plan(_)
            | Event::Progress(_)
            | Event::Question(_)
            | Event::NameAsked(_)
            | Event::Variables { .. }
            | Event::Status { .. }
            | Event::Phase { .. }
            | Event::StopRequested(_)
            | Event::Changes(_)
            | Event::ChangesShown(_)
            | Event::Checked(_)
            | Event::Reviewed(_)
            | Event::Service { .. } => {}
        }
    }

    fn end(&mut self, ending: Ending<'_>) {
        let model = Model::of(ending, &self.seen, self.clock.now());
        self.text = Some(html::page(&model, &self.seen.log));
    }

    /// Writes the file, if there was an ending; a complaint if that fails.
    pub(super) fn write(self) -> Option<String> {
        self.file.put(&self.text?).err()
    }
}

impl Seen {
    fn warn(&mut self, text: &str, hint: Option<&str>) {
        if self.warnings.len() < WARNINGS {
            let hint = hint.map(|hint| self.scrub.text(hint));
            self.warnings.push((self.scrub.text(text), hint));
        }
    }
}
