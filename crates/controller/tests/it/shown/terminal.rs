//! The real binary on a real terminal: what is on its screen while a run goes on, and afterwards.

use crate::support::place::Place;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::process::Child;

/// How long a condition may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A terminal and what it shows.
struct Terminal {
    master: File,
    slave: File,
    seen: Arc<Mutex<Seen>>,
}

struct Seen {
    screen: vt100::Parser,
    bytes: Vec<u8>,
}

impl Terminal {
    fn new(columns: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let master = File::from(master);
        let parser = vt100::Parser::new(50, columns, 1_000);
        let seen = Arc::new(Mutex::new(Seen { screen: parser, bytes: Vec::new() }));
        let (mut reader, filled) = (master.try_clone().unwrap(), Arc::clone(&seen));
        std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            while let Ok(read @ 1..) = reader.read(&mut bytes) {
                let mut seen = filled.lock().unwrap();
                seen.screen.process(&bytes[..read]);
                seen.bytes.extend_from_slice(&bytes[..read]);
            }
        });
        let terminal = Self { master, slave, seen };
        terminal.resize(columns);
        terminal
    }

    fn resize(&self, columns: u16) {
        let size = Winsize { ws_row: 50, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.slave, size).unwrap();
        self.seen.lock().unwrap().screen.screen_mut().set_size(50, columns);
    }

    fn press(&mut self, keys: &[u8]) {
        self.master.write_all(keys).unwrap();
    }

    fn screen(&self) -> String {
        self.seen.lock().unwrap().screen.screen().contents()
    }

    fn bytes(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap().bytes).into_owned()
    }

    async fn until(&self, what: &str) {
        let shown = async {
            while !self.screen().contains(what) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let outcome = tokio::time::timeout(PATIENCE, shown).await;
        assert!(outcome.is_ok(), "never: {what}\n{}", self.screen());
    }
}

async fn code(mut child: Child) -> i32 {
    child.wait().await.unwrap().code().unwrap()
}

/// A runner that waits for the lock until it is told, then builds an index until it is told again.
const SCRIPT: &str = r#"
say() { printf '{"ecs_migrate":1,"run":"%s","process":"p","seq":%s,"at":"","msg":"%s","event":%s}\n' "$ECS_MIGRATE_RUN" "$1" "$2" "$3"; }
trap 'say 4 "run finished" "{\"kind\":\"run_finished\",\"outcome\":\"interrupted\",\"exit_code\":30,\"database\":\"unchanged\"}"; exit 30' TERM
say 1 "run started" '{"kind":"run_started"}'
say 2 "connected" '{"kind":"connected"}'
say 3 "waiting" '{"kind":"lock_waiting","holder":"pid 4711 of app since 2 min"}'
while [ ! -e told ]; do sleep 0.05; done
say 4 "lock acquired" '{"kind":"lock_acquired"}'
say 5 "applying" '{"kind":"migration_started","migration":"20261101_add_index","number":1,"of":1}'
say 6 "still applying" '{"kind":"heartbeat","phase":"building index","percent":43}'
while [ ! -e told2 ]; do sleep 0.05; done
say 7 "applied" '{"kind":"migration_applied","migration":"20261101_add_index","duration_ms":41}'
say 8 "run finished" '{"kind":"run_finished","outcome":"applied","applied":1,"database":"changed"}'
"#;

fn rows_with(terminal: &Terminal, text: &str) -> usize {
    terminal.screen().lines().filter(|row| row.contains(text)).count()
}

#[tokio::test]
async fn the_living_line_lives_and_leaves_nothing_behind() {
    let place = Place::running(SCRIPT).await;
    let terminal = Terminal::new(80);
    let invocation = place.run(&[]).with("TERM", "xterm-256color");
    let child = invocation.start_on(&terminal.slave);
    terminal.until("waiting for the lock ").await;
    terminal.until("held by pid 4711 of app since 2 min").await;
    assert_eq!(rows_with(&terminal, "waiting for the lock "), 1, "{}", terminal.screen());
    terminal.resize(30);
    terminal.until("…").await;
    assert_eq!(rows_with(&terminal, "waiting for the lock "), 1, "{}", terminal.screen());
    terminal.resize(120);
    place.tell();
    terminal.until("20261101_add_index (1 of 1) ").await;
    terminal.until(": building index 43 %").await;
    assert_eq!(rows_with(&terminal, "waiting for the lock "), 0, "{}", terminal.screen());
    place.tell_again();
    assert_eq!(code(child).await, 0, "{}", terminal.screen());
    terminal.until("lines, complete").await;
    let screen = terminal.screen();
    for text in ["building index 43 %", "waiting for the lock ", "the task is torn down"] {
        assert!(!screen.contains(text), "{screen}");
    }
    for text in ["Z run started\n", "Z waiting\n", "Z applied\n", "OK: 1 migration applied"] {
        assert_eq!(screen.matches(text).count(), 1, "{text}: {screen}");
    }
    assert!(!terminal.bytes().contains("\u{1b}[?25l"), "the cursor is never hidden");
}

#[tokio::test]
async fn ctrl_c_loses_nothing() {
    let place = Place::running(SCRIPT).await;
    let mut terminal = Terminal::new(80);
    let invocation = place.run(&[]).with("TERM", "xterm");
    let child = invocation.start_on(&terminal.slave);
    terminal.until("waiting for the lock ").await;
    terminal.press(b"\x03");
    assert_eq!(code(child).await, 83, "{}", terminal.screen());
    terminal.until("lines, complete").await;
    let screen = terminal.screen();
    for text in [
        "cancelled by SIGINT: asking ECS to stop the task\n",
        "Z run finished\n",
        "NOT GREEN: cancelled",
    ] {
        assert_eq!(screen.matches(text).count(), 1, "{text}: {screen}");
    }
    assert!(!screen.contains("waiting for the task to stop"), "{screen}");
}

#[tokio::test]
async fn a_terminal_that_cannot_move_gets_plain_lines() {
    for (variable, value) in [("TERM", "dumb"), ("TERM", "")] {
        let place = Place::running("echo hello").await;
        let terminal = Terminal::new(20);
        let invocation = place.run(&[]).with(variable, value);
        let child = invocation.start_on(&terminal.slave);
        assert_eq!(code(child).await, 0, "{}", terminal.screen());
        terminal.until("complete").await;
        assert!(!terminal.bytes().contains('\u{1b}'), "{:?}", terminal.bytes());
    }
}

#[tokio::test]
async fn without_colours_the_line_still_lives() {
    let place = Place::running(SCRIPT).await;
    let terminal = Terminal::new(20);
    let invocation = place.run(&[]).with("TERM", "xterm").with("NO_COLOR", "1");
    let child = invocation.start_on(&terminal.slave);
    terminal.until("waiting for the lo…").await;
    place.tell();
    place.tell_again();
    assert_eq!(code(child).await, 0, "{}", terminal.screen());
    let bytes = terminal.bytes();
    assert!(bytes.contains("\r\u{1b}[J"), "{bytes:?}");
    assert_eq!(bytes.replace("\u{1b}[J", "").matches('\u{1b}').count(), 0, "{bytes:?}");
}
