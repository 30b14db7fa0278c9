//! Owns the rights of who only reads: `infra/on-call-policy.json`, and which of its statements a
//! refused call lacks.

use crate::aws::{AwsError, Class};
use crate::error::{Error, Kind};
use serde_json::Value;

const POLICY: &str = include_str!("../../../../infra/on-call-policy.json");

/// A refused call as a failure that names what to allow.
pub(crate) fn allow(error: AwsError) -> Error {
    if error.class != Class::AccessDenied {
        return Error::from(error);
    }
    let action = error.action();
    let policy = "docs/on-call.md has the whole policy";
    let hint = match statement(&action) {
        Some(statement) => format!(
            "allow {action} to who runs this: statement {statement} of \
             infra/on-call-policy.json; {policy}"
        ),
        None => format!("allow {action} to who runs this; {policy}"),
    };
    Error::new(Kind::AwsRefused, error.to_string()).hinted(hint)
}

/// The name of the statement that allows an action.
fn statement(action: &str) -> Option<String> {
    let policy: Value = serde_json::from_str(POLICY).expect("invariant: the policy is JSON");
    let allows = |statement: &&Value| {
        let actions = &statement["Action"];
        let several = actions.as_array().is_some_and(|all| all.iter().any(|one| one == action));
        several || actions == action
    };
    let found = policy["Statement"].as_array()?.iter().find(allows)?;
    found["Sid"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_finds_its_statement() {
        assert_eq!(statement("logs:GetLogEvents").as_deref(), Some("ReadLogs"));
        assert_eq!(statement("ecs:ListTasks").as_deref(), Some("ListRuns"));
        assert_eq!(statement("ecs:RunTask"), None);
    }
}
