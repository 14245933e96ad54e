//! CSV: a day a line and a metric a column, as exports have it or simpler; or lines of date, key, value.

use std::collections::BTreeSet;
use std::io::{self, BufRead};

use csv::{ReaderBuilder, StringRecord};
use serde_json::{Map, Value as Json};

use crate::render::csv::{FRAME, PROVENANCE, key};

use super::day;
use super::measured::Length;
use super::quotes::Quotes;
use super::validation::{Frame, Given, Validation};

const LONG: [&str; 3] = ["date", "key", "value"];

const UNCLOSED: &str = "this cell's quote is never closed: close it, or double it";

/// What the columns hold.
enum Columns {
    /// A value a line, in this order.
    Long,
    Wide(Vec<Column>),
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    Frame(&'static str),
    Provenance,
    Metric(String),
}

pub(super) fn read(
    input: impl BufRead,
    head: &[u8],
    length: &Length,
    validation: &mut Validation<'_>,
) -> io::Result<()> {
    let delimiter = delimiter(head);
    let (input, opened) = Quotes::new(input, delimiter);
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter)
        .from_reader(input);
    let mut columns = None;
    let mut record = StringRecord::new();
    loop {
        length.set(0);
        let read = reader.read_record(&mut record);
        let place = format!("line {}", record.position().map_or(0, csv::Position::line));
        match read {
            Ok(false) => {
                if let Some(line) = opened.get() {
                    validation.wrong(&format!("line {line}"), UNCLOSED);
                }
                return Ok(());
            }
            Ok(true) => {}
            Err(error) if matches!(error.kind(), csv::ErrorKind::Io(_)) => return Err(error.into()),
            Err(error) => {
                validation.wrong(&place, &broken(&error));
                continue;
            }
        }
        match &columns {
            Some(columns) => line(columns, &record, &place, validation),
            None => match titles(&record) {
                Ok(Some(found)) => columns = Some(found),
                Ok(None) => {
                    line(&Columns::Long, &record, &place, validation);
                    columns = Some(Columns::Long);
                }
                Err(why) => {
                    validation.wrong(&place, &why);
                    return Ok(());
                }
            },
        }
    }
}

/// Spreadsheets separate cells by a character that depends on the country.
fn delimiter(head: &[u8]) -> u8 {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |wanted: u8| line.iter().filter(|byte| **byte == wanted).count();
    let most = [b',', b';', b'\t']
        .into_iter()
        .rev()
        .max_by_key(|one| count(*one));
    most.unwrap_or(b',')
}

/// `None` if the first line is already a value.
fn titles(record: &StringRecord) -> Result<Option<Columns>, String> {
    if record.len() == LONG.len() && record.iter().eq(LONG) {
        return Ok(Some(Columns::Long));
    }
    if record.len() == LONG.len() && record.get(0).is_some_and(|cell| day::date(cell).is_ok()) {
        return Ok(None);
    }
    let column = |title: &str| match FRAME.iter().find(|frame| **frame == title) {
        Some(frame) => Column::Frame(frame),
        None if title == PROVENANCE => Column::Provenance,
        None => Column::Metric(key(title).to_owned()),
    };
    let columns: Vec<Column> = record.iter().map(column).collect();
    if !columns.contains(&Column::Frame("date")) {
        return Err(
            "expected what `daybook export` writes, or CSV with a column `date`, or lines of date,key,value"
                .to_owned(),
        );
    }
    let mut seen = BTreeSet::new();
    match columns.iter().position(|column| !seen.insert(column)) {
        Some(twice) => Err(format!(
            "the column `{}` appears twice",
            day::shown(&record[twice])
        )),
        None => Ok(Some(Columns::Wide(columns))),
    }
}

fn line(columns: &Columns, record: &StringRecord, place: &str, validation: &mut Validation<'_>) {
    let given = match columns {
        Columns::Long => long(record, place, validation),
        Columns::Wide(columns) => wide(columns, record, place, validation),
    };
    match given {
        Ok(given) => validation.check(place, given),
        Err(why) => validation.wrong(place, &why),
    }
}

fn long(
    record: &StringRecord,
    place: &str,
    validation: &mut Validation<'_>,
) -> Result<Given, String> {
    let (date, key, value) = (&record[0], &record[1], day::cell(&record[2])?);
    let mut given = Given {
        date: day::date(date)?,
        ..Given::default()
    };
    // An empty value is unknown.
    if !value.is_null() {
        day::push(key, &value, None, place, validation, &mut given.readings);
    }
    Ok(given)
}

fn wide(
    columns: &[Column],
    record: &StringRecord,
    place: &str,
    validation: &mut Validation<'_>,
) -> Result<Given, String> {
    let cell = |column: &Column| {
        let at = columns.iter().position(|one| one == column);
        at.and_then(|at| record.get(at))
            .filter(|text| !text.is_empty())
    };
    let frame = |name: &'static str| cell(&Column::Frame(name));
    let provenance: Map<String, Json> = match cell(&Column::Provenance) {
        Some(text) => serde_json::from_str(text).map_err(|why| format!("provenance: {why}"))?,
        None => Map::new(),
    };
    let mut given = Given {
        date: day::date(frame("date").unwrap_or_default())?,
        frame: Frame {
            zone: frame("time_zone").map(day::zone).transpose()?,
            as_of: day::moment("as_of", frame("as_of"))?,
            partial: truth(frame("partial").unwrap_or("false"))?,
            collected_at: day::moment("collected_at", frame("collected_at"))?,
            duration_ms: frame("duration_ms").map(milliseconds).transpose()?,
        },
        readings: Vec::new(),
    };
    for (column, text) in columns.iter().zip(record) {
        let Column::Metric(key) = column else {
            continue;
        };
        let own = provenance.get(key);
        match day::cell(text) {
            // An empty cell without provenance: the day does not have this metric.
            Ok(Json::Null) if own.is_none() => {}
            Ok(value) => day::push(key, &value, own, place, validation, &mut given.readings),
            Err(why) => validation.wrong(place, &format!("`{}`: {why}", day::shown(key))),
        }
    }
    Ok(given)
}

fn truth(text: &str) -> Result<bool, String> {
    let expected = |_| format!("partial `{}`: expected true or false", day::shown(text));
    text.to_ascii_lowercase().parse().map_err(expected)
}

fn milliseconds(text: &str) -> Result<i64, String> {
    let shown = day::shown(text);
    let parsed = text.parse();
    parsed.map_err(|_| format!("duration_ms `{shown}`: expected a whole number"))
}

fn broken(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            format!("{len} cells, where the first line has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "it is not written in UTF-8".to_owned(),
        _ => error.to_string(),
    }
}
