//! Owns one line of the list. PURE.

use crate::aws::{AwsError, Class};
pub(crate) use protocol::event::{CheckFinding as Finding, Finding as Verdict};

/// Nothing is in the way.
pub(crate) fn ok(name: &str, sentence: impl Into<String>) -> Finding {
    Finding { name: name.to_owned(), verdict: Verdict::Ok, sentence: sentence.into(), fix: None }
}

/// It blocks.
pub(crate) fn no(name: &str, sentence: impl Into<String>, fix: impl Into<String>) -> Finding {
    Finding { verdict: Verdict::No, fix: Some(fix.into()), ..ok(name, sentence) }
}

/// It could not be looked at, or does not matter.
pub(crate) fn skip(name: &str, sentence: impl Into<String>) -> Finding {
    Finding { verdict: Verdict::Skip, ..ok(name, sentence) }
}

/// The same with what to do.
pub(crate) fn with_fix(finding: Finding, fix: impl Into<String>) -> Finding {
    Finding { fix: Some(fix.into()), ..finding }
}

/// A look that failed. A right that only `doctor` would need does not block.
pub(crate) fn of_error(name: &str, error: &AwsError) -> Finding {
    match error.class {
        Class::AccessDenied => with_fix(
            skip(name, format!("not looked at: {error}")),
            format!("allow {} to see it here", error.action()),
        ),
        Class::CredentialsExpired | Class::CredentialsRefused | Class::CredentialsRenewed => {
            no(name, error.to_string(), error.hint().unwrap_or_else(|| "run again".to_owned()))
        }
        Class::Throttled
        | Class::ServerFault
        | Class::NoAnswer
        | Class::ResourceNotFound
        | Class::Refused => {
            let found = skip(name, format!("not known: {error}"));
            with_fix(found, error.hint().unwrap_or_else(|| "run again".to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_right_does_not_block_and_names_the_action() {
        let error = |class, message: &str| AwsError {
            operation: "GetRole",
            code: "AccessDenied".to_owned(),
            message: message.to_owned(),
            class,
        };
        let denied = of_error("role", &error(Class::AccessDenied, "no"));
        assert_eq!(
            (denied.verdict, denied.fix.as_deref()),
            (Verdict::Skip, Some("allow iam:GetRole to see it here"))
        );
        let expired = of_error("role", &error(Class::CredentialsExpired, "x"));
        assert_eq!(expired.verdict, Verdict::No);
        assert_eq!(of_error("role", &error(Class::NoAnswer, "x")).verdict, Verdict::Skip);
    }
}
