//! Owns how a release is shown: headline, rows, annotations, object. PURE.

use super::clean::clean;
use super::human::{BAD, GOOD};
use super::line::push_line;
use crate::service::{Contract, Ending, Released};
use crate::task::{DatabaseMeaning, class_name};
use crate::words;
use serde_json::{Value, json};

/// `OK: …`, or `NOT GREEN: …` with the exit code.
pub(super) fn headline(released: &Released) -> String {
    let sentence = released.sentence();
    let sentence = clean(&sentence);
    if released.is_good() {
        format!("OK: {sentence}")
    } else {
        let (code, class) = released.exit();
        format!("NOT GREEN: {sentence} [exit {code}, {class}]")
    }
}

/// `deployed`, or the word for what did not end well.
pub(super) fn outcome(released: &Released) -> String {
    match &released.contract {
        Contract::NotRun(_, error) => return class_name(error.class()),
        Contract::NotGreen(_, conclusion) => return conclusion.outcome.clone(),
        Contract::Nothing | Contract::Pending(_) | Contract::Applied(_) => {}
    }
    let class = released.rollouts();
    let worst = released.services.iter().find(|ending| ending.outcome.class() == class);
    match worst {
        Some(ending) if !released.is_good() => ending.outcome.word().to_owned(),
        Some(_) | None => "deployed".to_owned(),
    }
}

/// Name and text of each row. Whatever AWS or a log says is cleaned.
pub(super) fn rows(released: &Released) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let mut add = |name: &str, text: &str| {
        rows.push((clean(name).into_owned(), clean(text).into_owned()));
    };
    if let Some(conclusion) = &released.migration {
        add("migration", &conclusion.sentence);
    }
    if let Some(reason) = &released.unproved {
        add("without proof", reason);
    }
    if let Some(meaning) = released.contract.database() {
        add("database", meaning.sentence());
    }
    if let Some(sentence) = released.contract.sentence() {
        add("after-deploy", &sentence);
    }
    for (name, text) in of_contract(&released.contract) {
        add(&format!("  {name}"), &text);
    }
    for ending in &released.services {
        add(&ending.service, &ending.sentence);
        if ending.is_good() {
            continue;
        }
        for (name, text) in of_service(ending) {
            add(&format!("  {name}"), text);
        }
    }
    rows
}

/// What is said of the migrations behind the rollout beside their sentence.
pub(super) fn of_contract(contract: &Contract) -> Vec<(&'static str, String)> {
    let causes = contract.causes().into_iter().map(|cause| ("cause", cause));
    let fix = contract.fix().map(|fix| ("fix", fix.to_owned()));
    causes.chain(fix).collect()
}

/// What is said of one service beside its sentence.
pub(super) fn of_service(ending: &Ending) -> Vec<(&str, &str)> {
    let said = [("cause", &ending.cause), ("fix", &ending.fix)];
    let said = said.into_iter().filter_map(|(name, text)| Some((name, text.as_deref()?)));
    let evidence = ending.evidence.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let look = ending.look.as_deref().map(|look| ("see all", look));
    said.chain(evidence).chain(look).collect()
}

/// The block at the end.
pub(super) fn text(released: &Released) -> String {
    let style = if released.is_good() { GOOD } else { BAD };
    let mut text = format!("\n{style}{}{style:#}\n", headline(released));
    let rows = rows(released);
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, said) in &rows {
        push_line(&mut text, &format!("  {name:<width$}  {said}"));
    }
    for ending in released.services.iter().filter(|ending| !ending.last_lines.is_empty()) {
        let count = words::count(ending.last_lines.len() as u64, "line");
        push_line(&mut text, &format!("  last {count} of {}", clean(&ending.service)));
        for line in &ending.last_lines {
            push_line(&mut text, &format!("    {}", clean(line)));
        }
    }
    text
}

/// Kind, title and text of GitHub's annotations: one for each service that is not where it shall be, or
/// for what could not follow them. A task that was red has one of its own.
pub(super) fn annotations(released: &Released) -> Vec<(&'static str, String, String)> {
    if let Contract::NotRun(..) = &released.contract {
        let (code, class) = released.exit();
        let mut text = format!("{}\n", released.sentence());
        for (name, said) in of_contract(&released.contract) {
            push_line(&mut text, &format!("{name}: {said}"));
        }
        return vec![("error", format!("ecs-migrate: {class}, exit {code}"), text)];
    }
    let bad: Vec<_> = released
        .services
        .iter()
        .filter(|ending| !ending.is_good())
        .map(|ending| {
            let class = ending.outcome.class();
            let title = format!("ecs-migrate: {}, exit {}", class_name(class), class.code());
            let mut text = format!("{}: {}\n", ending.service, ending.sentence);
            let more = [("cause", &ending.cause), ("fix", &ending.fix), ("see all", &ending.look)];
            for (name, said) in more {
                if let Some(said) = said {
                    push_line(&mut text, &format!("{name}: {said}"));
                }
            }
            ("error", title, text)
        })
        .collect();
    if bad.is_empty() {
        return vec![("notice", "ecs-migrate".to_owned(), released.sentence())];
    }
    bad
}

/// The object for programs.
pub(super) fn object(released: &Released) -> Value {
    let (code, class) = released.exit();
    let mut object = json!({
        "type": "result",
        "class": class,
        "exit_code": code,
        "outcome": outcome(released),
        "sentence": released.sentence(),
        "without_verdict": released.unproved,
        "applied": released.migration.as_ref().and_then(|conclusion| conclusion.applied),
        "task_arn": released.migration.as_ref().map(|conclusion| conclusion.task.as_str()),
        "services": released.services.iter().map(service).collect::<Vec<_>>(),
    });
    let contract = &released.contract;
    match contract {
        Contract::Nothing => {}
        Contract::Pending(count) | Contract::NotRun(count, _) => {
            object["after_deploy"] = json!({"pending": count});
        }
        Contract::Applied(count) => object["after_deploy"] = json!({"applied": count}),
        Contract::NotGreen(_, conclusion) => {
            object["after_deploy"] = json!({
                "applied": conclusion.applied,
                "task_arn": conclusion.task.as_str(),
                "log_url": conclusion.log.url,
                "explain": conclusion.explain,
            });
            if let Some(count) = contract.pending() {
                object["after_deploy"]["pending"] = json!(count);
            }
        }
    }
    if contract.has_failed() {
        object["causes"] = json!(contract.causes());
        object["fix"] = json!(contract.fix());
        object["database"] = json!(contract.database().map(DatabaseMeaning::word));
    }
    object
}

fn service(ending: &Ending) -> Value {
    let evidence: Vec<Value> = ending
        .evidence
        .iter()
        .map(|(name, text)| json!({"name": name.trim(), "text": text}))
        .collect();
    json!({
        "service": ending.service,
        "outcome": ending.outcome.word(),
        "class": class_name(ending.outcome.class()),
        "sentence": ending.sentence,
        "task_definition": ending.definition,
        "stands_on": ending.stands_on,
        "cause": ending.cause,
        "fix": ending.fix,
        "evidence": evidence,
        "last_lines": ending.last_lines,
        "look": ending.look,
        "duration_ms": u64::try_from(ending.duration.as_millis()).unwrap_or(u64::MAX),
    })
}
