//! Owns the API of IAM: GetRole and SimulatePrincipalPolicy, in the query protocol's XML.

use http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::core::Core;
use crate::identity::name_of_role;
use crate::wire::{ApiError, Body, escape};

pub(crate) fn answer(
    core: &Core,
    operation: &str,
    input: &Value,
) -> Option<Result<Body, ApiError>> {
    match operation {
        "GetRole" => Some(get_role(core, input)),
        "SimulatePrincipalPolicy" => Some(simulate(core, input)),
        _ => None,
    }
}

/// The trust policy of a role that a stack made.
const TRUSTS_TASKS: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

fn get_role(core: &Core, input: &Value) -> Result<Body, ApiError> {
    let name = input["RoleName"].as_str().unwrap_or_default();
    let state = core.state();
    let assumed = core.identity.assumed.as_deref().filter(|path| name_of_role(path) == name);
    let made = state.world.tags("AWS::IAM::Role", name).map(|_| TRUSTS_TASKS.to_owned());
    let made = made.or_else(|| assumed.map(|_| TRUSTS_TASKS.to_owned()));
    let trust = state.iam.roles.get(name).cloned().or(made).ok_or_else(|| no_such_role(name))?;
    // RFC 3986, as the API reference says of policy documents.
    let trust = utf8_percent_encode(&trust, NON_ALPHANUMERIC);
    Ok(Body::Written(format!(
        "<Role><Path>/</Path><AssumeRolePolicyDocument>{trust}</AssumeRolePolicyDocument>\
         <MaxSessionDuration>3600</MaxSessionDuration><RoleId>AROASANDBOXSANDBOX12</RoleId>\
         <RoleName>{}</RoleName><Arn>{}</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></Role>",
        escape(name),
        escape(&core.identity.role(assumed.unwrap_or(name))),
    )))
}

fn no_such_role(name: &str) -> ApiError {
    let message = format!("The role with name {name} cannot be found.");
    ApiError::new(StatusCode::NOT_FOUND, "NoSuchEntity", message)
}

/// Each action for each resource; none means `*`.
fn simulate(core: &Core, input: &Value) -> Result<Body, ApiError> {
    let source = input["PolicySourceArn"].as_str().unwrap_or_default();
    if let Some(path) = &core.identity.assumed
        && source != core.identity.role(path)
    {
        return Err(no_such_role(name_of_role(source)));
    }
    let members = |list: &str| -> Vec<String> {
        (1..)
            .map_while(|number| input[format!("{list}.member.{number}")].as_str())
            .map(str::to_owned)
            .collect()
    };
    let mut resources = members("ResourceArns");
    if resources.is_empty() {
        resources.push("*".to_owned());
    }
    let state = core.state();
    let mut results = String::new();
    for action in members("ActionNames") {
        for resource in &resources {
            let decision =
                if state.iam.denied.contains(&action) { "implicitDeny" } else { "allowed" };
            let result = [
                "<member><EvalActionName>",
                &escape(&action),
                "</EvalActionName><EvalResourceName>",
                &escape(resource),
                "</EvalResourceName><EvalDecision>",
                decision,
                "</EvalDecision><MatchedStatements/><MissingContextValues/></member>",
            ];
            results.push_str(&result.concat());
        }
    }
    Ok(Body::Written(format!(
        "<IsTruncated>false</IsTruncated><EvaluationResults>{results}</EvaluationResults>"
    )))
}
