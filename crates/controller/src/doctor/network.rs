//! Owns the network settings, as far as they can be judged without EC2. PURE.

use super::finding::{Finding, no, ok, with_fix};
use crate::commands::FoundNetwork;
use crate::error::Error;
use crate::settings::PublicIp;

const NAME: &str = "network";

/// AWS takes at most so many for one interface (ECS API, `AwsVpcConfiguration`).
const MOST_SUBNETS: usize = 16;
const MOST_GROUPS: usize = 5;

/// The network that was found, or why there is none.
pub(crate) fn judge(found: &Result<FoundNetwork, Error>) -> Finding {
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            return no(
                NAME,
                error.to_string(),
                error.hint().unwrap_or("set --subnets and --security-groups"),
            );
        }
    };
    let network = &found.task_network;
    let wrong = |items: &[String], prefix: &str| {
        items.iter().find(|item| !item.starts_with(prefix)).cloned()
    };
    if let Some(item) = wrong(&network.subnets, "subnet-") {
        return no(NAME, format!("`{item}` is no subnet"), "a subnet's id begins with subnet-");
    }
    if let Some(item) = wrong(&network.security_groups, "sg-") {
        return no(
            NAME,
            format!("`{item}` is no security group"),
            "a security group's id begins with sg-",
        );
    }
    if network.subnets.len() > MOST_SUBNETS || network.security_groups.len() > MOST_GROUPS {
        return no(
            NAME,
            format!(
                "{} subnets and {} security groups",
                network.subnets.len(),
                network.security_groups.len()
            ),
            format!("AWS takes at most {MOST_SUBNETS} subnets and {MOST_GROUPS} security groups"),
        );
    }
    let sentence = match &found.instead {
        Some(why) => format!("{}; {why}", found.sentence),
        None => found.sentence.clone(),
    };
    let finding = ok(NAME, sentence);
    match network.public_ip {
        PublicIp::Assigned => finding,
        PublicIp::None => with_fix(
            finding,
            "without a public address the subnets need a NAT gateway, or endpoints for ecr.api, ecr.dkr, s3, logs and secretsmanager",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;
    use crate::task::TaskNetwork;

    #[test]
    fn ids_are_of_their_kind_and_not_too_many() {
        let found = |subnets: &[&str], groups: &[&str]| {
            let all = |items: &[&str]| items.iter().map(ToString::to_string).collect::<Vec<_>>();
            let task_network = TaskNetwork {
                subnets: all(subnets),
                security_groups: all(groups),
                public_ip: PublicIp::None,
            };
            Ok(FoundNetwork { task_network, sentence: "network".to_owned(), instead: None })
        };
        for (found, verdict, word) in [
            (found(&["subnet-a"], &["sg-a"]), Verdict::Ok, "network"),
            (found(&["sg-a"], &["sg-a"]), Verdict::No, "`sg-a` is no subnet"),
            (found(&["subnet-a"], &["default"]), Verdict::No, "`default` is no security group"),
            (found(&["subnet-a"], &["sg-a"; 6]), Verdict::No, "6 security groups"),
            (Err(Error::usage("no subnets are set")), Verdict::No, "no subnets are set"),
        ] {
            let judged = judge(&found);
            assert!(judged.verdict == verdict && judged.sentence.contains(word), "{judged:?}");
        }
    }
}
