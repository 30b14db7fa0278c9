//! Owns the way of a request: which operation, which fault, which answer and when, what the journal keeps.

use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use crate::core::Core;
use crate::faults::{Asked, ConnectionFate, Met, RequestAnswer, RequestFate};
use crate::journal::{self, JournalEntry};
use crate::wire::{ApiError, Body, Call, Refused, Service, encode, read_call};
use crate::{cloudformation, ecs, endpoints, iam, logs, rds, registry, secrets};

/// A fault closed the connection without an answer.
#[derive(Debug)]
pub(crate) struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("connection closed before message completed")
    }
}

impl std::error::Error for Dropped {}

/// How an answer gets to the caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Delivery {
    late: Duration,
    /// There is none, and this is all the caller gets.
    lost: Option<ConnectionFate>,
}

pub(crate) async fn handle(
    core: &Arc<Core>,
    request: Request<Vec<u8>>,
) -> Result<Response<Vec<u8>>, Dropped> {
    if request.method() == Method::GET
        && let Some(response) = endpoints::answer(core, &request)
    {
        return Ok(response);
    }
    if registry::is_for_it(request.uri().path()) {
        return Ok(registry::distribution(core, &request));
    }
    let (response, delivery) = match read_call(&request) {
        Ok(call) => carry_out(core, call),
        Err(refused) => (refuse(core, refused), Delivery::default()),
    };
    if !delivery.late.is_zero() {
        sleep(delivery.late).await;
    }
    match delivery.lost {
        None => Ok(response),
        Some(ConnectionFate::Drops) => Err(Dropped),
        // Until the caller has enough and drops this future.
        Some(ConnectionFate::Hangs) => pending().await,
    }
}

fn carry_out(core: &Arc<Core>, call: Call) -> (Response<Vec<u8>>, Delivery) {
    let at = core.clock.now();
    let asked = Asked { operation: &call.operation, access_key: call.access_key.as_deref() };
    let met = core.faults.at_request(asked, at);
    let delivery = met.as_ref().map(delivery).unwrap_or_default();
    let fault = met.and_then(|met| met.answer);
    let (response, error) = if let Some(RequestAnswer::Foreign { status, body }) = fault {
        (foreign(status, body), None)
    } else {
        let result = match fault {
            Some(fault) => faulty(core, &call, &fault),
            None => answer_well(core, &call),
        };
        let error = result.as_ref().err().map(|error| error.kind.clone());
        (encode(call.service, &call.operation, result, &core.random_id()), error)
    };
    core.journal.record(JournalEntry {
        at: at.millis(),
        operation: call.operation,
        status: delivery.lost.map_or(response.status().as_u16(), |_| 0),
        error,
        access_key: call.access_key,
        parameters: journal::select(&call.input),
    });
    (response, delivery)
}

/// Not AWS's: neither its headers nor its form.
fn foreign(status: u16, body: String) -> Response<Vec<u8>> {
    let mut response = Response::new(body.into_bytes());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let html = http::HeaderValue::from_static("text/html");
    response.headers_mut().insert(http::header::CONTENT_TYPE, html);
    response
}

fn delivery(met: &Met) -> Delivery {
    let lost = match &met.answer {
        Some(RequestAnswer::Unanswered { connection, .. }) => Some(*connection),
        _ => None,
    };
    Delivery { late: met.late, lost }
}

fn refuse(core: &Core, Refused { operation, error }: Refused) -> Response<Vec<u8>> {
    let kind = error.kind.clone();
    let response = encode(Service::Unknown, &operation, Err(error), &core.random_id());
    core.journal.record(JournalEntry {
        at: core.clock.now().millis(),
        operation,
        status: response.status().as_u16(),
        error: Some(kind),
        access_key: None,
        parameters: Map::new(),
    });
    response
}

fn faulty(core: &Arc<Core>, call: &Call, fault: &RequestAnswer) -> Result<Body, ApiError> {
    if let Some(error) = fault.error(call.service) {
        return Err(error);
    }
    match (fault, call.operation.as_str()) {
        (RequestAnswer::Failures(failures), "RunTask") => {
            Ok(json!({"tasks": [], "failures": failures}).into())
        }
        (RequestAnswer::FailuresAllTheSame(failures), "RunTask") => {
            answer_well(core, call)?;
            Ok(json!({"tasks": [], "failures": failures}).into())
        }
        (RequestAnswer::RoleNotAssumable, "RunTask") => {
            Err(ecs::role_not_assumable(core, &call.input))
        }
        (RequestAnswer::DisguisedThrottle, "RunTask") => Err(ecs::disguised_throttle(&call.input)),
        (RequestAnswer::Missing, "DescribeTasks") => {
            ecs::all_tasks_missing(core, &call.input).map(Body::from)
        }
        (RequestAnswer::Missing, "DescribeServices") => {
            ecs::all_services_missing(core, &call.input).map(Body::from)
        }
        (RequestAnswer::Page(shape), "GetLogEvents") => {
            logs::get_log_events(core, &call.input, *shape)
        }
        (RequestAnswer::Page(shape), "FilterLogEvents") => {
            logs::filter_log_events(core, &call.input, *shape).map(Body::from)
        }
        // Nobody sees this answer.
        (RequestAnswer::Unanswered { request: RequestFate::Ignored, .. }, _) => {
            Ok(json!({}).into())
        }
        _ => answer_well(core, call),
    }
}

fn answer_well(core: &Arc<Core>, call: &Call) -> Result<Body, ApiError> {
    cloudformation::play(&mut core.state(), core.clock.now());
    let (operation, input) = (call.operation.as_str(), &call.input);
    let answered = match call.service {
        Service::CloudFormation => documents(cloudformation::answer(core, operation, input)),
        Service::Iam => iam::answer(core, operation, input)
            .or_else(|| documents(cloudformation::iam(core, operation, input))),
        Service::Rds => rds::answer(core, operation, input),
        Service::Ec2 => documents(cloudformation::ec2(core, operation, input)),
        Service::Ecr => documents(
            registry::answer(core, operation, input)
                .or_else(|| cloudformation::ecr(core, operation, input)),
        ),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::faults::OPERATIONS;
    use crate::speed::Speed;

    #[tokio::test]
    async fn every_operation_that_can_be_faulty_exists() {
        let core = Arc::new(Core::new(Config::new(Speed::Instant)));
        for operation in OPERATIONS {
            let known = Service::ALL
                .into_iter()
                .filter(|service| {
                    let (operation, input) = ((*operation).to_owned(), json!({}));
                    let call = Call { service: *service, operation, input, access_key: None };
                    let unknown = |error: ApiError| error.kind == "UnknownOperationException";
                    !answer_well(&core, &call).is_err_and(unknown)
                })
                .count();
            assert_eq!(known, 1, "{operation}");
        }
    }
}
