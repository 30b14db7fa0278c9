//! Owns signing in to ECR's registry with the AWS credentials.

use super::access::Aws;
use super::error::AwsError;
use super::image_manifest::unreadable;
use crate::task_definition::EcrImage;
use data_encoding::BASE64;
use serde_json::json;

impl Aws {
    /// Name and password for the registry of an image's Region; good for 12 hours (ECR API).
    pub(crate) async fn registry_login(
        &self,
        image: &EcrImage,
    ) -> Result<(String, String), AwsError> {
        let answer = self.ask_registry(image, "GetAuthorizationToken", &json!({})).await?;
        let token = answer["authorizationData"][0]["authorizationToken"].as_str();
        let decoded = token.and_then(|token| BASE64.decode(token.as_bytes()).ok());
        let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
        let login = text.as_deref().and_then(|text| text.split_once(':'));
        login.map(|(user, password)| (user.to_owned(), password.to_owned())).ok_or_else(|| {
            let what = "the token is not a name and a password";
            unreadable("GetAuthorizationToken", what.to_owned())
        })
    }
}
