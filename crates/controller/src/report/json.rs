//! Owns the form for programs: one object a line, and exactly one `result`, the last. Fields may be
//! added; none changes its meaning.

use super::event::{Arrival, Event, Registration};
use super::line::push_line;
use super::writer::Rendered;
use super::{changes, image, release, review, setup};
use crate::error::Error;
use crate::task::{Conclusion, LogLine, LogState, LogText, Phase, Timeline, class_name};
use crate::task_definition::Change;
use protocol::ExitCode;
use serde_json::{Value, json};

/// The renderer.
#[derive(Debug, Default)]
pub(super) struct Json {
    /// What it comes to, until nothing can follow any more.
    result: Option<Value>,
}

impl Json {
    pub(super) fn render(&mut self, event: &Event) -> Rendered {
        let objects = match event {
            Event::Note(text) => vec![json!({"type": "note", "text": text})],
            Event::Warning { text, hint } => {
                vec![json!({"type": "warning", "text": text, "hint": hint})]
            }
            Event::Data(text) => vec![json!({"type": "data", "text": text})],
            Event::Differences(changes) => changes.iter().map(difference).collect(),
            Event::Definition { arn, name, registration } => vec![json!({
                "type": "task_definition",
                "arn": arn,
                "name": name,
                "registration": match registration {
                    Registration::AsGiven => "as_given",
                    Registration::Unchanged => "unchanged",
                    Registration::New => "new",
                },
            })],
            Event::Image(packed) => vec![image::object(packed)],
            Event::Plan(plan) => plan
                .lines
                .iter()
                .map(|line| {
                    json!({
                        "type": "plan",
                        "stack": plan.stack,
                        "verb": setup::word(line.verb),
                        "what": line.what,
                        "reason": line.reason,
                    })
                })
                .collect(),
            Event::Progress(progress) => vec![json!({
                "type": "progress",
                "done": progress.done,
                "total": progress.total,
                "what": progress.what,
                "status": progress.status,
                "reason": progress.reason,
            })],
            Event::Question(question) | Event::NameAsked(question) => {
                vec![json!({"type": "question", "text": question})]
            }
            Event::Variables { variables, .. } => variables
                .iter()
                .map(|variable| {
                    json!({
                        "type": "variable",
                        "name": variable.name,
                        "value": variable.value,
                        "meaning": variable.meaning,
                    })
                })
                .collect(),
            Event::Launched { task, cluster, definition, container, arrival } => vec![json!({
                "type": "task",
                "task_arn": task.as_str(),
                "cluster": cluster,
                "task_definition": definition,
                "container": container,
                "arrival": match arrival {
                    Arrival::Started => "started",
                    Arrival::Found => "found",
                    Arrival::Attached => "attached",
                },
            })],
            Event::Status { status, elapsed } => vec![json!({
                "type": "status",
                "status": status,
                "elapsed_ms": milliseconds(*elapsed),
            })],
            Event::Secrets(_) | Event::Phase { .. } => Vec::new(),
            Event::Log(lines) => lines.iter().map(log).collect(),
            Event::StopRequested(why) => vec![json!({"type": "stop_requested", "why": why})],
            Event::Changes(answer) | Event::ChangesShown(answer) => vec![changes::object(answer)],
            Event::Checked(list) => list.objects(),
            Event::Reviewed(found) => review::objects(found),
            Event::OnCall(told) => told.objects(),
            Event::Concluded(conclusion) => vec![of_conclusion(conclusion)],
            Event::Service { service, text } => {
                vec![json!({"type": "service", "service": service, "text": text})]
            }
            Event::Migrated(conclusion) => {
                let mut object = of_conclusion(conclusion);
                object["type"] = json!("migrated");
                vec![object]
            }
            Event::Released(released) => vec![release::object(released)],
            Event::Failed(error) => vec![of_error(error)],
        };
        let mut out = String::new();
        for object in objects {
            if object["type"] == "result" {
                self.result = Some(object);
            } else {
                push_line(&mut out, &object.to_string());
            }
        }
        Rendered { out, err: String::new() }
    }

    /// The last line: the result, of whatever command.
    pub(super) fn close(&mut self, command: &str, code: u8) -> Rendered {
        let result = self.result.take().unwrap_or_else(|| of_command(command, code));
        let mut out = String::new();
        push_line(&mut out, &result.to_string());
        Rendered { out, err: String::new() }
    }
}

/// The result of a command that judges nothing, and said what it has to say.
fn of_command(command: &str, code: u8) -> Value {
    let class = ExitCode::from_code(i64::from(code)).map(class_name).unwrap_or_default();
    let sentence = match code {
        0 => format!("{command} did what it was asked"),
        _ => format!("{command} ended with {code}"),
    };
    json!({
        "type": "result",
        "class": class,
        "exit_code": code,
        "outcome": class,
        "sentence": sentence,
        "command": command,
    })
}

/// The result, if this event is one of a run or of a release.
pub(super) fn result(event: &Event) -> Option<Value> {
    if let Event::Concluded(conclusion) = event {
        return Some(of_conclusion(conclusion));
    }
    if let Event::Released(released) = event {
        return Some(release::object(released));
    }
    if let Event::Failed(error) = event { Some(of_error(error)) } else { None }
}

/// A duration in milliseconds.
pub(super) fn milliseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn difference(change: &Change) -> Value {
    json!({
        "type": "difference",
        "path": change.path,
        "before": change.before,
        "after": change.after,
    })
}

fn log(line: &LogLine) -> Value {
    let mut object = json!({
        "type": "log",
        "container": line.container,
        "at_ms": line.at,
    });
    match &line.text {
        LogText::Event(event) => object["line"] = json!(event),
        LogText::Plain(text) => object["text"] = json!(text),
    }
    object
}

/// The result of an ending in at most `most` bytes: of a longer timeline only its end is there.
pub(super) fn result_within(conclusion: &Conclusion, most: usize) -> String {
    let mut result = of_conclusion(conclusion);
    let mut text = result.to_string();
    while text.len() > most
        && let Some(phases) = result["timeline"].as_array_mut()
        && !phases.is_empty()
    {
        phases.drain(..phases.len().div_ceil(2));
        text = result.to_string();
    }
    text
}

fn timeline(timeline: &Timeline) -> Vec<Value> {
    let at = |time: Option<i64>| {
        time.and_then(|time| jiff::Timestamp::from_millisecond(time).ok())
            .map(|time| format!("{time:.3}"))
    };
    let object = |phase: &Phase| {
        json!({
            "phase": phase.kind.word(),
            "migration": phase.kind.migration(),
            "state": phase.state.word(),
            "start": at(phase.start),
            "end": at(phase.end),
            "duration_ms": phase.duration().map(milliseconds),
        })
    };
    timeline.phases.iter().map(object).collect()
}

/// The result of an ending.
pub(super) fn of_conclusion(conclusion: &Conclusion) -> Value {
    let evidence: Vec<Value> = conclusion
        .evidence
        .iter()
        .map(|(name, text)| json!({"name": name, "text": text}))
        .collect();
    json!({
        "type": "result",
        "class": conclusion.class,
        "exit_code": conclusion.exit_code,
        "outcome": conclusion.outcome,
        "sentence": conclusion.sentence,
        "applied": conclusion.applied,
        "cause": conclusion.cause,
        "fix": conclusion.fix,
        "database": conclusion.database.word(),
        "way_back": conclusion.way_back,
        "cluster": conclusion.cluster,
        "task_definition": conclusion.definition,
        "container": conclusion.container,
        "task_arn": conclusion.task.as_str(),
        "evidence": evidence,
        "log_lines": conclusion.log.lines,
        "log_state": match conclusion.log.state {
            LogState::Complete => "complete",
            LogState::NotProved => "not_proved",
            LogState::Unreadable => "unreadable",
        },
        "log_gaps": conclusion.log.gaps,
        "log_url": conclusion.log.url,
        "attach": conclusion.attach,
        "explain": conclusion.explain,
        "duration_ms": milliseconds(conclusion.duration),
        "timeline": timeline(&conclusion.timeline),
    })
}

/// The result where no task was judged.
pub(super) fn of_error(error: &Error) -> Value {
    json!({
        "type": "result",
        "class": class_name(error.class()),
        "exit_code": error.exit_code(),
        "outcome": class_name(error.class()),
        "sentence": error.to_string(),
        "causes": error.causes(),
        "fix": error.hint(),
        "database": error.database_meaning().map(crate::task::DatabaseMeaning::word),
        "task_arn": Value::Null,
    })
}
