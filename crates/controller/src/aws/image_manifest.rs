//! Owns looking at an image in ECR: its digest, and the platforms that it is for.

use super::access::Aws;
use super::error::{AwsError, Class};
use super::signed::{Host, Service};
use crate::task_definition::EcrImage;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use serde_json::{Value, json};

const ECR: Service = Service {
    id: "ecr",
    signing_name: "ecr",
    host: Host::Regional("api.ecr"),
    target: "AmazonEC2ContainerRegistry_V20150921",
};

/// What is asked for; without it ECR answers in an older form of some images.
const MEDIA_TYPES: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// An image that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundImage {
    pub(crate) digest: String,
    manifest: Value,
}

impl Aws {
    /// An image by its tag or digest; none if the repository does not have it.
    pub(crate) async fn find_image(
        &self,
        image: &EcrImage,
    ) -> Result<Option<FoundImage>, AwsError> {
        let id = match (&image.digest, &image.tag) {
            (Some(digest), _) => json!({"imageDigest": digest}),
            (None, tag) => json!({"imageTag": tag}),
        };
        let body = json!({
            "registryId": image.account,
            "repositoryName": image.repository,
            "imageIds": [id],
            "acceptedMediaTypes": MEDIA_TYPES,
        });
        let answer = self.ask_registry(image, "BatchGetImage", &body).await?;
        let found = &answer["images"][0];
        let Some(digest) = found["imageId"]["imageDigest"].as_str() else { return Ok(None) };
        let manifest = found["imageManifest"].as_str().unwrap_or_default();
        Ok(Some(FoundImage {
            digest: digest.to_owned(),
            manifest: serde_json::from_str(manifest).unwrap_or_default(),
        }))
    }

    /// The CPUs that an image is for, in its own words (`amd64`, `arm64`). An index says them; of a
    /// single image they are in its configuration, which is fetched.
    pub(crate) async fn architectures(
        &self,
        image: &EcrImage,
        found: &FoundImage,
    ) -> Result<Vec<String>, AwsError> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        if let Some(entries) = found.manifest["manifests"].as_array() {
            let named = entries.iter().filter_map(|entry| text(&entry["platform"]["architecture"]));
            // Attestations stand beside the images and are for an unknown CPU.
            return Ok(named.filter(|name| name != "unknown").collect());
        }
        let body = json!({
            "registryId": image.account,
            "repositoryName": image.repository,
            "layerDigest": found.manifest["config"]["digest"],
        });
        let answer = self.ask_registry(image, "GetDownloadUrlForLayer", &body).await?;
        let url = answer["downloadUrl"].as_str().unwrap_or_default();
        let configuration = self.fetch(url).await?;
        Ok(text(&configuration["architecture"]).into_iter().collect())
    }

    pub(super) async fn ask_registry(
        &self,
        image: &EcrImage,
        operation: &'static str,
        body: &Value,
    ) -> Result<Value, AwsError> {
        let there = self.in_region(&image.region);
        let answer = there.post(ECR, operation, &body.to_string()).await?;
        serde_json::from_str(&answer).map_err(|cause| unreadable(operation, cause.to_string()))
    }

    /// A document behind an address that is signed already. No message repeats the address.
    async fn fetch(&self, url: &str) -> Result<Value, AwsError> {
        const FETCH: &str = "GetDownloadUrlForLayer";
        let parsed: http::Uri =
            url.parse().map_err(|_| unreadable(FETCH, "the address is none".to_owned()))?;
        let (Some(scheme), Some(host)) = (parsed.scheme_str(), parsed.authority()) else {
            return Err(unreadable(FETCH, "the address is none".to_owned()));
        };
        let path = parsed.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let mut call = Operation::builder()
            .service_name("registry")
            .operation_name(FETCH)
            .endpoint_url(&format!("{scheme}://{host}"))
            .no_auth()
            .standard_retry(&RetryConfig::standard());
        if let Some(client) = self.config.http_client() {
            call = call.http_client(client);
        }
        if let Some(sleep) = self.config.sleep_impl() {
            call = call.sleep_impl(sleep);
        }
        if let Some(timeouts) = self.config.timeout_config() {
            call = call.timeout_config(timeouts.clone());
        }
        let call = call
            .serializer(move |()| {
                let request = http::Request::get(&path).body(SdkBody::empty())?;
                Ok(HttpRequest::try_from(request)?)
            })
            .deserializer(|answer: &HttpResponse| {
                if !answer.status().is_success() {
                    let status = answer.status().as_u16();
                    return Err(OrchestratorError::operation(std::io::Error::other(format!(
                        "status {status}"
                    ))));
                }
                let body = answer.body().bytes().unwrap_or_default();
                Ok(serde_json::from_slice::<Value>(body).unwrap_or_default())
            })
            .build();
        call.invoke(()).await.map_err(|_| {
            unreadable(FETCH, "the image's configuration could not be fetched".to_owned())
        })
    }
}

pub(super) fn unreadable(operation: &'static str, message: String) -> AwsError {
    AwsError { operation, code: "UnreadableAnswer".to_owned(), message, class: Class::NoAnswer }
}
