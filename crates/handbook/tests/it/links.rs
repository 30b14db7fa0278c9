//! Every link leads somewhere: to a file of the repository, to a heading, or well-formed to the outside.

use crate::support::pages;
use handbook::root;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// `folder/../x` without the detour; `None` when it leaves the repository.
fn straight(path: &Path) -> Option<PathBuf> {
    let mut straight = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => straight.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !straight.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(straight)
}

fn trouble(
    from: &str,
    target: &str,
    anchors: &BTreeMap<String, Vec<String>>,
) -> Option<&'static str> {
    if let Some((scheme, rest)) = target.split_once("://") {
        let host = rest.split('/').next().unwrap_or_default();
        let sound = scheme == "https" && host.contains('.') && !rest.contains([' ', '<', '`']);
        return (!sound).then_some("an address outside is https://host/…");
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() {
        PathBuf::from(from)
    } else {
        match straight(&Path::new(from).with_file_name("").join(file)) {
            Some(path) => path,
            None => return Some("it leaves the repository"),
        }
    };
    if !root().join(&path).exists() {
        return Some("no such file");
    }
    let Some(named) = anchors.get(path.to_str().unwrap()) else {
        return (!anchor.is_empty()).then_some("only pages have headings");
    };
    let there = anchor.is_empty() || named.iter().any(|name| name == anchor);
    (!there).then_some("no such heading")
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let anchors: BTreeMap<String, Vec<String>> =
        pages.iter().map(|(path, page)| (path.clone(), page.anchors.clone())).collect();
    let mut links = 0;
    let mut dead = Vec::new();
    for (path, page) in &pages {
        for link in &page.links {
            links += 1;
            if let Some(trouble) = trouble(path, &link.target, &anchors) {
                dead.push(format!("{path}:{}: {}: {trouble}", link.line, link.target));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
    assert!(links > 80, "{links} links: are they read?");
}

#[test]
fn what_leads_nowhere_is_found() {
    let anchors = BTreeMap::from([("docs/gate.md".to_owned(), vec!["green".to_owned()])]);
    let table = [
        ("gate.md#green", None),
        ("#green", None),
        ("../infra/docker", None),
        ("https://example.com/a#b", None),
        ("gate.md#red", Some("no such heading")),
        ("gone.md", Some("no such file")),
        ("../../etc/passwd", Some("it leaves the repository")),
        ("/etc/passwd", Some("it leaves the repository")),
        ("http://example.com", Some("an address outside is https://host/…")),
        ("https://nowhere", Some("an address outside is https://host/…")),
    ];
    for (target, expected) in table {
        assert_eq!(trouble("docs/gate.md", target, &anchors), expected, "{target}");
    }
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let pages = pages();
    let (_, summary) = pages.iter().find(|(path, _)| path == "docs/SUMMARY.md").unwrap();
    let mut listed: Vec<String> =
        summary.links.iter().map(|link| format!("docs/{}", link.target)).collect();
    listed.push("docs/SUMMARY.md".to_owned());
    listed.sort();
    let mut there: Vec<String> = pages
        .iter()
        .filter(|(path, _)| path.starts_with("docs/"))
        .map(|page| page.0.clone())
        .collect();
    there.sort();
    assert_eq!(listed, there);
}
