//! Owns CreateService, with exactly the body of the user's file.

use super::access::Aws;
use super::error::AwsError;
use super::patience::throttled;
use super::rollout::snapshot;
use crate::service::ServiceSnapshot;
use aws_smithy_types::body::SdkBody;
use serde_json::Value;

impl Aws {
    /// Creates a service; the answer shows its first deployment.
    pub(crate) async fn create_service(&self, body: &Value) -> Result<ServiceSnapshot, AwsError> {
        let name = body["serviceName"].as_str().unwrap_or_default().to_owned();
        let body = body.to_string();
        let answer = throttled(|| async {
            let body = body.clone();
            self.ecs
                .create_service()
                .service_name(name.as_str())
                .customize()
                // Runs before signing, so the signature covers this body and this length.
                .mutate_request(move |request| {
                    request.headers_mut().insert("content-length", body.len().to_string());
                    *request.body_mut() = SdkBody::from(body.clone());
                })
                .send()
                .await
                .map_err(|error| AwsError::of("CreateService", error))
        })
        .await?;
        answer
            .service()
            .map(snapshot)
            .ok_or_else(|| AwsError::unreadable("CreateService", 200, "it shows no service"))
    }
}
