use super::*;

pub(in crate::service) fn deployment(id: &str, primary: bool, rollout: Rollout) -> Deployment {
    let definition = if id == "2" { "new" } else { "old" };
    Deployment {
        id: id.to_owned(),
        primary,
        definition: definition.to_owned(),
        rollout,
        reason: String::new(),
        desired: 2,
        running: 2,
        pending: 0,
        failed: 0,
        created_at: id.parse().unwrap(),
    }
}

pub(in crate::service) fn service(deployments: Vec<Deployment>) -> ServiceSnapshot {
    ServiceSnapshot {
        status: "ACTIVE".to_owned(),
        controller: "ECS".to_owned(),
        definition: String::new(),
        desired: 2,
        running: 2,
        deployments,
        revisions: Vec::new(),
        events: Vec::new(),
    }
}

pub(in crate::service) fn told(status: DeploymentStatus) -> ServiceDeployment {
    ServiceDeployment {
        arn: "arn".to_owned(),
        revision: "revision".to_owned(),
        created_at: 2,
        status,
        reason: String::new(),
        rollback: String::new(),
        tripped: false,
        failures: None,
        alarms: Vec::new(),
        stage: String::new(),
        holds: Vec::new(),
    }
}

fn ours() -> Ours {
    Ours { id: "2".to_owned(), created_at: 2, seen: true }
}

fn judged(service: &ServiceSnapshot, told: Told<'_>, over: u64) -> Verdict {
    let ours = ours();
    judge(&Case {
        definition: "new",
        ours: &ours,
        service,
        told,
        age: Duration::from_secs(90),
        over: Duration::from_secs(over),
        complaint: false,
        intent: Intent::Wait,
    })
}

use Rollout::{Completed, Failed, InProgress, NotSaid};

/// The same by the newer view, whatever the older one says of an end.
#[test]
fn the_service_deployment_decides() {
    let good = service(vec![deployment("2", true, Completed)]);
    let back = service(vec![deployment("1", true, Completed)]);
    let newer =
        service(vec![deployment("3", true, InProgress), deployment("2", false, InProgress)]);
    for (service, status, over, expected) in [
        (&good, DeploymentStatus::Successful, 0, Verdict::Deployed(Ground::ServiceDeployment)),
        // The other read is behind, or somebody replaced it at once.
        (&back, DeploymentStatus::Successful, 0, Verdict::Waiting(Phase::NotSeen)),
        (&back, DeploymentStatus::Successful, 60, Verdict::Failed(Failure::Replaced)),
        (&good, DeploymentStatus::Stopped, 0, Verdict::Failed(Failure::StoppedBySomebody)),
        (&newer, DeploymentStatus::Stopped, 0, Verdict::Failed(Failure::Replaced)),
        (&back, DeploymentStatus::RollingBack, 0, Verdict::Waiting(Phase::RollingBack)),
        (&back, DeploymentStatus::RolledBack, 0, Verdict::Failed(Failure::RolledBack)),
        (&back, DeploymentStatus::RollbackFailed, 0, Verdict::Failed(Failure::RollbackFailed)),
        // Steady, completed, and not over: the steady state lies.
        (&good, DeploymentStatus::Going, 0, Verdict::Waiting(Phase::Rolling)),
        (&back, DeploymentStatus::Going, 0, Verdict::Waiting(Phase::Rolling)),
        (&back, DeploymentStatus::Going, 60, Verdict::Failed(Failure::RolledBack)),
    ] {
        let told = told(status);
        assert_eq!(judged(service, Told::Deployment(&told), over), expected, "{status:?}");
    }
    let tripped = ServiceDeployment { tripped: true, ..told(DeploymentStatus::Stopped) };
    let verdict = judged(&good, Told::Deployment(&tripped), 0);
    assert_eq!(verdict, Verdict::Failed(Failure::GivenUp));
}

#[test]
fn without_it_the_primary_deployment_decides() {
    let reason = |mut deployment: Deployment, reason: &str| {
        reason.clone_into(&mut deployment.reason);
        deployment
    };
    let broken = "ECS deployment circuit breaker: tasks failed to start.";
    let back = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1.";
    let rolled = || reason(deployment("2", false, Failed), back);
    for (deployments, expected) in [
        (vec![deployment("2", true, Completed)], Verdict::Deployed(Ground::Deployments)),
        (vec![deployment("2", true, InProgress)], Verdict::Waiting(Phase::Rolling)),
        (vec![reason(deployment("2", true, Failed), broken)], Verdict::Failed(Failure::GivenUp)),
        (vec![deployment("2", true, Failed)], Verdict::Failed(Failure::StoppedBySomebody)),
        (vec![deployment("2", true, NotSaid)], Verdict::Deployed(Ground::Deployments)),
        (
            vec![deployment("2", true, NotSaid), deployment("1", false, NotSaid)],
            Verdict::Waiting(Phase::Rolling),
        ),
        (vec![deployment("1", true, InProgress), rolled()], Verdict::Waiting(Phase::RollingBack)),
        (vec![deployment("1", true, Completed), rolled()], Verdict::Failed(Failure::RolledBack)),
        (vec![deployment("1", true, Completed)], Verdict::Failed(Failure::RolledBack)),
        (
            vec![deployment("3", true, InProgress), deployment("2", false, InProgress)],
            Verdict::Failed(Failure::Replaced),
        ),
        (vec![deployment("3", true, Completed)], Verdict::Failed(Failure::Replaced)),
        (vec![], Verdict::Waiting(Phase::NotSeen)),
    ] {
        let service = service(deployments.clone());
        assert_eq!(judged(&service, Told::NotReadable, 0), expected, "{deployments:?}");
    }
    let good = service(vec![deployment("2", true, Completed)]);
    assert_eq!(judged(&good, Told::NotVisible, 0), Verdict::Waiting(Phase::Rolling));
    assert_eq!(judged(&good, Told::NotVisible, 60), Verdict::Deployed(Ground::Deployments));
}

/// Right after UpdateService a reader may see the service as it was.
#[test]
fn an_old_view_is_not_a_rollback() {
    let before = service(vec![deployment("1", true, Completed)]);
    let unseen = Ours { seen: false, ..ours() };
    for (age, expected) in
        [(0, Verdict::Waiting(Phase::NotSeen)), (60, Verdict::Failed(Failure::RolledBack))]
    {
        let case = Case {
            definition: "new",
            ours: &unseen,
            service: &before,
            told: Told::NotReadable,
            age: Duration::from_secs(age),
            over: Duration::ZERO,
            complaint: false,
            intent: Intent::Wait,
        };
        assert_eq!(judge(&case), expected, "{age}");
    }
}

#[test]
fn what_we_want_and_the_end_of_the_time() {
    let going = service(vec![deployment("2", true, InProgress)]);
    let mut failing = going.clone();
    failing.deployments[0].failed = 3;
    failing.deployments[0].running = 0;
    let back = service(vec![deployment("1", true, InProgress), deployment("2", false, Failed)]);
    let gone = ServiceSnapshot { status: "INACTIVE".to_owned(), ..going.clone() };
    let done = service(vec![deployment("2", true, Completed)]);
    let ours = ours();
    for (service, complaint, intent, expected) in [
        (&going, false, Intent::Leave, Verdict::Left),
        (&going, false, Intent::TimeIsOver, Verdict::TimeIsOver),
        (&going, true, Intent::TimeIsOver, Verdict::Failed(Failure::CrashLoop)),
        (&failing, false, Intent::TimeIsOver, Verdict::Failed(Failure::CrashLoop)),
        (&back, false, Intent::TimeIsOver, Verdict::Failed(Failure::RollingBack)),
        (&done, true, Intent::TimeIsOver, Verdict::Deployed(Ground::Deployments)),
        (&gone, false, Intent::Wait, Verdict::Failed(Failure::Gone)),
    ] {
        let verdict = judge(&Case {
            definition: "new",
            ours: &ours,
            service,
            told: Told::NotReadable,
            age: Duration::ZERO,
            over: Duration::ZERO,
            complaint,
            intent,
        });
        assert_eq!(verdict, expected, "{intent:?}");
    }
}

/// Rows G of the fault table, as ECS says them.
#[test]
fn every_service_row_of_the_fault_table_is_judged_as_it_says() {
    let rows: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("../../tests/data/service-faults.json")).unwrap();
    assert_eq!(rows.len(), 9);
    for row in rows {
        let id = row["id"].as_str().unwrap();
        let wire = &row["input"]["deployment"];
        let text = |name: &str| wire[name].as_str().unwrap_or_default();
        let primary = wire["status"] != "ACTIVE";
        let rollout = match text("rolloutState") {
            "FAILED" => Failed,
            "COMPLETED" => Completed,
            _ => InProgress,
        };
        let mut own = deployment("2", primary, rollout);
        text("rolloutStateReason").clone_into(&mut own.reason);
        let mut deployments = vec![own];
        if !primary {
            deployments.push(deployment("1", true, Completed));
        }
        let service = service(deployments);
        let newer = ServiceDeployment {
            reason: text("statusReason").to_owned(),
            ..told(match text("serviceDeployment") {
                "" => DeploymentStatus::Going,
                status => DeploymentStatus::named(status),
            })
        };
        let is_told = wire["serviceDeployment"].is_string();
        let crash = |text: &str| text.contains("unable to consistently start tasks");
        let complaint = wire["events"][0].as_str().is_some_and(crash);
        let ours = ours();
        let verdict = judge(&Case {
            definition: "new",
            ours: &ours,
            service: &service,
            told: if is_told { Told::Deployment(&newer) } else { Told::NotReadable },
            age: Duration::from_secs(90),
            over: Duration::from_secs(90),
            complaint,
            intent: if wire["timeout"] == true { Intent::TimeIsOver } else { Intent::Wait },
        });
        let expected = match row["controller_exit"].as_i64() {
            None => matches!(verdict, Verdict::Waiting(_)),
            Some(0) => matches!(verdict, Verdict::Deployed(_)),
            Some(_) => matches!(verdict, Verdict::Failed(_)),
        };
        assert!(expected, "{id}: {verdict:?}");
    }
}
