//! Rows that a script copies to nobody.

use crate::support::World;
use protocol::DatabaseState;

#[tokio::test]
async fn a_copy_to_standard_output_is_refused_before_it_runs() {
    for script in [
        "CREATE TABLE two(a int);\nCOPY t TO STDOUT;",
        "CREATE TABLE two(a int);\ncopy (select 1) to stdout with (format csv);",
        "CREATE TABLE two(a int);\nVACUUM t;\nCOPY t TO STDOUT;",
    ] {
        let world = World::new().await;
        world.migration("1_a", "CREATE TABLE t(a int); INSERT INTO t VALUES (1);");
        world.deploy().await.succeeded();
        world.migration("2_b", script);
        let red = world.deploy().await;
        let failure = red.failed(10);
        assert!(failure.message.contains("COPY TO STDOUT"), "{script}: {failure:?}");
        assert_eq!(red.finished().database, DatabaseState::Unchanged, "{}", red.stdout);
        assert!(!world.exists("two").await);
    }
}
