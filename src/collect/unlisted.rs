//! Rows that a split does not count: their number, and the values of their column.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::calendar::AsOf;
use crate::catalog::{Catalog, Metric, Parts, Shape};
use crate::database::{DatabaseError, Limits, Snapshot};
use crate::entry::Value;
use crate::plan::fold::{FoldError, ranking};
use crate::plan::unlisted::unlisted_values;
use crate::plan::{Folding, KnownDatabases, Tally};

use super::outcome::Outcome;
use super::schema::optional;
use super::{Request, Work};

/// A split, and the rows that none of its metrics counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlisted {
    pub split: String,
    pub column: String,
    pub rows: i64,
    pub values: String,
}

/// The number of values to name.
const VALUES: usize = 5;
/// The longest part of a value to show.
const LETTERS: usize = 40;

/// Adds the values to each count of such rows that is not zero.
pub async fn name_values(
    snapshot: &mut Snapshot,
    done: &mut Outcome,
    request: &Request<'_>,
    known: KnownDatabases<'_>,
) -> Result<(), DatabaseError> {
    let Work::Night(as_of) = &request.work else {
        return Ok(());
    };
    for metric in request.catalog.undeclared_rests() {
        let place = (metric.key.clone(), as_of.day.date);
        let Some(Tally::Value { value, details, .. }) = done.tallies.get_mut(&place) else {
            continue;
        };
        if *value != Some(Value::Whole(0)) {
            let (catalog, limits) = (request.catalog, &request.limits);
            let found = values(snapshot, metric, catalog, as_of, known, limits).await?;
            *details = found.map(|(_, values)| values);
        }
    }
    Ok(())
}

/// The number of such rows and their values, in no language; `None` if they cannot be counted.
pub async fn values(
    snapshot: &mut Snapshot,
    metric: &Metric,
    catalog: &Catalog,
    as_of: &AsOf,
    known: KnownDatabases<'_>,
    limits: &Limits,
) -> Result<Option<(i64, String)>, DatabaseError> {
    let Some(statement) = unlisted_values(catalog, metric, as_of, known) else {
        return Ok(None);
    };
    let mut folding = Folding::new(&statement);
    let failed = |error: FoldError| DatabaseError::query(error.to_string());
    let looked = snapshot
        .rows(&statement.sql, &statement.binds, limits, |cells| {
            folding.row(cells).map_err(failed)
        })
        .await;
    if optional(looked)?.is_none() {
        return Ok(None);
    }
    let finished = folding.finish().map_err(failed)?;
    Ok(finished
        .first()
        .and_then(|(_, days)| days.first())
        .and_then(described))
}

/// Such rows of every split that does not declare what happens to them, whatever its windows.
pub async fn unlisted(
    snapshot: &mut Snapshot,
    keys: &[String],
    catalog: &Catalog,
    as_of: &AsOf,
    known: KnownDatabases<'_>,
    limits: &Limits,
) -> Result<Vec<Unlisted>, DatabaseError> {
    let mut all: Vec<Unlisted> = Vec::new();
    let rests = catalog.undeclared_rests();
    for metric in rests.filter(|one| keys.contains(&one.key)) {
        let Shape::Counted(counted) = &metric.shape else {
            continue;
        };
        let Parts::Rest { column, .. } = &counted.parts else {
            continue;
        };
        let is_same = |one: &Unlisted| (&one.split, &one.column) == (&metric.family, column);
        if all.iter().any(is_same) {
            continue;
        }
        let found = values(snapshot, metric, catalog, as_of, known, limits).await?;
        if let Some((rows @ 1.., values)) = found {
            all.push(Unlisted {
                split: metric.family.clone(),
                column: column.clone(),
                rows,
                values,
            });
        }
    }
    Ok(all)
}

fn described(tally: &Tally) -> Option<(i64, String)> {
    let Tally::Parts {
        parts, none, rest, ..
    } = tally
    else {
        return None;
    };
    let ranking = ranking(parts);
    let mut values: Vec<String> = Vec::new();
    for (value, count) in ranking.iter().take(VALUES) {
        let value: String = value.chars().take(LETTERS).collect();
        values.push(format!("`{value}` {count}"));
    }
    if !none.is_zero() {
        values.push(format!("NULL {none}"));
    }
    let others: Decimal = ranking.iter().skip(VALUES).map(|(_, count)| **count).sum();
    let others = others + rest;
    if !others.is_zero() {
        values.push(format!("… {others}"));
    }
    let all = parts.values().sum::<Decimal>() + none + rest;
    Some((all.to_i64()?, values.join(", ")))
}
