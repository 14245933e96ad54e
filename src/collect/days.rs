//! A table that has a day a row already, as the system before Daybook kept it. It is read as everything in an
//! app database is: in a read-only snapshot, within time limits.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value as Json;

use crate::config::AppDatabase;
use crate::database::{DatabaseError, Limits, Snapshot};
use crate::engine::Engine;
use crate::entry::{Part, PartKey, Value};
use crate::plan::pass::as_text;
use crate::plan::sql::{quoted, table as quoted_table};
use crate::plan::{Cell, Facts};

use super::schema;
use super::snapshots::with_snapshot;

/// More rows would be three centuries.
const MOST_ROWS: usize = 100_000;

const DATE: &str = "collection_date";
const COLLECTED_AT: &str = "collected_at";
const SECONDS: &str = "collection_duration_seconds";

/// One row of such a table.
#[derive(Debug, Clone, PartialEq)]
pub struct TableDay {
    pub date: NaiveDate,
    pub collected_at: DateTime<Utc>,
    pub duration_ms: i64,
    /// By column; `None` where it is null.
    pub values: BTreeMap<String, Option<Value>>,
}

/// The table's rows, of the columns that are wanted and there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DayTable {
    pub columns: Vec<String>,
    pub days: Vec<TableDay>,
}

pub async fn read(
    app: &AppDatabase,
    table: &str,
    is_wanted: impl Fn(&str) -> bool,
    limits: &Limits,
) -> Result<DayTable, DatabaseError> {
    with_snapshot(app, limits, async |snapshot| {
        in_snapshot(snapshot, table, &is_wanted, limits).await
    })
    .await
}

async fn in_snapshot(
    snapshot: &mut Snapshot,
    table: &str,
    is_wanted: &dyn Fn(&str) -> bool,
    limits: &Limits,
) -> Result<DayTable, DatabaseError> {
    let types = types(snapshot, table, limits).await?;
    let columns: Vec<String> = types.keys().filter(|key| is_wanted(key)).cloned().collect();
    let has_seconds = types.contains_key(SECONDS);
    let mut selected = vec![quoted(DATE), quoted(COLLECTED_AT)];
    selected.push(if has_seconds {
        quoted(SECONDS)
    } else {
        "0".to_owned()
    });
    selected.extend(
        columns
            .iter()
            .map(|column| as_read(column, &types[column], snapshot.engine())),
    );
    let query = format!(
        "SELECT {} FROM {} ORDER BY {}",
        selected.join(", "),
        quoted_table(table),
        quoted(DATE)
    );
    let mut days = Vec::new();
    let each = |cells: &[Cell]| {
        if days.len() == MOST_ROWS {
            let many = format!("it has more than {MOST_ROWS} rows: expected one a day");
            return Err(DatabaseError::query(many));
        }
        days.push(day(cells, &columns)?);
        Ok(())
    };
    snapshot.rows(&query, &[], limits, each).await?;
    Ok(DayTable { columns, days })
}

/// The declared type of each column. A table without the two columns that make it one of days is refused.
async fn types(
    snapshot: &mut Snapshot,
    table: &str,
    limits: &Limits,
) -> Result<BTreeMap<String, String>, DatabaseError> {
    let mut facts = Facts::default();
    schema::tables(snapshot, &[table], "", limits, &mut facts).await?;
    let types = facts.table_mut("", table).types.clone();
    if types.is_empty() {
        return Err(DatabaseError::query(
            "there is no such table, or this role may not see it",
        ));
    }
    for needed in [DATE, COLLECTED_AT] {
        if !types.contains_key(needed) {
            return Err(DatabaseError::query(format!(
                "it has no column `{needed}`: expected a row a day with {DATE} and {COLLECTED_AT}"
            )));
        }
    }
    Ok(types)
}

fn as_read(column: &str, declared: &str, engine: Engine) -> String {
    match declared {
        "json" | "jsonb" => as_text(&quoted(column), engine),
        _ => quoted(column),
    }
}

fn day(cells: &[Cell], columns: &[String]) -> Result<TableDay, DatabaseError> {
    let [date, collected_at, seconds, values @ ..] = cells else {
        return Err(DatabaseError::query("a row without its columns"));
    };
    let date = match date {
        Cell::Text(text) => text.get(..10).and_then(|text| text.parse().ok()),
        _ => None,
    };
    let date: NaiveDate =
        date.ok_or_else(|| DatabaseError::query(format!("a {DATE} is no date like 2025-10-03")))?;
    let collected_at = match collected_at {
        Cell::Text(text) => moment(text),
        _ => None,
    };
    let collected_at = collected_at.ok_or_else(|| {
        let expected = "expected an instant like 2025-10-03 22:00:00";
        DatabaseError::query(format!("{COLLECTED_AT} of {date}: {expected}"))
    })?;
    let named = columns.iter().zip(values).map(|(column, cell)| {
        let value = value(cell)
            .map_err(|why| DatabaseError::query(format!("column `{column}` of {date}: {why}")))?;
        Ok((column.clone(), value))
    });
    Ok(TableDay {
        date,
        collected_at,
        duration_ms: match seconds {
            Cell::Integer(seconds) => seconds.saturating_mul(1000),
            _ => 0,
        },
        values: named.collect::<Result<_, DatabaseError>>()?,
    })
}

/// With its offset, or in UTC, as web frameworks keep their times.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    let given = DateTime::parse_from_rfc3339(text).map(|at| at.to_utc());
    given.ok().or_else(|| {
        let forms = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"];
        let mut read = forms
            .iter()
            .map(|form| NaiveDateTime::parse_from_str(text, form));
        read.find_map(Result::ok).map(|at| at.and_utc())
    })
}

fn value(cell: &Cell) -> Result<Option<Value>, String> {
    let value = match cell {
        Cell::Null => None,
        Cell::Integer(whole) => Some(Value::Whole(*whole)),
        Cell::Decimal(decimal) | Cell::Binary(decimal) => Some(Value::from_decimal(*decimal)),
        Cell::Text(text) => match serde_json::from_str(text) {
            Ok(Json::Null) => None,
            Ok(Json::Object(parts)) => Some(distribution(&parts)?),
            Ok(json) => Some(Value::from_json(&json).ok_or("neither a number nor a distribution")?),
            Err(_) => return Err("neither a number nor a distribution".to_owned()),
        },
    };
    match value {
        Some(value) if !value.is_written_exactly() => {
            Err("more digits than can be stored exactly".to_owned())
        }
        value => Ok(value),
    }
}

/// `{"Books": 29439}`: such an object has no order of its own, so the largest comes first.
fn distribution(parts: &serde_json::Map<String, Json>) -> Result<Value, String> {
    let part = |(name, count): (&String, &Json)| {
        let count = match Value::from_json(count) {
            Some(Value::Whole(whole)) => Decimal::from(whole),
            Some(Value::Decimal(decimal)) => decimal,
            _ => return Err(format!("the part `{name}` is no number")),
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
