//! Owns `docs/events.md`: the protocol's lines and events, from their source.

use crate::root;
use std::collections::BTreeMap;
use syn::{Attribute, Expr, Fields, GenericArgument, Item, Lit, Meta, PathArguments, Type};

/// The page's name below `docs`.
pub const FILE: &str = "events.md";

const SOURCES: [&str; 5] = ["line", "command", "event", "failure", "traffic"];

const HEAD: &str = "# Events of the runner\n\nGenerated from `crates/protocol/src`; a test compares, and `cargo run -p handbook` writes it.\n\nOutside a terminal the runner writes one JSON object a line to stdout, each under 8 KiB. `msg` makes it readable in the AWS console, `event` lets Logs Insights ask for it. A reader ignores kinds and fields that it does not know; a field that is missing has its empty value. What `ecs-migrate --output json` writes is described by [events.schema.json](events.schema.json).\n\n";

struct Shape {
    name: String,
    meaning: String,
    /// Name, kind and meaning; a word of an enum has no kind.
    rows: Vec<(String, String, String)>,
}

/// The page.
///
/// # Errors
///
/// A source that cannot be read, or is no Rust.
pub fn markdown() -> Result<String, String> {
    let mut shapes = BTreeMap::new();
    for source in SOURCES {
        let path = root().join("crates/protocol/src").join(source).with_extension("rs");
        let shown = path.display();
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{shown}: {error}"))?;
        let file = syn::parse_file(&text).map_err(|error| format!("{shown}: {error}"))?;
        shapes.extend(file.items.iter().filter_map(shape).map(|shape| (shape.name.clone(), shape)));
    }
    let take = |name: &str| shapes.get(name).ok_or(format!("there is no {name}"));
    let mut page = HEAD.to_owned();
    page.push_str(&table(take("EventLine")?, &shapes));
    let mut told = vec!["EventLine", "Event"];
    for (kind, holds, meaning) in &take("Event")?.rows {
        page.push_str(&["\n## ", kind, "\n\n", meaning, "\n"].concat());
        if let Some(shape) = shapes.get(holds) {
            told.push(&shape.name);
            page.push_str(&["\n", &table(shape, &shapes)].concat());
        }
    }
    let used = |shape: &Shape| shapes.values().any(|other| mentions(other, &shape.name));
    for shape in shapes.values().filter(|shape| !told.contains(&shape.name.as_str()) && used(shape))
    {
        let (name, meaning) = (&shape.name, &shape.meaning);
        let rows = table(shape, &shapes);
        page.push_str(&["\n## ", name, "\n\n", meaning, "\n\n", &rows].concat());
    }
    Ok(page)
}

fn mentions(shape: &Shape, name: &str) -> bool {
    shape.rows.iter().any(|(_, kind, _)| kind.split([' ', ',']).any(|word| word == name))
}

fn table(shape: &Shape, shapes: &BTreeMap<String, Shape>) -> String {
    let words = shape.rows.iter().all(|(_, kind, _)| kind.is_empty());
    let mut table = if words {
        "| word | meaning |\n|---|---|\n"
    } else {
        "| field | holds | meaning |\n|---|---|---|\n"
    }
    .to_owned();
    for (name, kind, meaning) in &shape.rows {
        let linked: Vec<String> = kind.split(' ').map(|word| linked(word, shapes)).collect();
        let kind = if words { String::new() } else { format!(" {} |", linked.join(" ")) };
        table.push_str(&["| `", name, "` |", &kind, " ", meaning, " |\n"].concat());
    }
    table
}

fn linked(word: &str, shapes: &BTreeMap<String, Shape>) -> String {
    let name = word.trim_end_matches(',');
    let rest = &word[name.len()..];
    if name == "Event" {
        return format!("one of the kinds below{rest}");
    }
    let told_as_kind = |events: &Shape| {
        events.rows.iter().find(|(_, holds, _)| holds == name).map(|(kind, ..)| kind.clone())
    };
    match (shapes.get("Event").and_then(told_as_kind), shapes.get(name)) {
        (Some(kind), _) => format!("[{kind}](#{kind}){rest}"),
        (None, Some(_)) => format!("[{name}](#{}){rest}", name.to_lowercase()),
        (None, None) => word.to_owned(),
    }
}

fn shape(item: &Item) -> Option<Shape> {
    if let Item::Struct(item) = item {
        let Fields::Named(fields) = &item.fields else { return None };
        let row = |field: &syn::Field| {
            let name = field.ident.as_ref()?.to_string();
            let mut kind = holds(&field.ty);
            if said(&field.attrs, "skip_serializing_if") && !kind.ends_with("absent") {
                kind.push_str(", or absent");
            }
            Some((renamed(&field.attrs).unwrap_or(name), kind, meaning(&field.attrs)))
        };
        let rows = fields.named.iter().filter_map(row).collect();
        return Some(Shape { name: item.ident.to_string(), meaning: meaning(&item.attrs), rows });
    }
    let Item::Enum(item) = item else { return None };
    let row = |variant: &syn::Variant| {
        let kind = variant.fields.iter().next().map(|field| holds(&field.ty));
        (snake(&variant.ident.to_string()), kind.unwrap_or_default(), meaning(&variant.attrs))
    };
    let rows = item.variants.iter().filter(|variant| !said(&variant.attrs, "other")).map(row);
    Some(Shape {
        name: item.ident.to_string(),
        meaning: meaning(&item.attrs),
        rows: rows.collect(),
    })
}

/// What a JSON reader finds.
fn holds(kind: &Type) -> String {
    let Type::Path(path) = kind else { return "anything".to_owned() };
    let Some(last) = path.path.segments.last() else { return "anything".to_owned() };
    let inner = || {
        let PathArguments::AngleBracketed(given) = &last.arguments else { return String::new() };
        let Some(GenericArgument::Type(kind)) = given.args.first() else { return String::new() };
        holds(kind)
    };
    match last.ident.to_string().as_str() {
        "String" => "text".to_owned(),
        "bool" => "true or false".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "i32" | "i64" => "number".to_owned(),
        "Option" => format!("{}, or absent", inner()),
        "Vec" => format!("list of {}", inner()),
        "Box" => inner(),
        name => name.to_owned(),
    }
}

/// The first paragraph of a doc comment, on one line and fit for a table; `See …` says nothing here.
fn meaning(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| {
        let Meta::NameValue(pair) = &attribute.meta else { return None };
        let Expr::Lit(literal) = &pair.value else { return None };
        let Lit::Str(text) = &literal.lit else { return None };
        pair.path.is_ident("doc").then(|| text.value().trim().to_owned())
    });
    let paragraph: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    paragraph.join(" ").replace("[`", "`").replace("`]", "`").replace('|', "\\|")
}

fn serde(attributes: &[Attribute]) -> impl Iterator<Item = String> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("serde")).filter_map(
        |attribute| match &attribute.meta {
            Meta::List(list) => Some(list.tokens.to_string()),
            Meta::Path(_) | Meta::NameValue(_) => None,
        },
    )
}

fn said(attributes: &[Attribute], word: &str) -> bool {
    serde(attributes).any(|words| words.split([' ', ',', '=']).any(|other| other == word))
}

fn renamed(attributes: &[Attribute]) -> Option<String> {
    let words = serde(attributes).find(|words| words.starts_with("rename"))?;
    words.split('"').nth(1).map(str::to_owned)
}

fn snake(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push('_');
        }
        words.extend(letter.to_lowercase());
    }
    words
}
