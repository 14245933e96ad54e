//! Days as a table: a day a line, a metric a column.

use serde_json::{Map, Value as Json, json};

use crate::book::KeptDay;
use crate::catalog::Catalog;
use crate::render::csv::{FRAME, PROVENANCE, line, text, title};

use super::json::{instant, told_in};

/// The metrics' columns: the catalog's order, then what only the book still knows. They do not depend on the
/// days asked for, so tables of several months can be put together.
pub(super) fn columns(catalog: &Catalog, in_book: Vec<String>) -> Vec<String> {
    let mut columns: Vec<String> = catalog.metrics.iter().map(|one| one.key.clone()).collect();
    let gone: Vec<String> = in_book
        .into_iter()
        .filter(|key| !columns.contains(key))
        .collect();
    columns.extend(gone);
    columns
}

pub(super) fn header(columns: &[String]) -> String {
    let metrics = columns.iter().map(|key| title(key));
    let frame = FRAME.map(str::to_owned).into_iter();
    let cells: Vec<String> = frame
        .chain(metrics)
        .chain([PROVENANCE.to_owned()])
        .collect();
    line(&cells)
}

/// The day's line; the error tells what of its values cannot be read.
pub(super) fn day(day: &KeptDay, columns: &[String]) -> Result<String, String> {
    let metrics = object(&day.metrics).map_err(|why| format!("metrics of {}: {why}", day.date))?;
    let mut told = object(&told_in(&day.provenance, day.time_zone))
        .map_err(|why| format!("provenance of {}: {why}", day.date))?;
    for (key, _) in metrics.iter().filter(|(_, value)| value.is_null()) {
        // An empty cell is also that of a metric which the day does not have.
        let observed = || json!({ "kind": "observed" });
        told.entry(key.as_str()).or_insert_with(observed);
    }
    let mut cells = vec![
        day.date.to_string(),
        instant(day.as_of, day.time_zone),
        day.partial.to_string(),
        text(day.time_zone.name()),
        day.hours().to_string(),
        instant(day.collected_at, day.time_zone),
        day.duration_ms.to_string(),
    ];
    cells.extend(columns.iter().map(|key| cell(metrics.get(key))));
    cells.push(Json::Object(told).to_string());
    Ok(line(&cells))
}

/// Numbers stay numbers, whatever they begin with.
fn cell(value: Option<&Json>) -> String {
    match value {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(words)) => text(words),
        Some(other) => other.to_string(),
    }
}

fn object(json: &str) -> Result<Map<String, Json>, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}
