//! Owns addresses in the AWS console. PURE.

use super::arn::TaskArn;

/// The console's host in a partition (`partitions.json` of the SDKs; AWS's pages of each partition).
/// The isolated ones have none that anybody else could open.
fn host(partition: &str, region: &str) -> Option<String> {
    match partition {
        "aws" => Some(format!("{region}.console.aws.amazon.com")),
        "aws-cn" => Some(format!("{region}.console.amazonaws.cn")),
        "aws-us-gov" => Some(format!("{region}.console.amazonaws-us-gov.com")),
        "aws-eusc" => Some(format!("{region}.console.amazonaws-eusc.eu")),
        _ => None,
    }
}

/// What the ARN says; a task that is known by its id alone is where its Region is.
fn partition<'a>(task: &'a TaskArn, region: &str) -> &'a str {
    let said = task.as_str().strip_prefix("arn:").and_then(|rest| rest.split(':').next());
    said.filter(|partition| !partition.is_empty()).unwrap_or_else(|| of_region(region))
}

/// The SDKs' own patterns: `us-gov-…` and `us-iso-…` are no Regions of `aws`.
fn of_region(region: &str) -> &'static str {
    const OTHERS: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("eusc-", "aws-eusc"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
    ];
    OTHERS.into_iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, of)| of)
}

/// A log stream.
pub(super) fn log_stream(
    task: &TaskArn,
    region: &str,
    (group, stream): (&str, &str),
) -> Option<String> {
    let host = host(partition(task, region), region)?;
    Some(format!(
        "https://{host}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{}/log-events/{}",
        twice(group),
        twice(stream)
    ))
}

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// The console decodes its fragment twice, and writes the outer percent sign as `$`.
fn twice(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str("$25");
            encoded
                .extend([byte >> 4, byte & 15].map(|digit| char::from(DIGITS[usize::from(digit)])));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_its_console_and_names_are_encoded() {
        for (partition, region, host) in [
            ("aws", "eu-west-1", Some("eu-west-1.console.aws.amazon.com")),
            ("aws-cn", "cn-north-1", Some("cn-north-1.console.amazonaws.cn")),
            ("aws-us-gov", "us-gov-west-1", Some("us-gov-west-1.console.amazonaws-us-gov.com")),
            ("aws-eusc", "eusc-de-east-1", Some("eusc-de-east-1.console.amazonaws-eusc.eu")),
            ("aws-iso", "us-iso-east-1", None),
            ("aws-iso-b", "us-isob-east-1", None),
            ("aws-iso-e", "eu-isoe-west-1", None),
            ("aws-iso-f", "us-isof-south-1", None),
        ] {
            let arn = format!("arn:{partition}:ecs:{region}:123456789012:task/c/0123");
            for task in [arn.as_str(), "0123"] {
                let url = log_stream(&TaskArn::new(task), region, ("/ecs/app#1", "my team/é%/x"));
                let expected = host.map(|host| {
                    format!(
                        "https://{host}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/\
                         $252Fecs$252Fapp$25231/log-events/my$2520team$252F$25C3$25A9$2525$252Fx"
                    )
                });
                assert_eq!(url, expected, "{task} in {region}");
            }
        }
    }
}
