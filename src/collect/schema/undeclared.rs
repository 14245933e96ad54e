//! Foreign keys that nobody declared, but that hold: rows whose parent is missing are looked for once, by the two
//! columns' indexes, which costs a fraction of joining every row with its parent.

use std::collections::BTreeSet;

use crate::catalog::{Catalog, Engine, Parent, Table};
use crate::database::{DatabaseError, Limits, Snapshot};
use crate::plan::sql::{column, table as quoted_table};
use crate::plan::{Cell, Facts};

use super::forgiven;

/// Notes each key that holds in this snapshot like a declared one.
pub async fn try_keys(
    snapshot: &mut Snapshot,
    (database, catalog): (&str, &Catalog),
    (tables, facts): (&BTreeSet<usize>, &mut Facts),
    limits: &Limits,
) -> Result<(), DatabaseError> {
    if snapshot.engine() != Engine::Postgres {
        return Ok(());
    }
    let tables = tables.iter().map(|at| &catalog.tables[*at]);
    let mut trials: Vec<(&Table, &Parent, &Table)> = Vec::new();
    for child in tables.filter(|one| one.database == database) {
        for link in &child.parents {
            let parent = &catalog.tables[link.table];
            let can_hold = facts.of(child).is_some() && facts.is_unique(parent, &link.key);
            if can_hold && !facts.is_promised(child, link, parent) {
                trials.push((child, link, parent));
            }
        }
    }
    if trials.is_empty() {
        return Ok(());
    }
    // Two indexes are merged in an eighth of the time that a hash of all parents takes.
    hash_joins(snapshot, false, limits).await?;
    for (child, link, parent) in trials {
        // Two declared tables may be one.
        if facts.is_promised(child, link, parent) {
            continue;
        }
        let query = orphan(child, link, parent);
        let mut holds = false;
        let found = |cells: &[Cell]| {
            holds = cells == [Cell::Integer(0)];
            Ok(())
        };
        forgiven(snapshot.rows(&query, &[], limits, found).await)?;
        if holds {
            facts.promise(child, link, parent);
        }
    }
    hash_joins(snapshot, true, limits).await
}

/// For the rest of the transaction.
async fn hash_joins(
    snapshot: &mut Snapshot,
    on: bool,
    limits: &Limits,
) -> Result<(), DatabaseError> {
    let word = if on { "on" } else { "off" };
    let query = format!("SELECT set_config('enable_hashjoin', '{word}', true)");
    snapshot.rows(&query, &[], limits, |_| Ok(())).await?;
    Ok(())
}

/// 1 where a row has a parent's key that no parent has.
fn orphan(child: &Table, link: &Parent, parent: &Table) -> String {
    let (own, key) = (column("this", &link.column), column("parent", &link.key));
    let (child, parent) = (quoted_table(&child.name), quoted_table(&parent.name));
    format!(
        "SELECT CASE WHEN EXISTS (SELECT 1 FROM {child} AS this WHERE {own} IS NOT NULL AND NOT EXISTS (\
         SELECT 1 FROM {parent} AS parent WHERE {key} = {own})) THEN 1 ELSE 0 END"
    )
}
