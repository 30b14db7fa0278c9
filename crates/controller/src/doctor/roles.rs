//! Owns the two roles of the task and whom they trust: iam:GetRole.

use super::Container;
use super::finding::{Finding, no, of_error, ok, skip};
use crate::aws::Aws;
use serde_json::Value;

/// Who takes the roles.
const ECS_TASKS: &str = "ecs-tasks.amazonaws.com";

/// One role of a definition.
struct Asked<'a> {
    /// `execution_role` or `task_role`.
    name: &'static str,
    /// What it is for, for people.
    purpose: &'static str,
    /// Name or ARN; empty if there is none.
    role: &'a str,
    /// Whether the task cannot do without.
    needed: bool,
}

pub(super) async fn look(aws: &Aws, container: Container<'_>) -> Vec<Finding> {
    let role = |field: &str| container.document.0[field].as_str().unwrap_or_default();
    let fields = container.document.container(container.name);
    let log = fields.is_some_and(|fields| fields["logConfiguration"]["logDriver"] == "awslogs");
    let secrets = fields
        .is_some_and(|fields| fields["secrets"].as_array().is_some_and(|all| !all.is_empty()));
    let ecr = container.document.image(container.name).contains(".dkr.ecr");
    let execution = Asked {
        name: "execution_role",
        purpose: "pulls the image, reads the secrets and writes the log",
        role: role("executionRoleArn"),
        needed: log || secrets || ecr,
    };
    let task = Asked {
        name: "task_role",
        purpose: "is the runner's own",
        role: role("taskRoleArn"),
        needed: false,
    };
    vec![one(aws, &execution).await, one(aws, &task).await]
}

async fn one(aws: &Aws, asked: &Asked<'_>) -> Finding {
    if asked.role.is_empty() {
        return without(asked);
    }
    match aws.trust_of_role(short(asked.role)).await {
        Ok(trust) => judge(asked, trust.as_ref()),
        Err(error) => of_error(asked.name, &error),
    }
}

/// A role's name; a path in front of it is no part of the name.
fn short(role: &str) -> &str {
    role.rsplit_once('/').map_or(role, |(_, name)| name)
}

fn without(asked: &Asked<'_>) -> Finding {
    if asked.needed {
        return no(
            asked.name,
            format!("the task definition has no role that {}", asked.purpose),
            "set `executionRoleArn`: Fargate asks for it with an image in ECR, awslogs or secrets",
        );
    }
    skip(asked.name, "the task definition names none, and may not need one")
}

fn judge(asked: &Asked<'_>, trust: Option<&Value>) -> Finding {
    let role = short(asked.role);
    match trust {
        None => no(
            asked.name,
            format!("there is no role {role}, which {}", asked.purpose),
            "make it (`ecs-migrate setup-infra`), or correct its ARN in the task definition",
        ),
        Some(trust) if trusts_tasks(trust) => {
            ok(asked.name, format!("role {role} is there and trusts ECS tasks"))
        }
        Some(_) => no(
            asked.name,
            format!("role {role} does not let ECS tasks take it"),
            format!(
                "add to its trust policy: Allow sts:AssumeRole for the principal {{\"Service\": \"{ECS_TASKS}\"}}"
            ),
        ),
    }
}

/// Whether a trust policy lets ECS tasks in. Conditions are not looked at: that is the guard against
/// the confused deputy, with account and ARN.
fn trusts_tasks(trust: &Value) -> bool {
    let listed = |value: &Value, wanted: &[&str]| match value {
        Value::String(text) => wanted.contains(&text.as_str()),
        Value::Array(items) => {
            items.iter().filter_map(Value::as_str).any(|item| wanted.contains(&item))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    };
    let about_us = |statement: &Value| {
        let principal = &statement["Principal"];
        let named = listed(&principal["Service"], &[ECS_TASKS]) || *principal == "*";
        named && listed(&statement["Action"], &["sts:AssumeRole", "sts:*", "*"])
    };
    // A single statement may stand without a list around it.
    let statement = &trust["Statement"];
    let statements = statement.as_array().map_or(std::slice::from_ref(statement), Vec::as_slice);
    let ours: Vec<&Value> = statements.iter().filter(|statement| about_us(statement)).collect();
    ours.iter().any(|statement| statement["Effect"] == "Allow")
        && !ours
            .iter()
            .any(|statement| statement["Effect"] == "Deny" && statement["Condition"].is_null())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;
    use serde_json::json;

    #[test]
    fn whom_a_policy_trusts() {
        let allow = |principal: Value, action: Value| json!({"Effect": "Allow", "Principal": principal, "Action": action});
        let tasks = json!({"Service": ECS_TASKS});
        for (statement, trusted) in [
            (json!([allow(tasks.clone(), json!("sts:AssumeRole"))]), true),
            (allow(tasks.clone(), json!("sts:AssumeRole")), true),
            (
                json!([allow(
                    json!({"Service": ["ec2.amazonaws.com", ECS_TASKS]}),
                    json!(["sts:AssumeRole"])
                )]),
                true,
            ),
            (
                json!([allow(json!({"Service": "ecs.amazonaws.com"}), json!("sts:AssumeRole"))]),
                false,
            ),
            (json!([allow(json!({"AWS": "arn:aws:iam::1:root"}), json!("sts:AssumeRole"))]), false),
            (json!([allow(tasks.clone(), json!("sts:TagSession"))]), false),
            (
                json!([{"Effect": "Deny", "Principal": tasks, "Action": "sts:AssumeRole"},
                allow(tasks, json!("sts:AssumeRole"))]),
                false,
            ),
            (json!([]), false),
            (Value::Null, false),
        ] {
            assert_eq!(trusts_tasks(&json!({"Statement": statement})), trusted, "{statement}");
        }
    }

    #[test]
    fn a_role_is_needed_there_and_trusting() {
        let asked = |role, needed| Asked { name: "execution_role", purpose: "p", role, needed };
        let arn = "arn:aws:iam::1:role/path/exec";
        let trusting = json!({"Statement": {"Effect": "Allow", "Principal": {"Service": ECS_TASKS}, "Action": "sts:AssumeRole"}});
        for (finding, verdict, word) in [
            (without(&asked("", true)), Verdict::No, "no role"),
            (without(&asked("", false)), Verdict::Skip, "names none"),
            (judge(&asked(arn, true), None), Verdict::No, "there is no role exec,"),
            (judge(&asked(arn, true), Some(&json!({}))), Verdict::No, "does not let"),
            (judge(&asked(arn, true), Some(&trusting)), Verdict::Ok, "trusts ECS tasks"),
        ] {
            assert!(finding.verdict == verdict && finding.sentence.contains(word), "{finding:?}");
        }
    }
}
