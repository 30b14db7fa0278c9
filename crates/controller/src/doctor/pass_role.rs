//! Owns whether we may hand the roles to ECS: iam:SimulatePrincipalPolicy.

use super::finding::{Finding, no, of_error, ok, skip, with_fix};
use crate::aws::{Aws, AwsError, Decision};
use crate::task_definition::Document;

const NAME: &str = "pass_role";

pub(super) async fn look(aws: &Aws, document: &Document, caller: Option<&str>) -> Finding {
    let mut roles: Vec<&str> = ["executionRoleArn", "taskRoleArn"]
        .iter()
        .filter_map(|field| document.0[*field].as_str())
        .filter(|role| role.starts_with("arn:"))
        .collect();
    roles.dedup();
    if roles.is_empty() {
        return skip(NAME, "the task definition names no role by its ARN");
    }
    let Some(principal) = caller.and_then(principal) else {
        return skip(NAME, "the policies of this kind of identity cannot be asked for");
    };
    match decisions(aws, &principal, &roles).await {
        Ok(decisions) => judge(&decisions),
        Err(error) => {
            let found = of_error(NAME, &error);
            Finding { sentence: format!("{}; RunTask will say", found.sentence), ..found }
        }
    }
}

/// A session's ARN lacks the path of its role (IAM, "IAM identifiers"), and those that IAM Identity
/// Center makes have one: a role that is not found is looked up by its name.
async fn decisions(aws: &Aws, principal: &str, roles: &[&str]) -> Result<Vec<Decision>, AwsError> {
    match (aws.may_pass(principal, roles).await, principal.split_once(":role/")) {
        (Err(error), Some((_, name))) if error.code == "NoSuchEntity" => {
            aws.may_pass(&aws.arn_of_role(name).await?, roles).await
        }
        (answer, _) => answer,
    }
}

/// Who has the policies: of a session its role.
fn principal(caller: &str) -> Option<String> {
    let (head, rest) = caller.split_once(":sts::").unwrap_or((caller, ""));
    if let Some((account, session)) = rest.split_once(":assumed-role/") {
        let role = session.split('/').next()?;
        return Some(format!("{head}:iam::{account}:role/{role}"));
    }
    let named = caller.contains(":user/") || caller.contains(":role/");
    named.then(|| caller.to_owned())
}

fn judge(decisions: &[Decision]) -> Finding {
    let denied: Vec<&str> = decisions
        .iter()
        .filter(|decision| !decision.allowed)
        .map(|decision| decision.resource.as_str())
        .collect();
    if decisions.is_empty() {
        return skip(NAME, "the policy simulator did not answer");
    }
    if denied.is_empty() {
        return ok(NAME, "iam:PassRole is allowed for the roles of the task definition");
    }
    let finding = no(NAME, format!("iam:PassRole is not allowed for {}", denied.join(" and ")), "");
    with_fix(
        finding,
        format!(
            "add the statement {{\"Effect\": \"Allow\", \"Action\": \"iam:PassRole\", \"Resource\": [\"{}\"], \
             \"Condition\": {{\"StringEquals\": {{\"iam:PassedToService\": \"ecs-tasks.amazonaws.com\"}}}}}}",
            denied.join("\", \"")
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn whose_policies_count() {
        for (caller, expected) in [
            ("arn:aws:sts::1:assumed-role/deploy/job-7", Some("arn:aws:iam::1:role/deploy")),
            ("arn:aws-cn:sts::1:assumed-role/deploy/j", Some("arn:aws-cn:iam::1:role/deploy")),
            ("arn:aws:iam::1:user/team/ann", Some("arn:aws:iam::1:user/team/ann")),
            ("arn:aws:iam::1:root", None),
            ("arn:aws:sts::1:federated-user/ann", None),
        ] {
            assert_eq!(principal(caller).as_deref(), expected, "{caller}");
        }
    }

    #[test]
    fn every_role_must_be_allowed() {
        let decision = |resource: &str, allowed| Decision {
            action: "iam:PassRole".to_owned(),
            resource: resource.to_owned(),
            allowed,
        };
        assert_eq!(judge(&[decision("a", true), decision("b", true)]).verdict, Verdict::Ok);
        let denied = judge(&[decision("a", true), decision("b", false)]);
        assert_eq!(denied.verdict, Verdict::No);
        assert!(denied.fix.unwrap().contains("\"Resource\": [\"b\"]"));
        assert_eq!(judge(&[]).verdict, Verdict::Skip);
    }
}
