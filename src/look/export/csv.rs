//! Days as a table: a day a line, a metric a column.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;

use csv::Writer;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::book::RawDay;
use crate::catalog::Catalog;
use crate::render::csv::{FRAME, PROVENANCE, title};
use crate::text::csv::text;
use crate::text::plain::spelled_out;

use super::ExportError;
use super::json::{in_zone, instant};

/// The metrics' columns: those of the catalog, then those that only the book has. They do not depend on the days, so
/// tables of several months fit together.
pub(super) fn columns(catalog: &Catalog, in_book: Vec<String>) -> Vec<String> {
    let mut columns: Vec<String> = catalog.metrics.iter().map(|one| one.key.clone()).collect();
    let gone: Vec<String> = in_book
        .into_iter()
        .filter(|key| !columns.contains(key))
        .collect();
    columns.extend(gone);
    columns
}

pub(super) fn header<W: Write>(columns: &[String], table: &mut Writer<W>) -> csv::Result<()> {
    let metrics = columns.iter().map(|key| title(key));
    let frame = FRAME.map(str::to_owned).into_iter();
    let provenance = [PROVENANCE.to_owned()];
    record(frame.chain(metrics).chain(provenance), table)
}

/// Fails if the day's values cannot be read.
pub(super) fn day<W: Write>(
    day: &RawDay,
    columns: &[String],
    table: &mut Writer<W>,
) -> Result<(), ExportError> {
    let frame = &day.frame;
    let bad_metrics = |why| ExportError::Unreadable(format!("metrics of {}: {why}", frame.date));
    let metrics: Raw = read(&day.metrics).map_err(bad_metrics)?;
    let provenance = in_zone(&day.provenance, frame.time_zone);
    let provenance = with_nulls(&metrics, provenance)
        .map_err(|why| ExportError::Unreadable(format!("provenance of {}: {why}", frame.date)))?;
    let mut cells = vec![
        frame.date.to_string(),
        instant(frame.as_of, frame.time_zone),
        frame.partial.to_string(),
        text(frame.time_zone.name()).into_owned(),
        frame.hours().to_string(),
        instant(frame.collected_at, frame.time_zone),
        frame.duration_ms.to_string(),
    ];
    for key in columns {
        let value = metrics.get(key.as_str()).map(|raw| raw.get());
        let cell = value.map_or(Ok(String::new()), cell);
        cells.push(cell.map_err(bad_metrics)?);
    }
    cells.push(provenance);
    Ok(record(cells.into_iter(), table)?)
}

/// Spells out what a terminal would hide. JSON stays the same.
fn record<W: Write>(cells: impl Iterator<Item = String>, table: &mut Writer<W>) -> csv::Result<()> {
    for cell in cells {
        table.write_field(spelled_out(&cell).as_bytes())?;
    }
    table.write_record(None::<&[u8]>)
}

/// Values as they are written, by their keys: numbers stay exact, and most are never parsed.
type Raw<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

fn read<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

/// Adds the metrics that were observed to have no value: their cells are as empty as those of metrics that the day lacks.
fn with_nulls(metrics: &Raw<'_>, provenance: String) -> Result<String, String> {
    let nulls = metrics.iter().filter(|(_, raw)| raw.get() == NULL);
    let mut nulls = nulls.map(|(key, _)| key).peekable();
    if nulls.peek().is_none() {
        return Ok(provenance);
    }
    let known: Raw = read(&provenance)?;
    let missing = nulls.filter(|key| !known.contains_key(*key));
    let mut all: Vec<String> = known
        .iter()
        .map(|(key, raw)| format!("{}:{raw}", json!(key)))
        .collect();
    all.extend(missing.map(|key| format!("{}:{OBSERVED}", json!(key))));
    Ok(format!("{{{}}}", all.join(",")))
}

const OBSERVED: &str = r#"{"kind":"observed"}"#;

const NULL: &str = "null";

/// Numbers stay numbers, whatever they begin with.
fn cell(raw: &str) -> Result<String, String> {
    match raw {
        NULL => Ok(String::new()),
        words if words.starts_with('"') => Ok(text(&read::<String>(words)?).into_owned()),
        other => Ok(other.to_owned()),
    }
}
