//! Owns counting what a repository and a log group hold, before they are deleted.

use super::access::Aws;
use super::error::AwsError;
use crate::infrastructure::{Images, LogLines};
use serde_json::json;

/// Images of one answer, the most that ECR gives (Amazon ECR API, `DescribeImages`).
const PAGE: u32 = 1000;

impl Aws {
    /// The images of a repository; one page, because more than a thousand are more than enough to
    /// think twice.
    pub(crate) async fn images_in(&self, repository: &str) -> Result<Images, AwsError> {
        let body = json!({"repositoryName": repository, "maxResults": PAGE});
        let answer = self.ecr("DescribeImages", &body).await?;
        let images = answer["imageDetails"].as_array().map(Vec::as_slice).unwrap_or_default();
        let bytes = images.iter().filter_map(|image| image["imageSizeInBytes"].as_u64()).sum();
        Ok(Images { number: images.len() as u64, bytes, more: answer["nextToken"].is_string() })
    }

    /// The lines of a log group.
    pub(crate) async fn lines_in(&self, group: &str) -> Result<Option<LogLines>, AwsError> {
        let logs = aws_sdk_cloudwatchlogs::Client::new(&self.config);
        let answer = logs.describe_log_groups().log_group_name_prefix(group).send().await;
        let answer = answer.map_err(|error| AwsError::of("DescribeLogGroups", error))?;
        let found = answer.log_groups().iter().find(|found| found.log_group_name() == Some(group));
        Ok(found.map(|found| LogLines {
            bytes: found.stored_bytes().and_then(|bytes| bytes.try_into().ok()).unwrap_or_default(),
            since: found.creation_time().unwrap_or_default(),
            retention: found.retention_in_days().and_then(|days| days.try_into().ok()),
        }))
    }
}
