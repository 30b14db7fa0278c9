//! Owns what a check says of one thing.

use crate::error::Error;

/// What a finding means for a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is in the way.
    Ok,
    /// It blocks.
    No,
    /// It could not be looked at, or does not matter today.
    Skip,
}

/// What was found out about one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A stable word for the thing.
    pub name: &'static str,
    /// What it means.
    pub verdict: Verdict,
    /// One sentence in lower case, without a full stop.
    pub sentence: String,
    /// What to do about it. Where nothing is in the way it is advice.
    pub fix: Option<String>,
}

impl Finding {
    pub(crate) fn ok(name: &'static str, sentence: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Ok, sentence: sentence.into(), fix: None }
    }

    pub(crate) fn no(name: &'static str, sentence: impl Into<String>) -> Self {
        Self { verdict: Verdict::No, ..Self::ok(name, sentence) }
    }

    pub(crate) fn skip(name: &'static str, sentence: impl Into<String>) -> Self {
        Self { verdict: Verdict::Skip, ..Self::ok(name, sentence) }
    }

    /// What would stop a deployment.
    pub fn blocked_by(name: &'static str, error: &Error) -> Self {
        let found = Self::no(name, error.message.clone());
        Self { fix: error.hint.clone(), ..found }
    }

    pub(crate) fn fix(self, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..self }
    }
}
