//! mdBook makes the book, and in what it made every link leads somewhere too.

use crate::support::{script, skip};
use handbook::root;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tokio::process::Command;

/// The values of an attribute; mdBook writes them between double quotes.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let parts = html.split(attribute).skip(1);
    parts.filter_map(|rest| rest.split_once('"').map(|(value, _)| value)).collect()
}

/// The pages of a made book by their names, without what surrounds their text.
fn texts(book: &Path) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for entry in std::fs::read_dir(book).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if Path::new(&name).extension().is_none_or(|end| end != "html") || name == "toc.html" {
            continue;
        }
        let html = std::fs::read_to_string(book.join(&name)).unwrap();
        let (_, text) = html.split_once("<main>").unwrap();
        texts.insert(name, text.split_once("</main>").unwrap().0.to_owned());
    }
    texts
}

#[tokio::test]
async fn the_book_is_made_and_its_links_lead_somewhere() {
    let Some(mdbook) = script("mdbook.sh").await else {
        skip("mdBook cannot be installed with pip");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let built = Command::new(mdbook)
        .arg("build")
        .arg("--dest-dir")
        .arg(folder.path())
        .current_dir(root())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success() && !said.contains("WARN") && !said.contains("ERROR"), "{said}");
    let texts = texts(folder.path());
    let names: BTreeMap<&String, BTreeSet<&str>> = texts
        .iter()
        .map(|(name, html)| (name, values(html, "id=\"").into_iter().collect()))
        .collect();
    let mut dead = Vec::new();
    let mut followed = 0;
    for (name, html) in &texts {
        for link in values(html, "href=\"").into_iter().filter(|link| !link.contains("://")) {
            followed += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let file = if file.is_empty() { name } else { file };
            let named = names.iter().find(|(page, _)| **page == file);
            let there = named
                .map_or(anchor.is_empty(), |(_, ids)| anchor.is_empty() || ids.contains(anchor));
            // The folder that book.toml names is at the top of the repository.
            let path =
                file.strip_prefix("../").map_or(folder.path().join(file), |out| root().join(out));
            if !there || !path.exists() {
                dead.push(format!("{name}: {link}"));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
    assert!(texts.len() > 15 && followed > 100, "{} pages, {followed} links", texts.len());
}
