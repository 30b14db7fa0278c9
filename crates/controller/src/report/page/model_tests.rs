use super::*;
use protocol::traffic::{StatementCost, TableLock};

#[test]
fn a_link_leads_where_it_seems_to() {
    for (url, expected) in [
        ("https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#a$252Fb", true),
        ("http://eu-west-1.console.aws.amazon.com/", false),
        ("javascript:alert(1)", false),
        ("https://a/\"onclick=\"x", false),
        ("https://a/\u{202e}b", false),
        ("https://a/ b", false),
    ] {
        assert_eq!(is_link(url), expected, "{url}");
    }
}

#[test]
fn a_code_of_ours_has_a_meaning_and_a_commands_own_has_none() {
    let scrub = Scrub::default();
    assert_eq!(exit(&scrub, 10, "migration_failed").2, Some(ExitCode::MigrationFailed.meaning()));
    assert_eq!(exit(&scrub, 10, "container_exit").2, None);
    assert_eq!(exit(&scrub, 3, "container_exit").2, None);
}

#[test]
fn a_statement_says_where_it_is_and_what_it_cost() {
    let cost = StatementCost {
        number: 2,
        line: 9,
        duration_ms: 500,
        lock_wait_ms: 1_200,
        attempts: 2,
        rows: 7,
        lock: Some(TableLock { relation: "public.t".to_owned(), mode: "ShareLock".to_owned() }),
        rewritten: vec!["public.t".to_owned()],
    };
    let one = Statement { migration: "1_init".to_owned(), cost };
    let row = statement(&one, 2_000, &Scrub::default());
    assert_eq!((row.place.as_str(), row.share), ("1_init/migration.sql:9", 25));
    assert_eq!(
        row.more.as_str(),
        "waited 1.2 s for locks; 2 attempts; ShareLock on public.t; rewrote public.t"
    );
    let unknown = StatementCost { number: 1, ..StatementCost::default() };
    let row = statement(&Statement { cost: unknown, ..one }, 1, &Scrub::default());
    assert_eq!((row.place.as_str(), row.more.as_str()), ("1_init/migration.sql", ""));
}

#[test]
fn a_place_is_family_and_cluster_by_name() {
    assert_eq!(
        place("shop-migrate:7", "arn:aws:ecs:x:1:cluster/prod"),
        "shop-migrate in cluster prod"
    );
    assert_eq!(moment(1_795_230_514_123), "2026-11-21T03:08:34Z");
}
