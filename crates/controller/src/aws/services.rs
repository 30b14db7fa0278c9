//! Owns DescribeServices, for the network that a service uses.

use super::access::Aws;
use super::error::{AwsError, Class};
use super::patience::throttled;
use crate::settings::PublicIp;
use crate::task::TaskNetwork;
use aws_sdk_ecs::types::AssignPublicIp;

impl Aws {
    /// The network of a service.
    pub(crate) async fn network_of_service(
        &self,
        cluster: &str,
        service: &str,
    ) -> Result<TaskNetwork, AwsError> {
        let answer = throttled(|| async {
            let ask = self.ecs.describe_services().cluster(cluster).services(service);
            ask.send().await.map_err(|error| AwsError::of("DescribeServices", error))
        })
        .await?;
        let vpc = answer
            .services()
            .first()
            .and_then(|service| service.network_configuration())
            .and_then(|network| network.awsvpc_configuration());
        let Some(vpc) = vpc else {
            return Err(AwsError {
                operation: "DescribeServices",
                code: "NoNetwork".to_owned(),
                message: format!(
                    "service {service} does not exist in cluster {cluster}, or has no awsvpc network"
                ),
                class: Class::Refused,
            });
        };
        Ok(TaskNetwork {
            subnets: vpc.subnets().to_vec(),
            security_groups: vpc.security_groups().to_vec(),
            public_ip: match vpc.assign_public_ip() {
                Some(AssignPublicIp::Enabled) => PublicIp::Assigned,
                _ => PublicIp::None,
            },
        })
    }
}
