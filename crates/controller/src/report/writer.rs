//! Owns the two streams and the renderer that feeds them, and knows how long nothing was shown.

use super::actions;
use super::event::Event;
use super::format::{Format, in_github};
use super::github::Github;
use super::github_files::Files;
use super::human::Human;
use super::json::{self, Json};
use super::log_view::LogView;
use super::page::{Page, PageFile};
use super::screen::Screen;
use super::silence::Silence;
use crate::surroundings::{Clock, Surroundings};
use protocol::{ExitCode, env};
use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;
use tokio::time::Instant;

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
pub(super) struct Desk {
    renderer: Renderer,
    files: Files,
    /// Where the repository is checked out.
    workspace: Option<PathBuf>,
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    /// Whether the task's log is shown.
    log: Log,
    /// The living line, on a terminal.
    screen: Option<Screen>,
    /// The command that is told the result.
    on_finish: Option<String>,
    /// The last result.
    result: Option<Value>,
    /// When the first signal came.
    signalled: Option<Instant>,
    /// Whether a step of GitHub Actions reads the streams. Only there a mask is taken out of what is
    /// shown: to anybody else it would be the leak.
    in_actions: bool,
    /// The page about the run, where one is wanted.
    page: Option<Page>,
    silence: Silence,
    /// What was asked for.
    command: &'static str,
}

/// Whether log lines are shown.
#[derive(Debug, Clone)]
enum Log {
    Shown,
    Hidden,
    /// Some of them, and how many that were so far.
    Through(LogView, u64),
}

impl Desk {
    /// Takes the streams out of the surroundings.
    pub(super) fn new(format: Format, surroundings: &mut Surroundings) -> Self {
        let take = |stream: &mut Box<dyn Write + Send>| {
            std::mem::replace(stream, Box::new(std::io::sink()))
        };
        Self {
            renderer: Renderer::of(format, None),
            workspace: surroundings.environment.get(env::GITHUB_WORKSPACE).map(PathBuf::from),
            files: Files::of(&surroundings.environment),
            out: take(&mut surroundings.stdout),
            err: take(&mut surroundings.stderr),
            log: Log::Shown,
            screen: match format {
                Format::Text => Screen::on(&surroundings.terminal),
                Format::Github | Format::Json => None,
            },
            on_finish: None,
            result: None,
            signalled: None,
            in_actions: in_github(&surroundings.environment),
            page: None,
            silence: Silence::new(Instant::now()),
            command: "",
        }
    }

    /// The settings may ask for another form than the command line alone did.
    pub(super) fn choose(&mut self, format: Format) {
        if format != Format::Text {
            self.screen = None;
        }
        self.renderer = Renderer::of(format, self.workspace.clone());
    }

    /// A command that is told the result of this invocation.
    pub(super) fn tell_at_the_end(&mut self, command: String) {
        self.on_finish = Some(command);
    }

    /// From here on everything goes into a page as well.
    pub(super) fn write_a_page(&mut self, file: PageFile, clock: Clock) {
        self.page = Some(Page::new(file, clock));
    }

    /// Writes the page, if the run came to any ending. Its failure changes nothing about the run.
    pub(super) fn finish_the_page(&mut self) {
        if let Some(complaint) = self.page.take().and_then(Page::write) {
            self.complain(&complaint);
        }
    }

    /// The command and the result, once.
    pub(super) fn take_to_tell(&mut self) -> Option<(String, Value)> {
        Some((self.on_finish.take()?, self.result.take()?))
    }

    /// A signal came.
    pub(super) fn note_signal(&mut self) {
        self.signalled.get_or_insert_with(Instant::now);
    }

    /// When the first signal came.
    pub(super) fn signalled(&self) -> Option<Instant> {
        self.signalled
    }

    /// What went wrong after the result. In JSON form nothing follows the result on stdout.
    pub(super) fn complain(&mut self, text: &str) {
        let warning = Event::Warning { text: text.to_owned(), hint: None };
        match &self.renderer {
            Renderer::Human(_) | Renderer::Github(_) => self.emit(&warning),
            Renderer::Json(_) => {
                let text = Human::default().render(&warning).err;
                let text = actions::tamed_text(&text);
                let _ignored = self.err.write_all(text.as_bytes());
                let _ignored = self.err.flush();
            }
        }
    }

    /// How many containers the log lines come from; of several each line names its own.
    pub(super) fn expect_containers(&mut self, count: usize) {
        match &mut self.renderer {
            Renderer::Human(human) => human.containers = count,
            Renderer::Github(github) => github.text.containers = count,
            Renderer::Json(_) => {}
        }
    }

    /// From here on the log of the task is not shown: what it says comes in another form.
    pub(super) fn hide_log(&mut self) {
        self.log = Log::Hidden;
    }

    /// The name of the command, for a result that has no other.
    pub(super) fn begin(&mut self, command: &'static str) {
        self.command = command;
    }

    /// Nothing follows on stdout. Programs read the result now.
    pub(super) fn close(&mut self, code: u8) {
        if let Renderer::Json(json) = &mut self.renderer {
            let rendered = json.close(self.command, code);
            let _ignored = self.out.write_all(rendered.out.as_bytes());
            let _ignored = self.out.flush();
        }
    }

    /// From here on only some lines of the log are shown.
    pub(super) fn show_log_through(&mut self, view: LogView) {
        self.log = Log::Through(view, 0);
    }

    /// What is waited for from here on; empty for what the last step says.
    pub(super) fn awaits(&mut self, what: &str) {
        self.silence.awaits(what, Instant::now());
    }

    /// Says what is waited for, if nothing was shown for a minute; when that may be so next.
    pub(super) fn speak_up(&mut self) -> Instant {
        let now = Instant::now();
        if let Some(text) = self.silence.broken(now) {
            self.emit(&Event::Note(text));
        }
        self.silence.next(now)
    }

    /// How many lines were shown through a view.
    pub(super) fn lines_shown(&self) -> u64 {
        if let Log::Through(_, count) = self.log { count } else { 0 }
    }

    /// Shows one event. A reader that went away is no reason to stop watching a migration, so
    /// failing writes are ignored.
    pub(super) fn emit(&mut self, event: &Event) {
        if let Some(page) = &mut self.page {
            page.see(event);
        }
        let viewed;
        let event = match (&mut self.log, event) {
            (Log::Hidden, Event::Log(_)) => return,
            (_, Event::Secrets(_)) if !self.in_actions => return,
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
        if let Event::Failed(error) = event
            && error.class() == ExitCode::Cancelled
        {
            self.note_signal();
        }
        if let Event::Released(released) = event
            && released.exit().0 == ExitCode::Cancelled.code()
        {
            self.note_signal();
        }
        if self.on_finish.is_some() {
            self.result = json::result(event).or(self.result.take());
        }
        let mut rendered = match &mut self.renderer {
            Renderer::Human(human) => human.render(event),
            Renderer::Github(github) => github.render(event),
            Renderer::Json(json) => json.render(event),
        };
        if self.in_actions {
            rendered = self.renderer.for_actions(event, rendered);
        }
        if let Some(complaint) = self.files.write(event) {
            rendered.err.push_str(&complaint);
        }
        let shown = !(rendered.out.is_empty() && rendered.err.is_empty());
        self.silence.see(event, shown, Instant::now());
        let (out, err) = (&mut self.out, &mut self.err);
        let write = || {
            for (stream, text) in [(out, rendered.out), (err, rendered.err)] {
                if !text.is_empty() {
                    let _ignored = stream.write_all(text.as_bytes());
                    let _ignored = stream.flush();
                }
            }
        };
        match &self.screen {
            Some(screen) => screen.around(event, write),
            None => write(),
        }
    }
}

impl Renderer {
    /// The same where GitHub's runner looks for commands: none in foreign text, and the masks.
    fn for_actions(&self, event: &Event, rendered: Rendered) -> Rendered {
        if let (Self::Human(_) | Self::Json(_), Event::Secrets(secrets)) = (self, event) {
            return Rendered { out: String::new(), err: actions::masks(&secrets.0) };
        }
        match self {
            Self::Github(_) => rendered,
            Self::Human(_) => Rendered {
                out: actions::tamed_text(&rendered.out).into_owned(),
                err: actions::tamed_text(&rendered.err).into_owned(),
            },
            Self::Json(_) => Rendered {
                out: actions::tamed_json(&rendered.out).into_owned(),
                err: actions::tamed_text(&rendered.err).into_owned(),
            },
        }
    }

    fn of(format: Format, workspace: Option<PathBuf>) -> Self {
        match format {
            Format::Text => Self::Human(Human::default()),
            Format::Github => Self::Github(Github::new(workspace)),
            Format::Json => Self::Json(Json::default()),
        }
    }
}
