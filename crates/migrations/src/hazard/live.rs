//! Owns what becomes of a finding once the table is known. Pure: the facts are given.

use super::types::{Conversion, TypeChange, keeps_values, type_change};
use super::{Finding, Grade, Presence, Rule, Work};
use std::time::Duration;

/// What the database says of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableFacts {
    /// Rows, as far as the statistics know.
    pub rows: u64,
    /// Bytes of the table without its indexes.
    pub bytes: u64,
    /// Whether it has no row at all, for certain: a view, or a table that lies elsewhere, may have some.
    pub empty: bool,
    /// Rows written in a second, on average.
    pub writes_per_second: u64,
    /// Scans in a second, on average.
    pub reads_per_second: u64,
    /// Type of the column that the finding is about, as `format_type` gives it.
    pub column_type: Option<String>,
    /// Whether a valid CHECK says already that the column is not null; PostgreSQL 12 then reads no
    /// row.
    pub known_not_null: bool,
}

/// What is known of a finding's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Facts {
    /// There is none in the database.
    Absent,
    /// It is there.
    Table(TableFacts),
}

/// How long the work holds its lock, roughly. Measured on PostgreSQL 15 with 300,000 rows in the
/// cache: a check 0.1 µs a row, a foreign key 0.5 µs, an index 1 µs, a rewrite 3.5 µs; a disk adds
/// 100 MB/s.
pub fn estimate(work: Work, facts: &TableFacts) -> Duration {
    let nanoseconds = match work {
        Work::None => return Duration::ZERO,
        Work::Scan => 100,
        Work::Join => 500,
        Work::Build => 1_000,
        Work::Rewrite => 3_500,
    };
    let passes = if work == Work::Rewrite { 2 } else { 1 };
    let rows = facts.rows.saturating_mul(nanoseconds);
    Duration::from_nanos(rows.saturating_add(facts.bytes.saturating_mul(10 * passes)))
}

/// The finding as it is for this database; none, where it is no hazard there. Work that takes less
/// than `limit` is nothing that traffic notices.
pub fn regrade(finding: &Finding, facts: &Facts, limit: Duration) -> Option<Finding> {
    let mut finding = finding.clone();
    let table = match facts {
        Facts::Absent if finding.presence != Presence::Needed => return None,
        // The scripts make it otherwise than they say, or it is a view of theirs on older tables: what
        // cannot be resolved may lose.
        Facts::Absent => {
            finding.grades.retain(|grade| *grade == Grade::Loses);
            return (!finding.grades.is_empty()).then_some(finding);
        }
        Facts::Table(table) => table,
    };
    let has_column = finding.column_name.is_none() || table.column_type.is_some();
    if finding.presence == Presence::Doubted && !has_column {
        return None;
    }
    let mut work = finding.rule.work();
    if finding.rule == Rule::ChangeColumnType
        && let (Some(from), Some(to)) = (&table.column_type, &finding.to_type)
    {
        if finding.conversion == Conversion::None {
            match type_change(from, to) {
                TypeChange::Nothing => return None,
                TypeChange::Rewrite => finding.grades.retain(|grade| *grade != Grade::Breaks),
                TypeChange::Narrower | TypeChange::AnotherType => {}
            }
        }
        if keeps_values(Some(from), to, &finding.conversion) {
            finding.grades.retain(|grade| *grade != Grade::Loses);
        }
    }
    if finding.rule == Rule::SetNotNull && table.known_not_null {
        work = Work::None;
        // Nothing that writes NULL goes on today.
        finding.grades.retain(|grade| *grade != Grade::Breaks);
    }
    if table.empty {
        // What it cascades to need not be.
        if !finding.cascades {
            finding.grades.retain(|grade| *grade != Grade::Loses);
        }
        work = Work::None;
    }
    if finding.rule.work() != Work::None {
        let took = estimate(work, table);
        let heavy = took >= limit;
        if finding.rule == Rule::Backfill && heavy {
            finding.grades = vec![Grade::Blocks];
        }
        if heavy {
            finding.sentence = format!("{} (about {})", finding.sentence, seconds(took));
        } else {
            finding.grades.retain(|grade| !matches!(grade, Grade::Blocks | Grade::Advice));
        }
    }
    if finding.grades.is_empty() {
        return None;
    }
    finding.sentence = format!("{}; {}", finding.sentence, size(table));
    Some(finding)
}

fn seconds(took: Duration) -> String {
    match took.as_secs() {
        0 => format!("{} ms", took.as_millis()),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}

/// `the table has about 2000000 rows in 81 MB, 1200 rows are written in a second`.
fn size(table: &TableFacts) -> String {
    if table.empty {
        return "the table is empty".to_owned();
    }
    let bytes = match table.bytes {
        0..1_000_000 => format!("{} kB", table.bytes / 1_000),
        1_000_000..1_000_000_000 => format!("{} MB", table.bytes / 1_000_000),
        _ => format!("{} GB", table.bytes / 1_000_000_000),
    };
    let mut text = format!("the table has about {} rows in {bytes}", table.rows);
    if table.writes_per_second > 0 || table.reads_per_second > 0 {
        text = format!(
            "{text}, with {} writes and {} scans a second",
            table.writes_per_second, table.reads_per_second
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(500);

    fn on(rule: Rule, rows: u64, bytes: u64) -> Option<Vec<Grade>> {
        let finding = Finding::of_file(rule, "t", String::new());
        let facts = TableFacts { rows, bytes, empty: rows == 0, ..TableFacts::default() };
        regrade(&finding, &Facts::Table(facts), LIMIT).map(|finding| finding.grades)
    }

    #[test]
    fn the_size_decides() {
        use Grade::{Blocks, Breaks, Loses};
        let (small, large) = ((40, 8_192), (2_000_000, 90_000_000));
        for (rule, on_small, on_large) in [
            (Rule::CreateIndex, None, Some(vec![Blocks])),
            (Rule::AddForeignKey, None, Some(vec![Blocks])),
            (Rule::SetNotNull, Some(vec![Breaks]), Some(vec![Breaks, Blocks])),
            (Rule::AddCheck, None, Some(vec![Blocks])),
            (Rule::ChangeColumnType, Some(vec![Breaks]), Some(vec![Breaks, Blocks])),
            (Rule::Backfill, None, Some(vec![Blocks])),
            (Rule::DropColumn, Some(vec![Loses, Breaks]), Some(vec![Loses, Breaks])),
            (Rule::DeleteAll, Some(vec![Loses]), Some(vec![Loses])),
        ] {
            assert_eq!(on(rule, small.0, small.1), on_small, "{rule:?} small");
            assert_eq!(on(rule, large.0, large.1), on_large, "{rule:?} large");
        }
        assert_eq!(on(Rule::DropColumn, 0, 0), Some(vec![Breaks]));
        assert_eq!(on(Rule::Truncate, 0, 0), None);
        let eighty =
            TableFacts { rows: 300_000_000, bytes: 80_000_000_000, ..TableFacts::default() };
        assert!(estimate(Work::Rewrite, &eighty) > Duration::from_mins(30));
    }

    #[test]
    fn the_column_decides_too() {
        let change = Finding {
            to_type: Some("text".into()),
            ..Finding::of_file(Rule::ChangeColumnType, "t.a", String::new())
        };
        let facts = |kind: &str| {
            Facts::Table(TableFacts {
                rows: 2_000_000,
                column_type: Some(kind.to_owned()),
                ..TableFacts::default()
            })
        };
        assert_eq!(regrade(&change, &facts("character varying(10)"), LIMIT), None);
        assert!(regrade(&change, &facts("integer"), LIMIT).is_some());
        let known = TableFacts { rows: 2_000_000, known_not_null: true, ..TableFacts::default() };
        let not_null = Finding::of_file(Rule::SetNotNull, "t.a", String::new());
        assert_eq!(regrade(&not_null, &Facts::Table(known), LIMIT), None);
        assert_eq!(regrade(&not_null, &Facts::Absent, LIMIT), None);
    }
}
