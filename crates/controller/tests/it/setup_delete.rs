//! `setup-infra --delete-data`: only what is this family's own, and only what somebody named.

use crate::support::infra::{GITHUB, PROVIDER, Site, github, migration};
use sandbox::{Config, Speed};

const DELETE: [&str; 3] = ["--delete", "--delete-data", "--yes"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&DELETE[..], more].concat()
}

/// The stack of `app` made `app` and `/ecs/app`; the flags name what others have.
#[tokio::test(start_paused = true)]
async fn a_name_on_the_command_line_is_no_proof_of_whose_it_is() {
    for (flags, named) in [
        (&["--repository", "shop-prod-api"][..], "image repository shop-prod-api"),
        (&["--log-group", "/ecs/shop-prod-api"], "log group /ecs/shop-prod-api"),
        (
            &["--repository", "shop-prod-api", "--log-group", "/ecs/shop-prod-api"],
            "image repository shop-prod-api",
        ),
    ] {
        // With a stack, and after it was deleted.
        for stack_is_there in [true, false] {
            let site = Site::new();
            site.set_up(&["--yes"]).await.says(0, &[]);
            site.sandbox().make("AWS::ECR::Repository", "shop-prod-api");
            site.sandbox().make("AWS::Logs::LogGroup", "/ecs/shop-prod-api");
            if !stack_is_there {
                site.set_up(&["--delete", "--yes"]).await.says(0, &[]);
            }
            let before = site.inventory();
            let confirmed = ["--confirm", "shop-prod-api,/ecs/shop-prod-api,app,/ecs/app"];
            let told = site.set_up(&with(&[flags, &confirmed].concat())).await;
            assert_eq!(told.code, 89, "{}", told.everything());
            assert!(told.err.contains(&format!("{named} is not this family's")), "{}", told.err);
            assert_eq!(site.inventory(), before, "{flags:?}");
        }
    }
}

/// Another family's tag is none of ours, whatever the names say.
#[tokio::test(start_paused = true)]
async fn what_another_family_made_stays() {
    let config = Config::new(Speed::Aws);
    let config = config.stack("app-infra", migration()).stack("shop-infra", migration());
    let site = Site::of(config.stack("app-github", github()).stack("shop-github", github()));
    site.set_up(&["--yes"]).await.says(0, &[]);
    let roles = ["--execution-role", "shop-execution", "--task-role", "shop-task"];
    let shop = [&["--family", "shop", "--yes"][..], &roles].concat();
    let file = site.file().with_file_name("shop.toml");
    std::fs::write(&file, "# theirs\n").unwrap();
    let config = ["setup-infra", "--config", file.to_str().unwrap()];
    site.story.invoke(&[&config[..], &shop].concat()).await.says(0, &[]);
    let told =
        site.set_up(&with(&["--repository", "shop", "--confirm", "shop,app,/ecs/app"])).await;
    assert_eq!(told.code, 89, "{}", told.everything());
    assert_eq!(site.sandbox().existing("AWS::ECR::Repository"), ["app", "shop"]);
}

/// What a stack of this family had under a name of its own is found by the tag.
#[tokio::test(start_paused = true)]
async fn what_an_earlier_stack_of_this_family_made_goes_when_it_is_named() {
    let site = Site::new();
    site.set_up(&["--yes", "--repository", "team/app"]).await.says(0, &[]);
    site.set_up(&["--delete", "--yes"]).await.says(0, &[]);
    site.set_up(&with(&["--repository", "team/app", "--confirm", "team/app,/ecs/app"]))
        .await
        .says(0, &["- remove  image repository team/app ", "for ever, without an image in it"]);
    assert_eq!(site.inventory(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_goes_for_ever_is_counted_and_named() {
    let config = Config::new(Speed::Aws).stack("app-infra", migration());
    let config = config.stack("app-github", github());
    let site = Site::of(config.pushed("app", "1", &["amd64"]).pushed("app", "2", &["amd64"]));
    site.set_up(&["--yes"]).await.says(0, &[]);
    let before = site.inventory();
    // A script's yes is none to data.
    for more in [&[][..], &["--confirm", "app"], &["--confirm", "/ecs/ap,app"]] {
        let told = site.set_up(&with(more)).await;
        told.says(2, &["- remove  image repository app ", "for ever, with 2 images (808 bytes)"]);
        assert!(told.out.contains("for ever, with up to "), "{}", told.out);
        assert!(told.err.contains("log group /ecs/app would go for ever"), "{}", told.err);
        assert!(told.err.contains("--confirm /ecs/app"), "{}", told.err);
        assert_eq!(site.inventory(), before);
        assert_eq!(site.story.calls("DeleteStack"), 0);
    }
    site.set_up(&with(&["--confirm", "app", "--confirm", "/ecs/app"])).await.says(0, &[]);
    assert_eq!(site.inventory(), [""; 0]);
    // And again: what is gone is no mistake.
    let told = site.set_up(&with(&["--confirm", "app", "--confirm", "/ecs/app"])).await;
    assert!(told.code == 0 && told.err.contains("nothing to delete"), "{}", told.everything());
}

#[tokio::test(start_paused = true)]
async fn a_terminal_is_asked_for_each_name() {
    for (answers, more, code) in [
        (&["y", "app", "/ecs/app"][..], &[][..], 0),
        (&["y", "app"], &["--confirm", "/ecs/app"], 0),
        (&["y", "y", "y"], &[], 83),
        (&["y", "app", "app"], &[], 83),
        (&["y", "app"], &[], 83),
        (&["n", "app", "/ecs/app"], &[], 83),
    ] {
        let site = Site::new();
        site.set_up(&[&["--yes"][..], &GITHUB].concat()).await.says(0, &[]);
        let before = site.inventory();
        let site = site.answers(answers);
        let told = site.set_up(&[&["--delete", "--delete-data"][..], more].concat()).await;
        assert_eq!(told.code, code, "{answers:?}: {}", told.everything());
        if code == 0 {
            assert_eq!(site.inventory(), [PROVIDER]);
            assert!(told.err.contains("type its name to go on:"), "{}", told.err);
        } else {
            assert_eq!(site.inventory(), before, "{answers:?}");
        }
    }
}
