//! The page about the sandbox: every example is valid, and no word of the faults is missing.

use sandbox::{Faults, LineFate, RequestAnswer, ServiceEffect, TaskEffect};
use serde::de::DeserializeOwned;

const PAGE: &str = include_str!("../../../../docs/sandbox.md");

fn examples() -> Vec<&'static str> {
    let fenced = PAGE.split("```json\n").skip(1);
    fenced.map(|rest| rest.split("```").next().unwrap_or_default()).collect()
}

#[test]
fn every_example_is_valid() {
    let examples = examples();
    assert!(examples.len() > 10, "{}", examples.len());
    for example in examples {
        let faults: Faults = serde_json::from_str(example).unwrap_or_else(|error| {
            panic!("{error} in {example}");
        });
        let some = [faults.requests.len(), faults.tasks.len(), faults.services.len()];
        assert!(some.iter().sum::<usize>() > 0);
        faults.check().unwrap_or_else(|error| panic!("{error} in {example}"));
    }
}

/// The names serde offers for a wrong one.
fn words<Choice: DeserializeOwned>() -> Vec<String> {
    let error = serde_json::from_str::<Choice>("\"nonsense\"").err().expect("no such word");
    let text = error.to_string();
    let (_, offered) = text.split_once("expected").expect("an offer");
    offered.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_word_has_an_example() {
    let examples = examples().concat();
    let all = [
        words::<RequestAnswer>(),
        words::<TaskEffect>(),
        words::<LineFate>(),
        words::<ServiceEffect>(),
    ]
    .concat();
    assert!(all.len() > 25, "{all:?}");
    for word in all {
        assert!(examples.contains(&format!("\"{word}\"")), "no example of {word}");
    }
}

#[test]
fn a_wrong_word_is_named_with_the_right_ones() {
    for (json, expected) in [
        (
            r#"{"request": []}"#,
            "unknown field `request`, expected one of `requests`, `tasks`, `services`",
        ),
        (
            r#"{"requests": [{"operation": "RunTask", "answer": "throtle"}]}"#,
            "unknown variant `throtle`, expected one of `throttle`",
        ),
        (
            r#"{"tasks": [{"effect": {"stops_late": {"second": 1}}}]}"#,
            "unknown field `second`, expected `seconds`",
        ),
        (
            r#"{"tasks": [{"effect": {"log_lines": {"fate": {"late": {"seconds": 1, "more": 2}}}}}]}"#,
            "unknown field `more`, expected `seconds` or `more_each`",
        ),
        (
            r#"{"requests": [{"operation": "GetLogEvents", "answer": {"page": {"size": 2}}}]}"#,
            "unknown field `size`, expected `events` or `repeats`",
        ),
    ] {
        let error = serde_json::from_str::<Faults>(json).expect_err(json).to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
#[should_panic(expected = "requests[0]: the sandbox has no operation \"RunTasks\"")]
fn a_test_whose_fault_never_happens_is_told() {
    let json = r#"{"requests": [{"operation": "RunTasks", "answer": "throttle"}]}"#;
    let faults: Faults = serde_json::from_str(json).expect("valid words");
    let config = sandbox::Config::new(sandbox::Speed::Instant).faults(faults);
    drop(sandbox::Sandbox::new(config));
}
