//! Applies migrations to PostgreSQL, exactly once. Emits typed [`Progress`]; prints nothing and
//! reads no environment.
//!
//! | module | owns |
//! |---|---|
//! | [`deploy()`] | the story: connect, lock, settle, plan, apply |
//! | [`status()`] | the same question without a lock and without writing |
//! | [`resolve()`], `evidence`, `scratch`, `catalog` | correcting the history by hand, after looking at what is known |
//! | [`settings`] | how to reach the database |
//! | `opening`, `connect`, `tls`, `pooler`, `session` | one connection that is really ours |
//! | `lock` | the advisory locks, by polling |
//! | `history` | reading and writing `_prisma_migrations` |
//! | `apply` | one migration's turn, and what is left when it fails |
//! | `transaction` | a script and its history row in one transaction |
//! | `statement` | one statement: its timeout, what it cost, what the server said |
//! | `units`, `journal`, `index` | scripts that cannot be one transaction |
//! | [`traffic`] | how long to wait for locks, and when to try again |
//! | [`observe`] | who blocks, how far it is, what it locks: a second connection that only looks |
//! | `account` | what each statement cost |
//! | [`unblock()`] | ending one session that blocks a migration |
//! | `settle` | what an earlier run of ours left unfinished |
//! | [`error`], `hint` | why it failed and what to do |

mod account;
mod apply;
mod catalog;
mod connect;
mod deploy;
pub mod error;
mod evidence;
mod hint;
mod history;
mod index;
pub mod interrupt;
mod journal;
mod lock;
pub mod observe;
mod opening;
mod pooler;
pub mod progress;
mod quote;
mod resolve;
mod scratch;
pub mod secret;
mod session;
pub mod settings;
mod settle;
mod statement;
mod status;
mod tls;
pub mod traffic;
mod transaction;
mod unblock;
mod units;

pub use account::StatementCost;
pub use deploy::{Deploy, Habits, Report, deploy};
pub use error::{DatabaseState, Error, Kind};
pub use interrupt::Interrupt;
pub use lock::{DEFAULT_LOCK_KEY, PRISMA_LOCK_KEY};
pub use observe::{Blocker, BlockerKind, TableLock, Work};
pub use opening::MissingDatabase;
pub use progress::{Progress, Sink};
pub use resolve::{Force, Resolution, Resolve, resolve};
pub use secret::Secret;
pub use settings::{ConnectionSettings, TlsMode};
pub use status::{MigrationState, State, Status, status};
pub use traffic::Traffic;
pub use unblock::{Unblock, unblock};
