use super::super::snapshot::{Deployment, RevisionCount, Rollout};
use super::super::verdict::tests::{deployment, service};
use super::*;
use crate::task::snapshot_examples;

fn task(definition: &str, started_by: &str, status: &str) -> TaskSnapshot {
    TaskSnapshot {
        definition: format!("arn:aws:ecs:r:1:task-definition/{definition}"),
        started_by: started_by.to_owned(),
        ..snapshot_examples::task(status)
    }
}

fn new() -> Deployment {
    Deployment { id: "ecs-svc/2".to_owned(), ..deployment("2", true, Rollout::Completed) }
}

fn old(running: i32, desired: i32) -> Deployment {
    let id = "ecs-svc/1".to_owned();
    Deployment { id, desired, running, ..deployment("1", false, Rollout::Completed) }
}

fn revision(arn: &str, tasks: i32) -> RevisionCount {
    RevisionCount { arn: arn.to_owned(), tasks }
}

fn seen(deployments: Vec<Deployment>, tasks: &[TaskSnapshot]) -> String {
    let service = service(deployments);
    word(&old_code("new", Sight { service: Some(&service), tasks, unseen: 0, definitions: &[] }))
}

fn word(found: &OldCode) -> String {
    match found {
        OldCode::Unseen(tasks) => format!("{tasks} not shown"),
        OldCode::Gone => "gone".to_owned(),
        OldCode::NoService => "no service".to_owned(),
        OldCode::Runs(remains) => listed(remains),
        OldCode::StandsOn(definition) => format!("on {definition}"),
    }
}

#[test]
fn every_side_that_shows_an_old_task_counts() {
    let new_task = || task("new", "ecs-svc/2", "RUNNING");
    for (deployments, tasks, expected) in [
        (vec![new()], vec![new_task(), new_task()], "gone"),
        // Deferred clean-up: the deployment is still there.
        (vec![new(), old(2, 2)], vec![], "2 tasks of old (ecs-svc/1)"),
        (vec![new(), old(0, 2)], vec![], "old, which is to start tasks (ecs-svc/1)"),
        (vec![new(), old(0, 0)], vec![], "gone"),
        // It is counted no more, and its task takes its `stopTimeout`.
        (vec![new()], vec![task("old", "ecs-svc/1", "STOPPING")], "1 task of old (ecs-svc/1)"),
        (
            vec![new()],
            vec![task("old", "ecs-svc/1", "DEPROVISIONING")],
            "1 task of old (ecs-svc/1)",
        ),
        (vec![new()], vec![task("old", "ecs-svc/1", "STOPPED")], "gone"),
        // The same definition, from a deployment before: a tag can have been another image then.
        (vec![new()], vec![task("new", "ecs-svc/1", "RUNNING")], "1 task of new (ecs-svc/1)"),
        // Of a task set, or by hand.
        (vec![new()], vec![task("old", "somebody", "RUNNING")], "1 task of old"),
        (vec![new()], vec![task("new", "somebody", "RUNNING")], "gone"),
        // Both sides are one.
        (
            vec![new(), old(1, 0)],
            vec![task("old", "ecs-svc/1", "RUNNING")],
            "1 task of old (ecs-svc/1)",
        ),
        // Rolled back, or replaced by somebody.
        (vec![Deployment { primary: true, ..old(2, 2) }], vec![], "on old"),
    ] {
        assert_eq!(seen(deployments.clone(), &tasks), expected, "{deployments:?} {tasks:?}");
    }
}

#[test]
fn a_revision_with_tasks_counts_where_nothing_else_shows_it() {
    let known = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(arn, of)| ((*arn).to_owned(), (*of).to_owned())).collect()
    };
    for (revisions, definitions, expected) in [
        (vec![revision("r2", 2)], known(&[("r2", "new")]), "gone"),
        (vec![revision("r2", 2), revision("r1", 0)], known(&[]), "gone"),
        (
            vec![revision("r2", 2), revision("r1", 1)],
            known(&[("r1", "old"), ("r2", "new")]),
            "1 task of old",
        ),
        (vec![revision("r2", 2), revision("r1", 1)], known(&[("r1", "old")]), "1 task of old"),
        (vec![revision("r1", 1)], known(&[("r1", "old")]), "1 task of old"),
        // Who they are cannot be read.
        (
            vec![revision("r1", 1), revision("r2", 1)],
            known(&[]),
            "1 task of another service revision",
        ),
        (vec![revision("r2", 1)], known(&[]), "gone"),
        // The same definition with another configuration.
        (
            vec![revision("r1", 1), revision("r2", 1)],
            known(&[("r1", "new"), ("r2", "new")]),
            "1 task of new",
        ),
    ] {
        let mut service = service(vec![new()]);
        service.revisions = revisions.clone();
        let sight =
            Sight { service: Some(&service), tasks: &[], unseen: 0, definitions: &definitions };
        assert_eq!(word(&old_code("new", sight)), expected, "{revisions:?} {definitions:?}");
    }
}

#[test]
fn of_a_deleted_service_only_its_tasks_count() {
    let running = [task("old", "ecs-svc/1", "RUNNING")];
    let sight = Sight { service: None, tasks: &running, unseen: 0, definitions: &[] };
    assert_eq!(word(&old_code("new", sight)), "1 task of old (ecs-svc/1)");
    assert_eq!(old_code("new", Sight { tasks: &[], ..sight }), OldCode::NoService);
}

/// A task that ECS lists and does not show may be old code that is slow to go.
#[test]
fn what_is_listed_and_not_shown_is_not_gone() {
    let sight = Sight { service: None, tasks: &[], unseen: 2, definitions: &[] };
    assert_eq!(old_code("api:2", sight), OldCode::Unseen(2));
    assert_eq!(old_code("api:2", Sight { unseen: 0, ..sight }), OldCode::NoService);
}
