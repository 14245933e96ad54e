//! A point as it is answered: with its time and what it has of labels and values, as it could be sent again.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::columns::{ABSENT, Columns, Numbers};

/// One of many points.
#[derive(Clone, Copy)]
pub struct Point<'p> {
    pub kind: &'p str,
    pub points: &'p Columns,
    pub place: usize,
}

/// The points of a kind one by one.
pub fn points<'p>(points: &'p Columns, kind: &'p str) -> impl Iterator<Item = Point<'p>> {
    (0..points.len()).map(move |place| Point {
        kind,
        points,
        place,
    })
}

impl Point<'_> {
    pub fn label(&self, name: &str) -> Option<&str> {
        self.points.label(name)?.get(self.place)
    }
}

impl Serialize for Point<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            kind,
            points,
            place,
        } = *self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("at", &instant(points.at[place]))?;
        map.serialize_entry("kind", kind)?;
        map.serialize_entry("labels", &Labels(self))?;
        map.serialize_entry("values", &Values(self))?;
        if points.ok[place] != ABSENT {
            map.serialize_entry("ok", &(points.ok[place] == 1))?;
        }
        if let Some(details) = points.details.get(place) {
            let json: &RawValue =
                serde_json::from_str(details).map_err(serde::ser::Error::custom)?;
            map.serialize_entry("details", json)?;
        }
        map.end()
    }
}

struct Labels<'p>(&'p Point<'p>);

impl Serialize for Labels<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Point { points, place, .. } = *self.0;
        let texts = points.labels.iter().filter_map(|column| {
            let text = column.cells.get(place)?;
            Some((&column.name, text))
        });
        serializer.collect_map(texts)
    }
}

struct Values<'p>(&'p Point<'p>);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Point { points, place, .. } = *self.0;
        let numbers = points.values.iter().filter_map(|column| {
            let number = number(&column.cells, place)?;
            Some((&column.name, number))
        });
        serializer.collect_map(numbers)
    }
}

/// A time in microseconds as text.
pub fn instant(micros: i64) -> String {
    let at = DateTime::<Utc>::from_timestamp_micros(micros).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Whole numbers stay whole.
pub fn number(numbers: &Numbers, place: usize) -> Option<serde_json::Number> {
    match numbers {
        Numbers::Fixed { decimals: 0, raw } => (raw[place] != ABSENT).then(|| raw[place].into()),
        _ => serde_json::Number::from_f64(numbers.get(place)?),
    }
}
