//! Owns how a check of migrations is shown: text, annotations, object, SARIF. PURE.

use super::checkout;
use super::clean::clean;
use super::human::{BAD, CARE, GOOD};
use super::line::push_line;
use crate::check::{Compared, Located, Review};
use crate::task::class_name;
use crate::words;
use migrations::hazard::{Level, Rule};
use serde_json::{Value, json};
use std::path::Path;

/// One sentence.
pub(super) fn sentence(review: &Review) -> String {
    let count = |count: usize, word: &str| words::count(count as u64, word);
    let looked = match &review.compared {
        Compared::Commit(_) => format!("{} of {} new", review.looked, review.all),
        Compared::Nothing(_) => count(review.all, "migration"),
    };
    let blocking = review.blocking().count();
    match (blocking, review.findings.len() - blocking) {
        (0, 0) => format!("nothing found in {looked}"),
        (0, advice) => {
            format!("nothing blocks in {looked}; {} to look at", count(advice, "finding"))
        }
        (blocking, advice) => format!("{} in {looked}; {advice} more to look at", blocks(blocking)),
    }
}

fn blocks(count: usize) -> String {
    if count == 1 { "1 finding blocks".to_owned() } else { format!("{count} findings block") }
}

/// `path:line:column`, as editors understand it.
fn place(located: &Located) -> String {
    let Located { path, finding, .. } = located;
    format!("{}:{}:{}", path.display(), finding.line, finding.column)
}

fn allowed(located: &Located) -> String {
    located.finding.allowed.as_ref().map(|why| format!(", allowed: {why}")).unwrap_or_default()
}

/// For people.
pub(super) fn text(review: &Review) -> String {
    let mut text = String::new();
    for located in &review.findings {
        let finding = &located.finding;
        let (style, bracket) = match (located.level, &finding.allowed) {
            (Level::Block, _) => (BAD, "[block]"),
            (_, Some(_)) => (GOOD, "[allowed]"),
            (Level::Advice | Level::Off, None) => (CARE, "[advice]"),
        };
        push_line(&mut text, &format!("{style}{bracket:<9}{style:#} {}", clean(&place(located))));
        let meaning = finding.meaning();
        let name = finding.name();
        let head = format!("{name} ({meaning}{})", allowed(located));
        push_line(&mut text, &format!("          {}", clean(&head)));
        push_line(&mut text, &format!("          {}", clean(&finding.sentence)));
        if finding.allowed.is_none() {
            push_line(&mut text, &format!("          fix: {}", clean(&finding.fix)));
        }
    }
    for skipped in &review.skipped {
        push_line(&mut text, &format!("{CARE}[skip]{CARE:#}    {}", clean(skipped)));
    }
    let good = review.blocking().next().is_none();
    let style = if good { GOOD } else { BAD };
    let head = if good { "OK" } else { "BLOCKED" };
    push_line(&mut text, &format!("{style}{head}: {}{style:#}", sentence(review)));
    text
}

/// An annotation of GitHub's on a line.
pub(super) struct Annotation {
    pub(super) level: &'static str,
    /// Relative to the checkout's root.
    pub(super) file: String,
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) title: String,
    pub(super) text: String,
}

/// What GitHub shows beside the lines.
pub(super) fn annotations(
    review: &Review,
    workspace: Option<&Path>,
) -> impl Iterator<Item = Annotation> {
    let shown = review.findings.iter().filter(|located| located.finding.allowed.is_none());
    shown.map(move |located| {
        let finding = &located.finding;
        Annotation {
            level: level(located),
            file: in_checkout(&located.path, workspace),
            line: finding.line,
            column: finding.column,
            title: format!("{}: {}", finding.rule.name(), finding.meaning()),
            text: format!("{}\n{}", finding.sentence, finding.fix),
        }
    })
}

/// What GitHub calls the two levels, beside the lines and in code scanning.
fn level(located: &Located) -> &'static str {
    if located.level == Level::Block { "error" } else { "warning" }
}

/// Where a file lies in its repository: GitHub knows no other place, whatever folder a step works in
/// and wherever the repository was checked out.
fn in_checkout(path: &Path, workspace: Option<&Path>) -> String {
    let below = workspace.and_then(|root| {
        let whole = path.canonicalize().or_else(|_| std::path::absolute(path)).ok()?;
        let root = root.canonicalize().ok()?;
        whole.strip_prefix(checkout::top(&root, &whole)).ok().map(Path::to_owned)
    });
    below.as_deref().unwrap_or(path).display().to_string().replace('\\', "/")
}

/// For programs.
pub(super) fn objects(review: &Review) -> Vec<Value> {
    let findings = review.findings.iter().map(|located| {
        let finding = &located.finding;
        let grades: Vec<&str> = finding.grades.iter().map(|grade| grade.word()).collect();
        json!({
            "type": "finding",
            "rule": finding.rule.name(),
            "object": finding.object,
            "table": finding.table,
            "grades": grades,
            "level": located.level.word(),
            "migration": located.migration,
            "path": located.path.display().to_string(),
            "line": finding.line,
            "column": finding.column,
            "sentence": finding.sentence,
            "fix": finding.fix,
            "allowed": finding.allowed,
        })
    });
    let class = review.class();
    let result = json!({
        "type": "result",
        "class": class_name(class),
        "exit_code": class.code(),
        "outcome": if review.blocking().next().is_some() { "blocked" } else { "clean" },
        "sentence": sentence(review),
        "directory": review.directory.display().to_string(),
        "compared_with": match &review.compared {
            Compared::Commit(commit) => Some(commit),
            Compared::Nothing(_) => None,
        },
        "migrations": review.all,
        "looked_into": review.looked,
        "blocking": review.blocking().count(),
        "findings": review.findings.len(),
        "skipped": review.skipped,
    });
    findings.chain([result]).collect()
}

/// For GitHub's code scanning: SARIF 2.1.0. Paths are relative to the checkout's root, or without one
/// to the folder of the check.
pub(crate) fn sarif(review: &Review, workspace: Option<&Path>) -> Value {
    let rules: Vec<Value> = Rule::ALL
        .iter()
        .map(|rule| {
            json!({
                "id": rule.name(),
                "shortDescription": {"text": rule.grades().iter().map(|g| g.words()).collect::<Vec<_>>().join(", ")},
                "help": {"text": rule.fix()},
            })
        })
        .collect();
    let results: Vec<Value> = review
        .findings
        .iter()
        .map(|located| {
            let finding = &located.finding;
            let mut result = json!({
                "ruleId": finding.rule.name(),
                "ruleIndex": Rule::ALL.iter().position(|rule| *rule == finding.rule),
                "level": level(located),
                "message": {"text": format!("{}. {}", finding.sentence, finding.fix)},
                "locations": [{"physicalLocation": {
                    "artifactLocation": {"uri": in_checkout(&located.path, workspace)},
                    "region": {"startLine": finding.line, "startColumn": finding.column},
                }}],
                // The line may move; what is done to what does not.
                "partialFingerprints": {"finding/v1": format!("{}/{}", located.migration, finding.name())},
            });
            if let Some(why) = &finding.allowed {
                result["suppressions"] = json!([{"kind": "inSource", "justification": why}]);
            }
            result
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "ecs-migrate",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}
