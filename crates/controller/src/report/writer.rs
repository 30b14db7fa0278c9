//! Owns the two streams and the renderer that feeds them.

use super::event::Event;
use super::format::Format;
use super::github::Github;
use super::github_files::Files;
use super::human::Human;
use super::json::Json;
use super::log_view::LogView;
use crate::surroundings::Surroundings;
use std::io::Write;

/// Text for the two streams.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rendered {
    pub(super) out: String,
    pub(super) err: String,
}

#[derive(Debug)]
enum Renderer {
    Human(Human),
    Github(Github),
    Json(Json),
}

/// Shows events.
pub(crate) struct Report {
    renderer: Renderer,
    files: Files,
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    /// Whether the task's log is shown.
    log: Log,
}

/// Whether log lines are shown.
#[derive(Debug, Clone)]
enum Log {
    Shown,
    Hidden,
    /// Some of them, and how many that were so far.
    Through(LogView, u64),
}

impl Report {
    /// Takes the streams out of the surroundings.
    pub(crate) fn new(format: Format, surroundings: &mut Surroundings) -> Self {
        let take = |stream: &mut Box<dyn Write + Send>| {
            std::mem::replace(stream, Box::new(std::io::sink()))
        };
        Self {
            renderer: Renderer::of(format),
            files: Files::of(&surroundings.environment),
            out: take(&mut surroundings.stdout),
            err: take(&mut surroundings.stderr),
            log: Log::Shown,
        }
    }

    /// The settings may ask for another form than the command line alone did.
    pub(crate) fn choose(&mut self, format: Format) {
        self.renderer = Renderer::of(format);
    }

    /// How many containers the log lines come from; of several each line names its own.
    pub(crate) fn expect_containers(&mut self, count: usize) {
        match &mut self.renderer {
            Renderer::Human(human) => human.containers = count,
            Renderer::Github(github) => github.text.containers = count,
            Renderer::Json(_) => {}
        }
    }

    /// From here on the log of the task is not shown: what it says comes in another form.
    pub(crate) fn hide_log(&mut self) {
        self.log = Log::Hidden;
    }

    /// From here on only some lines of the log are shown.
    pub(crate) fn show_log_through(&mut self, view: LogView) {
        self.log = Log::Through(view, 0);
    }

    /// How many lines were shown through a view.
    pub(crate) fn lines_shown(&self) -> u64 {
        if let Log::Through(_, count) = self.log { count } else { 0 }
    }

    /// Shows one event. A reader that went away is no reason to stop watching a migration, so
    /// failing writes are ignored.
    pub(crate) fn emit(&mut self, event: &Event) {
        let viewed;
        let event = match (&mut self.log, event) {
            (Log::Hidden, Event::Log(_)) => return,
            (Log::Through(view, count), Event::Log(lines)) => {
                let (event, shown) = view.of(lines);
                if shown == 0 {
                    return;
                }
                *count += shown;
                viewed = event;
                &viewed
            }
            (Log::Shown | Log::Hidden | Log::Through(..), event) => event,
        };
        let mut rendered = match &mut self.renderer {
            Renderer::Human(human) => human.render(event),
            Renderer::Github(github) => github.render(event),
            Renderer::Json(json) => json.render(event),
        };
        if let Some(complaint) = self.files.write(event) {
            rendered.err.push_str(&complaint);
        }
        for (stream, text) in [(&mut self.out, rendered.out), (&mut self.err, rendered.err)] {
            if !text.is_empty() {
                let _ignored = stream.write_all(text.as_bytes());
                let _ignored = stream.flush();
            }
        }
    }
}

impl Renderer {
    fn of(format: Format) -> Self {
        match format {
            Format::Text => Self::Human(Human::default()),
            Format::Github => Self::Github(Github::default()),
            Format::Json => Self::Json(Json),
        }
    }
}
