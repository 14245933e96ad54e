//! Rows without a birth time: they count on every day.

use std::time::{Duration, Instant};

use crate::catalog::{Catalog, Table};
use crate::database::{DatabaseError, Limits, Snapshot};
use crate::engine::Engine;
use crate::plan::sql::{column, table as quoted_table};
use crate::plan::time::is_text_type;
use crate::plan::{Cell, Facts};

use super::optional;

/// Time limits for counting, which may read a whole table: for one table and for all.
const A_TABLE: Duration = Duration::from_secs(2);
const ALL_TABLES: Duration = Duration::from_secs(6);

/// Rows of a table without a birth time, and a condition that excludes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndatedRows {
    pub table: String,
    pub rows: i64,
    pub excluding: String,
}

/// Tables that take too long to count are left out.
pub async fn undated_rows(
    snapshot: &mut Snapshot,
    database: &str,
    catalog: &Catalog,
    facts: &Facts,
    limits: &Limits,
) -> Result<Vec<UndatedRows>, DatabaseError> {
    let begun = Instant::now();
    let limits = limits.within(A_TABLE);
    let mut all = Vec::new();
    for table in catalog.tables.iter().filter(|one| one.database == database) {
        let Some(born) = &table.created_at else {
            continue;
        };
        let Some(has_one) = has_birth(table, born, facts, snapshot.engine()) else {
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
        let counted = optional(snapshot.value(&query, &[], &limits).await)?;
        if let Some(Cell::Integer(rows @ 1..)) = counted {
            all.push(UndatedRows {
                table: table.name.clone(),
                rows,
                excluding: has_one.replace("this.", ""),
            });
        }
    }
    Ok(all)
}

/// The condition that a row has a birth time; `None` if every row has one.
fn has_birth(table: &Table, born: &str, facts: &Facts, engine: Engine) -> Option<String> {
    let declared = facts.declared(table)?.types.get(born)?;
    let name = column("this", born);
    let is_native = declared.starts_with("date") || declared.starts_with("timestamp");
    match engine {
        // A date of zeros means none.
        Engine::Mysql if is_native && !is_text_type(declared) => {
            Some(format!("{name} >= '0001-01-01'"))
        }
        _ => (!facts.never_null(table, born)).then(|| format!("{name} IS NOT NULL")),
    }
}
