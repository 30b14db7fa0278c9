//! Owns what IAM, EC2 and ECR say about what exists.

use serde_json::{Value, json};

use super::world::{World, unmake};
use crate::core::Core;
use crate::registry::Repository;
use crate::wire::ApiError;

pub(crate) fn iam(core: &Core, operation: &str, _input: &Value) -> Option<Result<Value, ApiError>> {
    let state = core.state();
    Some(match operation {
        "ListOpenIDConnectProviders" => {
            let arns: Vec<Value> =
                state.world.ids("AWS::IAM::OIDCProvider").map(|arn| json!({"Arn": arn})).collect();
            Ok(json!({"OpenIDConnectProviderList": arns}))
        }
        _ => return None,
    })
}

pub(crate) fn ec2(core: &Core, operation: &str, input: &Value) -> Option<Result<Value, ApiError>> {
    let state = core.state();
    (operation == "DescribeSecurityGroups").then(|| {
        let id = input["GroupId.1"].as_str().unwrap_or_default();
        if state.world.tags("AWS::EC2::SecurityGroup", id).is_some() {
            Ok(json!({"securityGroupInfo": [{"groupId": id}]}))
        } else {
            let message = format!("The security group '{id}' does not exist");
            Err(ApiError::client("InvalidGroup.NotFound", message))
        }
    })
}

pub(crate) fn ecr(core: &Core, operation: &str, input: &Value) -> Option<Result<Value, ApiError>> {
    let mut state = core.state();
    let arn = |name: &str| core.identity.repository(name);
    Some(match operation {
        "DescribeRepositories" => {
            let name = input["repositoryNames"][0].as_str().unwrap_or_default();
            repository(&state.world, name).map(
                |_| json!({"repositories": [{"repositoryName": name, "repositoryArn": arn(name)}]}),
            )
        }
        "ListTagsForResource" => {
            let name = input["resourceArn"].as_str().and_then(|arn| arn.split_once(":repository/"));
            let name = name.map_or("", |(_, name)| name);
            repository(&state.world, name).map(|tags| {
                let tags: Vec<Value> =
                    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
                json!({"tags": tags})
            })
        }
        "DescribeImages" => {
            let name = input["repositoryName"].as_str().unwrap_or_default();
            repository(&state.world, name).map(|_| {
                let held = state.registry.repository(name);
                let images: Vec<Value> = held
                    .into_iter()
                    .flat_map(Repository::images)
                    .map(|image| {
                        json!({"repositoryName": name, "imageDigest": image.digest,
                            "imageSizeInBytes": image.text.len()})
                    })
                    .collect();
                json!({"imageDetails": images})
            })
        }
        "DeleteRepository" => {
            let name = input["repositoryName"].as_str().unwrap_or_default();
            let found = repository(&state.world, name).map(|_| json!({}));
            unmake(&mut state, &("AWS::ECR::Repository".to_owned(), name.to_owned()));
            found
        }
        _ => return None,
    })
}

fn repository<'a>(world: &'a World, name: &str) -> Result<&'a super::world::Tags, ApiError> {
    world.tags("AWS::ECR::Repository", name).ok_or_else(|| {
        ApiError::client(
            "RepositoryNotFoundException",
            format!("The repository with name '{name}' does not exist in the registry"),
        )
    })
}
