//! Owns a page: its headings, links, and the commands that it shows.

use crate::anchor::Anchors;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// One page of Markdown.
#[derive(Debug, Default)]
pub struct Page {
    /// The names of its headings, as links use them.
    pub anchors: Vec<String>,
    /// Its links and images, with the line that they are on.
    pub links: Vec<Link>,
    /// Its fenced blocks, and what is done unseen before them, in the page's order.
    pub blocks: Vec<Block>,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Line in the page, from 1.
    pub line: usize,
    /// As it is written.
    pub target: String,
}

/// A fenced block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Line of its fence, from 1.
    pub line: usize,
    /// What stands behind the fence, e.g. `sh run`; `before` for what only a test does.
    pub kind: String,
    /// What it holds.
    pub text: String,
}

/// A comment that begins with this holds commands which a reader needs not do, because the state that
/// they make is there already: `<!-- before` in a line of its own, then the commands, then `-->`.
const BEFORE: &str = "<!-- before\n";

impl Page {
    /// Reads Markdown as GitHub and mdBook do.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "Markdown has much that does not matter here"
    )]
    pub fn read(text: &str) -> Self {
        let mut page = Self::default();
        let mut anchors = Anchors::default();
        let mut heading: Option<String> = None;
        let mut block: Option<Block> = None;
        let mut comment: Option<(usize, String)> = None;
        let line_of = |offset: usize| text[..offset].matches('\n').count() + 1;
        let options =
            Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES;
        for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
            let line = line_of(range.start);
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    page.anchors.extend(heading.take().map(|words| anchors.next(&words)));
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(Link { line, target: dest_url.into_string() });
                }
                Event::Start(Tag::CodeBlock(kind)) => {
                    let kind = match kind {
                        CodeBlockKind::Fenced(info) => info.into_string(),
                        CodeBlockKind::Indented => String::new(),
                    };
                    block = Some(Block { line, kind, text: String::new() });
                }
                Event::End(TagEnd::CodeBlock) => page.blocks.extend(block.take()),
                Event::Start(Tag::HtmlBlock) => comment = Some((line, String::new())),
                Event::End(TagEnd::HtmlBlock) => {
                    page.blocks.extend(comment.take().and_then(|(line, html)| before(line, &html)));
                }
                Event::Html(html) => {
                    if let Some((_, held)) = &mut comment {
                        held.push_str(&html);
                    }
                }
                Event::Text(words) | Event::Code(words) => {
                    if let Some(held) =
                        block.as_mut().map(|block| &mut block.text).or(heading.as_mut())
                    {
                        held.push_str(&words);
                    }
                }
                _ => {}
            }
        }
        page
    }
}

fn before(line: usize, html: &str) -> Option<Block> {
    let (commands, _) = html.strip_prefix(BEFORE)?.split_once("-->")?;
    Some(Block { line, kind: "before".to_owned(), text: commands.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read() {
        let page = Page::read(
            "# One `two`\n\n[a](b.md#c)\n\n<!-- before\ntouch x\n\ntouch y\n-->\n\n```sh run\nls\n```\n\n1. x\n\n   ```json\n   {}\n   ```\n",
        );
        assert_eq!(page.anchors, ["one-two"]);
        assert_eq!(page.links, [Link { line: 3, target: "b.md#c".to_owned() }]);
        let blocks: Vec<(usize, &str, &str)> = page
            .blocks
            .iter()
            .map(|block| (block.line, block.kind.as_str(), block.text.as_str()))
            .collect();
        assert_eq!(
            blocks,
            [(5, "before", "touch x\n\ntouch y\n"), (11, "sh run", "ls\n"), (17, "json", "{}\n")]
        );
    }
}
