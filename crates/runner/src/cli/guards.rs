//! Owns what can be said of the guards around a deployment: whose database it is.

use clap::Args;
use protocol::env;

/// What must hold beside the migrations themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Guards {
    /// The environment that this run is for, e.g. production: the first run writes the name into
    /// the database, and a database that bears another one is refused
    #[arg(long, global = true, value_name = "NAME", env = env::ENVIRONMENT, value_parser = name_or_none)]
    pub environment: Option<String>,

    /// Do not ask before a database without an environment's name is changed from a terminal
    #[arg(long, global = true)]
    pub yes: bool,
}

/// A name as people type it.
pub(super) fn name(text: &str) -> Result<String, String> {
    let name = name_or_none(text)?;
    if name.is_empty() { Err("the name is empty".to_owned()) } else { Ok(name) }
}

/// A task definition cannot unset a variable: an empty one is none.
fn name_or_none(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.chars().any(|c| c.is_control() || c == '`') {
        return Err("a name has no control characters and no backticks".to_owned());
    }
    Ok(name.to_owned())
}
