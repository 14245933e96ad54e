//! The newest and the oldest time that a column holds, as the database has it.

use crate::calendar::Edge;
use crate::database::{DatabaseError, Limits, Snapshot};
use crate::plan::Cell;
use crate::plan::sql::{Writer, column as named, quoted, table as quoted_table};
use crate::plan::time::{TimeColumn, before};

/// Of the rows from before the edge.
pub async fn newest_before(
    snapshot: &mut Snapshot,
    table: &str,
    time: &TimeColumn,
    edge: &Edge,
    limits: &Limits,
) -> Result<Cell, DatabaseError> {
    let mut writer = Writer::new(snapshot.engine());
    let query = format!(
        "SELECT max({}) FROM {} AS this WHERE {}",
        named("this", &time.name),
        quoted_table(table),
        before(time, "this", edge, &mut writer)
    );
    let mut newest = Cell::Null;
    let found = |cells: &[Cell]| {
        newest = cells.first().cloned().unwrap_or(Cell::Null);
        Ok(())
    };
    snapshot.rows(&query, &writer.binds, limits, found).await?;
    Ok(newest)
}

pub async fn newest(
    snapshot: &mut Snapshot,
    table: &str,
    column: &str,
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

/// Null where there are no rows; nothing where some have no time, for they were always there.
pub async fn oldest(
    snapshot: &mut Snapshot,
    table: &str,
    column: &str,
    limits: &Limits,
) -> Result<Option<Cell>, DatabaseError> {
    let query = format!(
        "SELECT min({0}), max(CASE WHEN {0} IS NULL THEN 1 ELSE 0 END) FROM {1}",
        quoted(column),
        quoted_table(table)
    );
    let mut oldest = None;
    let found = |cells: &[Cell]| {
        if let [first, Cell::Null | Cell::Integer(0)] = cells {
            oldest = Some(first.clone());
        }
        Ok(())
    };
    snapshot.rows(&query, &[], limits, found).await?;
    Ok(oldest)
}
