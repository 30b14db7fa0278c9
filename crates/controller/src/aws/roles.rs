//! Owns looking at roles: whom they trust, and what the caller may do with them.

use super::access::Aws;
use super::error::AwsError;
use super::form::{Form, find, members, text};
use super::signed::{Host, Service};
use percent_encoding::percent_decode_str;
use serde_json::Value;

const IAM: Service = Service { id: "iam", signing_name: "iam", host: Host::Iam, target: "" };

const VERSION: &str = "2010-05-08";

/// One answer of the policy simulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) allowed: bool,
}

impl Aws {
    /// A role's trust policy; none if there is no such role.
    pub(crate) async fn trust_of_role(&self, name: &str) -> Result<Option<Value>, AwsError> {
        let form = Form::new("GetRole", VERSION).with("RoleName", name);
        let trust = self.submit(IAM, form, |answer| {
            let role = find(answer, "Role");
            role.map(|role| text(role, "AssumeRolePolicyDocument")).unwrap_or_default()
        });
        match trust.await {
            Ok(trust) => {
                let trust = percent_decode_str(&trust).decode_utf8_lossy();
                Ok(Some(serde_json::from_str(&trust).unwrap_or_default()))
            }
            Err(error) if error.code == "NoSuchEntity" => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A role's ARN, which has the path that a session's lacks.
    pub(crate) async fn arn_of_role(&self, name: &str) -> Result<String, AwsError> {
        let form = Form::new("GetRole", VERSION).with("RoleName", name);
        let found = self.submit(IAM, form, |answer| {
            find(answer, "Role").map(|role| text(role, "Arn")).unwrap_or_default()
        });
        found.await
    }

    /// What the policies of `principal` say of passing these roles to ECS tasks. Permission boundaries
    /// and the organisation's policies count where the simulator knows them.
    pub(crate) async fn may_pass(
        &self,
        principal: &str,
        roles: &[&str],
    ) -> Result<Vec<Decision>, AwsError> {
        let mut form = Form::new("SimulatePrincipalPolicy", VERSION)
            .with("PolicySourceArn", principal)
            .with("ActionNames.member.1", "iam:PassRole")
            .with("ContextEntries.member.1.ContextKeyName", "iam:PassedToService")
            .with("ContextEntries.member.1.ContextKeyType", "string")
            .with("ContextEntries.member.1.ContextKeyValues.member.1", "ecs-tasks.amazonaws.com");
        for (index, role) in roles.iter().enumerate() {
            form = form.with(&format!("ResourceArns.member.{}", index + 1), role);
        }
        self.submit(IAM, form, |answer| {
            let Some(result) = find(answer, "SimulatePrincipalPolicyResult") else {
                return Vec::new();
            };
            members(result, "EvaluationResults")
                .map(|found| Decision {
                    action: text(found, "EvalActionName"),
                    resource: text(found, "EvalResourceName"),
                    allowed: text(found, "EvalDecision") == "allowed",
                })
                .collect()
        })
        .await
    }
}
