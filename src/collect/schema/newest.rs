//! The newest and the oldest time in a column, undecoded.

use crate::calendar::Edge;
use crate::database::{DatabaseError, Limits, Snapshot};
use crate::plan::Cell;
use crate::plan::sql::{Writer, column as named, quoted, table as quoted_table};
use crate::plan::time::{TimeColumn, before};

/// The newest time of the rows before the edge.
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
    snapshot.value(&query, &writer.binds, limits).await
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
    snapshot.value(&query, &[], limits).await
}

/// Null without rows; `None` if some rows have no time, since those always existed.
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
    let rows = snapshot.all_rows(&query, &[], limits).await?;
    Ok(match rows.first().map(Vec::as_slice) {
        Some([oldest, Cell::Null | Cell::Integer(0)]) => Some(oldest.clone()),
        _ => None,
    })
}
