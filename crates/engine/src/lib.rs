//! Applies migrations to PostgreSQL, exactly once. Emits typed [`Progress`]; prints nothing and
//! reads no environment.
//!
//! | module | owns |
//! |---|---|
//! | [`deploy()`] | the story: connect, lock, settle, plan, apply |
//! | [`Review`] | the check of a deployment: hazards of what is pending, graded with what the database says |
//! | [`status()`] | the same question without a lock and without writing |
//! | [`check()`] | what stands between this database and a deployment, changing nothing |
//! | [`resolve()`], `evidence` | correcting the history by hand, after looking at what is known |
//! | `foresee` | what a deployment is about to do, for what has to be kept before it: [`KeepBefore`], [`Pause`] |
//! | [`restore`] | the point that the database can be brought back to |
//! | `drift` | how the database differs from what migrations make in a database of our own |
//! | [`Scratch`], `stand_in` | such a database; what is played in it, and that nothing beyond it changes |
//! | [`require_rights()`] | whether the application's role can use what was made |
//! | `environment`, `identity` | the environment's name in the database; which database it is |
//! | [`settings`] | how to reach the database |
//! | `host`, `roots`, `login` | what a host's name tells, whom to trust, who we are |
//! | `row` | reading what the server answered |
//! | `connect`, `refusal`, `certificate`, `tls`, `session`, `cancel` | one connection, what its refusal means, how it is cancelled |
//! | `transport`, `notices` | what comes from a server: how much of it is taken in, and what it says beside its answers |
//! | `awake`, `waiting` | a session that is not idle; our own statements that have to wait for others |
//! | `reach`, `opening`, `pooler` | trying again in a budget, until a session is really ours |
//! | `lock` | the advisory locks, by polling |
//! | [`Guard`] | how long somebody else's command may queue for a lock |
//! | [`Hold`], [`Hand`], `sessions`, `steps` | the lock while a command works under it; what is left of it in the server; what runs once after the migrations |
//! | `history`, `meant` | reading and writing `_prisma_migrations`; the schema that a run named once |
//! | `announce`, `blocked` | what is said of a plan; why nothing of it may be applied |
//! | `apply` | one migration's turn, and what is left when it fails |
//! | `transaction` | a script and its history row in one transaction |
//! | `statement` | one statement: its timeout, what it cost, what the server said |
//! | `units`, `way`, `journal`, `index` | scripts that cannot be one transaction |
//! | `carried`, `resume`, `trace` | what such a script made of its session; going on in it; whether a statement was done whose end nobody recorded |
//! | `known`, `leftover` | what an earlier run has done of such a script; what a statement leaves that fails |
//! | [`traffic`] | how long to wait for locks, and when to try again |
//! | [`observe`] | who blocks, how far it is, what it locks: a second connection that only looks |
//! | `account` | what each statement cost |
//! | [`unblock()`] | ending one session that blocks a migration |
//! | `settle`, `recovery` | what an earlier run of ours left unfinished, or this one when its connection was lost |
//! | [`error`], `hint` | why it failed and what to do |

mod account;
mod announce;
mod application;
mod apply;
mod awake;
mod blocked;
mod cancel;
mod carried;
mod certificate;
mod check;
mod connect;
mod custom;
mod deploy;
mod drift;
mod environment;
pub mod error;
mod evidence;
mod foresee;
mod guard;
mod hand;
mod hazard;
mod hint;
mod history;
mod hold;
mod host;
mod identity;
mod index;
pub mod interrupt;
mod journal;
mod known;
mod leftover;
mod lock;
pub mod login;
mod meant;
mod notices;
pub mod observe;
mod opening;
mod part_way;
mod pooler;
pub mod progress;
mod quote;
mod reach;
mod recovery;
mod refusal;
mod resolve;
pub mod restore;
mod resume;
pub mod roots;
mod row;
mod scratch;
pub mod secret;
mod session;
mod sessions;
pub mod settings;
mod settle;
mod stand_in;
mod statement;
mod status;
mod steps;
mod tls;
mod trace;
pub mod traffic;
mod transaction;
mod transport;
mod turn;
mod unblock;
mod units;
mod waiting;
mod way;

pub use account::StatementCost;
pub use application::{Application, require_rights};
pub use check::{Check, Finding, Verdict, check};
pub use deploy::{Deploy, Habits, Report, Turn, deploy};
pub use drift::{DriftSearch, Grants, OnDrift};
pub use error::{DatabaseState, Error, Kind};
pub use foresee::{KeepBefore, Pause, Reached, Start};
pub use guard::{Guard, Lookout};
pub use hand::Hand;
pub use hazard::Review;
pub use hold::Hold;
pub use host::Host;
pub use interrupt::Interrupt;
pub use lock::{DEFAULT_LOCK_KEY, PRISMA_LOCK_KEY};
pub use login::{Login, Logins};
pub use meant::Unnamed;
pub use observe::{Blocker, BlockerKind, TableLock, Work};
pub use opening::MissingDatabase;
pub use progress::{Progress, Sink};
pub use resolve::{Force, Resolution, Resolve, resolve};
pub use restore::{Kept, RestorePoint};
pub use scratch::Scratch;
pub use secret::Secret;
pub use sessions::Sessions;
pub use settings::{
    ChannelBinding, ClientCertificate, ConnectionSettings, PasswordPlace, Roots, Second, TlsMode,
};
pub use status::{MigrationState, State, Status, status};
pub use steps::{Again, Earlier};
pub use traffic::Traffic;
pub use unblock::{Unblock, unblock};
