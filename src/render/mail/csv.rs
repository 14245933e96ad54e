//! All rows as a CSV table for programs.

use rust_decimal::Decimal;

use crate::entry::{Kind, Part, PartKey, Value};
use crate::render::{SPANS, clean};
use crate::report::{Outcome, Report, Row};
use crate::text::csv::{text, writer};

const HEAD: &str = "key,label,section,value,unit,state,reason,\
previous_1,change_1,percent_1,previous_7,change_7,percent_7,previous_30,change_30,percent_30";
/// So that spreadsheets read it as UTF-8.
const MARK: char = '\u{feff}';

/// A distribution's parts follow it as rows of their own.
pub(super) fn csv(report: &Report) -> String {
    let mut records: Vec<Vec<String>> = vec![HEAD.split(',').map(str::to_owned).collect()];
    for row in &report.rows {
        records.push(cells(row));
        records.extend(parts(row).map(|part| part_cells(row, part)));
    }
    let mut table = writer(MARK.to_string().into_bytes());
    for record in records {
        table
            .write_record(record)
            .expect("records of one length fit into memory");
    }
    let bytes = table.into_inner().expect("memory takes what is flushed");
    String::from_utf8(bytes).expect("cells are text")
}

fn cells(row: &Row) -> Vec<String> {
    let value = match &row.value {
        Some(Value::Whole(whole)) => whole.to_string(),
        Some(Value::Decimal(decimal)) => plain(*decimal),
        Some(Value::Parts(_)) | None => String::new(),
    };
    let reason = row.provenance.reason.as_deref().unwrap_or_default();
    let mut cells = head(row, &row.label, value);
    cells.push(match row.provenance.kind {
        Kind::Observed => String::new(),
        kind => kind.word().to_owned(),
    });
    cells.push(text(&clean::reason(reason)).into_owned());
    for days in SPANS {
        cells.extend(change(row, days));
    }
    cells
}

fn part_cells(row: &Row, part: &Part) -> Vec<String> {
    let name = match part.key {
        PartKey::Other => "*".to_owned(),
        _ => clean::part(part, PartKey::NO_VALUE),
    };
    let label = format!("{}: {name}", clean::label(&row.label));
    let mut cells = head(row, &label, plain(part.count));
    cells.resize(HEAD.split(',').count(), String::new());
    cells
}

fn head(row: &Row, label: &str, value: String) -> Vec<String> {
    vec![
        row.key.clone(),
        text(&clean::label(label)).into_owned(),
        text(&clean::label(&row.section)).into_owned(),
        value,
        text(&clean::unit(&row.unit)).into_owned(),
    ]
}

fn change(row: &Row, days: u32) -> [String; 3] {
    let change = row.change(days);
    let shown = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
    let previous = change.and_then(|change| change.previous);
    match change.map(|change| &change.outcome) {
        Some(Outcome::Compared(difference)) => [
            shown(previous),
            shown(Some(difference.change)),
            shown(difference.percent),
        ],
        _ => [shown(previous), String::new(), String::new()],
    }
}

fn parts(row: &Row) -> impl Iterator<Item = &Part> {
    let parts = match &row.value {
        Some(Value::Parts(parts)) => parts.as_slice(),
        _ => &[],
    };
    parts.iter()
}

fn plain(decimal: Decimal) -> String {
    decimal.normalize().to_string()
}
