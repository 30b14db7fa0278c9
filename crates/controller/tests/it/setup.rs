//! `setup-infra` in every state that a stack can be in, on a clock that passes by itself.

use crate::support::infra::{GITHUB, PROVIDER, Site, github, migration};
use sandbox::{Config, Faults, ResourceScript, Speed};
use serde_json::json;

const OURS: [(&str, &str); 1] = [("ecs-migrate:family", "app")];

const WHOLE: [&str; 4] = ["app", "app-execution", "app-task", "/ecs/app"];

fn both(more: &[&'static str]) -> Vec<&'static str> {
    [&GITHUB[..], more].concat()
}

#[tokio::test(start_paused = true)]
async fn an_empty_account_becomes_ready_and_a_second_run_has_nothing_to_do() {
    let site = Site::new();
    let told = site.set_up(&both(&["--yes", "--subnets", "subnet-a,subnet-b"])).await;
    told.says(
        0,
        &[
            "= adopt   cluster default",
            "+ create  image repository app",
            "+ create  GitHub identity provider",
            "AWS_ROLE_ARN                 arn:aws:iam::111122223333:role/app-deploy",
            "VPC_SUBNETS                  subnet-a,subnet-b",
            "gh variable set VPC_SUBNETS --body 'subnet-a,subnet-b' --repo octo/app",
        ],
    );
    assert!(told.err.contains("[4/4] stack app-infra create complete"), "{}", told.err);
    assert!(told.err.contains("task definition registered: app:1"), "{}", told.err);
    assert_eq!(
        site.inventory(),
        ["app", PROVIDER, "app-deploy", "app-execution", "app-task", "/ecs/app"]
    );
    assert_eq!(
        std::fs::read_to_string(site.file()).unwrap(),
        "# ours\ncluster = \"default\"\ntask-definition = \"app\"\nregion = \"eu-west-1\"\nsubnets = [\"subnet-a\", \"subnet-b\"]\n"
    );
    let executed = site.story.calls("ExecuteChangeSet");
    let told = site.set_up(&both(&["--yes"])).await;
    assert_eq!(told.code, 0, "{}", told.everything());
    assert!(told.err.contains("nothing to do"), "{}", told.err);
    assert_eq!(site.story.calls("ExecuteChangeSet"), executed);
    assert_eq!(site.story.calls("RegisterTaskDefinition"), 1);
    let file = site.file();
    let run = ["run", "--config", file.to_str().unwrap(), "--security-groups", "sg-1"];
    let told = site.story.invoke(&run).await;
    assert_eq!(told.code, 2, "{}", told.everything());
    assert!(told.err.contains("app:bootstrap (app:1) is the placeholder"), "{}", told.err);
    assert_eq!(site.story.calls("RunTask"), 0);
}

/// As docs/staging.md does it.
#[tokio::test(start_paused = true)]
async fn two_environments_share_their_images_and_nothing_else() {
    let right = |words| ResourceScript::new("Right", "AWS::IAM::Policy", words);
    let pulls = || migration().resource(right("${ExecutionRoleName} pulls from ${RepositoryName}"));
    let pushes = || github().resource(right("${DeployRoleName} pushes to ${RepositoryName}"));
    let config = Config::new(Speed::Aws)
        .stack("shop-migrate-infra", pulls())
        .stack("shop-migrate-github", pushes())
        .stack("shop-migrate-staging-infra", pulls())
        .stack("shop-migrate-staging-github", pushes());
    let site = Site::of(config);
    let folder = tempfile::tempdir().unwrap();
    for (environment, family, cluster) in [
        ("production", "shop-migrate", "shop"),
        ("staging", "shop-migrate-staging", "shop-staging"),
    ] {
        let file = folder.path().join(environment);
        std::fs::write(&file, "container = \"migrate\"\n").unwrap();
        let file = file.to_str().unwrap();
        let ours = ["setup-infra", "--yes", "--config", file, "--family", family];
        let place = ["--cluster", cluster, "--environment", environment, "--subnets", "subnet-a"];
        let images = ["--repository", "shop-migrate", "--github-environment", environment];
        let told = site.story.invoke(&[&ours[..], &place, &images, &GITHUB].concat()).await;
        told.says(
            0,
            &[
                &format!("ECS_MIGRATE_CLUSTER          {cluster}\n"),
                &format!("ECS_MIGRATE_TASK_DEFINITION  {family}\n"),
                &format!("ECS_MIGRATE_ENVIRONMENT      {environment}\n"),
                "ECR_REGISTRY                 111122223333.dkr.ecr.eu-west-1.amazonaws.com\n",
            ],
        );
        let images = "images of the migration go to 111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop-migrate\n";
        assert!(told.err.contains(images), "{}", told.err);
        assert_eq!(
            std::fs::read_to_string(file).unwrap(),
            format!(
                "container = \"migrate\"\ncluster = \"{cluster}\"\ntask-definition = \"{family}\"\nregion = \"eu-west-1\"\nenvironment = \"{environment}\"\nsubnets = [\"subnet-a\"]\n"
            )
        );
    }
    assert_eq!(site.sandbox().existing("AWS::ECR::Repository"), ["shop-migrate"]);
    // The parameters of which the templates make the rights.
    assert_eq!(
        site.sandbox().existing("AWS::IAM::Policy"),
        [
            "shop-migrate-deploy pushes to shop-migrate",
            "shop-migrate-execution pulls from shop-migrate",
            "shop-migrate-staging-deploy pushes to shop-migrate",
            "shop-migrate-staging-execution pulls from shop-migrate",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_plan_leaves_nothing_behind() {
    let site = Site::new();
    let told = site.set_up(&both(&["--plan"])).await;
    told.says(0, &["stack app-infra", "stack app-github", "+ create  deploy role app-deploy"]);
    tokio::time::sleep(std::time::Duration::from_mins(5)).await;
    assert_eq!(site.inventory(), [""; 0]);
    assert_eq!(site.story.calls("ExecuteChangeSet"), 0);
    let told = site.set_up(&["--delete", "--yes"]).await;
    assert!(told.err.contains("nothing to delete"), "{}", told.everything());
}

#[tokio::test(start_paused = true)]
async fn without_a_yes_nothing_happens() {
    let site = Site::new();
    let told = site.set_up(&[]).await;
    assert_eq!(told.code, 2, "{}", told.everything());
    assert!(site.sandbox().journal().is_empty());
    let site = Site::new().answers(&["no"]);
    let told = site.set_up(&[]).await;
    assert_eq!(told.code, 83, "{}", told.everything());
    assert!(told.err.contains("go on? [y/N]"), "{}", told.err);
    assert_eq!(site.story.calls("ExecuteChangeSet"), 0);
    // A yes to the stacks is none to the file.
    let site = Site::new().answers(&["y", "n"]);
    let told = site.set_up(&[]).await;
    assert_eq!(told.code, 0, "{}", told.everything());
    assert!(told.err.contains("is left as it is"), "{}", told.err);
    assert_eq!(std::fs::read_to_string(site.file()).unwrap(), "# ours\n");
}

#[tokio::test(start_paused = true)]
async fn a_changed_parameter_is_shown_with_its_reason_and_the_rest_is_remembered() {
    let site = Site::new();
    site.set_up(&["--yes", "--task-role", "other-task"]).await.says(0, &[]);
    let told = site.set_up(&["--yes", "--log-retention", "90"]).await;
    told.says(0, &["~ change  log group /ecs/app  RetentionInDays: LogRetentionInDays is 90"]);
    assert!(site.inventory().contains(&"other-task".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn what_exists_is_adopted_instead_of_collided_with() {
    let site = Site::new();
    site.sandbox().make("AWS::ECR::Repository", "app");
    site.sandbox().make("AWS::IAM::Role", "app-task");
    site.sandbox().make("AWS::IAM::OIDCProvider", PROVIDER);
    let told = site.set_up(&both(&["--yes"])).await;
    told.says(
        0,
        &[
            "= adopt   image repository app          exists already",
            "= adopt   task role app-task",
            "= adopt   GitHub identity provider",
            "+ create  log group /ecs/app",
        ],
    );
    assert!(site.set_up(&both(&["--yes"])).await.err.contains("nothing to do"));
    // Deleting the stacks leaves what was not theirs.
    site.set_up(&["--delete", "--delete-data", "--yes", "--confirm", "/ecs/app"])
        .await
        .says(0, &["= leave   image repository app", "stays: no stack of this family made it"]);
    assert_eq!(site.inventory(), ["app", PROVIDER, "app-task"]);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_deleted_is_restored() {
    for (kind, id) in [
        ("AWS::ECR::Repository", "app"),
        ("AWS::Logs::LogGroup", "/ecs/app"),
        ("AWS::IAM::Role", "app-task"),
        ("AWS::IAM::Role", "app-deploy"),
        ("AWS::IAM::OIDCProvider", PROVIDER),
    ] {
        let site = Site::new();
        site.set_up(&both(&["--yes"])).await.says(0, &[]);
        let before = site.inventory();
        assert!(site.sandbox().unmake(kind, id), "{id}");
        site.set_up(&both(&["--yes"])).await.says(0, &["+ restore"]);
        assert_eq!(site.inventory(), before, "{id}");
        assert!(site.set_up(&both(&["--yes"])).await.err.contains("nothing to do"), "{id}");
    }
}

const GROUP: [&str; 4] = ["--vpc", "vpc-0a1b2c3d", "--database-security-group", "sg-0a1b2c3d"];

#[tokio::test(start_paused = true)]
async fn a_deleted_security_group_is_restored() {
    let site = Site::new();
    site.set_up(&[&["--yes"], &GROUP[..]].concat()).await.says(0, &["+ create  security group"]);
    let before = site.inventory();
    assert!(site.sandbox().unmake("AWS::EC2::SecurityGroup", "sg-000000made"));
    // The stack remembers the VPC.
    site.set_up(&["--yes"]).await.says(0, &["+ restore security group"]);
    assert_eq!(site.inventory(), before);
    assert!(site.set_up(&["--yes"]).await.err.contains("nothing to do"));
    site.set_up(&["--delete", "--yes"]).await.says(0, &["- remove  security group"]);
}

/// The deploy role is told which secrets there are; to read them is a decision.
#[tokio::test(start_paused = true)]
async fn doctor_reads_secrets_only_when_told() {
    let site = Site::new();
    let secret = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:app/url-AbCdEf";
    site.set_up(&both(&["--yes"])).await.says(0, &[]);
    for (arguments, change) in [
        (&["--url-secret", secret][..], "Policies: SecretArns is"),
        (&["--doctor-reads-secrets"], "Policies: ReadSecretKeys is true"),
        (&["--doctor-reads-secrets=false"], "Policies: ReadSecretKeys is false"),
    ] {
        let told = site.set_up(&both(&[&["--yes"], arguments].concat())).await;
        told.says(0, &["~ change  deploy role app-deploy", change]);
        let again = site.set_up(&both(&["--yes"])).await;
        assert!(again.err.contains("nothing to do"), "{}", again.everything());
    }
}

#[tokio::test(start_paused = true)]
async fn deleting_keeps_images_and_logs_and_setting_up_again_adopts_them() {
    let site = Site::new();
    site.set_up(&both(&["--yes"])).await.says(0, &[]);
    let told = site.set_up(&["--delete", "--yes"]).await;
    told.says(0, &["= leave   image repository app", "- remove  task role app-task"]);
    assert_eq!(site.inventory(), ["app", PROVIDER, "/ecs/app"]);
    site.set_up(&both(&["--yes"])).await.says(0, &["= adopt   image repository app"]);
    // An earlier stack of this family made them, so they may go when told.
    site.set_up(&["--delete", "--delete-data", "--yes", "--confirm", "app,/ecs/app"])
        .await
        .says(0, &["- remove  log group /ecs/app"]);
    assert_eq!(site.inventory(), [PROVIDER]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_creation_is_explained_and_the_next_run_starts_anew() {
    let denied = "Resource handler returned message: \"User: arn:aws:iam::111122223333:user/x is not authorized to \
                  perform: iam:CreateRole on resource: arn:aws:iam::111122223333:role/app-task because no \
                  identity-based policy allows the iam:CreateRole action\" (HandlerErrorCode: AccessDenied)";
    let site = Site::with(migration().fails(1, "TaskRole", denied));
    let told = site.set_up(&["--yes"]).await;
    assert_eq!(told.code, 89, "{}", told.everything());
    assert!(
        told.err.contains("stack app-infra is ROLLBACK_COMPLETE: task role CREATE_FAILED"),
        "{}",
        told.err
    );
    assert!(told.err.contains("\"Action\":\"iam:CreateRole\""), "{}", told.err);
    assert_eq!(site.inventory(), [""; 0]);
    let told = site.set_up(&["--plan"]).await;
    told.says(
        0,
        &["~ mend    delete what is left of the stack", "its creation failed and was rolled back"],
    );
    site.set_up(&["--yes"]).await.says(0, &["~ mend", "+ create  task role app-task"]);
    assert_eq!(site.inventory(), ["app", "app-execution", "app-task", "/ecs/app"]);
}

#[tokio::test(start_paused = true)]
async fn a_name_taken_between_look_and_change_is_adopted_by_the_next_run() {
    let site = Site::new().answers(&["y"]);
    // The role may not be looked up, so that it is found only by the collision.
    let blind = json!({"requests": [{"operation": "GetRole", "answer": {"error": {
        "kind": "AccessDenied", "message": "User: x is not authorized to perform: iam:GetRole on resource: role app-task"}}}]});
    site.sandbox().make("AWS::IAM::Role", "app-task");
    site.sandbox().set_faults(serde_json::from_value(blind).unwrap());
    let told = site.set_up(&["--yes"]).await;
    assert_eq!(told.code, 89, "{}", told.everything());
    assert!(told.out.contains("whether it exists may not be looked up"), "{}", told.out);
    assert!(told.err.contains("run setup-infra again, and it is adopted"), "{}", told.err);
    site.sandbox().set_faults(Faults::default());
    site.set_up(&["--yes"]).await.says(0, &["= adopt   task role app-task"]);
}

#[tokio::test(start_paused = true)]
async fn an_update_whose_rollback_failed_is_continued() {
    let site = Site::with(migration().fails_for_good(2, "LogGroup", "Rate exceeded"));
    site.set_up(&["--yes"]).await.says(0, &[]);
    let told = site.set_up(&["--yes", "--log-retention", "90"]).await;
    assert_eq!(told.code, 89, "{}", told.everything());
    assert!(
        told.err.contains("UPDATE_ROLLBACK_FAILED: log group UPDATE_FAILED: Rate exceeded"),
        "{}",
        told.err
    );
    assert!(told.err.contains("--resources-to-skip"), "{}", told.err);
    let told = site.set_up(&["--yes", "--log-retention", "90"]).await;
    told.says(
        0,
        &["~ mend    go on with the rollback of the stack", "and so did taking that back"],
    );
    assert_eq!(site.story.calls("ContinueUpdateRollback"), 1);
}

#[tokio::test(start_paused = true)]
async fn leftovers_of_every_kind_are_dealt_with() {
    for (status, deletions) in [
        ("REVIEW_IN_PROGRESS", 0),
        ("ROLLBACK_COMPLETE", 1),
        ("ROLLBACK_FAILED", 1),
        ("CREATE_FAILED", 1),
        ("DELETE_FAILED", 1),
    ] {
        let site = Site::with(migration().begins(status, &OURS));
        let told = site.set_up(&["--yes"]).await;
        assert_eq!(told.code, 0, "{status}: {}", told.everything());
        assert_eq!(site.story.calls("DeleteStack"), deletions, "{status}");
        for id in WHOLE {
            assert!(site.inventory().contains(&id.to_owned()), "{status} {id}");
        }
    }
    let site = Site::with(migration().begins("UPDATE_FAILED", &OURS));
    let told = site.set_up(&["--yes"]).await;
    assert_eq!(told.code, 89, "{}", told.everything());
    assert!(told.err.contains("rollback-stack"), "{}", told.err);
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_stack_is_left_alone() {
    for (tags, whose) in [
        (&[][..], "was not made by setup-infra"),
        (&[("ecs-migrate:family", "other")][..], "belongs to the family other"),
    ] {
        for more in [&["--yes"][..], &["--delete", "--yes"]] {
            let site = Site::with(migration().begins("CREATE_COMPLETE", tags));
            let told = site.set_up(more).await;
            assert_eq!(told.code, 89, "{}", told.everything());
            assert!(told.err.contains(whose) && told.err.contains("--stack"), "{}", told.err);
            for operation in ["CreateChangeSet", "DeleteStack"] {
                assert_eq!(site.story.calls(operation), 0);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_fails_says_why_and_goes_on_later() {
    let site = Site::with(migration().fails(
        2,
        "TaskRole",
        "Cannot delete entity, must detach all policies first.",
    ));
    site.set_up(&["--yes"]).await.says(0, &[]);
    let told = site.set_up(&["--delete", "--yes"]).await;
    assert_eq!(told.code, 89, "{}", told.everything());
    assert!(
        told.err.contains("DELETE_FAILED: task role DELETE_FAILED: Cannot delete entity"),
        "{}",
        told.err
    );
    site.set_up(&["--delete", "--yes"]).await.says(0, &[]);
    assert_eq!(site.inventory(), ["app", "/ecs/app"]);
}

#[tokio::test(start_paused = true)]
async fn what_aws_refuses_is_one_sentence_with_what_to_do() {
    let error = |kind: &str, message: &str| json!({"error": {"kind": kind, "message": message}});
    let denied = "User: arn:aws:iam::1:user/x is not authorized to perform: cloudformation:CreateChangeSet on resource: arn:aws:cloudformation:eu-west-1:1:stack/app-infra/* because no identity-based policy allows it";
    for (operation, answer, hint) in [
        (
            "CreateChangeSet",
            error("AccessDenied", denied),
            "\"Action\":\"cloudformation:CreateChangeSet\"",
        ),
        ("GetCallerIdentity", json!("expired_token"), "get new ones"),
        (
            "CreateChangeSet",
            error("ValidationError", "Template format error: x"),
            "Template format error: x",
        ),
        (
            "ExecuteChangeSet",
            error("InsufficientCapabilitiesException", "no"),
            "InsufficientCapabilities",
        ),
    ] {
        let site = Site::new();
        let faults = json!({"requests": [{"operation": operation, "answer": answer}]});
        site.sandbox().set_faults(serde_json::from_value(faults).unwrap());
        let told = site.set_up(&["--yes"]).await;
        assert_eq!(told.code, 86, "{}", told.everything());
        assert!(told.err.contains(hint), "{}", told.err);
        assert_eq!(site.inventory(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn names_that_aws_would_refuse_cost_no_call() {
    for more in [
        &["--repository", "Team/App"][..],
        &["--log-group", "aws/x"],
        &["--execution-role", "a b"],
        &["--stack", "1st"],
        &["--vpc", "vpc-1", "--database-security-group", "sg-0123abcd"],
        &["--vpc", "vpc-0123abcd"],
        &["--url-secret", "my-secret"],
        &["--log-retention", "6"],
        &["--github-repository", "octo"],
        &["--github-repository", "octo/app", "--github-branch", "*"],
        &["--region", "europe"],
        &["--delete-data"],
        &["--delete", "--confirm", "app"],
    ] {
        let site = Site::new();
        let told = site.set_up(&[more, &["--yes"]].concat()).await;
        assert_eq!(told.code, 2, "{more:?}: {}", told.everything());
        assert!(site.sandbox().journal().is_empty(), "{more:?}");
    }
    let site = Site::new();
    let arn = "arn:aws:iam::111122223333:role/nobody";
    let told = site.set_up(&["--yes", "--execution-role", arn]).await;
    assert_eq!(told.code, 2, "{}", told.everything());
    assert!(told.err.contains("does not exist"), "{}", told.err);
}

/// Every call is the last one of some run: answered or not, the next run ends right.
#[tokio::test(start_paused = true)]
async fn a_run_cut_off_at_any_call_is_continued_by_the_next() {
    for fate in ["carried_out", "ignored"] {
        cut_off(fate, &both(&["--yes"]), async |site| {
            site.set_up(&both(&["--yes"])).await.says(0, &[]);
            assert_eq!(site.inventory().len(), 6, "{:?}", site.inventory());
            let told = site.set_up(&both(&["--yes"])).await;
            assert!(told.err.contains("nothing to do"), "{}", told.everything());
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_cut_off_at_any_call_is_continued_by_the_next() {
    for fate in ["carried_out", "ignored"] {
        let arguments =
            ["--delete", "--delete-data", "--yes", "--confirm", "app", "--confirm", "/ecs/app"];
        cut_off(fate, &arguments, async |site| {
            site.set_up(&arguments).await.says(0, &[]);
            assert_eq!(site.inventory(), [PROVIDER]);
        })
        .await;
    }
}

/// Cuts an invocation off at its first call, then at its second, and so on until it ends by itself.
async fn cut_off(fate: &str, arguments: &[&str], then: impl AsyncFn(&Site)) {
    for call in 1.. {
        assert!(call < 200, "it never ends");
        let config = Config::new(Speed::Aws);
        let site = Site::of(config.stack("app-infra", migration()).stack("app-github", github()));
        if arguments.contains(&"--delete") {
            site.set_up(&both(&["--yes"])).await.says(0, &[]);
        }
        let before = site.sandbox().journal().len();
        let faults = json!({"requests": [{"operation": "*", "from": call, "to": call,
            "answer": {"unanswered": {"request": fate, "connection": "hangs"}}}]});
        site.sandbox().set_faults(serde_json::from_value(faults).unwrap());
        let cut = async {
            while site.sandbox().journal().len() < before + call {
                tokio::time::sleep(std::time::Duration::from_millis(250)).await;
            }
        };
        let ended = tokio::select! {
            biased;
            told = site.set_up(arguments) => { told.says(0, &[]); true }
            () = cut => false,
        };
        site.sandbox().set_faults(Faults::default());
        then(&site).await;
        if ended {
            return;
        }
    }
}
