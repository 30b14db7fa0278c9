//! The commands that the pages show: every one is run, or at least held against its program.
//!
//! | fence | what the test does |
//! |---|---|
//! | `sh run` | runs the block; a command that fails, fails the test |
//! | `console run` | runs each `$ …`, and compares what it says; `…` stands for anything |
//! | `sql run` | writes the migration that the first line names, and deploys it |
//! | `sh parse`, `console parse` | runs the block with every program replaced: ours by one that reads the command line, others must be in [`foreign`] |
//! | `<!-- before … -->` | as `sh run`; a reader does not see it |

mod dialogue;
mod dry;
mod foreign;
mod place;
mod real;

use crate::support::{pages, skip};
use handbook::page::{Block, Page};

/// Languages whose blocks are no commands.
const TEXTS: [&str; 9] =
    ["text", "json", "toml", "sql", "yaml", "dockerfile", "mermaid", "prisma", "ts"];

/// What a block's fence asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Before,
    ShellRun,
    ShellParse,
    DialogueRun,
    DialogueParse,
    Migration,
    Text,
}

impl Kind {
    fn of(block: &Block) -> Option<Self> {
        Some(match block.kind.as_str() {
            "before" => Self::Before,
            "sh run" => Self::ShellRun,
            "sh parse" => Self::ShellParse,
            "console run" => Self::DialogueRun,
            "console parse" => Self::DialogueParse,
            "sql run" => Self::Migration,
            text if TEXTS.contains(&text) => Self::Text,
            _ => return None,
        })
    }

    fn runs(self) -> bool {
        matches!(self, Self::Before | Self::ShellRun | Self::DialogueRun | Self::Migration)
    }
}

/// Blocks with their kinds; what is not marked fails.
fn marked(path: &str, page: &Page) -> Result<Vec<(Kind, Block)>, String> {
    let kind = |block: &Block| match Kind::of(block) {
        Some(kind) => Ok((kind, block.clone())),
        None => {
            Err(format!("{path}:{}: mark the block `{}`, e.g. ```sh run", block.line, block.kind))
        }
    };
    page.blocks.iter().map(kind).collect()
}

#[test]
fn every_block_says_what_it_is() {
    let wrong: Vec<String> =
        pages().iter().filter_map(|(path, page)| marked(path, page).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let unmarked = Page::read("```sh\nls\n```\n");
    assert!(marked("x.md", &unmarked).is_err());
}

#[tokio::test]
async fn every_command_can_be_read_by_its_program() {
    let binaries = handbook::binaries().await.unwrap();
    let mut wrong = Vec::new();
    let mut read = 0;
    for (path, page) in pages() {
        for (kind, block) in marked(&path, &page).unwrap_or_default() {
            let script = match kind {
                Kind::ShellRun | Kind::ShellParse => block.text.clone(),
                Kind::DialogueRun | Kind::DialogueParse => dialogue::script(&block.text),
                Kind::Before | Kind::Migration | Kind::Text => continue,
            };
            match dry::play(&binaries, &script).await {
                Ok(calls) => read += calls,
                Err(why) => wrong.push(format!("{path}:{}: {why}", block.line)),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(read > 50, "{read} commands of ours: are they read?");
}

#[tokio::test]
async fn what_the_pages_run_does_what_they_say() {
    let Some(server) = place::server() else {
        skip("no PostgreSQL for the handbook");
        return;
    };
    let binaries = handbook::binaries().await.unwrap();
    let mut wrong = Vec::new();
    let mut run = 0;
    for (path, page) in pages() {
        let blocks = marked(&path, &page).unwrap_or_default();
        let blocks: Vec<(Kind, Block)> =
            blocks.into_iter().filter(|(kind, _)| kind.runs()).collect();
        if blocks.is_empty() {
            continue;
        }
        let place = place::Place::open(&server, &binaries).await;
        for (kind, block) in blocks {
            let played = match kind {
                Kind::DialogueRun => real::talk(&place, &block.text).await,
                Kind::Migration => real::migrate(&place, &block.text).await,
                Kind::Before | Kind::ShellRun => real::run(&place, &block.text).await,
                Kind::ShellParse | Kind::DialogueParse | Kind::Text => continue,
            };
            run += 1;
            if let Err(why) = played {
                // What follows builds on it.
                wrong.push(format!("{path}:{}: {why}", block.line));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(run > 20, "{run} blocks run: are they found?");
}
