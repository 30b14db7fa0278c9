//! Credentials that end while the migration runs.

use crate::support::binary::Invocation;
use crate::support::endpoint::{Answer, Endpoint, Request};
use crate::support::place::Place;
use sandbox::{Faults, RequestAnswer, RequestFault};
use serde_json::{Value, json};

/// A migration that ends only when a file appears, so that the session ends before it does.
const UNTIL_TOLD: &str = "echo begun; while [ ! -e told ]; do sleep 0.05; done; echo done";

/// The session of access key `test`, which every invocation begins with, is over from the start of
/// its second look on.
fn short_session() -> Faults {
    let fault = |operation: &str, from| RequestFault {
        operation: operation.to_owned(),
        from,
        to: None,
        answer: RequestAnswer::When {
            after_seconds: 0.0,
            until_seconds: None,
            access_key: Some("test".to_owned()),
            answer: Box::new(RequestAnswer::ExpiredToken),
        },
    };
    Faults {
        requests: vec![fault("DescribeTasks", 2), fault("GetLogEvents", 2)],
        ..Faults::default()
    }
}

/// GitHub's OIDC endpoint and STS.
fn identity(request: &Request) -> Option<Answer> {
    match request.operation.as_str() {
        "GET /token?api-version=2.0&audience=sts.amazonaws.com" => {
            assert_eq!(request.authorization, "Bearer bearer-secret");
            Some((200, json!({"value": "web-identity-secret"})))
        }
        "AssumeRoleWithWebIdentity" => {
            let form = request.body.as_str()?;
            assert!(form.contains("WebIdentityToken=web-identity-secret"), "{form}");
            assert!(form.contains("role%2Fdeploy"), "{form}");
            let answer = "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIARENEWED</AccessKeyId><SecretAccessKey>renewed-secret</SecretAccessKey><SessionToken>session-secret</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";
            Some((200, Value::String(answer.to_owned())))
        }
        _ => None,
    }
}

fn in_github(invocation: Invocation, identity: &Endpoint) -> Invocation {
    invocation
        .with("GITHUB_ACTIONS", "true")
        .with("ACTIONS_ID_TOKEN_REQUEST_URL", &format!("{}/token?api-version=2.0", identity.url))
        .with("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "bearer-secret")
        .with("AWS_ENDPOINT_URL_STS", &identity.url)
}

#[tokio::test]
async fn in_github_an_ended_session_is_renewed_and_nothing_is_lost() {
    let identity = Endpoint::start(identity).await;
    let place = Place::running(UNTIL_TOLD).await;
    place.sandbox.set_faults(short_session());
    let invocation =
        in_github(place.run(&["--oidc-role", "arn:aws:iam::111122223333:role/deploy"]), &identity);
    let run = tokio::spawn(async move { invocation.run().await });
    place
        .until("a call with the new credentials", |place| {
            place
                .sandbox
                .journal()
                .iter()
                .any(|entry| entry.access_key.as_deref() == Some("ASIARENEWED"))
        })
        .await;
    place.tell();
    let ended = run.await.unwrap();
    assert_eq!(ended.code, 0, "{}", ended.everything());
    assert!(ended.out.contains("2 lines, complete"), "{}", ended.out);
    for secret in ["bearer-secret", "web-identity-secret", "renewed-secret", "session-secret"] {
        assert!(!ended.everything().contains(secret), "{secret}: {}", ended.everything());
    }
    assert_eq!(
        identity.operations(),
        ["AssumeRoleWithWebIdentity", "GET /token?api-version=2.0&audience=sts.amazonaws.com"]
    );
    assert_eq!(identity.requests().len(), 2, "one renewal for all that failed at once");
}

#[tokio::test]
async fn a_renewal_that_is_refused_leaves_the_task_running_and_says_so() {
    let identity = Endpoint::start(|_| Some((403, json!({"message": "bearer-secret"})))).await;
    let place = Place::running(UNTIL_TOLD).await;
    place.sandbox.set_faults(short_session());
    let invocation =
        in_github(place.run(&["--oidc-role", "arn:aws:iam::111122223333:role/deploy"]), &identity);
    let ended = invocation.run().await;
    assert_eq!(ended.code, 86, "{}", ended.everything());
    let said = "the watch is lost, the migration may still be running";
    assert!(ended.out.contains(said), "{}", ended.everything());
    assert!(ended.everything().contains("GitHub's OIDC endpoint answered with status 403"));
    assert!(!ended.everything().contains("bearer-secret"), "{}", ended.everything());
    assert!(place.calls("StopTask") == 0, "it goes on");
    place.tell();
}

#[tokio::test]
async fn without_a_role_the_end_of_the_session_says_what_goes_on_and_how_to_follow_it() {
    let identity = Endpoint::start(identity).await;
    let place = Place::running(UNTIL_TOLD).await;
    place.sandbox.set_faults(short_session());
    let ended = in_github(place.run(&[]), &identity).run().await;
    assert_eq!(ended.code, 86, "{}", ended.everything());
    assert!(ended.out.contains("the migration may still be running"), "{}", ended.everything());
    assert!(ended.out.contains("ecs-migrate attach --region eu-west-1 arn:"), "{}", ended.out);
    assert!(ended.everything().contains("--oidc-role"), "{}", ended.everything());
    assert!(identity.requests().is_empty());
    place.sandbox.set_faults(Faults::default());
    place.tell();
    let task = place.sandbox.tasks()[0].arn.clone();
    let ended = place.invoke(&["attach", &task]).run().await;
    assert_eq!(ended.code, 0, "{}", ended.everything());
    assert!(ended.out.contains("2 lines, complete"), "{}", ended.everything());
}

/// A hub role's ARN stands in the job's environment because the job came through it.
#[tokio::test]
async fn a_role_that_nobody_said_never_takes_over() {
    let identity = Endpoint::start(identity).await;
    let place = Place::running(UNTIL_TOLD).await;
    place.sandbox.set_faults(short_session());
    let hub = "arn:aws:iam::999988887777:role/deploy";
    let ended = in_github(place.run(&[]), &identity).with("AWS_ROLE_ARN", hub).run().await;
    assert_eq!(ended.code, 86, "{}", ended.everything());
    assert!(ended.out.contains("the migration may still be running"), "{}", ended.everything());
    assert!(identity.requests().is_empty());
    assert!(only_its_own_key(&place));
    place.tell();
}

/// Whether no call was made with another key than the first.
fn only_its_own_key(place: &Place) -> bool {
    let journal = place.sandbox.journal();
    journal.iter().all(|entry| entry.access_key.as_deref().is_none_or(|key| key == "test"))
}

#[tokio::test]
async fn a_session_of_another_account_is_not_used() {
    // Asked for another account's role; and asked for ours, while STS answers with another account's.
    for role in ["arn:aws:iam::999988887777:role/deploy", "arn:aws:iam::111122223333:role/deploy"] {
        let endpoint = Endpoint::start(|request| {
            let (status, answer) = identity(request)?;
            let user = "<AssumedRoleUser><Arn>arn:aws:sts::999988887777:assumed-role/deploy/ecs-migrate</Arn><AssumedRoleId>A:b</AssumedRoleId></AssumedRoleUser>";
            let text = answer.as_str().map(|xml| xml.replace("<Credentials>", &format!("{user}<Credentials>")));
            let answer = text.map_or(answer, Value::String);
            Some((status, answer))
        })
        .await;
        let place = Place::running(UNTIL_TOLD).await;
        place.sandbox.set_faults(short_session());
        let ended = in_github(place.run(&["--oidc-role", role]), &endpoint).run().await;
        assert_eq!(ended.code, 86, "{}", ended.everything());
        let said = "the new credentials are of account 999988887777, but this began in account 111122223333";
        assert!(ended.everything().contains(said), "{}", ended.everything());
        assert!(only_its_own_key(&place));
        assert_eq!(place.calls("StopTask"), 0, "it goes on");
        place.tell();
    }
}

/// A process gives credentials that are over at once, and then those of another account.
#[tokio::test]
async fn what_the_chain_renews_is_held_against_the_account_too() {
    for (account, code) in [("111122223333", 0), ("999988887777", 86)] {
        let sts = Endpoint::start(move |request| {
            assert_eq!(request.operation, "GetCallerIdentity");
            let answer = format!(
                "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><Arn>arn:aws:sts::{account}:assumed-role/x/y</Arn><UserId>A:b</UserId><Account>{account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
            );
            Some((200, Value::String(answer)))
        })
        .await;
        let place = Place::running("echo done").await;
        // The first answer is a good one: the definition exists.
        assert_eq!(place.run(&[]).run().await.code, 0);
        let folder = tempfile::tempdir().unwrap();
        let (process, config) = (folder.path().join("process"), folder.path().join("config"));
        let script = "#!/bin/sh\nkey=first\n[ -e \"$0.asked\" ] && key=second\n: >\"$0.asked\"\n\
            until=$(date -u -d '+5 seconds' +%Y-%m-%dT%H:%M:%SZ)\n\
            echo \"{\\\"Version\\\":1,\\\"AccessKeyId\\\":\\\"$key\\\",\\\"SecretAccessKey\\\":\\\"s\\\",\\\"SessionToken\\\":\\\"t\\\",\\\"Expiration\\\":\\\"$until\\\"}\"\n";
        std::fs::write(&process, script).unwrap();
        let profile = format!("[profile hub]\ncredential_process = sh {}\n", process.display());
        std::fs::write(&config, profile).unwrap();
        let ended = place
            .run(&["--profile", "hub"])
            .with("AWS_ACCESS_KEY_ID", "")
            .with("AWS_SECRET_ACCESS_KEY", "")
            .with("AWS_CONFIG_FILE", config.to_str().unwrap())
            .with("AWS_ENDPOINT_URL_STS", &sts.url)
            .run()
            .await;
        assert_eq!(ended.code, code, "{}", ended.everything());
        let keys: Vec<_> =
            place.sandbox.journal().iter().filter_map(|entry| entry.access_key.clone()).collect();
        assert!(keys.contains(&"first".to_owned()), "{keys:?}");
        assert_eq!(keys.contains(&"second".to_owned()), code == 0, "{keys:?}");
    }
}

/// A session of IAM Identity Center that is over, by the SDK's own words for it.
#[tokio::test]
async fn a_session_that_is_over_is_named() {
    let place = Place::running("echo done").await;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    let profile = "[profile dev]\nsso_session = s\nsso_account_id = 111122223333\nsso_role_name = dev\n\
        [sso-session s]\nsso_region = eu-west-1\nsso_start_url = https://shop.awsapps.com/start\n";
    std::fs::write(&config, profile).unwrap();
    let ended = place
        .run(&["--profile", "dev"])
        .with("HOME", folder.path().to_str().unwrap())
        .with("AWS_ACCESS_KEY_ID", "")
        .with("AWS_SECRET_ACCESS_KEY", "")
        .with("AWS_CONFIG_FILE", config.to_str().unwrap())
        .run()
        .await;
    assert_eq!(ended.code, 86, "{}", ended.everything());
    assert!(ended.err.contains("`aws sso login`"), "{}", ended.everything());
    assert!(place.sandbox.journal().is_empty());
}
