//! Owns the page's form: HTML that needs no network and no script. Text is escaped by its type; the
//! only thing that is not is our own style sheet.

use super::bars::{Chart, Row, What};
use super::log::{Line, Log, Weight};
use super::model::{Failure, Migration, Model, Rows, Service, StatementRow, Tone, moment};
use super::text::Text;
use crate::task::{PhaseKind, PhaseState};
use crate::words;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Nothing may be fetched and nothing may run, whatever got into the page.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The whole page.
pub(super) fn page(model: &Model, log: &Log) -> String {
    let title = format!("{}: {}", model.word, model.sentence.as_str());
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(include_str!("page.css"))) }
            }
            body {
                (verdict(model))
                main {
                    (advice(model))
                    @if let Some(failure) = &model.failure { (failed(failure)) }
                    @if !model.services.is_empty() { (services(&model.services)) }
                    @if let Some(chart) = &model.chart { (timeline(chart)) }
                    @if !model.migrations.is_empty() { (migrations(model)) }
                    @if !model.statements.is_empty() { (statements(model)) }
                    (in_the_way(model))
                    @if !model.warnings.is_empty() { (warnings(model)) }
                    (about(model))
                    (lines(model, log))
                }
                footer { (model.written) }
            }
        }
    };
    page.into_string()
}

const fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Care => "care",
        Tone::Going => "going",
    }
}

fn verdict(model: &Model) -> Markup {
    html! {
        header class=(class(model.tone)) {
            div {
                p.place {
                    "Database migration"
                    @if !model.place.is_empty() { " " span.foreign { (model.place) } }
                }
                h1 { span.word { (model.word) } " " span.foreign { (model.sentence) } }
                @if let Some((code, name, meaning)) = &model.exit {
                    p.exit {
                        "exit code " b { (code) } ", " code { (name) }
                        @if let Some(meaning) = meaning { ": " (meaning) }
                    }
                }
            }
        }
    }
}

fn advice(model: &Model) -> Markup {
    html! {
        @if !model.advice.is_empty() || !model.commands.is_empty() {
            section {
                h2 { "What it means" }
                (rows(&model.advice))
                @for (name, command) in &model.commands {
                    div.command {
                        span { (name) }
                        code { (command) }
                    }
                }
                @if let Some(url) = &model.console {
                    p { a href=(url.as_str()) rel="noreferrer" { "The log in the AWS console" } }
                }
            }
        }
    }
}

fn rows(rows: &Rows) -> Markup {
    html! {
        @if !rows.is_empty() {
            dl {
                @for (name, text) in rows {
                    div { dt { (name) } dd.foreign { (text) } }
                }
            }
        }
    }
}

fn failed(failure: &Failure) -> Markup {
    html! {
        section {
            h2 { "Where it failed" }
            @if let Some(migration) = &failure.migration {
                p {
                    code { (migration) }
                    @if let Some(place) = &failure.place { ", " (place) }
                }
            }
            @if let Some(statement) = &failure.statement { pre.statement { (statement) } }
            (rows(&failure.rows))
        }
    }
}

fn services(services: &[Service]) -> Markup {
    html! {
        section {
            h2 { "Services" }
            @for service in services {
                h3 {
                    (service.name) " "
                    span class={ "state " (class(if service.good { Tone::Good } else { Tone::Bad })) } {
                        @if service.good { "deployed" } @else { "not deployed" }
                    }
                }
                p.foreign { (service.sentence) }
                (rows(&service.rows))
                @if !service.last_lines.is_empty() {
                    pre.statement { @for line in &service.last_lines { (line) "\n" } }
                }
            }
        }
    }
}

fn timeline(chart: &Chart) -> Markup {
    html! {
        section {
            h2 { "Timeline" }
            p.sub { "From " (moment(chart.start)) ", " (words::duration(chart.took)) " in all." }
            table.timeline style={ "--step:" (chart.step) "%" } {
                thead {
                    tr {
                        th scope="col" { "Phase" }
                        th scope="col" {
                            span.hidden { "Drawn" }
                            div.axis aria-hidden="true" {
                                @for mark in &chart.marks {
                                    @if mark.at <= 92.0 {
                                        span style={ "left:" (mark.at) "%" } { (mark.label) }
                                    }
                                }
                            }
                        }
                        th.number scope="col" { "Began" }
                        th.number scope="col" { "Took" }
                    }
                }
                tbody { @for row in &chart.rows { (bar(row)) } }
            }
            @if chart.incomplete {
                p.sub { "Phases are missing: nobody can say any more when they were." }
            }
        }
    }
}

fn bar(row: &Row) -> Markup {
    let (state, word) = match row.state {
        PhaseState::Done => ("done", ""),
        PhaseState::Open => ("open", "goes on"),
        PhaseState::Failed => ("failed", "failed"),
        PhaseState::Interrupted => ("interrupted", "interrupted"),
        PhaseState::Unknown => ("unknown", "not known"),
    };
    let time = row.start.map(moment);
    html! {
        tr {
            th scope="row" {
                @match &row.what {
                    What::Migration(name) => { span.name.foreign { (name) } }
                    What::Phase(kind) => (phase(kind)),
                    What::Migrations(count) => (words::count(*count, "shorter migration")),
                }
                @if !word.is_empty() { " " span class={ "state " (state) } { (word) } }
            }
            td.track {
                @if let Some((from, width)) = row.bar {
                    div class={ "bar " (state) (kind(&row.what)) }
                        style={ "left:min(" (from) "%,100% - 3px);width:" (width) "%" } {}
                }
            }
            td.number {
                @if let Some(time) = &time {
                    time datetime=(time) { (time.get(11..19).unwrap_or_default()) }
                }
            }
            td.number { @if let Some(took) = row.took { (words::duration(took)) } }
        }
    }
}

/// Migrations are what it is about; everything else stands back.
const fn kind(what: &What) -> &'static str {
    match what {
        What::Migration(_) | What::Migrations(_) => " work",
        What::Phase(_) => "",
    }
}

const fn phase(kind: &PhaseKind) -> &'static str {
    match kind {
        PhaseKind::Queued => "waiting for a place",
        PhaseKind::Network => "network",
        PhaseKind::Pull => "pulling the image",
        PhaseKind::Start => "starting the container",
        PhaseKind::Connect => "connecting to the database",
        PhaseKind::Lock => "waiting for the lock",
        PhaseKind::Migration(_) => "migration",
        PhaseKind::Runner => "other work of the runner",
        PhaseKind::Container => "the container",
        PhaseKind::Teardown => "tearing down",
    }
}

fn migrations(model: &Model) -> Markup {
    html! {
        section {
            h2 { "Migrations" }
            @if model.hidden > 0 {
                p.sub { (words::count(model.hidden, "migration")) " before these are left out." }
            }
            table.stacked {
                thead {
                    tr {
                        th scope="col" { "Migration" }
                        th scope="col" { "State" }
                        th.number scope="col" { "Took" }
                        th.number scope="col" { "Statements" }
                        th scope="col" { "Run as" }
                    }
                }
                tbody { @for migration in &model.migrations { (migration_row(migration)) } }
            }
        }
    }
}

fn migration_row(migration: &Migration) -> Markup {
    html! {
        tr {
            th scope="row" { span.name.foreign { (migration.name) } }
            td {
                span class={ "state " (migration.tone.map_or("quiet", class)) } { (migration.state) }
            }
            td.number data-label="took" { (migration.took) }
            td.number data-label="statements" { (migration.statements) }
            td data-label="run as" { (migration.mode) }
        }
    }
}

fn statements(model: &Model) -> Markup {
    html! {
        section {
            h2 { "Statements" }
            p.sub {
                "Those that took longest come first."
                @if model.shorter > 0 { " " (model.shorter) " that took less are left out." }
            }
            table.stacked {
                thead {
                    tr {
                        th scope="col" { "Where" }
                        th.number scope="col" { "Took" }
                        th.number scope="col" { "Rows" }
                        th scope="col" { "Locks and waits" }
                    }
                }
                tbody { @for statement in &model.statements { (statement_row(statement)) } }
            }
        }
    }
}

fn statement_row(statement: &StatementRow) -> Markup {
    html! {
        tr {
            th scope="row" {
                span.name.foreign { (statement.place) }
                span.sub { " statement " (statement.number) }
                div.share aria-hidden="true" { div style={ "width:" (statement.share) "%" } {} }
            }
            td.number data-label="took" { (statement.took) }
            td.number data-label="rows" { (statement.rows) }
            td.foreign data-label="locks" { (statement.more) }
        }
    }
}

fn in_the_way(model: &Model) -> Markup {
    html! {
        @if !model.waits.is_empty() || !model.sessions.is_empty() || !model.attempts.is_empty() {
            section {
                h2 { "Waits and blockers" }
                (rows(&model.waits))
                @if !model.sessions.is_empty() {
                    h3 { "Sessions that were in the way" }
                    (cells(["Process", "What", "Whose", "In the way of", "Query"], &model.sessions))
                }
                @if !model.attempts.is_empty() {
                    h3 { "Attempts that others stopped" }
                    (cells(["Migration", "Attempt", "SQLSTATE", "Blocked for", "Then waited"], &model.attempts))
                }
            }
        }
    }
}

fn cells(head: [&str; 5], rows: &[[Text; 5]]) -> Markup {
    html! {
        table.stacked {
            thead { tr { @for name in head { th scope="col" { (name) } } } }
            tbody {
                @for row in rows {
                    tr {
                        @for (name, cell) in head.iter().zip(row) {
                            td.foreign data-label=(name.to_lowercase()) { (cell) }
                        }
                    }
                }
            }
        }
    }
}

fn warnings(model: &Model) -> Markup {
    html! {
        section {
            h2 { "Warnings" }
            ul {
                @for (text, hint) in &model.warnings {
                    li.foreign {
                        (text)
                        @if let Some(hint) = hint { br; span.sub { (hint) } }
                    }
                }
            }
        }
    }
}

fn about(model: &Model) -> Markup {
    html! {
        @if !model.facts.is_empty() || !model.evidence.is_empty() {
            section {
                h2 { "The run" }
                (rows(&model.facts))
                @if !model.evidence.is_empty() {
                    details {
                        summary { "What ECS says of the task" }
                        (rows(&model.evidence))
                    }
                }
            }
        }
    }
}

fn lines(model: &Model, log: &Log) -> Markup {
    let several = log.has_several_containers();
    let (head, left_out, tail) = log.parts();
    html! {
        @if !log.is_empty() || !model.log.is_empty() {
            section {
                h2 { "Log" }
                p.sub { (model.log) @if !log.is_empty() { ". Times are UTC." } }
                @if !log.is_empty() {
                    details open {
                        summary { "The lines" }
                        pre.log tabindex="0" aria-label="The log" {
                            @for one in head { (line(one, several)) }
                            @if left_out > 0 {
                                span.cut {
                                    (words::count(left_out, "line")) " left out here"
                                    @if let Some(command) = &model.see_all { "; all of them: " (command) }
                                }
                            }
                            @for one in tail { (line(one, several)) }
                        }
                    }
                }
            }
        }
    }
}

fn line(line: &Line, several: bool) -> Markup {
    let weight = match line.weight {
        Weight::Plain => None,
        Weight::Care => Some("care"),
        Weight::Bad => Some("bad"),
    };
    html! {
        span class=[weight] {
            time { (line.at) } " "
            @if several { i { (line.container) " | " } }
            bdi { (line.text) } "\n"
        }
    }
}
