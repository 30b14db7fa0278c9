//! Owns the task definition itself, and what it would be better with. PURE.

use super::Container;
use super::finding::{Finding, no, ok, skip, with_fix};
use crate::error::Error;
use crate::task_definition::{Registered, advice};

const NAME: &str = "task_definition";

/// What became of finding it: the revision that fits, or none yet.
pub(crate) fn judge(found: Result<Option<&Registered>, &Error>) -> Finding {
    match found {
        Ok(Some(registered)) => ok(NAME, format!("{} is registered", registered.short_name())),
        Ok(None) => ok(NAME, "a new revision would be registered (`register --diff` shows it)"),
        Err(error) => no(
            NAME,
            error.to_string(),
            error.hint().unwrap_or("`ecs-migrate register` makes the first revision"),
        ),
    }
}

/// What the container would be better with: nothing of it blocks.
pub(crate) fn hardening(container: Container<'_>) -> Vec<Finding> {
    advice(container.document, container.name)
        .into_iter()
        .map(|advice| with_fix(skip(NAME, advice.sentence), advice.fix))
        .collect()
}
