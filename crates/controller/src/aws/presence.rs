//! Owns looking whether a part of the infrastructure exists, whoever made it.

use super::access::Aws;
use super::error::{AwsError, Class};
use super::form::{Form, find, members};
use super::signed::{Host, Service};
use crate::infrastructure::Presence;
use roxmltree::Node;
use serde_json::{Value, json};

const IAM: Service = Service { id: "iam", signing_name: "iam", host: Host::Iam, target: "" };

const EC2: Service =
    Service { id: "ec2", signing_name: "ec2", host: Host::Regional("ec2"), target: "" };

const ECR: Service = Service {
    id: "ecr",
    signing_name: "ecr",
    host: Host::Regional("api.ecr"),
    target: "AmazonEC2ContainerRegistry_V20150921",
};

/// Where GitHub's identity tokens come from.
const GITHUB_PROVIDER: &str = "oidc-provider/token.actions.githubusercontent.com";

impl Aws {
    /// Account and partition of the credentials.
    pub(crate) async fn caller(&self) -> Result<(String, String), AwsError> {
        let sts = aws_sdk_sts::Client::new(&self.config);
        let answer = sts.get_caller_identity().send().await;
        let answer = answer.map_err(|error| AwsError::of("GetCallerIdentity", error))?;
        self.account.note(answer.account().unwrap_or_default());
        let partition = answer.arn().and_then(|arn| arn.split(':').nth(1)).unwrap_or("aws");
        Ok((answer.account().unwrap_or_default().to_owned(), partition.to_owned()))
    }

    /// A cluster, by name.
    pub(crate) async fn cluster_presence(&self, name: &str) -> Result<Presence, AwsError> {
        let answer = self.ecs.describe_clusters().clusters(name).send().await;
        let answer = answer.map_err(|error| AwsError::of("DescribeClusters", error));
        presence(answer, "ClusterNotFoundException", |answer| {
            let active =
                |cluster: &&aws_sdk_ecs::types::Cluster| cluster.status() == Some("ACTIVE");
            let found = answer.clusters().iter().find(active);
            found.map(|cluster| cluster.cluster_arn().unwrap_or(name).to_owned())
        })
    }

    /// An image repository, by name.
    pub(crate) async fn repository_presence(&self, name: &str) -> Result<Presence, AwsError> {
        let body = json!({"repositoryNames": [name]});
        let answer = self.ecr("DescribeRepositories", &body).await;
        presence(answer, "RepositoryNotFoundException", |answer| {
            answer["repositories"][0]["repositoryArn"].as_str().map(str::to_owned)
        })
    }

    /// Whether the repository carries a tag with this value.
    pub(crate) async fn repository_has_tag(
        &self,
        arn: &str,
        (key, value): (&str, &str),
    ) -> Result<bool, AwsError> {
        let answer = self.ecr("ListTagsForResource", &json!({"resourceArn": arn})).await?;
        let tags = answer["tags"].as_array().cloned().unwrap_or_default();
        Ok(tags.iter().any(|tag| tag["Key"] == key && tag["Value"] == value))
    }

    /// Deletes a repository with all its images; none is fine.
    pub(crate) async fn delete_repository(&self, name: &str) -> Result<(), AwsError> {
        let body = json!({"repositoryName": name, "force": true});
        match self.ecr("DeleteRepository", &body).await {
            Err(error) if error.code == "RepositoryNotFoundException" => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// A log group, by its whole name.
    pub(crate) async fn log_group_presence(&self, name: &str) -> Result<Presence, AwsError> {
        let logs = aws_sdk_cloudwatchlogs::Client::new(&self.config);
        let answer = logs.describe_log_groups().log_group_name_prefix(name).send().await;
        let answer = answer.map_err(|error| AwsError::of("DescribeLogGroups", error));
        presence(answer, "ResourceNotFoundException", |answer| {
            let found =
                answer.log_groups().iter().find(|group| group.log_group_name() == Some(name))?;
            let arn = found.arn().unwrap_or_default();
            Some(arn.trim_end_matches(":*").to_owned())
        })
    }

    /// Whether the log group carries a tag with this value.
    pub(crate) async fn log_group_has_tag(
        &self,
        arn: &str,
        (key, value): (&str, &str),
    ) -> Result<bool, AwsError> {
        let logs = aws_sdk_cloudwatchlogs::Client::new(&self.config);
        let answer = logs.list_tags_for_resource().resource_arn(arn).send().await;
        let answer = answer.map_err(|error| AwsError::of("ListTagsForResource", error))?;
        Ok(answer.tags().and_then(|tags| tags.get(key)).is_some_and(|found| found == value))
    }

    /// Deletes a log group with its lines; none is fine.
    pub(crate) async fn delete_log_group(&self, name: &str) -> Result<(), AwsError> {
        let logs = aws_sdk_cloudwatchlogs::Client::new(&self.config);
        let answer = logs.delete_log_group().log_group_name(name).send().await;
        match answer.map_err(|error| AwsError::of("DeleteLogGroup", error)) {
            Err(error) if error.class == Class::ResourceNotFound => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// A role, by name without its path.
    pub(crate) async fn role_presence(&self, name: &str) -> Result<Presence, AwsError> {
        let form = Form::new("GetRole", "2010-05-08").with("RoleName", name);
        let answer = self.submit(IAM, form, |root| text_of(root, "Arn")).await;
        presence(answer, "NoSuchEntity", |arn| arn)
    }

    /// The account's identity provider for GitHub.
    pub(crate) async fn github_provider_presence(&self) -> Result<Presence, AwsError> {
        let form = Form::new("ListOpenIDConnectProviders", "2010-05-08");
        let read = |root: Node<'_, '_>| {
            let list = find(root, "ListOpenIDConnectProvidersResult");
            let found = list.into_iter().flat_map(|l| members(l, "OpenIDConnectProviderList"));
            found
                .filter_map(|member| text_of(member, "Arn"))
                .find(|arn| arn.ends_with(GITHUB_PROVIDER))
        };
        presence(self.submit(IAM, form, read).await, "NoSuchEntity", |arn| arn)
    }

    /// A security group, by id.
    pub(crate) async fn security_group_presence(&self, id: &str) -> Result<Presence, AwsError> {
        let form = Form::new("DescribeSecurityGroups", "2016-11-15").with("GroupId.1", id);
        let answer = self.submit(EC2, form, |root| text_of(root, "groupId")).await;
        presence(answer, "InvalidGroup.NotFound", |found| found)
    }

    pub(super) async fn ecr(
        &self,
        operation: &'static str,
        body: &Value,
    ) -> Result<Value, AwsError> {
        let text = self.post(ECR, operation, &body.to_string()).await?;
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }
}

fn text_of(node: Node<'_, '_>, name: &str) -> Option<String> {
    find(node, name).and_then(|found| found.text()).map(str::to_owned)
}

/// There, not there, or not to be known; `absent` is the code of a thing that is not there.
fn presence<T>(
    answer: Result<T, AwsError>,
    absent: &str,
    arn: impl Fn(T) -> Option<String>,
) -> Result<Presence, AwsError> {
    match answer {
        Ok(answer) => Ok(arn(answer).map_or(Presence::Absent, Presence::There)),
        Err(error) if error.code.starts_with(absent) => Ok(Presence::Absent),
        Err(error) if error.class == Class::AccessDenied => Ok(Presence::Unknown(Box::new(error))),
        Err(error) => Err(error),
    }
}
