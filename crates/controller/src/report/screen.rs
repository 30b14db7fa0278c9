//! Owns drawing the living line on a terminal.
//!
//! The cursor stays at the start of the line, and is never hidden: after a resize the line is still
//! what lies from the cursor to the end of the screen, whether the terminal breaks long lines anew or
//! not, and there is nothing to restore, however the process ends. What goes out for one event
//! goes out as one write.

use super::event::Event;
use super::living::Living;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// How often the line is looked at without an event; it is drawn only when it changed.
const PERIOD: Duration = Duration::from_millis(250);

/// From the cursor to the end of the screen.
const CLEAR: &str = "\r\u{1b}[J";

/// The terminal that the living line is drawn on.
pub enum Terminal {
    /// None: pipes get plain lines.
    None,
    /// The process's standard error.
    OfTheProcess,
}

impl Terminal {
    /// Standard error, if it is a terminal that moves its cursor.
    pub fn of_this_process(kind: Option<&str>) -> Self {
        let moves = kind.is_some_and(|kind| !kind.is_empty() && kind != "dumb");
        if moves && std::io::stderr().is_terminal() { Self::OfTheProcess } else { Self::None }
    }
}

/// The line on the terminal, while something goes on.
pub(super) struct Screen {
    drawing: Arc<Mutex<Drawing>>,
    ticker: AbortHandle,
}

struct Drawing {
    living: Living,
    /// What is on the terminal now.
    shown: String,
    colour: anstream::ColorChoice,
}

impl Screen {
    /// Starts to draw; must be called in a runtime.
    pub(super) fn on(terminal: &Terminal) -> Option<Self> {
        match terminal {
            Terminal::None => return None,
            Terminal::OfTheProcess => {}
        }
        let drawing = Arc::new(Mutex::new(Drawing {
            living: Living::new(Instant::now()),
            shown: String::new(),
            colour: anstream::AutoStream::choice(&std::io::stderr()),
        }));
        let ticking = Arc::clone(&drawing);
        let ticker = tokio::spawn(async move {
            loop {
                tokio::time::sleep(PERIOD).await;
                lock(&ticking).refresh();
            }
        });
        Some(Self { drawing, ticker: ticker.abort_handle() })
    }

    /// Takes the line away, lets `write` show what happened, and puts it back.
    pub(super) fn around(&self, event: &Event, write: impl FnOnce()) {
        let mut drawing = lock(&self.drawing);
        drawing.living.see(event, Instant::now());
        if matches!(event, Event::Phase { .. }) {
            return drawing.refresh();
        }
        drawing.clear();
        write();
        drawing.refresh();
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.ticker.abort();
        lock(&self.drawing).clear();
    }
}

impl Drawing {
    fn clear(&mut self) {
        if !self.shown.is_empty() {
            self.shown.clear();
            put(CLEAR);
        }
    }

    fn refresh(&mut self) {
        let frame = self.living.frame(Instant::now(), width());
        let frame = match self.colour {
            anstream::ColorChoice::Never => anstream::adapter::strip_str(&frame).to_string(),
            anstream::ColorChoice::Auto
            | anstream::ColorChoice::Always
            | anstream::ColorChoice::AlwaysAnsi => frame,
        };
        if frame == self.shown {
            return;
        }
        put(&format!("{CLEAR}{frame}\r"));
        self.shown = frame;
    }
}

/// Past anstream, which takes every escape away where colours are not wanted.
fn put(text: &str) {
    let mut stream = std::io::stderr().lock();
    let _ignored = stream.write_all(text.as_bytes());
    let _ignored = stream.flush();
}

/// Columns of the terminal now.
fn width() -> usize {
    match rustix::termios::tcgetwinsize(std::io::stderr()) {
        Ok(size) if size.ws_col > 0 => size.ws_col.into(),
        Ok(_) | Err(_) => 80,
    }
}

fn lock(drawing: &Mutex<Drawing>) -> std::sync::MutexGuard<'_, Drawing> {
    drawing.lock().unwrap_or_else(PoisonError::into_inner)
}
