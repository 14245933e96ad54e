//! Reads a table with a row per day that another system kept: in a read-only snapshot, within time limits.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::config::AppDatabase;
use crate::database::{DatabaseError, Limits, Snapshot};
use crate::entry::{Part, PartKey, Value};
use crate::plan::pass::as_text;
use crate::plan::sql::{quoted, table as quoted_table};
use crate::plan::{Cell, Facts};
use crate::text::suggest::did_you_mean;

use super::examine::held::wall_clock;
use super::schema::Probe;
use super::snapshots::with_snapshot;

/// Almost three centuries.
const MOST_ROWS: usize = 100_000;

/// What the table's columns mean, as written by the operator.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The app database; when left out, the unnamed one or the only one.
    pub database: Option<String>,
    pub table: String,
    /// The column with the row's date.
    pub date: String,
    /// The column with the instant at which the row was counted.
    pub counted_at: Option<String>,
    /// The column with the duration of the count.
    pub seconds: Option<String>,
    /// Rows counted before this hour are for the day before.
    #[serde(default)]
    pub day_before_until_hour: u32,
    /// `_24h`, `_7d` and `_30d` count hours back from `counted_at`, whatever the clocks do.
    #[serde(default)]
    pub rolling_windows: bool,
    /// By column, the key of its metric, if that has another name.
    #[serde(default)]
    pub columns: BTreeMap<String, String>,
    /// By column, why it is not imported.
    #[serde(default)]
    pub left_out: BTreeMap<String, String>,
}

impl Mapping {
    /// The key of the metric that this column holds, if there is one.
    pub fn key<'a>(&'a self, column: &'a str) -> &'a str {
        self.columns.get(column).map_or(column, String::as_str)
    }
}

/// One row of such a table.
#[derive(Debug, Clone, PartialEq)]
pub struct TableDay {
    pub date: NaiveDate,
    pub counted_at: Option<DateTime<Utc>>,
    pub duration_ms: i64,
    /// By column; `None` for null.
    pub values: BTreeMap<String, Option<Value>>,
}

/// The table's rows, with those wanted columns that exist.
pub async fn read(
    app: &AppDatabase,
    mapping: &Mapping,
    is_wanted: impl Fn(&str) -> bool,
    limits: &Limits,
) -> Result<Vec<TableDay>, DatabaseError> {
    with_snapshot(app, limits, async |snapshot| {
        in_snapshot(snapshot, mapping, &is_wanted, limits).await
    })
    .await
}

async fn in_snapshot(
    snapshot: &mut Snapshot,
    mapping: &Mapping,
    is_wanted: &dyn Fn(&str) -> bool,
    limits: &Limits,
) -> Result<Vec<TableDay>, DatabaseError> {
    let types = types(snapshot, mapping, limits).await?;
    let columns: Vec<String> = types.keys().filter(|key| is_wanted(key)).cloned().collect();
    if columns.is_empty() {
        let none = "none of its columns is called like a metric of the catalog";
        return Err(DatabaseError::query(none));
    }
    let or_zero = |column: &Option<String>| match column {
        Some(column) => quoted(column),
        None => "0".to_owned(),
    };
    let mut selected = vec![
        quoted(&mapping.date),
        or_zero(&mapping.counted_at),
        or_zero(&mapping.seconds),
    ];
    let readable = |column: &String| match types[column].as_str() {
        "json" | "jsonb" => as_text(&quoted(column), snapshot.engine()),
        _ => quoted(column),
    };
    selected.extend(columns.iter().map(readable));
    let query = format!(
        "SELECT {} FROM {} ORDER BY {}",
        selected.join(", "),
        quoted_table(&mapping.table),
        quoted(&mapping.date)
    );
    let mut days = Vec::new();
    let each = |cells: &[Cell]| {
        if days.len() == MOST_ROWS {
            let many = format!("it has more than {MOST_ROWS} rows: expected one a day");
            return Err(DatabaseError::query(many));
        }
        days.push(day(cells, &columns, mapping)?);
        Ok(())
    };
    snapshot.rows(&query, &[], limits, each).await?;
    Ok(days)
}

/// The declared type of each column. Fails if the table lacks one of the mapping's columns.
async fn types(
    snapshot: &mut Snapshot,
    mapping: &Mapping,
    limits: &Limits,
) -> Result<BTreeMap<String, String>, DatabaseError> {
    let mut probe = Probe {
        snapshot,
        database: "",
        limits,
        facts: Facts::default(),
    };
    probe.tables(&[&mapping.table]).await?;
    let types = probe.facts.table_mut("", &mapping.table).types.clone();
    if types.is_empty() {
        return Err(DatabaseError::query(
            "there is no such table, or this role may not see it",
        ));
    }
    let optional = [&mapping.counted_at, &mapping.seconds];
    let named = optional.into_iter().flatten().chain(mapping.columns.keys());
    for needed in [&mapping.date].into_iter().chain(named) {
        if !types.contains_key(needed) {
            let hint = did_you_mean(needed, types.keys().map(String::as_str));
            return Err(DatabaseError::query(format!(
                "it has no column `{needed}`{hint}"
            )));
        }
    }
    Ok(types)
}

fn day(cells: &[Cell], columns: &[String], mapping: &Mapping) -> Result<TableDay, DatabaseError> {
    let [date, counted_at, seconds, values @ ..] = cells else {
        return Err(DatabaseError::query("a row without its columns"));
    };
    let date = match date {
        Cell::Text(text) => text.get(..10).and_then(|text| text.parse().ok()),
        _ => None,
    };
    let date: NaiveDate = date.ok_or_else(|| {
        let column = &mapping.date;
        DatabaseError::query(format!("a {column} is not a date like 2025-10-03"))
    })?;
    let counted_at = match &mapping.counted_at {
        Some(column) => Some(moment(counted_at).ok_or_else(|| {
            let expected = "expected an instant like 2025-10-03 22:00:00";
            DatabaseError::query(format!("{column} of {date}: {expected}"))
        })?),
        None => None,
    };
    let named = columns.iter().zip(values).map(|(column, cell)| {
        let value = value(cell)
            .map_err(|why| DatabaseError::query(format!("column `{column}` of {date}: {why}")))?;
        Ok((column.clone(), value))
    });
    Ok(TableDay {
        date,
        counted_at,
        duration_ms: match seconds {
            Cell::Integer(seconds) => seconds.saturating_mul(1000),
            _ => 0,
        },
        values: named.collect::<Result<_, DatabaseError>>()?,
    })
}

/// With an offset, or in UTC, as web frameworks keep their times.
fn moment(cell: &Cell) -> Option<DateTime<Utc>> {
    let Cell::Text(text) = cell else {
        return None;
    };
    let given = DateTime::parse_from_rfc3339(text).ok();
    let given = given.map(|at| at.to_utc());
    given.or_else(|| Some(wall_clock(text)?.and_utc()))
}

fn value(cell: &Cell) -> Result<Option<Value>, String> {
    const NEITHER: &str = "neither a number nor a distribution";
    let value = match cell {
        Cell::Null => None,
        Cell::Integer(whole) => Some(Value::Whole(*whole)),
        Cell::Decimal(decimal) | Cell::Binary(decimal) => Some(Value::from_decimal(*decimal)),
        Cell::Text(text) => match serde_json::from_str(text).map_err(|_| NEITHER)? {
            Json::Null => None,
            Json::Object(parts) => Some(distribution(&parts)?),
            json => Some(Value::from_json(&json).ok_or(NEITHER)?),
        },
    };
    match value {
        Some(value) if !value.is_written_exactly() => {
            Err("more digits than can be stored exactly".to_owned())
        }
        value => Ok(value),
    }
}

/// `{"Books": 29439}`: a JSON object has no order, so the largest part comes first.
fn distribution(parts: &serde_json::Map<String, Json>) -> Result<Value, String> {
    let part = |(name, count): (&String, &Json)| {
        let count = match Value::from_json(count) {
            Some(Value::Whole(whole)) => Decimal::from(whole),
            Some(Value::Decimal(decimal)) => decimal,
            _ => return Err(format!("the part `{name}` is not a number")),
        };
        Ok(Part {
            key: PartKey::Value(name.clone()),
            label: name.clone(),
            count,
        })
    };
    let mut parts: Vec<Part> = parts.iter().map(part).collect::<Result<_, _>>()?;
    parts.sort_by(|one, other| (other.count, &one.label).cmp(&(one.count, &other.label)));
    Ok(Value::Parts(parts))
}
