//! `changes` and `check` held against random histories, with an oracle that compares whole trees.

mod model;
mod repository;

use fastrand::Rng;
use model::{ALL, Commit, History, Home, SCRIPTS, Tree, parts};
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
async fn play(seed: u64) -> Played {
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
        for path in head.keys().chain(base.keys()) {
            if head.get(path) != base.get(path) {
                expected.extend(parts(path));
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
    let judged = check(&repository, &case, &about).await;
    Played { is_known: known, judged }
}

/// What a history showed.
#[derive(Debug)]
struct Played {
    is_known: bool,
    /// Of `check`; none where it could not compare.
    judged: Option<Judged>,
}

/// What `check` was compared with.
#[derive(Debug)]
struct Judged {
    /// Whether of several commits the first alone, or all that any has, would say something else.
    is_torn: bool,
    /// Whether the migrations were elsewhere.
    is_moved: bool,
    is_in_a_submodule: bool,
}

/// What `check` should find.
#[derive(Debug, PartialEq, Eq)]
struct Findings {
    edited: usize,
    gone: usize,
    new: usize,
}

impl Findings {
    /// By whole trees: what any base has may not change here, and what any base lacks is new.
    fn of(head: &Commit, bases: &[Tree]) -> Self {
        let here = head.scripts();
        let count = |holds: &dyn Fn(&usize) -> bool| SCRIPTS.filter(holds).count();
        let then = |place: usize| bases.iter().filter_map(move |base| base.get(&place));
        Self {
            edited: count(&|place| {
                here.get(place).is_some_and(|now| then(*place).any(|then| then != now))
            }),
            gone: count(&|place| !here.contains_key(place) && then(*place).next().is_some()),
            new: count(&|place| {
                here.contains_key(place) && bases.iter().any(|base| !base.contains_key(place))
            }),
        }
    }
}
/// The same of `check`, whose migrations lie in one directory.
async fn check(repository: &Repository, case: &Case, about: &str) -> Option<Judged> {
    // A push to a branch is held against where that parted, and not against what it was.
    let is_pushed = case.event == "push" && case.more.is_empty();
    let History { main, topic, commits } = &repository.history;
    let bases =
        if is_pushed { repository.history.parted(*main, *topic) } else { case.bases.clone() };
    let head = &commits[case.head];
    let then: Option<Vec<Tree>> = bases.iter().map(|base| head.finds(&commits[*base])).collect();
    let then = then.filter(|then| !then.is_empty());
    let may_be_unknown = then.is_none() || repository.is_cut();
    match (repository.check(case).await, then) {
        ((2, None), _) => {
            assert!(case.asks_to_be_merged || !case.more.is_empty(), "{about}");
            assert!(may_be_unknown, "check does not know: {about}");
            None
        }
        // A push that cannot be compared is not held up, and it is said.
        ((0 | 14, None), _) => {
            assert!(is_pushed && may_be_unknown, "check does not know: {about}");
            None
        }
        ((_, Some(found)), Some(then)) => {
            assert_eq!(found, Findings::of(head, &then), "check: {about}");
            let any = then.iter().flatten().map(|(place, content)| (*place, *content)).collect();
            let others = [Findings::of(head, &then[..1]), Findings::of(head, &[any])];
            let is_torn = !others.contains(&found);
            let is_elsewhere =
                |base: &usize| commits[*base].home.directory() != head.home.directory();
            Some(Judged {
                is_torn,
                is_moved: bases.iter().any(is_elsewhere),
                is_in_a_submodule: head.home == Home::Submodule,
            })
        }
        (other, then) => panic!("check {other:?}, expected {then:?}: {about}"),
    }
}

async fn play_all(seeds: std::ops::Range<u64>) {
    let count = seeds.end - seeds.start;
    let (mut known, mut torn, mut moved, mut submodules) = (0, 0, 0, 0);
    for seed in seeds {
        let played = play(seed).await;
        known += u64::from(played.is_known);
        let Some(judged) = played.judged else { continue };
        torn += u64::from(judged.is_torn);
        moved += u64::from(judged.is_moved);
        submodules += u64::from(judged.is_in_a_submodule);
    }
    // One that never knows would be right every time, and what does not occur is not proved.
    assert!(known * 2 > count, "{known} of {count}");
    let all = (torn, moved, submodules);
    assert!(torn > 0 && moved > 2 && submodules > 2, "{all:?} of {count}");
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
