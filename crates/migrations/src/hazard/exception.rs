//! Owns the exceptions that a script makes: `-- ecs-migrate: allow=RULE:OBJECT reason="…"`.

use super::{Finding, Rule};
use crate::script::Script;
use squawk_lexer::{TokenKind, tokenize};

const PREFIX: &str = "ecs-migrate:";

/// One exception.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// What it allows, `RULE:OBJECT`.
    pub name: String,
    /// Why.
    pub reason: String,
    /// Line of the file, from 1.
    pub line: u32,
}

/// Every line comment of ours: its line, and what stands behind `ecs-migrate:`.
pub(crate) fn directives(text: &str) -> Vec<(u32, &str)> {
    let mut found = Vec::new();
    let (mut at, mut line, mut counted) = (0, 1, 0);
    for token in tokenize(text) {
        let start = at;
        at += usize::try_from(token.len).unwrap_or(0);
        if token.kind != TokenKind::LineComment {
            continue;
        }
        line += text[counted..start].matches('\n').count();
        counted = start;
        let comment = text[start..at].trim_start_matches('-').trim();
        if let Some(said) = comment.strip_prefix(PREFIX) {
            found.push((u32::try_from(line).unwrap_or(u32::MAX), said.trim()));
        }
    }
    found
}

/// Reads `allow=RULE:OBJECT reason="…"`.
fn read(said: &str, line: u32) -> Result<Exception, String> {
    let (name, rest) = said.split_once(char::is_whitespace).unwrap_or((said, ""));
    let rule = name.split_once(':').map_or(name, |(rule, _)| rule);
    if Rule::from_name(rule).is_none() {
        return Err(format!("there is no rule `{rule}`"));
    }
    if name.split_once(':').is_none_or(|(_, object)| object.is_empty()) {
        return Err(format!(
            "`allow={name}` does not say which object, as in `allow={rule}:users`"
        ));
    }
    let reason = rest.trim().strip_prefix("reason=").unwrap_or_default().trim();
    let reason = reason.trim_matches('"').trim();
    if reason.is_empty() {
        return Err(format!("`allow={name}` gives no reason"));
    }
    Ok(Exception { name: name.to_owned(), reason: reason.to_owned(), line })
}

/// Marks the findings that an exception allows, and adds one for each that is wrong or useless.
pub(super) fn apply(script: &Script, findings: &mut Vec<Finding>) {
    let mut wrong = Vec::new();
    for (line, said) in directives(&script.text) {
        let complaint = match said.split_once('=').map(|(key, value)| (key.trim(), value)) {
            Some(("allow", value)) => match read(value.trim(), line) {
                Ok(exception) => allow(&exception, findings),
                Err(complaint) => Some(complaint),
            },
            // They have readers of their own.
            Some(_) => None,
            None => Some(format!("`ecs-migrate: {said}` is not understood")),
        };
        wrong.extend(complaint.map(|sentence| {
            let object = said.split_whitespace().next().unwrap_or_default();
            Finding { line, ..Finding::of_file(Rule::Exception, object, sentence) }
        }));
    }
    findings.extend(wrong);
}

fn allow(exception: &Exception, findings: &mut [Finding]) -> Option<String> {
    let mut used = false;
    for finding in findings.iter_mut().filter(|finding| finding.name() == exception.name) {
        finding.allowed = Some(exception.reason.clone());
        used = true;
    }
    (!used).then(|| format!("`allow={}` allows nothing that is in this file", exception.name))
}
