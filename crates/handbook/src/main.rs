//! Writes the pages in `docs/` that are made from code.

use handbook::{commands, events, root};
use std::error::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let binaries = handbook::binaries().await?;
    let page = commands::markdown(|words| handbook::answer(binaries.clone(), words)).await;
    std::fs::write(root().join("docs").join(commands::FILE), page)?;
    std::fs::write(root().join("docs").join(events::FILE), events::markdown()?)?;
    Ok(())
}
