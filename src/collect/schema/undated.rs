//! Rows that have no time at which they began: they count on every day.

use std::time::{Duration, Instant};

use crate::catalog::{Catalog, Table};
use crate::database::{DatabaseError, Limits, Snapshot};
use crate::engine::Engine;
use crate::plan::sql::{column, table as quoted_table};
use crate::plan::time::is_text_type;
use crate::plan::{Cell, Facts};

use super::forgiven;

/// Counting them may read a whole table; these are its limits, for one table and for all.
const A_TABLE: Duration = Duration::from_secs(2);
const ALL_TABLES: Duration = Duration::from_secs(6);

/// Rows of a table that have no beginning, and the condition that leaves them out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unborn {
    pub table: String,
    pub rows: i64,
    pub leaving_out: String,
}

/// What takes too long to count is left out.
pub async fn unborn(
    database: &str,
    catalog: &Catalog,
    snapshot: &mut Snapshot,
    facts: &Facts,
    limits: &Limits,
) -> Result<Vec<Unborn>, DatabaseError> {
    let begun = Instant::now();
    let limits = Limits {
        statement_timeout: limits.statement_timeout.min(A_TABLE),
        ..limits.clone()
    };
    let mut all = Vec::new();
    for table in catalog.tables.iter().filter(|one| one.database == database) {
        let Some(born) = &table.created_at else {
            continue;
        };
        let Some(has_one) = beginning(table, born, facts, snapshot.engine()) else {
            continue;
        };
        if begun.elapsed() > ALL_TABLES {
            break;
        }
        let lasting = table.condition.as_deref().unwrap_or("1 = 1");
        let name = quoted_table(&table.name);
        let query = format!(
            "SELECT count(*) FROM {name} AS this WHERE ({lasting}) AND ({has_one}) IS NOT TRUE"
        );
        let mut rows = 0;
        let found = |cells: &[Cell]| {
            if let [Cell::Integer(count)] = cells {
                rows = *count;
            }
            Ok(())
        };
        forgiven(snapshot.rows(&query, &[], &limits, found).await)?;
        if rows > 0 {
            all.push(Unborn {
                table: table.name.clone(),
                rows,
                leaving_out: has_one.replace("this.", ""),
            });
        }
    }
    Ok(all)
}

/// The condition that a row has a beginning, where it may have none.
fn beginning(table: &Table, born: &str, facts: &Facts, engine: Engine) -> Option<String> {
    let declared = facts.of(table)?.types.get(born)?;
    let name = column("this", born);
    let is_native = declared.starts_with("date") || declared.starts_with("timestamp");
    match engine {
        // A date of zeros stands for none.
        Engine::Mysql if is_native && !is_text_type(declared) => {
            Some(format!("{name} >= '0001-01-01'"))
        }
        _ => (!facts.never_null(table, born)).then(|| format!("{name} IS NOT NULL")),
    }
}
