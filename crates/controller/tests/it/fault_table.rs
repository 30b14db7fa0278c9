//! Every row of the fault table (`tests/data/faults.json`), from RunTask to the exit code, with the
//! calls that it may cost.

use crate::support::story::{Story, Told, at, config, unlabelled};
use sandbox::{
    FailureFault, Faults, Program, RequestAnswer, RequestFault, Script, StartPhase, TaskEffect,
    TaskFault,
};
use serde_json::Value;

/// Rows that are proved in another place.
const ELSEWHERE: [(&str, &str); 3] = [
    ("Q07", "service_faults::a_refused_update_changes_nothing"),
    ("Q18", "once::a_run_that_was_started_with_another_network_is_found_by_its_conflict"),
    ("W04", "verdict_tests::what_cannot_be_seen_is_unknown"),
];

struct Row(Value);

/// What a row is about, and so which test proves it.
#[derive(PartialEq, Eq)]
enum Kind {
    Elsewhere,
    StoppedTask,
    /// Before there is a task.
    Request,
    /// While there is one.
    Read,
}

impl Row {
    fn all() -> Vec<Self> {
        let rows: Vec<Value> = serde_json::from_str(include_str!("../data/faults.json")).unwrap();
        rows.into_iter().map(Self).collect()
    }

    fn of(kind: Kind) -> impl Iterator<Item = Self> {
        Self::all().into_iter().filter(move |row| row.kind() == kind)
    }

    fn kind(&self) -> Kind {
        if ELSEWHERE.iter().any(|(id, _)| *id == self.id()) {
            Kind::Elsewhere
        } else if !self.task().is_null() {
            Kind::StoppedTask
        } else if ["DescribeTasks", "GetLogEvents"].contains(&self.operation()) {
            Kind::Read
        } else {
            Kind::Request
        }
    }

    fn id(&self) -> &str {
        self.0["id"].as_str().unwrap()
    }

    fn retries(&self) -> bool {
        self.0["auto_retry"] == true
    }

    fn task(&self) -> &Value {
        &self.0["input"]["task"]
    }

    fn operation(&self) -> &str {
        let input = &self.0["input"];
        input["error"]["operation"].as_str().or(input["failures"]["operation"].as_str()).unwrap()
    }

    /// What the row says the controller ends with, or else what the container ends with.
    fn exit(&self) -> Option<u8> {
        let container = &self.task()["containers"][0]["exitCode"];
        let code = self.0["controller_exit"].as_i64().or(container.as_i64());
        code.map(|code| u8::try_from(code).unwrap())
    }

    fn answer(&self) -> RequestAnswer {
        let input = &self.0["input"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        if input["failures"].is_null() {
            let error = &input["error"];
            return RequestAnswer::Error {
                kind: text(&error["body"]["__type"]),
                message: text(&error["body"]["message"]),
                status: u16::try_from(error["http"].as_u64().unwrap()).unwrap(),
            };
        }
        let failures = input["failures"]["failures"].as_array().unwrap();
        if failures[0]["reason"] == "MISSING" {
            return RequestAnswer::Missing;
        }
        RequestAnswer::Failures(
            failures
                .iter()
                .map(|failure| FailureFault {
                    reason: text(&failure["reason"]),
                    detail: failure["detail"].as_str().map(str::to_owned),
                })
                .collect(),
        )
    }
}

fn task_story(row: &Row) -> Story {
    let wire = row.task();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let containers = wire["containers"].as_array().unwrap();
    let log = row.0["input"]["log"].as_array().cloned().unwrap_or_default();
    let ran = !wire["startedAt"].is_null()
        || !log.is_empty()
        || containers.iter().any(|container| !container["exitCode"].is_null());
    let mut effects = vec![TaskEffect::StopTold {
        stop_code: text(&wire["stopCode"]),
        stopped_reason: text(&wire["stoppedReason"]),
        late_seconds: 0.0,
    }];
    if !ran {
        effects.push(TaskEffect::NeverStarts {
            phase: StartPhase::Pulling,
            stopped_reason: text(&wire["stoppedReason"]).unwrap_or_default(),
            container_reason: text(&containers[0]["reason"]),
        });
    }
    let mut config = config();
    for told in containers {
        let name = text(&told["name"]).unwrap();
        let mut script = Script::new();
        if name == "runner" {
            let lines = log.iter().map(|line| text(line).unwrap());
            script = lines.fold(script, |script, line| script.line(at(1), line));
        }
        let code = told["exitCode"].as_i64().unwrap_or_default();
        script = script.exits(at(5), i32::try_from(code).unwrap());
        config = config.image(image(&name), Program::script(script));
        let container = Some(name);
        if told["exitCode"].is_null() {
            effects.push(TaskEffect::ExitCodeAbsent { container: container.clone() });
        }
        if let Some(reason) = text(&told["reason"]) {
            effects.push(TaskEffect::ExitTold {
                container,
                exit_code: None,
                reason: Some(reason),
                late_seconds: 0.0,
            });
        }
    }
    let tasks = effects
        .into_iter()
        .map(|effect| TaskFault { family: None, from: 1, to: None, effect })
        .collect();
    let definitions: Vec<Value> = containers
        .iter()
        .map(|told| {
            let name = told["name"].as_str().unwrap();
            unlabelled(name, &image(name))
        })
        .collect();
    Story::with(config.faults(Faults { tasks, ..Faults::default() })).containers(&definitions)
}

fn image(name: &str) -> String {
    if name == "runner" { "app:1".to_owned() } else { format!("{name}:1") }
}

async fn run_task_row(row: &Row) -> (Story, Told) {
    let story = task_story(row);
    let told = story.run(&["--container", "runner"]).await;
    (story, told)
}

fn check_calls(row: &Row, story: &Story, told: &Told, launches: usize) {
    let id = row.id();
    assert_eq!(story.calls("RunTask"), launches, "{id}: {}", told.everything());
    assert_eq!(story.calls("StopTask"), 0, "{id}");
    let seconds = usize::try_from(told.took.as_secs()).unwrap();
    assert!(story.calls("DescribeTasks") <= launches * (seconds + 2), "{id}: too many looks");
}

#[tokio::test(start_paused = true)]
async fn every_stopped_task_of_the_table_ends_as_it_says() {
    for row in Row::of(Kind::StoppedTask) {
        let (story, told) = run_task_row(&row).await;
        assert_eq!(Some(told.code), row.exit(), "{}: {}", row.id(), told.everything());
        check_calls(&row, &story, &told, if row.retries() { 3 } else { 1 });
        let green = told.code == 0;
        assert_eq!(told.out.contains("NOT GREEN"), !green, "{}: {}", row.id(), told.out);
        // AWS's own words, whatever we make of them.
        let reasons = [&row.task()["stoppedReason"], &row.task()["containers"][0]["reason"]];
        for reason in reasons.into_iter().filter_map(Value::as_str).filter(|_| !green) {
            assert!(told.out.contains(reason), "{}: {}", row.id(), told.out);
        }
        if row.exit() == Some(80) {
            assert!(told.out.contains("untouched"), "{}: {}", row.id(), told.out);
            assert!(told.out.contains("  fix  "), "{}: {}", row.id(), told.out);
        }
    }
}

fn refusing(row: &Row, (from, to): (u64, Option<u64>)) -> Story {
    let requests = vec![RequestFault {
        operation: row.operation().to_owned(),
        from,
        to,
        answer: row.answer(),
    }];
    let script = Script::new().line(at(1), "a line").exits(at(30), 0);
    let faults = Faults { requests, ..Faults::default() };
    let story =
        Story::with(config().image("app:1", Program::script(script)).faults(faults)).plain();
    story.set("GITHUB_RUN_ID", "77")
}

async fn ask(row: &Row, story: &Story) -> Told {
    if row.operation() == "DescribeTaskDefinition" {
        let arguments =
            ["--task-definition", "app-migrate:7", "--subnets", "s", "--security-groups", "g"];
        return story.invoke(&[&["run"], &arguments[..]].concat()).await;
    }
    story.run(&[]).await
}

#[tokio::test(start_paused = true)]
async fn every_refused_request_of_the_table_ends_as_it_says() {
    for row in Row::of(Kind::Request) {
        let id = row.id();
        if row.retries() {
            let story = refusing(&row, (1, Some(4)));
            let told = ask(&row, &story).await;
            told.says(0, &["1 line, complete"]);
            assert_eq!(story.calls("RunTask"), 5, "{id}");
            assert_eq!(story.sandbox.tasks().len(), 1, "{id}");
        }
        let story = refusing(&row, (1, None));
        let told = ask(&row, &story).await;
        let expected = row.exit().unwrap_or(86);
        assert_eq!(told.code, expected, "{id}: {}", told.everything());
        assert!(story.sandbox.tasks().is_empty(), "{id}");
        assert!(told.err.contains("error: "), "{id}: {}", told.err);
        if !row.retries() {
            assert_eq!(story.calls(row.operation()), 1, "{id}: {}", told.everything());
        }
        for evidence in row.0["evidence"].as_array().unwrap() {
            let evidence = evidence.as_str().unwrap();
            assert!(told.err.contains(evidence), "{id}: no {evidence:?} in {}", told.err);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_failing_read_of_the_table_decides_as_it_says() {
    for row in Row::of(Kind::Read) {
        let id = row.id();
        let (calls, code, text) = match id {
            "W01" => ((1, Some(3)), 0, "1 line, complete"),
            "W02" => ((1, None), 85, "ECS does not know the task"),
            "W03" => ((2, Some(12)), 0, "1 line, complete"),
            "W05" => ((1, Some(9)), 0, "1 line, complete"),
            "W07" => ((1, None), 0, "the log could not be read"),
            "A01" => ((2, None), 86, "the watch is lost, the migration may still be running"),
            new => panic!("row {new} has no expectation"),
        };
        let story = refusing(&row, calls);
        let told = story.run(&[]).await;
        told.says(code, &[text]);
        assert_eq!(row.exit().unwrap_or(code), code, "{id}");
        check_calls(&row, &story, &told, 1);
    }
}
