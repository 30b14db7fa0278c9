//! Fifty controllers at once under the token buckets that AWS publishes for one account.

use crate::support::runner::{Lines, applied, failed};
use crate::support::story::{Story, Told, at, config};
use sandbox::{Faults, Program, RequestAnswer, RequestFault, Script, Traffic};

const CONTROLLERS: u64 = 50;

/// A migration that takes three minutes; every fifth one fails.
fn program() -> Program {
    Program::scripted(|launch| {
        let mut lines = Lines::of(launch);
        let bad = launch.ordinal % 5 == 0;
        let finished = if bad { failed(10, "no") } else { applied(1) };
        let started = lines.started();
        Script::new()
            .line(at(0), started)
            .line(at(180), lines.finished(finished))
            .exits(at(181), if bad { 10 } else { 0 })
    })
}

fn account() -> Story {
    let everything = RequestFault {
        operation: "*".to_owned(),
        from: 1,
        to: None,
        answer: RequestAnswer::PublishedRates,
    };
    let faults = Faults { requests: vec![everything], ..Faults::default() };
    Story::with(config().image("app:1", program()).faults(faults))
}

fn traffic(story: &Story, operation: &str) -> Traffic {
    let journal = story.sandbox.journal();
    Traffic::of(journal.iter().filter(|entry| entry.operation == operation))
}

#[tokio::test(start_paused = true)]
async fn fifty_controllers_of_one_account_all_end_right() {
    let account = account();
    let mut runs = tokio::task::JoinSet::new();
    for team in 0..CONTROLLERS {
        let story = account.neighbour(&format!("team-{team}"));
        runs.spawn(async move { story.run(&[]).await });
    }
    let told: Vec<Told> = runs.join_all().await;
    for told in &told {
        let expected = if told.out.contains("failed: no") { 10 } else { 0 };
        assert_eq!(told.code, expected, "{}", told.everything());
        assert!(told.out.contains("2 lines, complete"), "{}", told.everything());
        assert!(told.took < at(600), "{:?}", told.took);
    }
    assert_eq!(told.iter().filter(|told| told.code == 10).count(), 10);
    assert_eq!(account.sandbox.tasks().len(), 50);
    // Readers settle near what the account has: most of their calls are answered.
    for operation in ["DescribeTasks", "GetLogEvents"] {
        let traffic = traffic(&account, operation);
        assert!(traffic.throttled * 4 < traffic.calls, "{operation}: {traffic:?}");
    }
    // One of them is about the image's tag.
    let noisy = told.iter().filter(|told| told.err.matches("warning").count() > 5).count();
    assert_eq!(noisy, 0, "{}", told[0].err);
}
