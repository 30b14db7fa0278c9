//! Owns what has to be done to bring a service to a definition: PURE.

use super::snapshot::{Rollout, ServiceSnapshot};
use crate::aws::NewDeployment;

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// It stands on this definition, and its deployment ended well.
    AlreadyThere,
    /// A deployment of this definition is under way: an earlier invocation began it.
    Follow,
    Update(NewDeployment),
}

/// The step for a service that shall stand on `definition`. ECS begins no deployment where nothing
/// changes, so one that failed on this very definition needs a forced one.
pub(crate) fn step(service: &ServiceSnapshot, definition: &str, wish: NewDeployment) -> Step {
    let Some(primary) = service.primary().filter(|primary| primary.definition == definition) else {
        return Step::Update(wish);
    };
    match (primary.rollout, wish) {
        (_, NewDeployment::Forced) | (Rollout::Failed, NewDeployment::IfNeeded) => {
            Step::Update(NewDeployment::Forced)
        }
        (Rollout::InProgress, NewDeployment::IfNeeded) => Step::Follow,
        (Rollout::Completed, NewDeployment::IfNeeded) => Step::AlreadyThere,
        (Rollout::NotSaid, NewDeployment::IfNeeded) => {
            let steady = service.deployments.len() == 1 && primary.running == primary.desired;
            if steady { Step::AlreadyThere } else { Step::Follow }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::verdict::tests::{deployment, service};
    use super::*;

    #[test]
    fn only_what_stands_well_on_the_definition_is_there_already() {
        use NewDeployment::{Forced, IfNeeded};
        for (primary, definition, wish, expected) in [
            (deployment("1", true, Rollout::Completed), "old", IfNeeded, Step::AlreadyThere),
            (deployment("1", true, Rollout::Completed), "new", IfNeeded, Step::Update(IfNeeded)),
            (deployment("1", true, Rollout::InProgress), "old", IfNeeded, Step::Follow),
            (deployment("1", true, Rollout::Failed), "old", IfNeeded, Step::Update(Forced)),
            (deployment("1", true, Rollout::Completed), "old", Forced, Step::Update(Forced)),
            (deployment("1", true, Rollout::NotSaid), "old", IfNeeded, Step::AlreadyThere),
        ] {
            let service = service(vec![primary.clone()]);
            assert_eq!(step(&service, definition, wish), expected, "{primary:?}");
        }
        let none = service(vec![]);
        assert_eq!(step(&none, "new", IfNeeded), Step::Update(IfNeeded));
    }
}
