//! One row of either engine as cells, decided by what each value really is.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, TypeInfo, ValueRef};

use crate::plan::Cell;

use super::DatabaseError;

pub fn sqlite(row: &SqliteRow) -> Result<Vec<Cell>, DatabaseError> {
    let cell = |at: usize| {
        let raw = row.try_get_raw(at)?;
        if raw.is_null() {
            return Ok(Cell::Null);
        }
        let kind = raw.type_info().name().to_owned();
        Ok(match kind.as_str() {
            "INTEGER" | "BOOLEAN" => Cell::Integer(row.try_get_unchecked(at)?),
            "REAL" => from_float(row.try_get_unchecked(at)?)?,
            "BLOB" => Cell::Text(hexadecimal(row.try_get_unchecked(at)?)),
            _ => Cell::Text(row.try_get_unchecked(at)?),
        })
    };
    (0..row.len()).map(cell).collect()
}

pub fn postgres(row: &PgRow) -> Result<Vec<Cell>, DatabaseError> {
    (0..row.len()).map(|at| postgres_cell(row, at)).collect()
}

fn postgres_cell(row: &PgRow, at: usize) -> Result<Cell, DatabaseError> {
    let raw = row.try_get_raw(at)?;
    if raw.is_null() {
        return Ok(Cell::Null);
    }
    let kind = raw.type_info().name().to_owned();
    Ok(match kind.as_str() {
        "BOOL" => Cell::Integer(i64::from(row.try_get::<bool, _>(at)?)),
        "INT2" => Cell::Integer(row.try_get::<i16, _>(at)?.into()),
        "INT4" => Cell::Integer(row.try_get::<i32, _>(at)?.into()),
        "INT8" => Cell::Integer(row.try_get(at)?),
        "FLOAT4" => from_float(row.try_get::<f32, _>(at)?.into())?,
        "FLOAT8" => from_float(row.try_get(at)?)?,
        "NUMERIC" => Cell::Decimal(row.try_get(at).map_err(|_| {
            DatabaseError::query("a NUMERIC result has more than 28 digits or is not a number; cast it to a smaller type")
        })?),
        "DATE" => Cell::Text(row.try_get::<NaiveDate, _>(at)?.to_string()),
        "TIMESTAMP" => Cell::Text(row.try_get::<NaiveDateTime, _>(at)?.to_string()),
        "TIMESTAMPTZ" => Cell::Text(row.try_get::<DateTime<Utc>, _>(at)?.to_rfc3339()),
        "TEXT" | "VARCHAR" | "CHAR" | "NAME" | "UNKNOWN" => Cell::Text(row.try_get_unchecked(at)?),
        "\"CHAR\"" => Cell::Text((u8::try_from(row.try_get::<i8, _>(at)?).unwrap_or(b'?') as char).to_string()),
        other => {
            return Err(DatabaseError::query(format!(
                "column {} has the type {other}, which is neither a number nor text; cast it in the query",
                at + 1
            )));
        }
    })
}

fn from_float(float: f64) -> Result<Cell, DatabaseError> {
    let exact = |float: f64| float.to_string().parse::<Decimal>().ok();
    match exact(float).or_else(|| Decimal::from_scientific(&format!("{float:e}")).ok()) {
        Some(decimal) => Ok(Cell::Decimal(decimal)),
        None => Err(DatabaseError::query(format!(
            "{float} is not a number that can be kept"
        ))),
    }
}

fn hexadecimal(bytes: Vec<u8>) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
