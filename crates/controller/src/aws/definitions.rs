//! Owns DescribeTaskDefinition and RegisterTaskDefinition, both without losing what the SDK does
//! not know: the answer's body is kept as it came, and the request's body is replaced by ours.

use super::access::Aws;
use super::capture::Capture;
use super::error::AwsError;
use super::patience::patient;
use crate::task_definition::{Document, Registered};
use aws_sdk_ecs::types::TaskDefinitionField;
use aws_smithy_types::body::SdkBody;
use serde_json::Value;

impl Aws {
    /// A registered definition; a family alone means its newest active revision. Tags come beside
    /// the definition and are put into it, without those that AWS manages.
    pub(crate) async fn describe_definition(
        &self,
        reference: &str,
    ) -> Result<Registered, AwsError> {
        let capture = Capture::default();
        let answer = patient(|| async {
            self.ecs
                .describe_task_definition()
                .task_definition(reference)
                .include(TaskDefinitionField::Tags)
                .customize()
                .interceptor(capture.clone())
                .send()
                .await
                .map_err(|error| AwsError::of("DescribeTaskDefinition", error))
        })
        .await?;
        let arn = answer
            .task_definition()
            .and_then(|definition| definition.task_definition_arn())
            .unwrap_or(reference)
            .to_owned();
        let mut body = capture.json();
        let mut document = body["taskDefinition"].take();
        let tags: Vec<Value> = body["tags"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|tag| !tag["key"].as_str().is_some_and(|key| key.starts_with("aws:")))
            .cloned()
            .collect();
        if !tags.is_empty() {
            document["tags"] = Value::Array(tags);
        }
        Ok(Registered { arn, document: Document(document) })
    }

    /// Registers a new revision with exactly this body.
    pub(crate) async fn register_definition(
        &self,
        document: Document,
    ) -> Result<Registered, AwsError> {
        let family = document.family().to_owned();
        let body = document.0.to_string();
        // Registered twice it is two equal revisions, of which one counts.
        let arn = patient(|| async {
            let body = body.clone();
            self.ecs
                .register_task_definition()
                .family(family.as_str())
                .customize()
                // Runs before signing, so the signature covers this body and this length.
                .mutate_request(move |request| {
                    request.headers_mut().insert("content-length", body.len().to_string());
                    *request.body_mut() = SdkBody::from(body.clone());
                })
                .send()
                .await
                .map_err(|error| AwsError::of("RegisterTaskDefinition", error))
                .and_then(|answer| {
                    let definition = answer.task_definition();
                    let arn = definition.and_then(|definition| definition.task_definition_arn());
                    arn.map(str::to_owned).ok_or_else(|| {
                        AwsError::unreadable("RegisterTaskDefinition", 200, "it names no revision")
                    })
                })
        })
        .await?;
        Ok(Registered { arn, document })
    }
}
