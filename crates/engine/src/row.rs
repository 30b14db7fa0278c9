//! Owns reading what a server answered. A server can say anything: NULL where the catalog has none,
//! a type that nobody asked for, fewer columns. That is an error like any other, never a panic.

use crate::error::Fault;
use tokio_postgres::types::FromSql;

/// One row of an answer.
pub(crate) struct Row(tokio_postgres::Row);

impl From<tokio_postgres::Row> for Row {
    fn from(row: tokio_postgres::Row) -> Self {
        Self(row)
    }
}

impl Row {
    /// The value of a column, by its number from 0.
    pub(crate) fn get<'a, T: FromSql<'a>>(&'a self, column: usize) -> Result<T, Fault> {
        self.0.try_get(column).map_err(|cause| {
            let cause = crate::error::chain(&cause);
            Fault::Answer(format!("the server gave an answer that cannot be read: {cause}"))
        })
    }
}

/// One column of every row.
pub(crate) fn column<'a, T: FromSql<'a>>(rows: &'a [Row], column: usize) -> Result<Vec<T>, Fault> {
    rows.iter().map(|row| row.get(column)).collect()
}

/// One column of the first row, if there is a row.
pub(crate) fn first<'a, T: FromSql<'a>>(
    rows: &'a [Row],
    column: usize,
) -> Result<Option<T>, Fault> {
    rows.first().map(|row| row.get(column)).transpose()
}
