//! Writes the page `docs/exit-codes.md` to stdout.

use std::io::Write;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(protocol::exit_code::markdown().as_bytes())
}
