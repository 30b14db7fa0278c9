//! What a migration is, without a database: no connection, no clock, no output.
//!
//! | module | owns |
//! |---|---|
//! | [`contained`] | which files of a directory are read: plain ones of its own |
//! | [`directory`] | Prisma's directory of migrations, read from disk |
//! | [`checksum`] | the digest by which an edited script is noticed |
//! | [`order`] | which migration comes before which |
//! | [`lock_file`] | `migration_lock.toml` |
//! | [`script_file`] | a script on disk, read once |
//! | [`script`] | a script's statements, and whether it can be one transaction |
//! | [`history`] | the rows of `_prisma_migrations`, and our marker in them |
//! | [`hazard`] | which statements break the running API, block its traffic or lose data |
//! | [`plan`] | what has to be applied, or why nothing may be |

pub mod checksum;
pub mod contained;
pub mod directory;
pub mod hazard;
pub mod history;
pub mod lock_file;
pub mod order;
pub mod plan;
pub mod script;
pub mod script_file;

pub use directory::{Directory, Migration};
pub use history::{Marker, Mode, Row};
pub use plan::{Allowances, Plan, Share};
pub use script::{Phase, Script};
