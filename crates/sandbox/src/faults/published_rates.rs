//! Owns the rates AWS publishes for an account in a Region: which operations share a bucket, how large it is.
//!
//! Sources: "Request throttling for the Amazon ECS API", "AWS Fargate throttling quotas" and "CloudWatch Logs
//! quotas" (aws-facts 1.8, 3.2, 3.4). CloudWatch Logs publishes a rate only: its buckets hold one second.

/// One bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PublishedRate {
    pub(super) operations: &'static [&'static str],
    pub(super) burst: u32,
    pub(super) per_second: f64,
}

const fn rate(operations: &'static [&'static str], burst: u32, per_second: f64) -> PublishedRate {
    PublishedRate { operations, burst, per_second }
}

/// An operation in several buckets takes a token of each.
const EVERYWHERE: &[PublishedRate] = &[
    // Cluster resource modify.
    rate(&["RunTask", "StopTask", "StartTask", "ExecuteCommand"], 100, 40.0),
    // Fargate's own limit of the same call.
    rate(&["RunTask"], 20, 20.0),
    // Cluster resource read.
    rate(&["DescribeTasks", "ListTasks"], 100, 20.0),
    // Cluster read.
    rate(&["DescribeClusters", "ListClusters"], 50, 20.0),
    // Task definition modify.
    rate(&["RegisterTaskDefinition", "DeregisterTaskDefinition"], 20, 1.0),
    rate(&["DeleteTaskDefinitions"], 5, 1.0),
    // Task definition read.
    rate(
        &["DescribeTaskDefinition", "ListTaskDefinitions", "ListTaskDefinitionFamilies"],
        50,
        20.0,
    ),
    // Service modify and service read.
    rate(&["CreateService", "UpdateService", "DeleteService"], 50, 5.0),
    rate(&["DescribeServices", "ListServices"], 100, 20.0),
    rate(&["DescribeServiceDeployments", "ListServiceDeployments"], 50, 20.0),
    rate(&["DescribeServiceRevisions"], 50, 20.0),
    rate(&["TagResource"], 20, 10.0),
    rate(&["CreateLogGroup"], 5, 5.0),
];

const TEN_PAGES_A_SECOND: &[&str] = &[
    "us-west-2",
    "eu-west-1",
    "eu-central-1",
    "ap-northeast-3",
    "ap-southeast-3",
    "ca-west-1",
    "il-central-1",
];

pub(super) fn published_rates(region: &str) -> Vec<PublishedRate> {
    let pages: u32 = match region {
        "eu-west-3" => 30,
        _ if TEN_PAGES_A_SECOND.contains(&region) => 10,
        _ => 25,
    };
    let searches: u32 = match region {
        "us-east-1" => 25,
        "eu-central-1" => 5,
        _ => 10,
    };
    let mut rates = EVERYWHERE.to_vec();
    rates.push(rate(&["GetLogEvents"], pages, f64::from(pages)));
    rates.push(rate(&["FilterLogEvents"], searches, f64::from(searches)));
    rates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_differ_in_reading_logs() {
        for (region, operation, expected) in [
            ("eu-west-1", "GetLogEvents", 10),
            ("eu-west-3", "GetLogEvents", 30),
            ("us-east-1", "GetLogEvents", 25),
            ("us-east-1", "FilterLogEvents", 25),
            ("eu-central-1", "FilterLogEvents", 5),
            ("eu-west-1", "DescribeTasks", 100),
        ] {
            let rates = published_rates(region);
            let found = rates.iter().find(|rate| rate.operations.contains(&operation));
            assert_eq!(found.map(|rate| rate.burst), Some(expected), "{operation} in {region}");
        }
    }
}
