//! Owns the files that a GitHub Actions step writes: its outputs and its summary.

use super::checklist::Checklist;
use super::event::Event;
use super::line::push_line;
use super::{changes, release, rows};
use crate::error::Error;
use crate::service::Released;
use crate::task::{Conclusion, class_name};
use protocol::env;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;

/// The two files, where there are any.
#[derive(Debug)]
pub(super) struct Files {
    outputs: Option<String>,
    summary: Option<String>,
}

impl Files {
    pub(super) fn of(environment: &BTreeMap<String, String>) -> Self {
        let path = |name: &str| environment.get(name).filter(|path| !path.is_empty()).cloned();
        Self { outputs: path(env::GITHUB_OUTPUT), summary: path(env::GITHUB_STEP_SUMMARY) }
    }

    /// Writes what an ending leaves for later steps; a complaint if that fails.
    pub(super) fn write(&self, event: &Event) -> Option<String> {
        let (outputs, summary) = match event {
            Event::Concluded(conclusion) => (of_conclusion(conclusion), summary(conclusion)),
            Event::Migrated(conclusion) => (of_conclusion(conclusion), summary(conclusion)),
            Event::Released(released) => (of_release(released), summary_of_release(released)),
            Event::Failed(error) => (of_error(error), String::new()),
            Event::Checked(list) => (of_list(list), summary_of_list(list)),
            Event::Changes(answer) => {
                let values = changes::outputs(answer);
                let values: Vec<(&str, &str)> =
                    values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                (outputs(&values), String::new())
            }
            Event::Image(packed) => {
                let values = [("image", packed.name.as_str()), ("digest", packed.digest.as_str())];
                (outputs(&values), String::new())
            }
            Event::Note(_)
            | Event::ChangesShown(_)
            | Event::Service { .. }
            | Event::Warning { .. }
            | Event::Data(_)
            | Event::Differences(_)
            | Event::Definition { .. }
            | Event::Plan(_)
            | Event::Progress(_)
            | Event::Question(_)
            | Event::Variables { .. }
            | Event::Launched { .. }
            | Event::Status { .. }
            | Event::Log(_)
            | Event::OnCall(_)
            | Event::StopRequested(_) => return None,
        };
        let written = append(self.outputs.as_deref(), &outputs)
            .and_then(|()| append(self.summary.as_deref(), &summary));
        written
            .err()
            .map(|cause| format!("warning: cannot write the step's outputs or summary: {cause}\n"))
    }
}

fn append(path: Option<&str>, text: &str) -> std::io::Result<()> {
    let Some(path) = path.filter(|_| !text.is_empty()) else {
        return Ok(());
    };
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(text.as_bytes())
}

fn of_conclusion(conclusion: &Conclusion) -> String {
    let applied = conclusion.applied.map(|applied| applied.to_string()).unwrap_or_default();
    outputs(&[
        ("task-arn", conclusion.task.as_str()),
        ("exit-code", &conclusion.exit_code.to_string()),
        ("outcome", &conclusion.outcome),
        ("applied", &applied),
        ("log-url", conclusion.log.url.as_deref().unwrap_or_default()),
    ])
}

fn of_error(error: &Error) -> String {
    outputs(&[
        ("exit-code", &error.exit_code().to_string()),
        ("outcome", &class_name(error.class())),
    ])
}

fn of_release(released: &Released) -> String {
    let services: Vec<String> = released
        .services
        .iter()
        .map(|ending| format!("{}={}", ending.service, ending.outcome.word()))
        .collect();
    outputs(&[
        ("exit-code", &released.class().code().to_string()),
        ("outcome", release::outcome(released)),
        ("services", &services.join(",")),
    ])
}

fn summary_of_release(released: &Released) -> String {
    let mut text = format!("### Release: {}\n\n", html(&release::headline(released)));
    text.push_str("| | |\n|---|---|\n");
    for (name, said) in release::rows(released) {
        push_line(&mut text, &format!("| {} | {} |", cell(&name), cell(&said)));
    }
    for ending in released.services.iter().filter(|ending| !ending.last_lines.is_empty()) {
        text.push_str("\n<pre>\n");
        for line in &ending.last_lines {
            text.push_str(&html(&super::clean::clean(line)));
            text.push('\n');
        }
        text.push_str("</pre>\n");
    }
    text
}

fn of_list(list: &Checklist) -> String {
    outputs(&[("exit-code", &list.exit_code().to_string()), ("outcome", list.outcome())])
}

fn summary_of_list(list: &Checklist) -> String {
    let text = anstream::adapter::strip_str(&list.text()).to_string();
    format!("### {}\n\n<pre>\n{}</pre>\n", html(&list.sentence()), html(&text))
}

/// Each output between delimiters that no value can contain by accident or on purpose.
fn outputs(values: &[(&str, &str)]) -> String {
    let delimiter = uuid::Uuid::new_v4().simple().to_string();
    let mut text = String::new();
    for (name, value) in values {
        push_line(
            &mut text,
            &format!(
                "{name}<<{delimiter}
{value}
{delimiter}"
            ),
        );
    }
    text
}

fn summary(conclusion: &Conclusion) -> String {
    let mut text = format!("### Migration: {}\n\n", html(&rows::headline(conclusion)));
    text.push_str("| | |\n|---|---|\n");
    for (name, said) in rows::rows(conclusion) {
        push_line(&mut text, &format!("| {} | {} |", cell(&name), cell(&said)));
    }
    if !conclusion.is_green() && !conclusion.last_lines.is_empty() {
        text.push_str("\n<pre>\n");
        for line in &conclusion.last_lines {
            text.push_str(&html(&super::clean::clean(line)));
            text.push('\n');
        }
        text.push_str("</pre>\n");
    }
    text
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn cell(text: &str) -> String {
    html(text).replace('|', "\\|").replace('\n', " ")
}
