//! The newest time that a column holds, as the database has it.

use crate::database::{DatabaseError, Limits, Snapshot};
use crate::plan::Cell;
use crate::plan::sql::{quoted, table as quoted_table};

pub async fn newest(
    snapshot: &mut Snapshot,
    (table, column): (&str, &str),
    limits: &Limits,
) -> Result<Cell, DatabaseError> {
    let query = format!(
        "SELECT max({}) FROM {}",
        quoted(column),
        quoted_table(table)
    );
    let mut newest = Cell::Null;
    let found = |cells: &[Cell]| {
        newest = cells.first().cloned().unwrap_or(Cell::Null);
        Ok(())
    };
    snapshot.rows(&query, &[], limits, found).await?;
    Ok(newest)
}
