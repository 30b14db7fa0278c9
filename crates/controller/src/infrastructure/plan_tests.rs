//! What a change set and the parts become, line by line.

use super::*;

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn change(
    action: &str,
    logical_id: &str,
    replacement: &str,
    causes: &[(&str, &str)],
) -> ResourceChange {
    ResourceChange {
        action: action.to_owned(),
        logical_id: logical_id.to_owned(),
        kind: "AWS::X::Y".to_owned(),
        replacement: replacement.to_owned(),
        causes: causes.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
        ..ResourceChange::default()
    }
}

#[test]
fn every_change_is_a_line_with_its_reason() {
    let parameters = map(&[
        ("ClusterName", "main"),
        ("RepositoryName", "app"),
        ("LogGroupName", "/ecs/app"),
        ("ExecutionRoleName", "app-execution"),
        ("TaskRoleName", "app-task"),
        ("LogRetentionInDays", "90"),
    ]);
    let deployed =
        map(&[("LogRetentionInDays", "30"), ("ClusterName", "main"), ("CreateCluster", "false")]);
    let presences = BTreeMap::new();
    let choices = BTreeMap::from([
        (Part::Cluster, Choice::Adopt("arn:aws:ecs:x:1:cluster/main".to_owned())),
        (Part::Repository, Choice::Adopt("arn:aws:ecr:x:1:repository/app".to_owned())),
        (Part::LogGroup, Choice::Keep),
        (Part::ExecutionRole, Choice::Create),
        (Part::TaskRole, Choice::Restore("app-task".to_owned())),
    ]);
    let known = Knowledge {
        choices: &choices,
        presences: &presences,
        parameters: &parameters,
        deployed: &deployed,
    };
    let change_set = ChangeSet {
        changes: vec![
            // An emulator lists what a false condition leaves out.
            change("Add", "Repository", "", &[]),
            change("Add", "ExecutionRole", "", &[]),
            change(
                "Modify",
                "LogGroup",
                "False",
                &[
                    ("RetentionInDays", "LogRetentionInDays"),
                    ("RetentionInDays", "LogRetentionInDays"),
                ],
            ),
            change("Remove", "TaskRole", "", &[]),
            change("Remove", "Cluster", "", &[]),
            change("Remove", "SecurityGroup", "", &[]),
            change("Modify", "Else", "True", &[("Tags", "")]),
            change("Modify", "Else", "Conditional", &[]),
        ],
        ..ChangeSet::default()
    };
    let lines = known.lines(&change_set);
    let said: Vec<String> = lines
        .iter()
        .map(|line| format!("{:?} {}: {}", line.verb, line.what, line.reason))
        .collect();
    assert_eq!(
        said,
        [
            "Adopt image repository app: exists already and is used as it is",
            "Restore task role app-task: somebody deleted it; the stack forgets it, then makes it again",
            "Create execution role app-execution: does not exist",
            "Change log group /ecs/app: RetentionInDays: LogRetentionInDays is 90 instead of 30",
            "Leave cluster main: no longer part of the stack; it stays",
            "Remove security group: no longer asked for",
            "Replace AWS::X::Y Else: Tags",
            "Change AWS::X::Y Else: perhaps by another one: the template changed",
        ]
    );
    assert_eq!(known.lines_without_change_set().len(), 3);
}
