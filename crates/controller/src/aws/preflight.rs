//! Owns looking at what a run needs: who we are, the cluster, the log group.

use super::access::Aws;
use super::error::AwsError;
use super::patience::patient;
use aws_config::Region;

/// A cluster that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundCluster {
    /// `ACTIVE`, or why it cannot be used.
    pub(crate) status: String,
    pub(crate) capacity_providers: Vec<String>,
}

/// A log group that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundLogGroup {
    /// Days; none is for ever.
    pub(crate) retention: Option<i32>,
    /// `STANDARD`, or one whose events cannot be read by GetLogEvents.
    pub(crate) class: String,
}

impl Aws {
    /// The ARN of whoever signs.
    pub(crate) async fn caller_arn(&self) -> Result<String, AwsError> {
        let sts = aws_sdk_sts::Client::new(&self.config);
        let answer = patient(|| async {
            let answer = sts.get_caller_identity().send().await;
            answer.map_err(|error| AwsError::of("GetCallerIdentity", error))
        })
        .await?;
        Ok(answer.arn().unwrap_or_default().to_owned())
    }

    /// A cluster by name or ARN; none if there is no such cluster.
    pub(crate) async fn find_cluster(&self, name: &str) -> Result<Option<FoundCluster>, AwsError> {
        let answer = patient(|| async {
            let answer = self.ecs.describe_clusters().clusters(name).send().await;
            answer.map_err(|error| AwsError::of("DescribeClusters", error))
        })
        .await?;
        Ok(answer.clusters().first().map(|cluster| FoundCluster {
            status: cluster.status().unwrap_or_default().to_owned(),
            capacity_providers: cluster.capacity_providers().to_vec(),
        }))
    }

    /// A log group by its whole name, in its own Region; none if there is no such group. The name is
    /// its own prefix, and groups come in the order of their names, so the first page has it.
    pub(crate) async fn find_log_group(
        &self,
        region: &str,
        name: &str,
    ) -> Result<Option<FoundLogGroup>, AwsError> {
        let config = aws_sdk_cloudwatchlogs::config::Builder::from(&self.config)
            .region(Region::new(region.to_owned()))
            .build();
        let logs = aws_sdk_cloudwatchlogs::Client::from_conf(config);
        let answer = patient(|| async {
            let answer = logs.describe_log_groups().log_group_name_prefix(name).send().await;
            answer.map_err(|error| AwsError::of("DescribeLogGroups", error))
        })
        .await?;
        let found = answer.log_groups().iter().find(|group| group.log_group_name() == Some(name));
        Ok(found.map(|group| FoundLogGroup {
            retention: group.retention_in_days(),
            class: group.log_group_class().map_or("STANDARD", |class| class.as_str()).to_owned(),
        }))
    }
}
