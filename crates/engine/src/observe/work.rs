//! Owns how far a long statement is.

use super::Observer;
use tokio_postgres::types::Type;

/// How far the server says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// The server's name of the phase, e.g. `building index: scanning table`.
    pub phase: String,
    /// How much of the phase is done, where the server knows its size.
    pub percent: Option<u8>,
}

/// The progress views of PostgreSQL 13; rewrites by ALTER TABLE have none.
const PROGRESS: &str = "\
SELECT CASE command WHEN 'REINDEX' THEN 'reindexing: ' ELSE '' END || phase,
    CASE WHEN tuples_total > 0 THEN tuples_done WHEN blocks_total > 0 THEN blocks_done ELSE lockers_done END,
    CASE WHEN tuples_total > 0 THEN tuples_total WHEN blocks_total > 0 THEN blocks_total ELSE lockers_total END
FROM pg_catalog.pg_stat_progress_create_index WHERE pid = $1
UNION ALL SELECT pg_catalog.lower(command) || ': ' || phase, heap_blks_scanned, heap_blks_total
FROM pg_catalog.pg_stat_progress_cluster WHERE pid = $1
UNION ALL SELECT 'vacuum: ' || phase, heap_blks_scanned, heap_blks_total
FROM pg_catalog.pg_stat_progress_vacuum WHERE pid = $1
UNION ALL SELECT 'analyze: ' || phase, sample_blks_scanned, sample_blks_total
FROM pg_catalog.pg_stat_progress_analyze WHERE pid = $1";

/// Since PostgreSQL 14.
const COPY: &str = "\
UNION ALL SELECT 'copy: ' || tuples_processed || ' rows', bytes_processed, bytes_total
FROM pg_catalog.pg_stat_progress_copy WHERE pid = $1";

impl Observer {
    /// What this backend is doing, if the server reports progress of it.
    pub(crate) async fn work(&self, backend: i32) -> Option<Work> {
        let copy = if self.major() >= 14 { COPY } else { "" };
        let rows = self.ask(&format!("{PROGRESS}\n{copy}"), &[(&backend, Type::INT4)]).await?;
        let row = rows.first()?;
        let number = |column| row.get::<Option<i64>>(column).ok().flatten().unwrap_or(0);
        let phase = row.get::<Option<String>>(0).ok()??;
        Some(Work { phase, percent: percent(number(1), number(2)) })
    }
}

fn percent(done: i64, total: i64) -> Option<u8> {
    if total <= 0 || done < 0 {
        return None;
    }
    let percent = i128::from(done) * 100 / i128::from(total);
    Some(u8::try_from(percent.min(100)).unwrap_or(100))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_share_is_a_percentage_only_of_something() {
        for (done, total, expected) in [
            (0, 0, None),
            (5, 0, None),
            (-1, 10, None),
            (0, 10, Some(0)),
            (1, 3, Some(33)),
            (10, 10, Some(100)),
            (11, 10, Some(100)),
            (i64::MAX, i64::MAX, Some(100)),
        ] {
            assert_eq!(super::percent(done, total), expected, "{done} of {total}");
        }
    }
}
