//! Decodes one row of any engine into cells, by the type of each value.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use rust_decimal::Decimal;
use sqlx::mysql::MySqlRow;
use sqlx::postgres::{PgRow, PgValueRef};
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
        "NUMERIC" => Cell::Decimal(raw.as_bytes().ok().and_then(numeric).ok_or_else(|| {
            DatabaseError::query("a NUMERIC result has more than 28 digits or is not a number; cast it to a smaller type")
        })?),
        "DATE" | "TIMESTAMP" | "TIMESTAMPTZ" if is_endless(&raw) => Cell::Text("infinity".to_owned()),
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

/// `infinity`, `-infinity`, or a year that chrono does not reach, for which sqlx would panic.
fn is_endless(raw: &PgValueRef<'_>) -> bool {
    const DAYS_FROM_1970: i32 = 10_957;
    const MICROSECONDS_FROM_1970: i64 = 946_684_800_000_000;
    match raw.as_bytes() {
        Ok(&[a, b, c, d]) => i32::from_be_bytes([a, b, c, d])
            .checked_add(DAYS_FROM_1970)
            .and_then(NaiveDate::from_epoch_days)
            .is_none(),
        Ok(&[a, b, c, d, e, f, g, h]) => i64::from_be_bytes([a, b, c, d, e, f, g, h])
            .checked_add(MICROSECONDS_FROM_1970)
            .and_then(DateTime::from_timestamp_micros)
            .is_none(),
        _ => false,
    }
}

pub fn mysql(row: &MySqlRow) -> Result<Vec<Cell>, DatabaseError> {
    (0..row.len()).map(|at| mysql_cell(row, at)).collect()
}

fn mysql_cell(row: &MySqlRow, at: usize) -> Result<Cell, DatabaseError> {
    let raw = row.try_get_raw(at)?;
    if raw.is_null() {
        return Ok(Cell::Null);
    }
    let kind = raw.type_info().name().to_owned();
    Ok(match kind.as_str() {
        "BIGINT UNSIGNED" => whole(row.try_get_unchecked(at)?),
        unsigned if unsigned.ends_with(" UNSIGNED") => {
            Cell::Integer(row.try_get_unchecked::<u32, _>(at)?.into())
        }
        "YEAR" => Cell::Integer(row.try_get_unchecked::<u16, _>(at)?.into()),
        "BOOLEAN" | "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" => {
            Cell::Integer(row.try_get_unchecked(at)?)
        }
        "FLOAT" | "DOUBLE" => from_float(row.try_get_unchecked(at)?)?,
        "DECIMAL" => Cell::Decimal(exact(row.try_get_unchecked(at)?).ok_or_else(|| {
            DatabaseError::query(
                "a DECIMAL result has more than 28 digits; cast it to a smaller type",
            )
        })?),
        // A date of zeros means none.
        "DATE" => date_cell(row.try_get_unchecked::<NaiveDate, _>(at)),
        "DATETIME" => date_cell(row.try_get_unchecked::<NaiveDateTime, _>(at)),
        "TIMESTAMP" => match row.try_get_unchecked::<DateTime<Utc>, _>(at) {
            Ok(instant) => Cell::Text(instant.to_rfc3339()),
            Err(_) => Cell::Null,
        },
        "BIT" => bits(row.try_get_unchecked(at)?),
        "TIME" | "GEOMETRY" => {
            return Err(DatabaseError::query(format!(
                "column {} has the type {kind}, which is neither a number nor text; cast it in the query",
                at + 1
            )));
        }
        _ => match row.try_get_unchecked::<String, _>(at) {
            Ok(text) => Cell::Text(text),
            Err(_) => Cell::Text(hexadecimal(row.try_get_unchecked(at)?)),
        },
    })
}

/// Decodes PostgreSQL's binary form exactly, which sqlx would round: four header words, then digits to base 10 000.
fn numeric(bytes: &[u8]) -> Option<Decimal> {
    let mut words = bytes
        .chunks_exact(2)
        .map(|pair| i16::from_be_bytes([pair[0], pair[1]]));
    let (_, weight, sign, _) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let minus = match sign {
        0 => "",
        0x4000 => "-",
        _ => return None,
    };
    let digits: Vec<String> = words.map(|digit| format!("{digit:04}")).collect();
    // The number of four-digit groups before the point.
    let before = i32::from(weight) + 1;
    let (whole, fraction) = match usize::try_from(before) {
        Ok(before) => {
            let zeros = "0000".repeat(before.saturating_sub(digits.len()));
            let (whole, fraction) = digits.split_at(before.min(digits.len()));
            (whole.concat() + &zeros, fraction.concat())
        }
        Err(_) => {
            let zeros = "0000".repeat(usize::try_from(-before).ok()?);
            (String::new(), zeros + &digits.concat())
        }
    };
    exact(&format!("{minus}0{whole}.{fraction}"))
}

/// `None` if it does not fit. Trailing zeros need no room.
fn exact(text: &str) -> Option<Decimal> {
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => text,
    };
    Decimal::from_str_exact(text).ok()
}

fn date_cell(read: sqlx::Result<impl ToString>) -> Cell {
    read.map_or(Cell::Null, |date| Cell::Text(date.to_string()))
}

/// The highest bit first.
fn bits(bytes: Vec<u8>) -> Cell {
    let number = bytes
        .iter()
        .fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
    whole(number)
}

fn whole(number: u64) -> Cell {
    i64::try_from(number).map_or(Cell::Decimal(number.into()), Cell::Integer)
}

fn from_float(float: f64) -> Result<Cell, DatabaseError> {
    let exact = float.to_string().parse::<Decimal>();
    let decimal = exact.or_else(|_| Decimal::from_scientific(&format!("{float:e}")));
    decimal
        .map(Cell::Binary)
        .map_err(|_| DatabaseError::query(format!("{float} is not a number that can be kept")))
}

fn hexadecimal(bytes: Vec<u8>) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
