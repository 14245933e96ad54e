//! Foreign keys that hold although they are not declared: one query looks for a row without a parent by the indexes of
//! both columns, at a fraction of the cost of a join.

use std::cell::RefCell;
use std::collections::BTreeSet;

use futures_util::future::join_all;

use crate::catalog::{Catalog, Parent, Table};
use crate::database::{DatabaseError, Limits, Snapshot};
use crate::engine::Engine;
use crate::plan::sql::{column, table as quoted_table};
use crate::plan::{Cell, Facts};

use super::optional;

/// Adds each key that holds to the facts. The snapshots are of one instant and share the work.
pub async fn try_keys(
    snapshots: &mut [Snapshot],
    database: &str,
    catalog: &Catalog,
    tables: &BTreeSet<usize>,
    facts: &mut Facts,
    limits: &Limits,
) -> Result<(), DatabaseError> {
    let is_postgres = |first: &Snapshot| first.engine() == Engine::Postgres;
    if !snapshots.first().is_some_and(is_postgres) {
        return Ok(());
    }
    let mut trials: Vec<Key<'_>> = Vec::new();
    let tables = tables.iter().map(|at| &catalog.tables[*at]);
    for child in tables.filter(|one| one.database == database) {
        for link in &child.parents {
            let parent = &catalog.tables[link.table];
            let can_hold = facts.declared(child).is_some() && facts.is_unique(parent, &link.key);
            // Two declared tables may be the same real table.
            let is_known = |(other, made, other_parent): &Key<'_>| {
                (&other.name, &made.column, &made.key, &other_parent.name)
                    == (&child.name, &link.column, &link.key, &parent.name)
            };
            let is_new = !facts.is_promised(child, link, parent) && !trials.iter().any(is_known);
            if can_hold && is_new {
                trials.push((child, link, parent));
            }
        }
    }
    let queue = RefCell::new(trials.into_iter());
    let workers = snapshots
        .iter_mut()
        .map(|snapshot| those_that_hold(snapshot, &queue, limits));
    for held in join_all(workers).await {
        for (child, link, parent) in held? {
            facts.promise(child, link, parent);
        }
    }
    Ok(())
}

async fn those_that_hold<'a>(
    snapshot: &mut Snapshot,
    queue: &RefCell<impl Iterator<Item = Key<'a>>>,
    limits: &Limits,
) -> Result<Vec<Key<'a>>, DatabaseError> {
    let mut held = Vec::new();
    loop {
        let next = queue.borrow_mut().next();
        let Some(key) = next else { return Ok(held) };
        if holds(snapshot, key, limits).await? {
            held.push(key);
        }
    }
}

/// The child, its link to the parent, and the parent.
type Key<'a> = (&'a Table, &'a Parent, &'a Table);

async fn holds(
    snapshot: &mut Snapshot,
    (child, link, parent): Key<'_>,
    limits: &Limits,
) -> Result<bool, DatabaseError> {
    let query = orphan(child, link, parent);
    // Merging two indexes takes an eighth of the time of a hash of all parents.
    snapshot.without_hash_joins().await?;
    let orphan = optional(snapshot.value(&query, &[], limits).await)?;
    Ok(orphan == Some(Cell::Integer(0)))
}

/// 1 if a row has a parent's key that no parent has.
fn orphan(child: &Table, link: &Parent, parent: &Table) -> String {
    let (own, key) = (column("this", &link.column), column("parent", &link.key));
    let (child, parent) = (quoted_table(&child.name), quoted_table(&parent.name));
    format!(
        "SELECT CASE WHEN EXISTS (SELECT 1 FROM {child} AS this WHERE {own} IS NOT NULL AND NOT EXISTS (\
         SELECT 1 FROM {parent} AS parent WHERE {key} = {own})) THEN 1 ELSE 0 END"
    )
}
