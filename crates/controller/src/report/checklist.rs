//! Owns a list of findings, and how it is shown. PURE.

use super::clean::clean;
use super::line::push_line;
use crate::doctor::{Finding, Verdict};
use crate::task::class_name;
use crate::words;
use anstyle::{AnsiColor, Style};
use protocol::ExitCode;
use serde_json::{Value, json};

/// Where a finding's sentence begins.
const INDENT: usize = 26;

/// Findings, the most important first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Checklist(Vec<Finding>);

impl Checklist {
    /// What blocks comes first, then what could not be seen; each in the order in which it was looked at.
    pub(crate) fn new(mut findings: Vec<Finding>) -> Self {
        for finding in &mut findings {
            finding.fix.take_if(|fix| fix.is_empty());
        }
        findings.sort_by_key(|finding| match finding.verdict {
            Verdict::No => 0,
            Verdict::Skip => 1,
            Verdict::Ok => 2,
        });
        Self(findings)
    }

    fn class(&self) -> ExitCode {
        if self.blocking().next().is_some() { ExitCode::SetupFailed } else { ExitCode::Success }
    }

    /// What the process ends with.
    pub(crate) fn exit_code(&self) -> u8 {
        self.class().code()
    }

    /// What blocks.
    pub(super) fn blocking(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter().filter(|finding| finding.verdict == Verdict::No)
    }

    /// One sentence.
    pub(super) fn sentence(&self) -> String {
        match self.blocking().count() {
            0 => "ready to deploy".to_owned(),
            1 => "not ready: 1 thing blocks".to_owned(),
            count => format!("not ready: {} block", words::count(count as u64, "thing")),
        }
    }

    /// `ready` or `blocked`.
    pub(super) fn outcome(&self) -> &'static str {
        if self.class() == ExitCode::Success { "ready" } else { "blocked" }
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for Finding { name, verdict, sentence, fix } in &self.0 {
            let style = style(*verdict);
            let bracket = format!("[{}]", verdict.word());
            push_line(
                &mut text,
                &format!("{style}{bracket:<6}{style:#} {:<18} {}", clean(name), clean(sentence)),
            );
            if let Some(fix) = fix {
                let label = if *verdict == Verdict::Ok { "advice" } else { "fix" };
                push_line(&mut text, &format!("{:INDENT$}{label}: {}", "", clean(fix)));
            }
        }
        let style =
            style(if self.class() == ExitCode::Success { Verdict::Ok } else { Verdict::No });
        push_line(&mut text, &format!("\n{style}{}{style:#}", self.sentence()));
        text
    }

    /// For programs.
    pub(super) fn objects(&self) -> Vec<Value> {
        let findings = self.0.iter().map(|finding| {
            json!({
                "type": "finding",
                "name": finding.name,
                "verdict": finding.verdict.word(),
                "sentence": finding.sentence,
                "fix": finding.fix,
            })
        });
        let result = json!({
            "type": "result",
            "class": class_name(self.class()),
            "exit_code": self.exit_code(),
            "outcome": self.outcome(),
            "sentence": self.sentence(),
            "blocking": self.blocking().count(),
        });
        findings.chain([result]).collect()
    }
}

const fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Ok => AnsiColor::Green.on_default().bold(),
        Verdict::No => AnsiColor::Red.on_default().bold(),
        Verdict::Skip => AnsiColor::Yellow.on_default(),
    }
}
