//! Owns what a session is that blocks us, and the tree of them. Pure.

use migrations::script::without_literals;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

/// The longest piece of a query that is shown, in characters.
const SHOWN: usize = 200;

/// A session, or a prepared transaction, that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocker {
    /// Its process id; 0 for a prepared transaction, which has none.
    pub pid: i32,
    /// What it is.
    pub kind: BlockerKind,
    /// `application_name`, empty if it has none.
    pub application: String,
    /// Role; empty if unknown.
    pub user: String,
    /// How long its transaction has been open.
    pub since: Option<Duration>,
    /// Its query without the values in it, cut; the name of a prepared transaction. Empty if not shown.
    pub query: String,
    /// The process that it blocks.
    pub blocks: i32,
    /// 1 blocks us, 2 blocks one of those, and so on.
    pub depth: u32,
}

/// What kind of session it is, because each calls for something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockerKind {
    /// A query that runs.
    ActiveQuery,
    /// A transaction that was left open.
    IdleInTransaction,
    /// An autovacuum; it yields to whoever has waited for `deadlock_timeout`.
    Autovacuum,
    /// An autovacuum against wraparound, which does not yield.
    WraparoundVacuum,
    /// `pg_dump`, which holds its locks until it has finished.
    Dump,
    /// An index build.
    IndexBuild,
    /// A prepared transaction.
    PreparedTransaction,
    /// A replication connection.
    Replication,
    /// Anything else, such as a lock that a session holds without a transaction.
    Session,
    /// Another role's session, which we have no right to look at.
    Hidden,
}

impl BlockerKind {
    /// Its name in event lines.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ActiveQuery => "active query",
            Self::IdleInTransaction => "idle in transaction",
            Self::Autovacuum => "autovacuum",
            Self::WraparoundVacuum => "autovacuum to prevent wraparound",
            Self::Dump => "dump",
            Self::IndexBuild => "index build",
            Self::PreparedTransaction => "prepared transaction",
            Self::Replication => "replication",
            Self::Session => "session",
            Self::Hidden => "not shown to this role",
        }
    }

    /// What to do about it.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::ActiveQuery => "wait for that query, or end it",
            Self::IdleInTransaction => "that application forgot a transaction: end the session",
            Self::Autovacuum => "autovacuum yields to a --lock-timeout above deadlock_timeout (1s)",
            Self::WraparoundVacuum => {
                "let that vacuum finish: the database needs it, and starts it again if it is ended"
            }
            Self::Dump => "run outside the time of the backup, or wait for it",
            Self::IndexBuild => "wait for that index build",
            Self::PreparedTransaction => "COMMIT PREPARED or ROLLBACK PREPARED it",
            Self::Replication => "wait for the copy of the table, or pause that subscription",
            Self::Session => "look at that session, or end it",
            Self::Hidden => "GRANT pg_read_all_stats to the migration's role shows what it does",
        }
    }
}

/// What `pg_stat_activity` says of a session.
#[derive(Debug, Clone, Default)]
pub(crate) struct Activity {
    pub(crate) application: String,
    pub(crate) user: String,
    pub(crate) state: Option<String>,
    pub(crate) backend_type: Option<String>,
    pub(crate) query: String,
    pub(crate) since: Option<Duration>,
    /// Whether `pg_stat_progress_create_index` has it.
    pub(crate) builds_index: bool,
}

/// What the server puts in place of a query that the role may not see (`pgstatfuncs.c`).
const NO_RIGHT: &str = "<insufficient privilege>";

/// What kind of session this is.
pub(crate) fn classify(activity: &Activity) -> BlockerKind {
    let query = activity.query.trim_start().to_ascii_lowercase();
    let backend = activity.backend_type.as_deref().unwrap_or_default();
    if backend == "autovacuum worker" || query.starts_with("autovacuum:") {
        if query.contains("(to prevent wraparound)") {
            BlockerKind::WraparoundVacuum
        } else {
            BlockerKind::Autovacuum
        }
    } else if activity.builds_index
        || (activity.state.as_deref() == Some("active")
            && ["create index", "create unique index", "reindex"]
                .iter()
                .any(|words| query.starts_with(words)))
    {
        BlockerKind::IndexBuild
    } else if matches!(activity.application.as_str(), "pg_dump" | "pg_dumpall") {
        BlockerKind::Dump
    } else if activity.query == NO_RIGHT {
        BlockerKind::Hidden
    } else if backend == "walsender" || backend.starts_with("logical replication") {
        BlockerKind::Replication
    } else {
        match activity.state.as_deref() {
            Some("idle in transaction" | "idle in transaction (aborted)") => {
                BlockerKind::IdleInTransaction
            }
            Some("active" | "fastpath function call") => BlockerKind::ActiveQuery,
            Some(_) | None => BlockerKind::Session,
        }
    }
}

/// The session as a blocker of `blocks`.
pub(crate) fn describe(pid: i32, activity: &Activity, (blocks, depth): (i32, u32)) -> Blocker {
    Blocker {
        pid,
        kind: classify(activity),
        application: activity.application.clone(),
        user: activity.user.clone(),
        since: activity.since,
        query: shown(&activity.query),
        blocks,
        depth,
    }
}

/// Its query as it may be shown.
pub(crate) fn shown(query: &str) -> String {
    if query == NO_RIGHT {
        return String::new();
    }
    // Identifiers may hold anything, and a log line must not move the cursor.
    let text = printable(&without_literals(query));
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Another session's text without control characters.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// One session waits for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    /// Who waits.
    pub(crate) blocked: i32,
    /// For whom.
    pub(crate) by: i32,
}

/// The tree of blockers below `root`, parents first, each session once: waits for each other may
/// form a circle until the server finds the deadlock.
pub(crate) fn tree(root: i32, edges: &[Edge]) -> Vec<(Edge, u32)> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::from([root]);
    below(root, 1, edges, (&mut seen, &mut found));
    found
}

fn below(
    root: i32,
    depth: u32,
    edges: &[Edge],
    (seen, found): (&mut BTreeSet<i32>, &mut Vec<(Edge, u32)>),
) {
    let fresh: Vec<Edge> =
        edges.iter().filter(|edge| edge.blocked == root && seen.insert(edge.by)).copied().collect();
    for edge in fresh {
        found.push((edge, depth));
        below(edge.by, depth + 1, edges, (&mut *seen, &mut *found));
    }
}

impl fmt::Display for Blocker {
    /// `pid 7, idle in transaction for 3m 2s, application `psql`, role `app`: SELECT ?`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            0 => f.write_str(self.kind.word())?,
            pid => write!(f, "pid {pid}, {}", self.kind.word())?,
        }
        if let Some(since) = self.since {
            write!(f, " for {}", age(since))?;
        }
        if !self.application.is_empty() {
            write!(f, ", application `{}`", self.application)?;
        }
        if !self.user.is_empty() {
            write!(f, ", role `{}`", self.user)?;
        }
        if !self.query.is_empty() {
            write!(f, ": {}", self.query)?;
        }
        Ok(())
    }
}

/// The tree as lines, the deeper the further to the right.
pub(crate) fn outline(blockers: &[Blocker]) -> String {
    let lines = blockers.iter().map(|blocker| {
        let depth = usize::try_from(blocker.depth.saturating_sub(1)).unwrap_or(0);
        format!("{}{blocker} (blocks {})", "  ".repeat(depth), blocker.blocks)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// `41 ms`, `3.2 s`, `4m 10s`, `5h 3m`.
pub(crate) fn age(duration: Duration) -> String {
    match duration.as_secs() {
        0 => format!("{} ms", duration.as_millis()),
        1..=59 => format!("{:.1} s", duration.as_secs_f64()),
        60..=3599 => format!("{}m {}s", duration.as_secs() / 60, duration.as_secs() % 60),
        seconds => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity(backend: &str, state: &str, application: &str, query: &str) -> Activity {
        let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Activity {
            application: application.into(),
            state: known(state),
            backend_type: known(backend),
            query: query.into(),
            ..Activity::default()
        }
    }

    #[test]
    fn every_kind_is_known_by_what_the_server_shows() {
        let client = "client backend";
        for (backend, state, application, query, kind) in [
            (client, "active", "", "SELECT 1", BlockerKind::ActiveQuery),
            (client, "idle in transaction", "psql", "SELECT 1", BlockerKind::IdleInTransaction),
            (client, "idle in transaction (aborted)", "", "x", BlockerKind::IdleInTransaction),
            (
                client,
                "idle in transaction",
                "",
                "CREATE INDEX i ON t(a)",
                BlockerKind::IdleInTransaction,
            ),
            (client, "active", "pg_dump", "COPY public.t TO stdout;", BlockerKind::Dump),
            (client, "idle in transaction", "pg_dump", "LOCK TABLE t", BlockerKind::Dump),
            (
                client,
                "active",
                "",
                " create unique index concurrently i on t(a)",
                BlockerKind::IndexBuild,
            ),
            (client, "active", "", "REINDEX TABLE t", BlockerKind::IndexBuild),
            (client, "idle", "", "SELECT pg_advisory_lock(1)", BlockerKind::Session),
            (
                "autovacuum worker",
                "active",
                "",
                "autovacuum: VACUUM ANALYZE public.t",
                BlockerKind::Autovacuum,
            ),
            (
                "autovacuum worker",
                "active",
                "",
                "autovacuum: VACUUM public.t (to prevent wraparound)",
                BlockerKind::WraparoundVacuum,
            ),
            ("walsender", "active", "sub", "COPY t TO STDOUT", BlockerKind::Replication),
            ("logical replication worker", "", "sub", "", BlockerKind::Replication),
            ("", "", "app", NO_RIGHT, BlockerKind::Hidden),
            ("", "", "pg_dump", NO_RIGHT, BlockerKind::Dump),
            ("", "", "", "", BlockerKind::Session),
        ] {
            assert_eq!(classify(&activity(backend, state, application, query)), kind, "{query}");
        }
        let building = Activity { builds_index: true, ..activity("", "", "", NO_RIGHT) };
        assert_eq!(classify(&building), BlockerKind::IndexBuild, "progress is shown to everybody");
    }

    #[test]
    fn the_tree_has_each_session_once_and_ends_in_a_circle() {
        let edge = |blocked, by| Edge { blocked, by };
        for (edges, expected) in [
            (vec![], vec![]),
            (vec![edge(1, 2), edge(2, 3), edge(1, 4)], vec![(2, 1, 1), (3, 2, 2), (4, 1, 1)]),
            (vec![edge(1, 2), edge(2, 1)], vec![(2, 1, 1)]),
            (vec![edge(1, 2), edge(2, 3), edge(3, 2), edge(3, 1)], vec![(2, 1, 1), (3, 2, 2)]),
            (vec![edge(1, 2), edge(1, 3), edge(2, 3)], vec![(2, 1, 1), (3, 1, 1)]),
            (vec![edge(1, 1), edge(1, 0)], vec![(0, 1, 1)]),
            (vec![edge(9, 8)], vec![]),
        ] {
            let found: Vec<(i32, i32, u32)> = tree(1, &edges)
                .into_iter()
                .map(|(edge, depth)| (edge.by, edge.blocked, depth))
                .collect();
            assert_eq!(found, expected, "{edges:?}");
        }
    }

    #[test]
    fn a_blocker_is_one_sentence_without_values() {
        let blocker = Blocker {
            pid: 7,
            kind: BlockerKind::IdleInTransaction,
            application: "psql".into(),
            user: "app".into(),
            since: Some(Duration::from_secs(182)),
            query: shown("UPDATE t SET token = 'abc'"),
            blocks: 1,
            depth: 1,
        };
        assert_eq!(
            blocker.to_string(),
            "pid 7, idle in transaction for 3m 2s, application `psql`, role `app`: UPDATE t SET token = ?"
        );
        let hidden = Blocker {
            kind: BlockerKind::Hidden,
            user: String::new(),
            since: None,
            query: shown(NO_RIGHT),
            ..blocker
        };
        assert_eq!(hidden.to_string(), "pid 7, not shown to this role, application `psql`");
        assert_eq!(shown("SELECT \"\u{1b}[31m\""), "SELECT \"\u{fffd}[31m\"");
        assert_eq!(shown(&"x".repeat(500)).chars().count(), SHOWN + 1);
    }
}
