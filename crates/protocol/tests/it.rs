//! Lines survive the way through a log: round trips, limits, and transcripts that decode for ever.

use proptest::prelude::*;
use protocol::event::{
    CheckFinding, ConnectWaiting, Connected, Finding, Heartbeat, Interrupted, LockAcquired,
    LockWaiting, MigrationApplied, MigrationFailed, Origin, Outcome, Output, OutputDropped,
    Planned, RunFinished, RunStarted,
};
use protocol::failure::FailedStatement;
use protocol::limits::MAX_LINE_BYTES;
use protocol::sequence::Sequences;
use protocol::traffic::{Blocker, StatementCost, TableLock};
use protocol::{DatabaseState, Event, EventLine, ExitCode, Failure, Line, RunnerCommand, Standing};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![".{0,40}", "[\\x00-\\x1f\"\\\\]{0,40}", "(a|é|𝄞|\\x00){0,4000}", ".{0,4000}",]
}

fn failure() -> impl Strategy<Value = Failure> {
    (text(), prop::option::of(text()), prop::option::of(text()), text(), any::<u32>()).prop_map(
        |(message, hint, migration, statement, number)| Failure {
            message,
            hint,
            migration,
            statement: Some(FailedStatement { number, of: number, line: 1, text: statement }),
            sqlstate: Some("42P01".into()),
            ..Failure::default()
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (text(), 0..9_usize, text()).prop_map(|(version, command, commit)| Event::RunStarted(
            RunStarted {
                version,
                command: RunnerCommand::ALL.get(command).copied().unwrap_or_default(),
                standing: Standing::Proof,
                origin: Origin { commit, ..Origin::default() },
            }
        )),
        (text(), any::<u16>()).prop_map(|(host, port)| Event::Connected(Connected {
            host,
            port,
            ..Connected::default()
        })),
        (text(), any::<u32>()).prop_map(|(cause, attempt)| Event::ConnectWaiting(ConnectWaiting {
            attempt,
            cause,
            ..ConnectWaiting::default()
        })),
        (any::<i64>(), prop::option::of(text())).prop_map(|(key, holder)| Event::LockWaiting(
            LockWaiting { key, waited_ms: 1, holder }
        )),
        prop::collection::vec(any::<i64>(), 0..4)
            .prop_map(|keys| Event::LockAcquired(LockAcquired { keys, waited_ms: 0 })),
        prop::collection::vec(".{0,60}", 0..300)
            .prop_map(|names| Event::Planned(Planned { names, ..Planned::default() })),
        (text(), any::<u64>()).prop_map(|(migration, duration_ms)| Event::MigrationApplied(
            MigrationApplied { migration, duration_ms, ..MigrationApplied::default() }
        )),
        (text(), prop::collection::vec((any::<u64>(), ".{0,130}"), 0..30)).prop_map(
            |(migration, costs)| {
                let statements = costs.into_iter().map(|(rows, relation)| StatementCost {
                    rows,
                    lock: Some(TableLock { relation: relation.clone(), mode: "ShareLock".into() }),
                    rewritten: vec![relation],
                    ..StatementCost::default()
                });
                Event::MigrationApplied(MigrationApplied {
                    migration,
                    statements: statements.collect(),
                    ..MigrationApplied::default()
                })
            }
        ),
        (text(), prop::collection::vec(text(), 0..12)).prop_map(|(doing, queries)| {
            let blocker = |query| Blocker { query, ..Blocker::default() };
            Event::Heartbeat(Heartbeat {
                doing,
                blockers: queries.into_iter().map(blocker).collect(),
                ..Heartbeat::default()
            })
        }),
        (text(), failure()).prop_map(|(migration, failure)| Event::MigrationFailed(
            MigrationFailed { migration, failure, database: DatabaseState::Unchanged }
        )),
        (text(), any::<bool>()).prop_map(|(text, partial)| Event::Output(Output {
            stream: "stdout".into(),
            text,
            partial
        })),
        (any::<u64>(), any::<u64>())
            .prop_map(|(lines, bytes)| Event::OutputDropped(OutputDropped { lines, bytes })),
        (text(), prop::option::of(text())).prop_map(|(sentence, fix)| Event::CheckFinding(
            CheckFinding { name: "reachable".into(), verdict: Finding::No, sentence, fix }
        )),
        text().prop_map(|signal| Event::Interrupted(Interrupted { signal })),
        (any::<u8>(), prop::option::of(failure())).prop_map(|(exit_code, failure)| {
            Event::RunFinished(RunFinished {
                outcome: Outcome::Failed,
                exit_code,
                failure,
                ..RunFinished::default()
            })
        }),
    ]
}

proptest! {
    #[test]
    fn a_line_fits_and_comes_back(event in event(), msg in text(), seq in any::<u64>()) {
        let mut line = EventLine::new("run", "process", seq, event);
        line.msg = msg;
        let encoded = line.encode();
        prop_assert!(encoded.len() <= MAX_LINE_BYTES, "{} bytes", encoded.len());
        prop_assert!(!encoded.contains('\n'));
        let Line::Event(decoded) = Line::decode(&encoded) else {
            return Err(TestCaseError::fail(format!("not recognised: {encoded}")));
        };
        prop_assert_eq!(decoded.seq, seq);
        prop_assert_eq!(std::mem::discriminant(&decoded.event), std::mem::discriminant(&line.event));
        if serde_json::to_string(&line).unwrap().len() <= MAX_LINE_BYTES {
            prop_assert_eq!(*decoded, line);
        }
    }

    #[test]
    fn any_text_decodes_without_a_panic(text in text()) {
        prop_assert_eq!(Line::decode(&text), Line::Text(text.trim_end_matches(['\r', '\n']).to_owned()));
    }

    #[test]
    fn any_tail_behind_the_marker_decodes_without_a_panic(tail in text()) {
        let _line = Line::decode(&format!("{{\"ecs_migrate\":{tail}"));
    }
}

#[test]
fn what_is_cut_says_so() {
    let finished = RunFinished {
        exit_code: 10,
        failure: Some(Failure { message: "m".repeat(20_000), ..Failure::default() }),
        ..RunFinished::default()
    };
    let Line::Event(line) =
        Line::decode(&EventLine::new("r", "p", 1, Event::RunFinished(finished)).encode())
    else {
        panic!("not recognised");
    };
    let failure = line.event.terminal().unwrap().failure.clone().unwrap();
    assert!(failure.message.ends_with("… [cut]"), "{}", failure.message);
    assert!(failure.message.len() > 4_000, "cut to {} bytes", failure.message.len());
}

#[test]
fn a_newer_runner_is_understood_as_far_as_possible() {
    let text = r#"{"ecs_migrate":2,"run":"r","process":"p","seq":3,"at":"","msg":"m","new":1,"event":{"kind":"teleported","to":"moon"}}"#;
    let Line::Event(line) = Line::decode(text) else { panic!("not recognised") };
    assert_eq!((line.version, line.event), (2, Event::Unknown));
    let finding: CheckFinding =
        serde_json::from_str(r#"{"name":"n","verdict":"perhaps"}"#).unwrap();
    assert_eq!(finding.verdict, Finding::Skip);
}

#[test]
fn a_runner_says_in_both_lines_what_it_was_asked_and_an_older_one_in_its_first() {
    let of = |text: &str| {
        let Line::Event(line) = Line::decode(text) else { panic!("not recognised: {text}") };
        line.event
    };
    let head = r#"{"ecs_migrate":1,"run":"r","process":"p","seq":1,"at":"","msg":"","event":"#;
    let old = of(&[head, r#"{"kind":"run_started","version":"0.1.0","command":"exec","origin":{"started_by":"ecs-migrate/github/7"}}}"#].concat());
    let Event::RunStarted(started) = old else { panic!("{old:?}") };
    assert_eq!((started.command, started.standing()), (RunnerCommand::Exec, Standing::Proof));
    let newer =
        of(&[head, r#"{"kind":"run_started","command":"teleport","standing":"elsewhere"}}"#]
            .concat());
    let Event::RunStarted(started) = newer else { panic!("{newer:?}") };
    assert_eq!((started.command, started.standing()), (RunnerCommand::Unknown, Standing::Unclear));
    let end = of(&[head, r#"{"kind":"run_finished","outcome":"done","exit_code":0}}"#].concat());
    assert_eq!(end.terminal().unwrap().command, RunnerCommand::Unknown);
    let said = RunFinished {
        command: RunnerCommand::Deploy,
        standing: Standing::Behind,
        ..RunFinished::default()
    };
    let again = of(&EventLine::new("r", "p", 2, Event::RunFinished(said.clone())).encode());
    assert_eq!(again.terminal(), Some(&said));
}

/// A transcript is never edited once a release wrote it: readers must decode it for ever.
#[test]
fn golden_transcripts_decode() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/v1");
    let mut transcripts = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut sequences = Sequences::default();
        let mut end = None;
        for line in text.lines() {
            let Line::Event(line) = Line::decode(line) else {
                panic!("{}: {line}", path.display())
            };
            assert_ne!(line.event, Event::Unknown, "{}: {}", path.display(), line.msg);
            assert!(sequences.note(&line.process, line.seq));
            if let Some(finished) = line.event.terminal() {
                sequences.finish(&line.process, line.seq);
                end = Some(finished.clone());
            }
        }
        assert!(sequences.complete(), "{}", path.display());
        assert!(ExitCode::from_code(i64::from(end.unwrap().exit_code)).is_some());
        transcripts += 1;
    }
    assert!(transcripts >= 3, "{transcripts} transcripts in {folder}");
}
