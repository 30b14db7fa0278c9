//! Owns signing in to ECR's registry with the AWS credentials.

use super::access::Aws;
use super::error::{AwsError, Class};
use super::image_manifest::ECR;
use crate::task_definition::EcrImage;
use data_encoding::BASE64;
use serde_json::Value;

const OPERATION: &str = "GetAuthorizationToken";

impl Aws {
    /// Name and password for the registry of an image's Region; good for 12 hours (ECR API).
    pub(crate) async fn registry_login(
        &self,
        image: &EcrImage,
    ) -> Result<(String, String), AwsError> {
        let answer = self.in_region(&image.region).post(ECR, OPERATION, "{}").await?;
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        let token = answer["authorizationData"][0]["authorizationToken"].as_str();
        let decoded = token.and_then(|token| BASE64.decode(token.as_bytes()).ok());
        let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
        let login = text.as_deref().and_then(|text| text.split_once(':'));
        login.map(|(user, password)| (user.to_owned(), password.to_owned())).ok_or_else(|| {
            AwsError {
                operation: OPERATION,
                code: "UnreadableAnswer".to_owned(),
                message: "the token is not a name and a password".to_owned(),
                class: Class::NoAnswer,
            }
        })
    }
}
