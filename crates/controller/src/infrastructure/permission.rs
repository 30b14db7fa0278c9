//! Owns turning a missing right into the statement that grants it. PURE.

use serde_json::json;

/// Action and, where AWS names it, resource of "… is not authorized to perform: ACTION on resource:
/// RESOURCE because no identity-based policy allows …".
pub(crate) fn missing(text: &str) -> Option<(String, String)> {
    let (_, rest) = text.split_once("not authorized to perform: ")?;
    let word = |text: &str| {
        let word = text.split_whitespace().next().unwrap_or_default();
        word.trim_matches(|letter| matches!(letter, '"' | '\'' | ',' | ')' | '.')).to_owned()
    };
    let action = Some(word(rest)).filter(|action| action.contains(':'))?;
    let resource = rest.split_once("on resource: ").map(|(_, resource)| word(resource));
    Some((action, resource.filter(|name| !name.is_empty()).unwrap_or_else(|| "*".to_owned())))
}

/// What to do about a missing right, where the text is about one.
pub(crate) fn advice(text: &str) -> Option<String> {
    let (action, resource) = missing(text)?;
    let statement = json!({"Effect": "Allow", "Action": action, "Resource": resource});
    let denied = text.contains("explicit deny");
    Some(if denied {
        format!("a policy denies {action} on {resource} explicitly: whoever wrote it has to agree")
    } else {
        format!("allow it to the identity that runs setup-infra, then run again: {statement}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_names_action_and_resource() {
        for (text, action, resource) in [
            (
                "User: arn:aws:iam::1:user/x is not authorized to perform: cloudformation:CreateChangeSet on resource: arn:aws:cloudformation:eu-west-1:1:stack/app/* because no identity-based policy allows the cloudformation:CreateChangeSet action",
                "cloudformation:CreateChangeSet",
                "arn:aws:cloudformation:eu-west-1:1:stack/app/*",
            ),
            (
                "Resource handler returned message: \"User: x is not authorized to perform: ecr:CreateRepository on resource: arn:aws:ecr:eu-west-1:1:repository/app because no identity-based policy allows it (Service: Ecr, Status Code: 400)\" (HandlerErrorCode: AccessDenied)",
                "ecr:CreateRepository",
                "arn:aws:ecr:eu-west-1:1:repository/app",
            ),
            (
                "API: iam:CreateRole User: x is not authorized to perform: iam:CreateRole",
                "iam:CreateRole",
                "*",
            ),
        ] {
            assert_eq!(missing(text), Some((action.to_owned(), resource.to_owned())));
            let advice = advice(text).unwrap();
            assert!(advice.contains(&format!("\"Action\":\"{action}\"")), "{advice}");
        }
        assert_eq!(missing("Rate exceeded"), None);
        let denied = "x is not authorized to perform: a:B on resource: c with an explicit deny in a service control policy";
        assert!(advice(denied).unwrap().starts_with("a policy denies a:B on c explicitly"));
    }
}
