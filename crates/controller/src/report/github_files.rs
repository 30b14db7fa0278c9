//! Owns the files that a GitHub Actions step writes: its outputs and its summary.

use super::checklist::Checklist;
use super::cut::cut;
use super::event::Event;
use super::line::push_line;
use super::{changes, json, release, review, summary};
use crate::check::Review;
use crate::error::Error;
use crate::service::Released;
use crate::task::{Conclusion, class_name};
use protocol::env;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;

/// What GitHub takes of a step's summary in bytes (docs.github.com, "Step isolation and limits").
const SUMMARY_LIMIT: u64 = 1024 * 1024;

/// An output may have 1 MB, counted in UTF-16 (docs.github.com, "Passing information between jobs"),
/// and all outputs of a job together no more: half of it, and every byte counted as two.
const RESULT_LIMIT: usize = 250_000;

/// Characters of the findings that a summary shows.
const REVIEW: usize = 60_000;

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
        let (outputs, pages) = match event {
            Event::Concluded(conclusion) | Event::Migrated(conclusion) => (
                of_conclusion(conclusion),
                [summary::of_conclusion(conclusion), summary::headline(conclusion)],
            ),
            Event::Released(released) => {
                (of_release(released), [summary_of_release(released), String::new()])
            }
            Event::Failed(error) => (of_error(error), [summary::of_error(error), String::new()]),
            Event::Checked(list) => (of_list(list), [summary_of_list(list), String::new()]),
            Event::Reviewed(found) => (of_review(found), [summary_of_review(found), String::new()]),
            Event::Changes(answer) => {
                let values = changes::outputs(answer);
                let values: Vec<(&str, &str)> =
                    values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                (outputs(&values), [String::new(), String::new()])
            }
            Event::Image(packed) => {
                let values = [("image", packed.name.as_str()), ("digest", packed.digest.as_str())];
                (outputs(&values), [String::new(), String::new()])
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
            | Event::NameAsked(_)
            | Event::Variables { .. }
            | Event::Launched { .. }
            | Event::Status { .. }
            | Event::Log(_)
            | Event::OnCall(_)
            | Event::Secrets(_)
            | Event::Phase { .. }
            | Event::StopRequested(_) => return None,
        };
        // One that cannot be written is no reason to leave out the other.
        let written = [
            self.outputs.as_deref().map(|path| append(path, &outputs)),
            self.summary.as_deref().map(|path| add_page(path, &pages)),
        ];
        let mut complaints = String::new();
        for cause in written.into_iter().flatten().filter_map(Result::err) {
            push_line(
                &mut complaints,
                &format!("warning: cannot write the step's outputs or summary: {cause}"),
            );
        }
        (!complaints.is_empty()).then_some(complaints)
    }
}

fn append(path: &str, text: &str) -> std::io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(text.as_bytes())
}

/// Adds the first of the pages that fits: above the limit GitHub drops all that the step said.
fn add_page(path: &str, pages: &[String; 2]) -> std::io::Result<()> {
    let there = std::fs::metadata(path).map_or(0, |file| file.len());
    let room = SUMMARY_LIMIT.saturating_sub(there);
    let separator = if there > 0 { "\n\n" } else { "" };
    let fits = |page: &&String| (page.len() + separator.len()) as u64 <= room;
    match pages.iter().find(fits) {
        Some(page) if page.is_empty() && !pages[0].is_empty() => {
            Err(std::io::Error::other("the summary is full"))
        }
        Some(page) if page.is_empty() => Ok(()),
        Some(page) => append(path, &format!("{separator}{page}")),
        None => Err(std::io::Error::other("the summary is full")),
    }
}

fn of_conclusion(conclusion: &Conclusion) -> String {
    let applied = conclusion.applied.map(|applied| applied.to_string()).unwrap_or_default();
    outputs(&[
        ("task-arn", conclusion.task.as_str()),
        ("exit-code", &conclusion.exit_code.to_string()),
        ("outcome", &conclusion.outcome),
        ("applied", &applied),
        ("log-url", conclusion.log.url.as_deref().unwrap_or_default()),
        ("result", &json::result_within(conclusion, RESULT_LIMIT)),
    ])
}

fn of_error(error: &Error) -> String {
    outputs(&[
        ("exit-code", &error.exit_code().to_string()),
        ("outcome", &class_name(error.class())),
        ("result", &json::of_error(error).to_string()),
    ])
}

fn of_release(released: &Released) -> String {
    let services: Vec<String> = released
        .services
        .iter()
        .map(|ending| format!("{}={}", ending.service, ending.outcome.word()))
        .collect();
    outputs(&[
        ("exit-code", &released.exit().0.to_string()),
        ("outcome", &release::outcome(released)),
        ("services", &services.join(",")),
        ("result", &release::object(released).to_string()),
    ])
}

fn summary_of_release(released: &Released) -> String {
    let mut text = format!("### Release: {}\n\n", summary::escaped(&release::headline(released)));
    text.push_str("| | |\n|---|---|\n");
    for (name, said) in release::rows(released) {
        push_line(&mut text, &format!("| {} | {} |", summary::cell(&name), summary::cell(&said)));
    }
    for ending in released.services.iter().filter(|ending| !ending.last_lines.is_empty()) {
        push_line(&mut text, &summary::fenced(&ending.last_lines.join("\n")));
    }
    text
}

fn of_list(list: &Checklist) -> String {
    outputs(&[("exit-code", &list.exit_code().to_string()), ("outcome", list.outcome())])
}

fn of_review(review: &Review) -> String {
    let class = review.class();
    outputs(&[("exit-code", &class.code().to_string()), ("outcome", &class_name(class))])
}

fn summary_of_review(review: &Review) -> String {
    let text = anstream::adapter::strip_str(&review::text(review)).to_string();
    let head = summary::escaped(&review::sentence(review));
    format!("### Migrations: {head}\n\n{}\n", summary::fenced(&cut(text.trim_end(), REVIEW)))
}

fn summary_of_list(list: &Checklist) -> String {
    let text = anstream::adapter::strip_str(&list.text()).to_string();
    format!("### {}\n{}\n", summary::escaped(&list.sentence()), summary::fenced(text.trim_end()))
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
