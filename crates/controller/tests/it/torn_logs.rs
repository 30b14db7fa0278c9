//! Logs on a bad day: late, out of order, torn into odd pages, enormous. Every line is shown once,
//! or it is said that one is missing.

use crate::support::runner::{Lines, applied};
use crate::support::story::{Story, Told, at, config};
use protocol::event::{Event, Heartbeat};
use sandbox::{
    Faults, LineFate, PageShape, Program, RequestAnswer, RequestFault, Script, TaskEffect,
    TaskFault,
};

const LINES: u64 = 60;

/// A plain container that writes two lines a second.
fn plain() -> Program {
    let script = (1..=LINES)
        .fold(Script::new(), |script, line| script.line(at(line / 2), format!("line {line}.")));
    Program::script(script.exits(at(LINES / 2 + 1), 0))
}

/// Our runner, which numbers them.
fn runner() -> Program {
    Program::scripted(|launch| {
        let mut lines = Lines::of(launch);
        let script = (1..LINES).fold(Script::new(), |script, line| {
            let beat = Event::Heartbeat(Heartbeat::default());
            script.line(at(line / 2), lines.next(&format!("line {line}."), beat))
        });
        let end = LINES / 2;
        script.line(at(end), lines.finished(applied(1))).exits(at(end + 1), 0)
    })
}

/// Without the label, so that the log alone says what each is.
fn with(program: Program, faults: Faults) -> Story {
    Story::with(config().image("app:1", program).faults(faults)).plain()
}

fn pages(from: u64, events: Option<usize>, repeats: usize) -> Faults {
    let answer = RequestAnswer::Page(PageShape { events, repeats });
    Faults {
        requests: vec![RequestFault {
            operation: "GetLogEvents".to_owned(),
            from,
            to: None,
            answer,
        }],
        ..Faults::default()
    }
}

fn effect(effect: TaskEffect) -> Faults {
    Faults {
        tasks: vec![TaskFault { family: None, from: 1, to: None, effect }],
        ..Faults::default()
    }
}

fn lines(every: u64, fate: LineFate) -> Faults {
    effect(TaskEffect::LogLines { container: None, from: 1, to: None, every, fate })
}

/// Whether every line is there once, in whatever order.
fn assert_whole(told: &Told) {
    assert_eq!(told.code, 0, "{}", told.everything());
    assert!(told.out.contains(&format!("{LINES} lines, complete")), "{}", told.everything());
    for line in 1..LINES {
        let text = format!(" line {line}.\n");
        assert_eq!(told.out.matches(&text).count(), 1, "line {line}: {}", told.everything());
    }
}

#[tokio::test(start_paused = true)]
async fn pages_of_any_shape_lose_and_repeat_nothing() {
    for program in [plain, runner] {
        for (events, repeats) in [(Some(1), 0), (Some(7), 0), (None, 5), (Some(7), 3)] {
            assert_whole(&with(program(), pages(1, events, repeats)).run(&[]).await);
        }
        // Empty pages whose token moves on, for a while: more than one tick reads past.
        let mut empty = pages(5, Some(0), 0);
        empty.requests[0].to = Some(60);
        assert_whole(&with(program(), empty).run(&[]).await);
    }
}

#[tokio::test(start_paused = true)]
async fn lines_out_of_order_are_all_shown() {
    for program in [plain, runner] {
        let earlier = lines(3, LineFate::Timestamp { off_by_seconds: -1.5 });
        assert_whole(&with(program(), earlier).run(&[]).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_behind_the_readers_place_is_found_by_its_number() {
    // Every fifth line becomes readable when younger ones have been read already.
    let late = lines(5, LineFate::Late { seconds: 8.0, more_each: 0.0 });
    let story = with(runner(), late);
    assert_whole(&story.run(&[]).await);
}

#[tokio::test(start_paused = true)]
async fn a_lost_line_is_said_to_be_missing() {
    let lost = effect(TaskEffect::LogLines {
        container: None,
        from: 20,
        to: Some(21),
        every: 1,
        fate: LineFate::Lost,
    });
    let told = with(runner(), lost).run(&[]).await;
    told.says(0, &["58 lines, not complete: missing number 20–21"]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_appears_late_is_read_from_its_first_line() {
    for program in [plain, runner] {
        let late = effect(TaskEffect::LogStream { container: None, after_seconds: Some(20.0) });
        assert_whole(&with(program(), late).run(&[]).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_never_appears_is_not_taken_for_silence() {
    let never = || effect(TaskEffect::LogStream { container: None, after_seconds: None });
    let told = with(runner(), never()).run(&["--expect", "runner"]).await;
    told.says(85, &["the runner's last word never came"]);
    let told = with(plain(), never()).run(&["--expect", "plain"]).await;
    told.says(0, &["no line was seen"]);
}

#[tokio::test(start_paused = true)]
async fn enormous_lines_and_bytes_that_are_no_text_are_shown() {
    let script = Script::new()
        .line(at(1), "x".repeat(300 * 1024))
        .bytes(at(2), b"bad \xff\xfe\x00 bytes \x1b[2J".to_vec())
        .line(at(3), "line 3.")
        .exits(at(4), 0);
    let told = Story::of(script).run(&[]).await;
    // CloudWatch holds at most 256 KiB in an event: the long line comes as two.
    told.says(0, &["4 lines, complete", " line 3.\n", "bad \u{fffd}\u{fffd}"]);
    assert_eq!(told.out.matches('x').count(), 300 * 1024);
    assert!(!told.out.contains(['\u{0}', '\u{1b}']), "no control characters");
}
