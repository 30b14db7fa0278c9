//! Owns the cluster: ecs:DescribeClusters.

use super::finding::{Finding, no, of_error, ok};
use crate::aws::{Aws, FoundCluster};
use crate::settings::{Capacity, DoctorSettings};

const NAME: &str = "cluster";

pub(super) async fn look(aws: &Aws, settings: &DoctorSettings) -> Finding {
    let cluster = &settings.cluster;
    let capacity = match &settings.capacity {
        Ok(capacity) => capacity,
        Err(error) => return no(NAME, error.to_string(), error.hint().unwrap_or_default()),
    };
    let named = format!("{} ({})", cluster.value, cluster.origin);
    match aws.find_cluster(&cluster.value).await {
        Ok(found) => judge((&named, aws.region()), found.as_ref(), capacity),
        Err(error) => of_error(NAME, &error),
    }
}

fn judge(
    (named, region): (&str, &str),
    found: Option<&FoundCluster>,
    capacity: &Capacity,
) -> Finding {
    let Some(found) = found else {
        return no(
            NAME,
            format!("there is no cluster {named} in {region}"),
            "check --cluster and the Region, or make it: aws ecs create-cluster --cluster-name NAME",
        );
    };
    if found.status != "ACTIVE" {
        return no(
            NAME,
            format!("cluster {named} is {}", found.status),
            "name a cluster that is ACTIVE",
        );
    }
    match capacity {
        Capacity::Provider(provider) if !found.capacity_providers.contains(provider) => no(
            NAME,
            format!("cluster {named} has no capacity provider {provider}"),
            format!(
                "it has: {}; leave --capacity-provider out for launch type FARGATE",
                if found.capacity_providers.is_empty() {
                    "none".to_owned()
                } else {
                    found.capacity_providers.join(", ")
                }
            ),
        ),
        Capacity::Provider(_) | Capacity::Fargate => ok(NAME, format!("cluster {named} is active")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_cluster_is_there_active_and_has_the_capacity() {
        let found = |status: &str| FoundCluster {
            status: status.to_owned(),
            capacity_providers: vec!["FARGATE".to_owned()],
        };
        let provider = |name: &str| Capacity::Provider(name.to_owned());
        for (found, capacity, verdict, words) in [
            (None, Capacity::Fargate, Verdict::No, "there is no cluster prod in r"),
            (Some(found("INACTIVE")), Capacity::Fargate, Verdict::No, "is INACTIVE"),
            (Some(found("ACTIVE")), provider("own"), Verdict::No, "no capacity provider own"),
            (Some(found("ACTIVE")), provider("FARGATE"), Verdict::Ok, "is active"),
            (Some(found("ACTIVE")), Capacity::Fargate, Verdict::Ok, "is active"),
        ] {
            let judged = judge(("prod", "r"), found.as_ref(), &capacity);
            assert_eq!(judged.verdict, verdict);
            assert!(judged.sentence.contains(words), "{judged:?}");
        }
    }
}
