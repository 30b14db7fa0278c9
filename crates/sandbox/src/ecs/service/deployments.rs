//! Owns the API of service deployments: list, describe, stop, and the revisions behind them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::configuration::Breaker;
use super::deploy::{roll_back, stopped};
use super::record::{Service, ServiceDeployment, Stage};
use crate::clock::Timestamp;
use crate::core::Core;
use crate::ecs::clusters::cluster_of;
use crate::identity::short_name;
use crate::wire::{ApiError, Fields, parse};

/// Briefs a page (aws-facts 4.2).
const PAGE: usize = 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListServiceDeployments {
    cluster: Option<String>,
    service: String,
    #[serde(default)]
    status: Vec<String>,
    #[serde(default)]
    created_at: CreatedAt,
    max_results: Option<usize>,
    next_token: Option<String>,
}

#[derive(Default, Deserialize)]
struct CreatedAt {
    after: Option<f64>,
    before: Option<f64>,
}

pub(crate) fn list_deployments(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: ListServiceDeployments = parse(input)?;
    let state = core.state();
    let cluster = cluster_of(&state, input.cluster.as_deref())?;
    let key = (cluster, short_name(&input.service).to_owned());
    let service = state.services.find(&key);
    let service = service
        .ok_or_else(|| ApiError::client("ServiceNotFoundException", "Service not found."))?;
    let now = core.clock.now();
    let at = |time: Timestamp| time.seconds().as_f64().unwrap_or_default();
    let found: Vec<&ServiceDeployment> = service
        .history
        .iter()
        .rev()
        .filter(|told| told.visible_from <= now)
        .filter(|told| input.status.is_empty() || input.status.iter().any(|s| s == told.status))
        .filter(|told| input.created_at.after.is_none_or(|after| at(told.created_at) >= after))
        .filter(|told| input.created_at.before.is_none_or(|before| at(told.created_at) <= before))
        .collect();
    let from: usize = match &input.next_token {
        None => 0,
        Some(token) => token.parse().map_err(|_| ApiError::invalid_parameter("Invalid token"))?,
    };
    let size = input.max_results.unwrap_or(PAGE).clamp(1, 100);
    let page: Vec<Value> =
        found.iter().skip(from).take(size).map(|told| brief(core, service, told)).collect();
    let next = from + size;
    Ok(Fields::default()
        .set("serviceDeployments", page)
        .maybe("nextToken", (next < found.len()).then(|| next.to_string()))
        .into())
}

fn brief(core: &Core, service: &Service, told: &ServiceDeployment) -> Value {
    Fields::default()
        .set("serviceDeploymentArn", told.arn.clone())
        .set("serviceArn", service.arn.clone())
        .set("clusterArn", core.identity.cluster(&service.cluster))
        .set("createdAt", told.created_at.seconds())
        .set("startedAt", told.created_at.seconds())
        .maybe("finishedAt", told.finished_at.map(Timestamp::seconds))
        .set("targetServiceRevisionArn", told.revision_arn.clone())
        .set("status", told.status)
        .maybe("statusReason", told.status_reason.clone())
        .into()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribeServiceDeployments {
    service_deployment_arns: Vec<String>,
}

pub(crate) fn describe_deployments(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: DescribeServiceDeployments = parse(input)?;
    let state = core.state();
    let now = core.clock.now();
    let mut found = Vec::new();
    let mut failures = Vec::new();
    for arn in &input.service_deployment_arns {
        let told = state.services.all().find_map(|service| {
            let told = service.history.iter().find(|told| told.arn == *arn);
            told.filter(|told| told.visible_from <= now).map(|told| (service, told))
        });
        match told {
            Some((service, told)) => found.push(whole(core, service, told)),
            None => failures.push(json!({"arn": arn, "reason": "MISSING"})),
        }
    }
    Ok(json!({"serviceDeployments": found, "failures": failures}))
}

fn whole(core: &Core, service: &Service, told: &ServiceDeployment) -> Value {
    let breaker = match (told.breaker, told.tripped, told.is_over()) {
        (Breaker::Off, _, _) => "DISABLED",
        (Breaker::Stops | Breaker::RollsBack, true, _) => "TRIGGERED",
        (Breaker::Stops | Breaker::RollsBack, false, true) => "MONITORING_COMPLETE",
        (Breaker::Stops | Breaker::RollsBack, false, false) => "MONITORING",
    };
    let alarms = service.input.alarms();
    let watched = alarms.as_array().is_some_and(|names| !names.is_empty()) || told.alarm;
    let rollback = told.rollback.as_ref().map(|rollback| {
        json!({
            "reason": rollback.reason,
            "startedAt": rollback.started_at.seconds(),
            "serviceRevisionArn": rollback.revision_arn,
        })
    });
    let mut shown = brief(core, service, told);
    let revision = |arn: &str| json!({"arn": arn, "requestedTaskCount": service.desired, "runningTaskCount": 0, "pendingTaskCount": 0});
    shown["targetServiceRevision"] = revision(&told.revision_arn);
    shown["sourceServiceRevisions"] =
        told.source_revision_arn.iter().map(|arn| revision(arn)).collect();
    shown["updatedAt"] = told.updated_at.seconds();
    shown["deploymentConfiguration"] = service.input.shown_configuration();
    shown["deploymentCircuitBreaker"] = json!({
        "status": breaker, "failureCount": told.failures, "threshold": told.threshold});
    if let Some(rollback) = rollback {
        shown["rollback"] = rollback;
    }
    let of = service.deployments.iter().find(|deployment| deployment.id == told.of);
    let stage = of.filter(|_| !told.is_over()).and_then(|of| of.stage(core.clock.now()));
    if let Some(Stage { name, hook, until }) = stage {
        shown["lifecycleStage"] = json!(name);
        if let Some(hook) = hook {
            shown["lifecycleHookDetails"] = json!([{
                "hookId": hook, "targetType": "PAUSE", "status": "AWAITING_ACTION",
                "expiresAt": until.seconds(), "timeoutAction": "ROLLBACK"}]);
        }
    }
    if watched {
        let triggered = if told.alarm { alarms.clone() } else { json!([]) };
        shown["alarms"] = json!({
            "status": if told.alarm { "TRIGGERED" } else { "MONITORING" },
            "alarmNames": alarms, "triggeredAlarmNames": triggered});
    }
    if let Some(shown) = shown.as_object_mut() {
        shown.remove("targetServiceRevisionArn");
    }
    shown
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribeServiceRevisions {
    service_revision_arns: Vec<String>,
}

pub(crate) fn describe_revisions(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: DescribeServiceRevisions = parse(input)?;
    let state = core.state();
    let mut found = Vec::new();
    let mut failures = Vec::new();
    for arn in &input.service_revision_arns {
        let told = state.services.all().find_map(|service| {
            let told = service.history.iter().find(|told| told.revision_arn == *arn);
            told.map(|told| (service, told))
        });
        match told {
            Some((service, told)) => found.push(json!({
                "serviceRevisionArn": arn,
                "serviceArn": service.arn,
                "clusterArn": core.identity.cluster(&service.cluster),
                "taskDefinition": told.definition,
                "launchType": "FARGATE",
                "platformVersion": "1.4.0",
                "createdAt": told.created_at.seconds(),
            })),
            None => failures.push(json!({"arn": arn, "reason": "MISSING"})),
        }
    }
    Ok(json!({"serviceRevisions": found, "failures": failures}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StopServiceDeployment {
    service_deployment_arn: String,
    stop_type: Option<String>,
}

pub(crate) fn stop(core: &Core, input: &Value) -> Result<Value, ApiError> {
    let input: StopServiceDeployment = parse(input)?;
    let arn = input.service_deployment_arn;
    let mut state = core.state();
    let key = state.services.all().find_map(|service| {
        let told = service.history.last().filter(|told| told.arn == arn && !told.is_over());
        told.map(|_| (service.cluster.clone(), service.name().to_owned()))
    });
    let service = key.and_then(|key| state.services.take(&key));
    let mut service = service.ok_or_else(|| {
        // The wording is not verified.
        ApiError::client("ServiceDeploymentNotFoundException", "Service deployment not found.")
    })?;
    if input.stop_type.as_deref() == Some("ABORT") {
        stopped(core, &mut service);
    } else {
        roll_back(core, &mut service, "Service deployment rolled back because of a user request.");
    }
    state.services.put(service);
    Ok(json!({"serviceDeploymentArn": arn}))
}
