//! Owns the forms of which parts changed.

use super::clean::clean;
use super::line::push_line;
use crate::changes::Answer;
use crate::words;
use serde_json::{Value, json};

/// How many files of a part are shown.
const SHOWN: usize = 20;

/// What a later step reads: names that the settings checked, and nothing that a file is called.
pub(super) fn outputs(answer: &Answer) -> Vec<(String, String)> {
    let mut outputs: Vec<_> =
        answer.parts.iter().map(|part| (part.name.clone(), part.changed.to_string())).collect();
    outputs.push(("changed".to_owned(), json!(answer.changed()).to_string()));
    outputs.push(("known".to_owned(), answer.compared.is_ok().to_string()));
    outputs
}

/// Lines for a script: `api=true`.
pub(super) fn lines(answer: &Answer) -> String {
    let mut text = String::new();
    for (name, value) in outputs(answer) {
        push_line(&mut text, &format!("{name}={value}"));
    }
    text
}

/// What it was compared with.
pub(super) fn sentence(answer: &Answer) -> String {
    match &answer.compared {
        Ok(commit) => format!("compared with {}", clean(commit)),
        Err(why) => format!("nobody can know what changed, so everything counts: {}", clean(why)),
    }
}

/// For a person, with the files.
pub(super) fn text(answer: &Answer) -> String {
    let mut text = format!("{}\n", sentence(answer));
    let width = answer.parts.iter().map(|part| part.name.len()).max().unwrap_or(0);
    for part in &answer.parts {
        let word = match (&answer.compared, part.changed) {
            (Err(_), _) => "yes  unknown, so yes".to_owned(),
            (Ok(_), true) => format!("yes  {}", words::count(part.files.len() as u64, "file")),
            (Ok(_), false) => "no".to_owned(),
        };
        push_line(&mut text, &format!("{:<width$}  {word}", part.name));
        for file in part.files.iter().take(SHOWN) {
            push_line(&mut text, &format!("{:<width$}       {}", "", clean(file)));
        }
        if part.files.len() > SHOWN {
            let more = part.files.len() - SHOWN;
            push_line(&mut text, &format!("{:<width$}       and {more} more", ""));
        }
    }
    text
}

/// For a program.
pub(super) fn object(answer: &Answer) -> Value {
    let parts: Vec<Value> = answer
        .parts
        .iter()
        .map(|part| json!({"name": part.name, "changed": part.changed, "files": part.files}))
        .collect();
    json!({
        "type": "changes",
        "known": answer.compared.is_ok(),
        "compared_with": answer.compared.as_ref().ok(),
        "reason": answer.compared.as_ref().err(),
        "parts": parts,
    })
}
