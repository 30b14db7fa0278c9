//! Keeps the published schema: every object that any ending writes is in it, field by field.

use super::never_starting;
use super::stories::{green, ours, red};
use crate::support::infra::{GITHUB, Site};
use crate::support::runner::{applied, ends_with};
use crate::support::shop::{API, Shop, rolls_back, serves};
use crate::support::story::{Story, Told};
use boon::{Compiler, SchemaIndex, Schemas};
use sandbox::Script;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

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

/// Whatever a command writes as JSON is in the published schema, and ends with its only result; held
/// against everything that the suite runs.
pub(crate) fn keeps(arguments: &[&str], out: &str, code: i32) {
    let asks = |pair: &[&str]| pair == ["--output", "json"];
    if !arguments.windows(2).any(asks) && !arguments.contains(&"--output=json") {
        return;
    }
    let types = Closed::read().holds_text(&format!("{arguments:?}"), out);
    let results: Vec<usize> =
        types.iter().enumerate().filter(|(_, kind)| *kind == "result").map(|r| r.0).collect();
    assert_eq!(results, [types.len().saturating_sub(1)], "{arguments:?}: {out}");
    let result: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    // What `explain` is about had a code of its own.
    let is_own = !arguments.contains(&"explain");
    assert!(!is_own || result["exit_code"] == code, "{arguments:?} ended with {code}: {out}");
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

/// All commands that do something, with the words above them: also those that no help lists, which
/// the completions of a shell know, too.
async fn commands(story: &Story) -> Vec<Vec<String>> {
    let shell = story.invoke(&["completions", "bash"]).await.out;
    let mut paths = BTreeMap::from([("ecs__migrate".to_owned(), Vec::new())]);
    let mut above = BTreeSet::new();
    let lines: Vec<&str> = shell.lines().map(str::trim).collect();
    for pair in lines.windows(2) {
        // As `PARENT,NAME)`, and in the next line the name of the command that it is.
        let place = pair[0].strip_suffix(')').and_then(|place| place.split_once(','));
        let name = pair[1].strip_prefix("cmd=\"").and_then(|name| name.strip_suffix('"'));
        let (Some((parent, word)), Some(name)) = (place, name) else { continue };
        let Some(path) = paths.get(parent) else { continue };
        let path: Vec<String> = [&path[..], &[word.to_owned()]].concat();
        above.insert(parent.to_owned());
        paths.insert(name.to_owned(), path);
    }
    let found = paths.into_iter().filter(|(name, _)| !above.contains(name));
    found.map(|(_, path)| path).filter(|path| !path.contains(&"help".to_owned())).collect()
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
    let api = ["--service", "api", "--service-image", API];
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
    let known = commands(&story).await;
    for one in [&["image", "push"][..], &["man"], &["run"]] {
        assert!(known.iter().any(|command| command == one), "{one:?} in {known:?}");
    }
    let is_played = |command: &&Vec<String>| {
        cases.iter().any(|(_, line, _)| {
            line.len() >= command.len()
                && line.iter().zip(command.iter()).all(|(one, other)| one == other)
        })
    };
    let forgotten: Vec<&Vec<String>> = known.iter().filter(|command| !is_played(command)).collect();
    assert!(forgotten.is_empty(), "commands without a line in this test: {forgotten:?}");
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
