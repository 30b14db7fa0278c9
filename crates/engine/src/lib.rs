//! Applies migrations to PostgreSQL, exactly once. Emits typed [`Progress`]; prints nothing and
//! reads no environment.
//!
//! | module | owns |
//! |---|---|
//! | [`deploy()`] | the story: connect, lock, settle, plan, apply |
//! | [`status()`] | the same question without a lock and without writing |
//! | [`settings`] | how to reach the database |
//! | `connect`, `tls`, `pooler`, `session` | one connection that is really ours |
//! | `lock` | the advisory locks, by polling |
//! | `history` | reading and writing `_prisma_migrations` |
//! | `transaction` | a script and its history row in one transaction |
//! | `units`, `journal`, `index` | scripts that cannot be one transaction |
//! | `settle` | what an earlier run of ours left unfinished |
//! | [`error`], `hint` | why it failed and what to do |

mod connect;
mod deploy;
pub mod error;
mod hint;
mod history;
mod index;
pub mod interrupt;
mod journal;
mod lock;
mod pooler;
pub mod progress;
mod quote;
pub mod secret;
mod session;
pub mod settings;
mod settle;
mod status;
mod tls;
mod transaction;
mod units;

pub use deploy::{Deploy, Report, deploy};
pub use error::{DatabaseState, Error, Kind};
pub use interrupt::Interrupt;
pub use lock::{DEFAULT_LOCK_KEY, PRISMA_LOCK_KEY};
pub use progress::{Progress, Sink};
pub use secret::Secret;
pub use settings::{ConnectionSettings, TlsMode};
pub use status::{MigrationState, State, Status, status};
