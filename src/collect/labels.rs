//! Reads names for the parts of distributions from their own table, in the same snapshot.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use crate::catalog::written::Label;
use crate::catalog::{Parts, Shape};
use crate::database::{DatabaseError, Snapshot};
use crate::engine::Engine;
use crate::entry::part_name;
use crate::plan::fold::ranking;
use crate::plan::pass::as_text;
use crate::plan::sql::{quoted, table};
use crate::plan::{Bind, Cell, Tally};

use super::Request;
use super::lessons::Lessons;
use super::outcome::Outcome;

/// Looks up the labels that the tallies need. Parts without a label keep their key.
pub async fn name_parts(
    snapshot: &mut Snapshot,
    done: &mut Outcome,
    request: &Request<'_>,
    lessons: &Lessons,
) -> Result<(), DatabaseError> {
    for metric in &request.catalog.metrics {
        let Shape::Counted(counted) = &metric.shape else {
            continue;
        };
        let Parts::By(by) = &counted.parts else {
            continue;
        };
        let Some(label) = &by.label else { continue };
        let mine = |key: &str| key == metric.key;
        let keys: BTreeSet<String> = done
            .tallies
            .iter()
            .filter(|((key, _), _)| mine(key))
            .flat_map(|(_, tally)| keys_to_name(tally, label, by.top))
            .collect();
        if keys.is_empty() {
            continue;
        }
        match lookup(snapshot, label, &keys, request).await {
            Ok(names) => {
                let tallies = done.tallies.iter_mut().filter(|((key, _), _)| mine(key));
                tallies.for_each(|(_, tally)| rename(tally, label, &names));
            }
            Err(error) if lessons.fails_alone(&error) => {
                done.tallies.retain(|(key, _), _| !mine(key));
                done.failures.insert(
                    metric.key.clone(),
                    format!("labels from `{}`: {error}", label.table),
                );
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn keys_to_name(tally: &Tally, label: &Label, top: usize) -> Vec<String> {
    let Tally::Parts { parts, .. } = tally else {
        return Vec::new();
    };
    let top = if label.merge { usize::MAX } else { top };
    let largest = ranking(parts).into_iter().take(top);
    largest.map(|(key, _)| key.clone()).collect()
}

async fn lookup(
    snapshot: &mut Snapshot,
    label: &Label,
    keys: &BTreeSet<String>,
    request: &Request<'_>,
) -> Result<BTreeMap<String, String>, DatabaseError> {
    let from = table(&label.table);
    let key = as_text(&quoted(&label.key), snapshot.engine());
    let name = as_text(&quoted(&label.column), snapshot.engine());
    let wanted = match snapshot.engine() {
        Engine::Postgres => "= ANY($1::text[])",
        Engine::Sqlite => "IN (SELECT value FROM json_each(?1))",
        Engine::Mysql => {
            "COLLATE utf8mb4_bin IN (SELECT value FROM json_table(?1, '$[*]' COLUMNS (value text PATH '$')) AS wanted)"
        }
    };
    let query = format!("SELECT {key}, {name} FROM {from} WHERE {key} {wanted} ORDER BY 1, 2");
    let mut names = BTreeMap::new();
    let binds = [Bind::Texts(keys.iter().cloned().collect())];
    for row in snapshot.all_rows(&query, &binds, &request.limits).await? {
        if let Ok([Cell::Text(key), Cell::Text(name)]) = <[Cell; 2]>::try_from(row) {
            names.entry(key).or_insert_with(|| part_name(name));
        }
    }
    Ok(names)
}

fn rename(tally: &mut Tally, label: &Label, found: &BTreeMap<String, String>) {
    let Tally::Parts { parts, names, .. } = tally else {
        return;
    };
    if !label.merge {
        names.clone_from(found);
        return;
    }
    let mut merged: BTreeMap<String, Decimal> = BTreeMap::new();
    for (key, count) in std::mem::take(parts) {
        *merged
            .entry(found.get(&key).cloned().unwrap_or(key))
            .or_default() += count;
    }
    *parts = merged;
}
