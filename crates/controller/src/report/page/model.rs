//! Owns what the page says, part by part, before it has any form. PURE.

mod runner;
mod services;

use super::super::on_call::{Explanation, RunState};
use super::super::rows;
use super::Seen;
use super::bars::Chart;
use super::text::{Scrub, Text};
use crate::error::Error;
use crate::service::Released;
use crate::task::{Conclusion, DatabaseMeaning, Verdict, class_name};
use crate::words;
use jiff::Timestamp;
use protocol::ExitCode;
use protocol::event::Origin;
use std::time::Duration;

/// How it went, at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Bad,
    /// Nobody can say, or somebody wanted it so.
    Care,
    Going,
}

/// A name and what is said of it.
pub(super) type Rows = Vec<(Text, Text)>;

/// The whole page but the log.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) place: Text,
    pub(super) tone: Tone,
    pub(super) word: &'static str,
    pub(super) sentence: Text,
    /// The number, its name, and what it stands for.
    pub(super) exit: Option<(u8, Text, Option<&'static str>)>,
    pub(super) advice: Rows,
    pub(super) commands: Rows,
    pub(super) console: Option<Text>,
    pub(super) failure: Option<Failure>,
    pub(super) services: Vec<Service>,
    pub(super) chart: Option<Chart>,
    pub(super) migrations: Vec<Migration>,
    /// Migrations before those in the table.
    pub(super) hidden: u64,
    pub(super) statements: Vec<StatementRow>,
    /// Statements that took less.
    pub(super) shorter: u64,
    pub(super) waits: Rows,
    pub(super) sessions: Vec<[Text; 5]>,
    pub(super) attempts: Vec<[Text; 5]>,
    pub(super) warnings: Vec<(Text, Option<Text>)>,
    pub(super) facts: Rows,
    pub(super) evidence: Rows,
    /// What became of the log.
    pub(super) log: Text,
    /// The command that shows all of it.
    pub(super) see_all: Option<Text>,
    pub(super) written: String,
}

/// Where the run failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) migration: Option<Text>,
    /// `statement 2 of 2, line 3`.
    pub(super) place: Option<String>,
    pub(super) statement: Option<Text>,
    pub(super) rows: Rows,
}

/// One service of a release.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) name: Text,
    pub(super) good: bool,
    pub(super) sentence: Text,
    pub(super) rows: Rows,
    pub(super) last_lines: Vec<Text>,
}

/// One row of the table of migrations.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Migration {
    pub(super) name: Text,
    pub(super) state: &'static str,
    pub(super) tone: Option<Tone>,
    pub(super) took: String,
    pub(super) statements: String,
    pub(super) mode: Text,
}

/// One row of the table of statements.
#[derive(Debug)]
pub(super) struct StatementRow {
    /// `NAME/migration.sql:12`.
    pub(super) place: Text,
    pub(super) number: u32,
    pub(super) took: String,
    /// In percent of the longest.
    pub(super) share: u64,
    pub(super) rows: String,
    pub(super) more: Text,
}

/// What the ending is made of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ending<'a> {
    Concluded(&'a Conclusion),
    Explained(&'a Explanation),
    Released(&'a Released),
    Failed(&'a Error),
}

impl Model {
    /// The page of an ending, `now` in milliseconds since 1970.
    pub(super) fn of(ending: Ending<'_>, seen: &Seen, now: i64) -> Self {
        let mut model = Self::empty(seen, now);
        match ending {
            Ending::Concluded(conclusion) => model.concluded(conclusion, seen, now),
            Ending::Explained(explanation) => model.explained(explanation, seen, now),
            Ending::Released(released) => model.released(released, seen, now),
            Ending::Failed(error) => model.failed(error, seen),
        }
        model.lines(&seen.course, &seen.scrub);
        model
    }

    fn empty(seen: &Seen, now: i64) -> Self {
        let scrub = &seen.scrub;
        let launched = seen.launched.as_ref();
        let mut facts = Vec::new();
        if let Some(launched) = launched {
            facts.push(pair(scrub, "task", &launched.task));
            facts.push(pair(scrub, "cluster", &launched.cluster));
            facts.push(pair(scrub, "task definition", &launched.definition));
            facts.push(pair(scrub, "container", &launched.container));
        }
        let warned = seen.warnings.iter().cloned();
        let noticed = seen.course.notices.iter().map(|text| (scrub.text(text), None));
        let version = env!("CARGO_PKG_VERSION");
        Self {
            place: launched.map_or_else(Text::default, |launched| {
                scrub.text(&place(&launched.definition, &launched.cluster))
            }),
            tone: Tone::Bad,
            word: "NOT GREEN",
            sentence: Text::default(),
            exit: None,
            advice: Vec::new(),
            commands: Vec::new(),
            console: None,
            failure: None,
            services: Vec::new(),
            chart: None,
            migrations: Vec::new(),
            hidden: 0,
            statements: Vec::new(),
            shorter: 0,
            waits: Vec::new(),
            sessions: Vec::new(),
            attempts: Vec::new(),
            warnings: warned.chain(noticed).collect(),
            facts,
            evidence: Vec::new(),
            log: Text::default(),
            see_all: None,
            written: format!("ecs-migrate {version} wrote this page at {}", moment(now)),
        }
    }

    fn concluded(&mut self, conclusion: &Conclusion, seen: &Seen, now: i64) {
        let scrub = &seen.scrub;
        self.tone = tone(&conclusion.verdict);
        self.word = if conclusion.is_green() { "OK" } else { "NOT GREEN" };
        self.sentence = scrub.text(&conclusion.sentence);
        self.exit = Some(exit(scrub, conclusion.exit_code, &conclusion.class));
        let cause = if conclusion.is_green() { "warning" } else { "cause" };
        for (name, text) in [(cause, &conclusion.cause), ("what to do", &conclusion.fix)] {
            self.advice.extend(text.as_ref().map(|text| pair(scrub, name, text)));
        }
        self.advice.push(pair(scrub, "database", conclusion.database.sentence()));
        self.advice.extend(conclusion.way_back.as_ref().map(|text| pair(scrub, "way back", text)));
        self.about(conclusion, seen, now);
        if let Some(explain) = &conclusion.explain {
            self.commands.push(pair(scrub, "explain it", explain));
        }
        if conclusion.log_may_exist() {
            let command = conclusion.log.command.as_deref().unwrap_or_default();
            self.commands.push(pair(scrub, "read its log", command));
            self.see_all = Some(scrub.text(command));
        }
        if let Some(attach) = &conclusion.attach {
            self.commands.push(pair(scrub, "follow it to its end", attach));
        }
    }

    /// What a run did, however it ended.
    fn about(&mut self, conclusion: &Conclusion, seen: &Seen, now: i64) {
        let scrub = &seen.scrub;
        self.place = scrub.text(&place(&conclusion.definition, &conclusion.cluster));
        self.chart = Chart::of(&conclusion.timeline, scrub, now);
        self.migrations(conclusion, seen);
        self.failure = failure(conclusion, scrub);
        self.log = scrub.text(&rows::log(conclusion));
        self.console =
            conclusion.log.url.as_deref().filter(|url| is_link(url)).map(|url| scrub.text(url));
        self.facts = vec![
            pair(scrub, "task", conclusion.task.as_str()),
            pair(scrub, "cluster", &conclusion.cluster),
            pair(scrub, "task definition", &conclusion.definition),
            pair(scrub, "container", &conclusion.container),
        ];
        self.origin(&conclusion.looked.origin, scrub);
        if let Some(chart) = &self.chart {
            self.facts.push(pair(scrub, "began", &moment(chart.start)));
            let took = format!("{}, all phases together", words::duration(chart.took));
            self.facts.push(pair(scrub, "took", &took));
        }
        // The failure has a part of its own.
        let said = ["migration", "statement", "SQLSTATE", "detail", "Prisma code", "definition"];
        self.evidence = conclusion
            .evidence
            .iter()
            .filter(|(name, _)| !said.contains(&name.as_str()))
            .map(|(name, text)| pair(scrub, name, text))
            .collect();
    }

    fn explained(&mut self, explanation: &Explanation, seen: &Seen, now: i64) {
        let (conclusion, row, scrub) = (&explanation.conclusion, &explanation.row, &seen.scrub);
        if let RunState::InFlight(status) = &row.state {
            self.about(conclusion, seen, now);
            (self.tone, self.word) = (Tone::Going, "IN FLIGHT");
            let phase = conclusion.timeline.open().map_or(String::new(), |phase| {
                format!(", phase {}", phase.kind.migration().unwrap_or(phase.kind.word()))
            });
            let status = status.to_lowercase();
            self.sentence = scrub.text(&format!("the task is {status}{phase}"));
            self.failure = None;
            if let Some(attach) = &conclusion.attach {
                self.commands.push(pair(scrub, "follow it to its end", attach));
            }
        } else {
            self.concluded(conclusion, seen, now);
        }
        self.commands.retain(|(name, _)| name.as_str() != "read its log");
        if let Some(explain) = &explanation.explain {
            self.commands.insert(0, pair(scrub, "explain it", explain));
        }
        self.commands.push(pair(scrub, "read its log", &explanation.see_all));
        self.see_all = Some(scrub.text(&explanation.see_all));
        if conclusion.looked.origin.is_empty() {
            self.origin(&row.origin, scrub);
        }
        if self.chart.is_none() {
            self.facts.push(pair(scrub, "began", &moment(row.began)));
        }
        if !row.ecs_remembers {
            self.warnings.push((scrub.text(super::super::on_call::FORGOTTEN), None));
        }
    }

    fn failed(&mut self, error: &Error, seen: &Seen) {
        let scrub = &seen.scrub;
        let class = error.class();
        if class == ExitCode::Cancelled {
            self.tone = Tone::Care;
        }
        self.sentence = scrub.text(&error.to_string());
        self.exit = Some(exit(scrub, class.code(), &class_name(class)));
        let causes = error.causes();
        self.advice.extend(causes.iter().map(|cause| pair(scrub, "caused by", cause)));
        self.advice.extend(error.hint().map(|hint| pair(scrub, "what to do", hint)));
        let meaning = error.database_meaning().map(DatabaseMeaning::sentence);
        self.advice.extend(meaning.map(|meaning| pair(scrub, "database", meaning)));
    }

    fn origin(&mut self, origin: &Origin, scrub: &Scrub) {
        let known = [
            ("started by", &origin.started_by),
            ("for", &origin.actor),
            ("commit", &origin.commit),
            ("repository", &origin.repository),
            ("workflow run", &origin.workflow_run),
        ];
        let known = known.into_iter().filter(|(_, text)| !text.is_empty());
        self.facts.extend(known.map(|(name, text)| pair(scrub, name, text)));
    }
}

fn tone(verdict: &Verdict) -> Tone {
    match verdict {
        Verdict::Green(_) => Tone::Good,
        Verdict::Failed { .. } | Verdict::NeverStarted | Verdict::TimedOut(_) => Tone::Bad,
        Verdict::Cancelled(_)
        | Verdict::Detached
        | Verdict::NotStopped(_)
        | Verdict::Unknown(_)
        | Verdict::WatchLost => Tone::Care,
    }
}

/// A code of ours has a meaning, a command's own has none.
fn exit(scrub: &Scrub, code: u8, class: &str) -> (u8, Text, Option<&'static str>) {
    let ours = ExitCode::from_code(i64::from(code)).filter(|known| class_name(*known) == class);
    (code, scrub.text(class), ours.map(ExitCode::meaning))
}

fn failure(conclusion: &Conclusion, scrub: &Scrub) -> Option<Failure> {
    let failure = conclusion.failure.as_ref()?;
    let statement = failure.statement.as_ref();
    let unfinished =
        failure.unfinished.iter().map(|one| format!("{}, begun {}", one.name, one.started_at));
    let unfinished = unfinished.collect::<Vec<_>>().join("; ");
    let known = [
        ("SQLSTATE", failure.sqlstate.as_deref()),
        ("Prisma code", failure.prisma_code.as_deref()),
        ("detail", failure.detail.as_deref()),
        ("unfinished", Some(unfinished.as_str()).filter(|text| !text.is_empty())),
    ];
    let rows = known.into_iter().filter_map(|(name, text)| Some(pair(scrub, name, text?)));
    Some(Failure {
        migration: failure.migration.as_deref().map(|name| scrub.text(name)),
        place: statement.map(|found| {
            format!("statement {} of {}, line {}", found.number, found.of, found.line)
        }),
        statement: statement.map(|found| scrub.block(&found.text)),
        rows: rows.collect(),
    })
}

/// A link that leads nowhere but to where it seems to.
fn is_link(url: &str) -> bool {
    url.starts_with("https://")
        && url
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "-._~:/?#@!$&*+,;=%".contains(letter))
}

fn place(definition: &str, cluster: &str) -> String {
    let family = definition.rsplit('/').next().unwrap_or_default();
    let cluster = cluster.rsplit('/').next().unwrap_or_default();
    format!("{} in cluster {cluster}", family.split(':').next().unwrap_or_default())
}

fn pair(scrub: &Scrub, name: &str, text: &str) -> (Text, Text) {
    (scrub.text(name), scrub.text(text))
}

fn milliseconds(count: u64) -> String {
    words::duration(Duration::from_millis(count))
}

/// `2026-11-21T03:08:34Z`.
pub(super) fn moment(at: i64) -> String {
    format!("{:.0}", Timestamp::from_millisecond(at).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_where_it_seems_to() {
        for (url, expected) in [
            (
                "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#a$252Fb",
                true,
            ),
            ("http://eu-west-1.console.aws.amazon.com/", false),
            ("javascript:alert(1)", false),
            ("https://a/\"onclick=\"x", false),
            ("https://a/\u{202e}b", false),
            ("https://a/ b", false),
        ] {
            assert_eq!(is_link(url), expected, "{url}");
        }
    }

    #[test]
    fn a_code_of_ours_has_a_meaning_and_a_commands_own_has_none() {
        let scrub = Scrub::default();
        assert_eq!(
            exit(&scrub, 10, "migration_failed").2,
            Some(ExitCode::MigrationFailed.meaning())
        );
        assert_eq!(exit(&scrub, 10, "container_exit").2, None);
        assert_eq!(exit(&scrub, 3, "container_exit").2, None);
    }

    #[test]
    fn a_place_is_family_and_cluster_by_name() {
        assert_eq!(
            place("shop-migrate:7", "arn:aws:ecs:x:1:cluster/prod"),
            "shop-migrate in cluster prod"
        );
        assert_eq!(moment(1_795_230_514_123), "2026-11-21T03:08:34Z");
    }
}
