//! Owns how runs of the past look: the table of them, one explained, what `status` says. PURE.

use super::clean::clean;
use super::line::push_line;
use super::{human, json};
use crate::task::{Conclusion, Glance, Phase, PhaseState, Timeline};
use crate::words;
use jiff::Timestamp;
use protocol::RunnerCommand;
use protocol::event::{MigrationStatus, Origin};
use serde_json::{Value, json};
use std::time::Duration;

/// Letters of a task's id that tell it from others, and are enough to name it.
const SHORT_ID: usize = 12;

/// Letters of a commit, as git shows it.
const SHORT_COMMIT: usize = 7;

/// What the commands for the one on call have to say.
#[derive(Debug)]
pub(crate) enum OnCall {
    /// Lines as CloudWatch has them.
    Raw(Vec<String>),
    /// A log was shown. Nothing follows.
    Read,
    /// The newest first.
    Runs(Vec<RunRow>),
    /// What is applied, pending or different.
    Migrations(Vec<MigrationStatus>),
    /// How one run was. Nothing follows.
    Explained(Box<Explanation>),
}

/// One run in the list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RunRow {
    pub(crate) task: String,
    /// Milliseconds since 1970.
    pub(crate) began: i64,
    pub(crate) state: RunState,
    /// The runner's command.
    pub(crate) command: RunnerCommand,
    pub(crate) duration: Option<Duration>,
    pub(crate) applied: Option<u64>,
    pub(crate) names: Vec<String>,
    pub(crate) origin: Origin,
    pub(crate) ecs_remembers: bool,
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RunState {
    /// With ECS's status of its task.
    InFlight(String),
    Ended(Glance),
    /// ECS has forgotten it, and its log says nothing (any more).
    NotKnown,
}

/// Everything about one run.
#[derive(Debug)]
pub(crate) struct Explanation {
    pub(crate) conclusion: Conclusion,
    pub(crate) row: RunRow,
    /// What became of the services behind it, a sentence each.
    pub(crate) services: Vec<String>,
    /// Command that shows the whole log.
    pub(crate) see_all: String,
    /// Command that explains the run, for a page that somebody else reads.
    pub(crate) explain: Option<String>,
}

impl OnCall {
    /// For people.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Raw(lines) => lines.iter().fold(String::new(), |mut text, line| {
                push_line(&mut text, &clean(line));
                text
            }),
            Self::Read => String::new(),
            Self::Runs(rows) => table(rows),
            Self::Migrations(migrations) => migrations_table(migrations),
            Self::Explained(explanation) => explanation.text(),
        }
    }

    /// For programs.
    pub(super) fn objects(&self) -> Vec<Value> {
        match self {
            Self::Raw(lines) => {
                lines.iter().map(|line| json!({"type": "log", "raw": line})).collect()
            }
            Self::Read => Vec::new(),
            Self::Runs(rows) => rows.iter().map(RunRow::object).collect(),
            Self::Migrations(migrations) => migrations
                .iter()
                .map(|one| json!({"type": "migration_state", "name": one.migration, "state": one.state}))
                .collect(),
            Self::Explained(explanation) => vec![explanation.object()],
        }
    }
}

/// Columns as wide as they need to be; who started it comes last, because it is the longest.
fn table(rows: &[RunRow]) -> String {
    let head = ["BEGAN (UTC)", "TASK", "OUTCOME", "EXIT", "TOOK", "APPLIED", "WHO"];
    let lines: Vec<[String; 7]> = rows.iter().map(RunRow::cells).collect();
    let width = |column: usize| {
        let cells = lines.iter().map(|line| line[column].chars().count());
        cells.chain([head[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    let head = head.map(str::to_owned);
    for line in [&head].into_iter().chain(&lines) {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        push_line(&mut text, cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    if rows.is_empty() {
        return String::new();
    }
    text
}

impl RunRow {
    fn cells(&self) -> [String; 7] {
        let nothing = || "-".to_owned();
        let (outcome, exit) = match &self.state {
            RunState::InFlight(status) => (status.to_lowercase(), nothing()),
            RunState::Ended(glance) => (glance.outcome.clone(), glance.exit_code.to_string()),
            RunState::NotKnown => ("not known".to_owned(), nothing()),
        };
        let outcome = match self.command {
            RunnerCommand::Unknown | RunnerCommand::Deploy => outcome,
            command @ (RunnerCommand::Status
            | RunnerCommand::Resolve
            | RunnerCommand::Exec
            | RunnerCommand::Start
            | RunnerCommand::Check
            | RunnerCommand::Replay
            | RunnerCommand::Unblock) => format!("{command}: {outcome}"),
        };
        let cells = [
            moment(self.began),
            self.task.rsplit('/').next().unwrap_or_default().chars().take(SHORT_ID).collect(),
            outcome,
            exit,
            self.duration.map_or_else(nothing, words::duration),
            self.applied.map_or_else(nothing, |count| count.to_string()),
            who(&self.origin),
        ];
        cells.map(|cell| clean(&cell).into_owned())
    }

    fn object(&self) -> Value {
        let (state, glance) = match &self.state {
            RunState::InFlight(_) => ("in_flight", None),
            RunState::Ended(glance) => ("ended", Some(glance)),
            RunState::NotKnown => ("not_known", None),
        };
        json!({
            "type": "run",
            "task": self.task,
            "began": time(self.began),
            "state": state,
            "status": if let RunState::InFlight(status) = &self.state { json!(status) } else { Value::Null },
            "command": if self.command == RunnerCommand::Unknown { "" } else { self.command.name() },
            "class": glance.map(|glance| &glance.class),
            "exit_code": glance.map(|glance| glance.exit_code),
            "outcome": glance.map(|glance| &glance.outcome),
            "sentence": glance.map(|glance| &glance.sentence),
            "duration_ms": self.duration.map(json::milliseconds),
            "applied": self.applied,
            "migrations": self.names,
            "origin": self.origin,
            "ecs_remembers": self.ecs_remembers,
        })
    }
}

/// `2026-11-21 03:08:34`, in UTC.
fn moment(at: i64) -> String {
    let at = Timestamp::from_millisecond(at).unwrap_or_default();
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn time(at: i64) -> String {
    format!("{:.3}", Timestamp::from_millisecond(at).unwrap_or_default())
}

/// Who a run was for, in reading order.
fn who(origin: &Origin) -> String {
    let commit: String = origin.commit.chars().take(SHORT_COMMIT).collect();
    let started_by = origin.started_by.trim_start_matches("ecs-migrate/");
    // Without a key it is a random text.
    let random = ["once/", "task/"].iter().any(|kind| started_by.starts_with(kind));
    let started_by = if random { "" } else { started_by };
    let known = [started_by, &origin.actor, &commit];
    let known: Vec<&str> = known.into_iter().filter(|text| !text.is_empty()).collect();
    known.join(" ")
}

fn migrations_table(migrations: &[MigrationStatus]) -> String {
    let width = migrations.iter().map(|one| one.state.chars().count()).max().unwrap_or(0);
    migrations.iter().fold(String::new(), |mut text, one| {
        push_line(&mut text, &format!("{:<width$}  {}", clean(&one.state), clean(&one.migration)));
        text
    })
}

impl Explanation {
    fn text(&self) -> String {
        let mut text = match &self.row.state {
            RunState::InFlight(status) => self.in_flight(status),
            RunState::Ended(_) | RunState::NotKnown => human::ending(&self.conclusion),
        };
        let mut rows = vec![("began", format!("{} UTC", moment(self.row.began)))];
        let who = who(&self.row.origin);
        if !who.is_empty() {
            rows.push(("for", who));
        }
        if !self.row.names.is_empty() {
            rows.push(("applied", self.row.names.join(", ")));
        }
        for service in &self.services {
            rows.push(("service", service.clone()));
        }
        if !self.row.ecs_remembers {
            rows.push(("not known", FORGOTTEN.to_owned()));
        }
        let said = matches!(self.row.state, RunState::Ended(_)) && !self.conclusion.is_green();
        if !said {
            rows.push(("see all", self.see_all.clone()));
        }
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, said) in rows {
            push_line(&mut text, &format!("  {name:<width$}  {}", clean(&said)));
        }
        text.push_str(&timeline(&self.conclusion.timeline));
        text
    }

    fn in_flight(&self, status: &str) -> String {
        let conclusion = &self.conclusion;
        let phase = conclusion.timeline.open().map_or(String::new(), |phase| {
            format!(", phase {}", clean(phase.kind.migration().unwrap_or(phase.kind.word())))
        });
        let status = status.to_lowercase();
        let mut text = format!("\nIN FLIGHT: the task is {}{phase}\n", clean(&status));
        push_line(&mut text, &format!("  task    {}", conclusion.task));
        if let Some(attach) = &conclusion.attach {
            push_line(&mut text, &format!("  follow  {attach}"));
        }
        if !conclusion.last_lines.is_empty() {
            let count = words::count(conclusion.last_lines.len() as u64, "line");
            push_line(&mut text, &format!("  last {count}"));
        }
        for line in &conclusion.last_lines {
            push_line(&mut text, &format!("    {}", clean(line)));
        }
        text
    }

    /// The result as `run` gives it, and what else is known.
    fn object(&self) -> Value {
        let mut object = json::of_conclusion(&self.conclusion);
        let row = self.row.object();
        for name in ["began", "state", "status", "command", "migrations", "origin", "ecs_remembers"]
        {
            object[name] = row[name].clone();
        }
        if let RunState::InFlight(_) = self.row.state {
            for name in ["class", "exit_code"] {
                object[name] = Value::Null;
            }
            object["outcome"] = json!("in_flight");
            object["sentence"] = json!("the task has not ended");
        }
        object["last_lines"] = json!(self.conclusion.last_lines);
        if !self.services.is_empty() {
            object["services_behind"] = json!(self.services);
        }
        object["see_all"] = json!(self.see_all);
        object
    }
}

/// The phases with their durations; what nobody can say is left out.
fn timeline(timeline: &Timeline) -> String {
    let known = |phase: &&Phase| phase.start.is_some() || phase.state != PhaseState::Unknown;
    let phases: Vec<&Phase> = timeline.phases.iter().filter(known).collect();
    let name = |phase: &Phase| phase.kind.migration().unwrap_or(phase.kind.word()).to_owned();
    let width = phases.iter().map(|phase| name(phase).chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    if !phases.is_empty() {
        push_line(&mut text, "  timeline");
    }
    for phase in phases {
        let start = phase.start.and_then(|at| Timestamp::from_millisecond(at).ok());
        let start = start.map(|at| at.strftime("%H:%M:%S").to_string()).unwrap_or_default();
        let took = phase.duration().map(words::duration).unwrap_or_default();
        let state = match phase.state {
            PhaseState::Done => "",
            PhaseState::Open
            | PhaseState::Failed
            | PhaseState::Interrupted
            | PhaseState::Unknown => phase.state.word(),
        };
        let line = format!("    {start:<8}  {:<width$}  {took:<8}  {state}", clean(&name(phase)));
        push_line(&mut text, line.trim_end());
    }
    text
}

/// What only ECS knew.
pub(super) const FORGOTTEN: &str = "ECS has forgotten the task, which it does after about an hour: its exit code, stop code and reasons, revision, image and network, and the times before its first line; what is said here is the log's";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_as_wide_as_it_needs_to_be() {
        let row = |outcome: &str, code, origin| RunRow {
            task: "arn:aws:ecs:eu-west-1:1:task/prod/0123456789abcdef0123456789abcdef".to_owned(),
            began: 1_795_230_514_123,
            state: RunState::Ended(Glance {
                class: "x".to_owned(),
                exit_code: code,
                outcome: outcome.to_owned(),
                sentence: String::new(),
            }),
            command: RunnerCommand::Deploy,
            duration: Some(Duration::from_millis(1_250)),
            applied: Some(2),
            names: Vec::new(),
            origin,
            ecs_remembers: false,
        };
        let known = Origin {
            started_by: "ecs-migrate/github/77".to_owned(),
            actor: "al\u{1b}[31mice".to_owned(),
            commit: "4f2c9ab0123".to_owned(),
            ..Origin::default()
        };
        let running = RunRow {
            state: RunState::InFlight("RUNNING".to_owned()),
            command: RunnerCommand::Status,
            duration: None,
            applied: None,
            ..row("", 0, Origin::default())
        };
        insta::assert_snapshot!(table(&[running, row("applied", 0, known), row("failed", 10, Origin::default())]), @r"
        BEGAN (UTC)          TASK          OUTCOME          EXIT  TOOK   APPLIED  WHO
        2026-11-21 03:08:34  0123456789ab  status: running  -     -      -
        2026-11-21 03:08:34  0123456789ab  applied          0     1.2 s  2        github/77 alice 4f2c9ab
        2026-11-21 03:08:34  0123456789ab  failed           10    1.2 s  2
        ");
    }
}
