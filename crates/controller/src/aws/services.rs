//! Owns DescribeServices: the network that a service uses, and how its deployments are guarded.

use super::access::Aws;
use super::error::AwsError;
use super::patience::patient;
use crate::settings::PublicIp;
use crate::task::TaskNetwork;
use aws_sdk_ecs::types::{AssignPublicIp, AwsVpcConfiguration, Service};

/// A service that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundService {
    pub(crate) status: String,
    /// None in another network mode than awsvpc.
    pub(crate) network: Option<TaskNetwork>,
    pub(crate) breaker: Breaker,
    pub(crate) desired: i32,
    pub(crate) running: i32,
}

/// What becomes of a deployment whose tasks do not get healthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Breaker {
    /// It is tried for ever.
    Off,
    /// It is given up.
    Stops,
    /// It is given up, and the service goes back to the last one.
    RollsBack,
}

impl Aws {
    /// A service by name or ARN. One that was deleted is described for a while, and is none.
    pub(crate) async fn find_service(
        &self,
        cluster: &str,
        service: &str,
    ) -> Result<Option<FoundService>, AwsError> {
        let answer = patient(|| async {
            let ask = self.ecs.describe_services().cluster(cluster).services(service);
            ask.send().await.map_err(|error| AwsError::of("DescribeServices", error))
        })
        .await?;
        let alive = |service: &&Service| service.status() != Some("INACTIVE");
        Ok(answer.services().iter().find(alive).map(found))
    }
}

fn found(service: &Service) -> FoundService {
    let network =
        service.network_configuration().and_then(|network| network.awsvpc_configuration());
    let breaker = service
        .deployment_configuration()
        .and_then(|configuration| configuration.deployment_circuit_breaker());
    FoundService {
        status: service.status().unwrap_or_default().to_owned(),
        network: network.map(of_vpc),
        breaker: match breaker {
            Some(breaker) if breaker.enable() && breaker.rollback() => Breaker::RollsBack,
            Some(breaker) if breaker.enable() => Breaker::Stops,
            Some(_) | None => Breaker::Off,
        },
        desired: service.desired_count(),
        running: service.running_count(),
    }
}

fn of_vpc(vpc: &AwsVpcConfiguration) -> TaskNetwork {
    TaskNetwork {
        subnets: vpc.subnets().to_vec(),
        security_groups: vpc.security_groups().to_vec(),
        public_ip: match vpc.assign_public_ip() {
            Some(AssignPublicIp::Enabled) => PublicIp::Assigned,
            _ => PublicIp::None,
        },
    }
}
