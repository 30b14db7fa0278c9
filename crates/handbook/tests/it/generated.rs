//! The pages that are made from code are what the code makes.

use handbook::{commands, events, root};

const HOW: &str = "run: cargo run -p handbook";

fn there(file: &str) -> String {
    std::fs::read_to_string(root().join("docs").join(file)).unwrap_or_default()
}

#[tokio::test]
async fn the_page_of_commands() {
    let binaries = handbook::binaries().await.unwrap();
    let page = commands::markdown(|words| handbook::answer(binaries.clone(), words)).await;
    for part in [
        "### ecs-migrate image push\n",
        "### ecs-migrate-runner unblock\n",
        "--backup-command <CMD>",
    ] {
        assert_eq!(page.matches(part).count(), 1, "{part}");
    }
    assert!(there(commands::FILE) == page, "{HOW}");
}

#[test]
fn the_page_of_events() {
    let page = events::markdown().unwrap();
    for part in ["\n## run_finished\n", "| `sqlstate` | text, or absent |", "[Failure](#failure)"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(there(events::FILE) == page, "{HOW}");
}
