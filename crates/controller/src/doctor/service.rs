//! Owns the service that is deployed after the migration, and its circuit breaker: ecs:DescribeServices.

use super::finding::{Finding, no, of_error, ok, skip, with_fix};
use crate::aws::{Aws, Breaker, FoundService};

const NAME: &str = "service";

pub(super) async fn look(aws: &Aws, cluster: &str, service: &str) -> Finding {
    match aws.find_service(cluster, service).await {
        Ok(found) => judge(cluster, service, found.as_ref()),
        Err(error) if error.code == "ClusterNotFoundException" => {
            skip(NAME, format!("not looked at: there is no cluster {cluster}"))
        }
        Err(error) => of_error(NAME, &error),
    }
}

pub(super) fn none() -> Finding {
    with_fix(skip(NAME, "no service is named"), "name it with --service NAME")
}

fn judge(cluster: &str, service: &str, found: Option<&FoundService>) -> Finding {
    let Some(found) = found else {
        return skip(NAME, format!("there is no service {service} in cluster {cluster} yet"));
    };
    if found.status != "ACTIVE" {
        return no(
            NAME,
            format!("service {service} is {}", found.status),
            "wait until it is gone, then make it again",
        );
    }
    let state = format!("service {service} runs {} of {} tasks", found.running, found.desired);
    let breaker = "aws ecs update-service --deployment-configuration 'deploymentCircuitBreaker={enable=true,rollback=true}'";
    match found.breaker {
        Breaker::RollsBack => ok(NAME, format!("{state}, and rolls a bad deployment back")),
        Breaker::Stops => with_fix(
            skip(NAME, format!("{state}; a bad deployment is given up, but not rolled back")),
            breaker,
        ),
        Breaker::Off => with_fix(
            skip(
                NAME,
                format!(
                    "{state}; its circuit breaker is off, so a bad deployment is tried for ever"
                ),
            ),
            breaker,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_service_is_there_active_and_guarded() {
        let found = |status: &str, breaker| FoundService {
            status: status.to_owned(),
            network: None,
            breaker,
            desired: 2,
            running: 2,
        };
        for (found, verdict, word) in [
            (None, Verdict::Skip, "yet"),
            (Some(found("DRAINING", Breaker::RollsBack)), Verdict::No, "DRAINING"),
            (Some(found("ACTIVE", Breaker::RollsBack)), Verdict::Ok, "2 of 2"),
            (Some(found("ACTIVE", Breaker::Stops)), Verdict::Skip, "not rolled back"),
            (Some(found("ACTIVE", Breaker::Off)), Verdict::Skip, "tried for ever"),
        ] {
            let judged = judge("c", "api", found.as_ref());
            assert!(judged.verdict == verdict && judged.sentence.contains(word), "{judged:?}");
        }
    }
}
