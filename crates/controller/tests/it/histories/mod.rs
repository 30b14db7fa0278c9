//! `changes` and `check` held against random histories, with an oracle that compares whole trees.

mod model;
mod repository;

use fastrand::Rng;
use model::{ALL, DIRECTORY, History, POOL};
use repository::Repository;
use serde_json::json;
use std::collections::BTreeSet;

/// What happened, and what the checkout has.
struct Case {
    event: &'static str,
    reference: &'static str,
    payload: serde_json::Value,
    more: Vec<String>,
    head: usize,
    /// All commits that it has to be compared with; none where nobody can know.
    bases: BTreeSet<usize>,
    /// What GitHub made of it, not what the model did.
    asks_to_be_merged: bool,
}

/// A case from the history; what GitHub merges is added to it.
fn case(history: &mut History, rng: &mut Rng) -> Case {
    let (main, topic) = (history.main, history.topic);
    // Names of commits are filled in later, when git has made them.
    let name = |commit: usize| format!("#{commit}#");
    let request = json!({"pull_request": {
        "base": {"sha": name(main), "ref": "main"}, "head": {"sha": name(topic)}
    }});
    let parted = history.parted(main, topic);
    let asks = |event, head, bases| Case {
        event,
        reference: "refs/pull/7/merge",
        payload: request.clone(),
        more: Vec::new(),
        head,
        bases,
        asks_to_be_merged: true,
    };
    match rng.u8(..9) {
        0 => {
            let merge = history.commit(&[main, topic], rng);
            asks("pull_request", merge, BTreeSet::from([main]))
        }
        1 => asks("pull_request_target", topic, parted),
        2 => asks("pull_request", topic, parted),
        3 => {
            let payload = json!({"merge_group": {"base_sha": name(main)}});
            Case { payload, ..asks("merge_group", topic, BTreeSet::from([main])) }
        }
        // What a job made of the head by itself, a merge of the base or one more commit.
        4 => {
            let both = main != topic && rng.bool();
            let parents = if both { &[topic, main][..] } else { &[topic] };
            let head = history.commit(parents, rng);
            asks("pull_request", head, history.parted(main, head))
        }
        // The base, which without the head says nothing of the request.
        5 => {
            let bases = match history.commits[main].parents.as_slice() {
                // The merge itself: what it did is what the request does.
                [first, second] if *second == topic => BTreeSet::from([*first]),
                _ if history.is_in_the_past(topic, main) => BTreeSet::from([main]),
                _ => BTreeSet::new(),
            };
            asks("pull_request_target", main, bases)
        }
        // Merged as one commit, in which the head is not.
        6 => {
            let squashed = history.commit(&[main], rng);
            let mut payload = request.clone();
            payload["pull_request"]["merged"] = json!(true);
            Case { payload, ..asks("pull_request", squashed, BTreeSet::from([main])) }
        }
        7 => {
            let before = rng.usize(..history.commits.len());
            let payload = json!({"before": name(before), "repository": {"default_branch": "main"}});
            let mut bases = parted;
            if history.is_in_the_past(topic, main) {
                bases.clear();
            } else if !bases.is_empty() {
                bases.insert(before);
            }
            let reference = "refs/heads/topic";
            Case { reference, payload, asks_to_be_merged: false, ..asks("push", topic, bases) }
        }
        _ => {
            let since = rng.usize(..history.commits.len());
            let more = vec!["--since".to_owned(), name(since)];
            let bases = BTreeSet::from([since]);
            Case {
                reference: "refs/heads/main",
                payload: json!({}),
                more,
                asks_to_be_merged: false,
                ..asks("push", topic, bases)
            }
        }
    }
}

/// Where the clone is cut: at commits of which the parents are then unknown.
fn cuts(history: &History, rng: &mut Rng) -> Vec<usize> {
    let count = if rng.bool() { 0 } else { rng.usize(1..4) };
    let cut = (0..count).map(|_| rng.usize(..history.commits.len()));
    cut.filter(|commit| !history.commits[*commit].parents.is_empty()).collect()
}

/// Plays one history; whether the answer was known.
async fn play(seed: u64) -> bool {
    let mut rng = Rng::with_seed(seed);
    let mut history = History::random(&mut rng);
    let case = case(&mut history, &mut rng);
    let cuts = cuts(&history, &mut rng);
    let repository = Repository::new(&history, &case, &cuts).await;
    // Which parts differ, by the whole trees on both sides.
    let mut expected = BTreeSet::new();
    let head = repository.tree(case.head).await;
    for base in &case.bases {
        let base = repository.tree(*base).await;
        for (path, _, parts) in POOL {
            if head.get(path) != base.get(path) {
                expected.extend(parts);
            }
        }
    }
    let (known, changed) = repository.changes(&case).await;
    let about = format!("seed {seed}: {history:?} {:?} cut at {cuts:?}", case.bases);
    if known {
        assert!(!case.bases.is_empty(), "known: {about}");
        assert_eq!(changed, expected, "{about}");
    } else {
        assert_eq!(changed, BTreeSet::from(ALL), "{about}");
        assert!(case.bases.is_empty() || !cuts.is_empty(), "unknown: {about}");
    }
    check(&repository, &case, &head, &about).await;
    known
}

/// The same of `check`, whose migrations lie in one directory.
async fn check(
    repository: &Repository,
    case: &Case,
    head: &std::collections::BTreeMap<String, String>,
    about: &str,
) {
    let is_script = |path: &&str| path.starts_with(DIRECTORY);
    // A push to a branch is held against where that parted, and not against what it was.
    let is_pushed = case.event == "push" && case.more.is_empty();
    let History { main, topic, .. } = repository.history;
    let bases = if is_pushed { repository.history.parted(main, topic) } else { case.bases.clone() };
    let (mut edited, mut gone, mut old) = (0, 0, None::<BTreeSet<&str>>);
    for (place, (path, ..)) in POOL.iter().enumerate() {
        if !is_script(path) {
            continue;
        }
        let mut states = BTreeSet::new();
        for base in &bases {
            if let Some(then) = repository.history.commits[*base].tree.get(&place) {
                let now = repository.history.commits[case.head].tree.get(&place);
                states.insert(now.map(|now| now == then));
            }
        }
        edited += usize::from(states.contains(&Some(false)));
        gone += usize::from(states.contains(&None));
    }
    for base in &bases {
        let tree = &repository.history.commits[*base].tree;
        let names: BTreeSet<&str> =
            tree.keys().map(|place| POOL[*place].0).filter(is_script).collect();
        old = Some(match old {
            None => names,
            Some(old) => &old & &names,
        });
    }
    let old = old.unwrap_or_default();
    let new = head.keys().map(String::as_str).filter(is_script).filter(|path| !old.contains(path));
    let expected = (edited, gone, new.count());
    let may_be_unknown = bases.is_empty() || repository.is_cut();
    match repository.check(case).await {
        (2, None) => {
            assert!(case.asks_to_be_merged || !case.more.is_empty(), "{about}");
            assert!(may_be_unknown, "check does not know: {about}");
        }
        // A push that cannot be compared is not held up, and it is said.
        (0 | 14, None) => assert!(is_pushed && may_be_unknown, "check does not know: {about}"),
        (_, Some(found)) => {
            assert!(!bases.is_empty(), "check knows: {about}");
            assert_eq!(found, expected, "check: {about}");
        }
        other => panic!("{other:?}: {about}"),
    }
}

async fn play_all(seeds: std::ops::Range<u64>) {
    let count = seeds.end - seeds.start;
    let mut known = 0;
    for seed in seeds {
        known += u64::from(play(seed).await);
    }
    // One that never knows would be right every time.
    assert!(known * 2 > count, "{known} of {count}");
}

#[tokio::test]
async fn histories_0_to_49() {
    play_all(0..50).await;
}

#[tokio::test]
async fn histories_50_to_99() {
    play_all(50..100).await;
}

#[tokio::test]
async fn histories_100_to_149() {
    play_all(100..150).await;
}

#[tokio::test]
async fn histories_150_to_199() {
    play_all(150..200).await;
}
