//! Keeps the published schema: every object that any ending writes is in it, field by field.

use super::never_starting;
use super::stories::{green, ours, red};
use crate::support::infra::{GITHUB, Site};
use crate::support::runner::{applied, ends_with};
use crate::support::shop::{Shop, rolls_back, serves};
use crate::support::story::{Story, Told};
use boon::{Compiler, SchemaIndex, Schemas};
use sandbox::Script;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The schema, in which nothing may be that is not written down.
pub(crate) struct Closed {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Closed {
    pub(crate) fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/events.schema.json");
        let text = std::fs::read_to_string(path).unwrap();
        let mut schema: Value = serde_json::from_str(&text).unwrap();
        // The events of the runner have a protocol of their own.
        let line = schema["$defs"]["log"]["properties"]["line"]["properties"]["event"].take();
        close(&mut schema);
        schema["$defs"]["log"]["properties"]["line"]["properties"]["event"] = line;
        let mut compiler = Compiler::new();
        compiler.add_resource("events.schema.json", schema).unwrap();
        let mut schemas = Schemas::new();
        let index = compiler.compile("events.schema.json", &mut schemas).unwrap();
        Self { schemas, index }
    }

    /// Asserts that stdout is nothing but objects of the schema; answers their types.
    pub(crate) fn holds(&self, name: &str, told: &Told) -> Vec<String> {
        self.holds_text(name, &told.out)
    }

    /// As `holds`, of any text.
    pub(crate) fn holds_text(&self, name: &str, out: &str) -> Vec<String> {
        let types = out.lines().map(|line| {
            let object: Value = serde_json::from_str(line).unwrap();
            if let Err(error) = self.schemas.validate(&object, self.index) {
                panic!("{name}: {object}\n{error:#}");
            }
            object["type"].as_str().unwrap().to_owned()
        });
        types.collect()
    }
}

fn close(schema: &mut Value) {
    if let Some(object) = schema.as_object_mut()
        && object.contains_key("properties")
    {
        object.insert("additionalProperties".to_owned(), json!(false));
    }
    match schema {
        Value::Object(fields) => fields.values_mut().for_each(close),
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test(start_paused = true)]
async fn every_ending_keeps_the_schema() {
    let schema = Closed::read();
    let refused = ("a refusal", Story::of(Script::new()), &["--cluster", "nowhere"][..]);
    let never = ("a task that never started", never_starting(), &[][..]);
    let endings = green().into_iter().chain(red()).chain(ours()).chain([refused, never]);
    for (name, story, arguments) in endings {
        let told = story.run(&[arguments, &["--output", "json"]].concat()).await;
        let types = schema.holds(name, &told);
        assert!(types.iter().any(|kind| kind == "result"), "{name}");
    }
}

/// The commands that the help lists.
async fn listed(story: &Story) -> BTreeSet<String> {
    let help = story.invoke(&["--help"]).await;
    let lines = help.out.lines().skip_while(|line| !line.contains("Commands:")).skip(1);
    let lines = lines.take_while(|line| !line.trim().is_empty());
    let plain = lines.map(|line| anstream::adapter::strip_str(line).to_string());
    let first = plain.filter_map(|line| {
        // A description that goes on stands further to the right.
        let name = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '))?;
        name.split_whitespace().next().map(str::to_owned)
    });
    first.filter(|name| name != "help").collect()
}

const FAMILY: [&str; 2] = ["--task-definition", "app-migrate"];
const NETWORK: [&str; 4] = ["--subnets", "subnet-a", "--security-groups", "sg-a"];

#[tokio::test(start_paused = true)]
async fn every_command_ends_with_one_result() {
    let schema = Closed::read();
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().to_str().unwrap();
    let empty = folder.path().join("empty.toml");
    std::fs::write(&empty, "").unwrap();
    let empty = empty.to_str().unwrap();
    let story = crate::on_call::green_story().answers(&["yes"]);
    story.run(&[]).await.says(0, &[]);
    let shop = Shop::open(ends_with(applied(1)), serves(), rolls_back()).await.story;
    let (template, of_shop) = (story.template_path(), shop.template_path());
    let shops = ["--template", &of_shop];
    let with = |command: &[&'static str], more: &[&'static str]| -> Vec<&str> {
        [command, &FAMILY[..], more].concat()
    };
    let gate = |command: &[&'static str], more: &[&'static str]| -> Vec<&str> {
        [command, &FAMILY[..], &NETWORK[..], more].concat()
    };
    let api = ["--service", "api", "--service-image", "api:2"];
    let cases: Vec<(&Story, Vec<&str>, &str)> = vec![
        (&story, vec!["register", "--template", &template, "--image", "app:1"], "data"),
        (&story, with(&["register"], &["--image", "app:2", "--diff"]), "difference"),
        (&story, vec!["attach", "nothing"], "result"),
        (&story, vec!["cancel", "--run-key", "1"], "data"),
        (&story, vec!["cancel"], "result"),
        (&story, with(&["doctor"], &[]), "finding"),
        (&story, vec!["setup-infra", "--family", "app", "--plan"], "result"),
        (&story, gate(&["run"], &[]), "task"),
        (&story, with(&["run"], &["--subnets", ""]), "result"),
        (
            &shop,
            [&["release", "--image", "app:1"], &shops[..], &NETWORK, &api].concat(),
            "migrated",
        ),
        (&shop, [&["deploy-service"], &shops[..], &api].concat(), "result"),
        (&story, vec!["image", "push"], "result"),
        (&story, vec!["changes", "--config", empty], "result"),
        (&story, vec!["check", "nowhere"], "result"),
        (&story, with(&["logs"], &[]), "log"),
        (&story, with(&["runs"], &[]), "run"),
        (&story, with(&["explain"], &[]), "result"),
        (&story, gate(&["status"], &[]), "result"),
        (&story, gate(&["resolve"], &["--applied", "1_init"]), "result"),
        (&story, gate(&["exec"], &["--", "npm", "run", "seed"]), "result"),
        (&story, vec!["completions", "bash"], "data"),
        (&story, vec!["man", pages], "note"),
        // What clap refuses.
        (&story, vec!["run", "--no-such-flag"], "result"),
        (&story, vec!["no-such-command"], "result"),
    ];
    let played: BTreeSet<String> = cases.iter().map(|(_, line, _)| line[0].to_owned()).collect();
    let forgotten: Vec<String> = listed(&story).await.difference(&played).cloned().collect();
    assert_eq!(forgotten, [""; 0], "commands without a line in this test");
    for (story, arguments, expected) in cases {
        let told = story.invoke(&[&["--output", "json"], &arguments[..]].concat()).await;
        let types = schema.holds(&format!("{arguments:?}"), &told);
        assert!(types.iter().any(|kind| kind == expected), "{arguments:?}: {}", told.everything());
    }
}

#[tokio::test(start_paused = true)]
async fn setup_infra_keeps_the_schema() {
    let schema = Closed::read();
    let site = Site::new();
    for (more, expected) in [(&["--plan"][..], "plan"), (&["--yes"], "progress")] {
        let told = site.set_up(&[&GITHUB, more, &["--output", "json"]].concat()).await;
        let types = schema.holds(&format!("{more:?}"), &told);
        assert!(types.iter().any(|kind| kind == expected), "{}", told.everything());
    }
}

#[test]
fn what_is_not_written_down_is_refused() {
    let schema = Closed::read();
    for (object, good) in [
        (json!({"type": "note", "text": "x"}), true),
        (json!({"type": "note", "text": "x", "more": 1}), false),
        (json!({"type": "note"}), false),
        (json!({"type": "unheard-of"}), false),
    ] {
        assert_eq!(schema.schemas.validate(&object, schema.index).is_ok(), good, "{object}");
    }
}
