//! Owns the way of a request: which operation, which fault, which answer, what the journal keeps.

use std::sync::Arc;

use http::{Method, Request, Response};
use serde_json::{Value, json};

use crate::core::Core;
use crate::faults::RequestAnswer;
use crate::journal::{self, JournalEntry};
use crate::wire::{ApiError, Body, Call, Refused, Service, encode, read_call};
use crate::{ecs, endpoints, logs, secrets};

/// Asynchronous although nothing waits in it yet: answers that come late are a fault to be.
#[expect(clippy::unused_async, reason = "slow and hanging answers will be faults")]
pub(crate) async fn handle(core: &Arc<Core>, request: Request<Vec<u8>>) -> Response<Vec<u8>> {
    if request.method() == Method::GET
        && let Some(response) = endpoints::answer(core, &request)
    {
        return response;
    }
    let (service, operation, input, result) = match read_call(&request) {
        Ok(call) => {
            let result = answer(core, &call);
            (call.service, call.operation, call.input, result)
        }
        Err(Refused { operation, error }) => (Service::Unknown, operation, Value::Null, Err(error)),
    };
    let error = result.as_ref().err().map(|error| error.kind.clone());
    let response = encode(service, &operation, result, &core.random_id());
    core.journal.record(JournalEntry {
        at: core.clock.now().millis(),
        operation,
        status: response.status().as_u16(),
        error,
        parameters: journal::select(&input),
    });
    response
}

fn answer(core: &Arc<Core>, call: &Call) -> Result<Body, ApiError> {
    match core.faults.at_request(&call.operation) {
        Some(fault) => faulty(core, call, &fault),
        None => answer_well(core, call),
    }
}

fn faulty(core: &Arc<Core>, call: &Call, fault: &RequestAnswer) -> Result<Body, ApiError> {
    if let Some(error) = fault.error() {
        return Err(error);
    }
    match (fault, call.operation.as_str()) {
        (RequestAnswer::Failures(failures), "RunTask") => {
            Ok(json!({"tasks": [], "failures": failures}).into())
        }
        (RequestAnswer::Missing, "DescribeTasks") => {
            ecs::all_tasks_missing(core, &call.input).map(Body::from)
        }
        (RequestAnswer::Missing, "DescribeServices") => {
            ecs::all_services_missing(core, &call.input).map(Body::from)
        }
        (RequestAnswer::Page(shape), "GetLogEvents") => {
            logs::get_log_events(core, &call.input, *shape)
        }
        _ => answer_well(core, call),
    }
}

fn answer_well(core: &Arc<Core>, call: &Call) -> Result<Body, ApiError> {
    let answered = match call.service {
        Service::Logs => logs::answer(core, &call.operation, &call.input),
        Service::Ecs => documents(ecs::answer(core, &call.operation, &call.input)),
        Service::SecretsManager => documents(secrets::answer(core, &call.operation, &call.input)),
        Service::Sts => documents(caller_identity(core, &call.operation)),
        Service::Unknown => None,
    };
    answered.unwrap_or_else(|| Err(ApiError::unknown_operation(&call.operation)))
}

fn documents(answer: Option<Result<Value, ApiError>>) -> Option<Result<Body, ApiError>> {
    answer.map(|answer| answer.map(Body::from))
}

fn caller_identity(core: &Core, operation: &str) -> Option<Result<Value, ApiError>> {
    (operation == "GetCallerIdentity").then(|| {
        Ok(json!({
            "Arn": core.identity.caller(),
            "UserId": "AIDASANDBOXSANDBOX12",
            "Account": core.identity.account,
        }))
    })
}
