//! Keeps the published schema: every object that any ending writes is in it, field by field.

use super::never_starting;
use super::stories::{green, ours, red};
use crate::support::infra::{GITHUB, Site};
use crate::support::story::{Story, Told};
use boon::{Compiler, SchemaIndex, Schemas};
use sandbox::Script;
use serde_json::{Value, json};

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
        assert_eq!(types.last().map(String::as_str), Some("result"), "{name}");
        let results = types.iter().filter(|kind| *kind == "result").count();
        assert_eq!(results, 1, "{name}");
        assert_eq!(told.result()["exit_code"], told.code, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_command_keeps_the_schema() {
    let schema = Closed::read();
    let story = Story::of(Script::new()).answers(&["yes"]);
    let template = story.template_path();
    let json = &["--output", "json"];
    for (arguments, expected) in [
        (&["register", "--template", &template, "--image", "app:1"][..], "data"),
        (
            &["register", "--task-definition", "app-migrate", "--image", "app:2", "--diff"],
            "difference",
        ),
        (&["attach", "nothing"], "result"),
        (&["cancel", "--run-key", "1"], "data"),
        (&["doctor", "--task-definition", "app-migrate"], "result"),
        (&["doctor", "--task-definition", "app-migrate"], "finding"),
        (&["setup-infra", "--family", "app", "--plan"], "result"),
    ] {
        let told = story.invoke(&[arguments, json].concat()).await;
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
