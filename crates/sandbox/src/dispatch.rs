//! Owns the way of a request: which operation, which fault, which answer, what the journal keeps.

use std::sync::Arc;

use http::{Method, Request, Response};
use serde_json::{Value, json};

use crate::core::Core;
use crate::faults::RequestAnswer;
use crate::journal::{self, JournalEntry};
use crate::wire::{ApiError, Call, Refused, Service, encode, read_call};
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
    let response = encode(service, &operation, &result, &core.random_id());
    core.journal.record(JournalEntry {
        at: core.clock.now().millis(),
        operation,
        status: response.status().as_u16(),
        error: result.err().map(|error| error.kind),
        parameters: journal::select(&input),
    });
    response
}

fn answer(core: &Arc<Core>, call: &Call) -> Result<Value, ApiError> {
    match core.faults.at_request(&call.operation) {
        Some(fault) => faulty(core, call, &fault),
        None => answer_well(core, call),
    }
}

fn faulty(core: &Arc<Core>, call: &Call, fault: &RequestAnswer) -> Result<Value, ApiError> {
    if let Some(error) = fault.error() {
        return Err(error);
    }
    if let RequestAnswer::Failures(failures) = fault {
        return Ok(json!({"tasks": [], "failures": failures}));
    }
    match call.operation.as_str() {
        "DescribeTasks" => ecs::all_tasks_missing(core, &call.input),
        "DescribeServices" => ecs::all_services_missing(core, &call.input),
        _ => answer_well(core, call),
    }
}

fn answer_well(core: &Arc<Core>, call: &Call) -> Result<Value, ApiError> {
    let answered = match call.service {
        Service::Ecs => ecs::answer(core, &call.operation, &call.input),
        Service::Logs => logs::answer(core, &call.operation, &call.input),
        Service::SecretsManager => secrets::answer(core, &call.operation, &call.input),
        Service::Sts => caller_identity(core, &call.operation),
        Service::Unknown => None,
    };
    answered.unwrap_or_else(|| Err(ApiError::unknown_operation(&call.operation)))
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
