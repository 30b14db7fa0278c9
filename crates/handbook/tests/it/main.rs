//! The pages against the repository: links, the book, what is made from code, and every command.
#![expect(clippy::unwrap_used, reason = "tests")]

mod book;
mod generated;
mod links;
mod play;
mod support;
