//! Questions about points, answered from whatever chunks hold them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::kinds::Kind;

use super::bytes::Corrupt;
use super::chunk::Chunk;
use super::columns::{ABSENT, Numbers};
use super::store::{ChunkRow, Store, StoreError};

/// Which points are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Points {
    /// From this microsecond on, to before that one.
    pub from: i64,
    pub to: i64,
    /// Labels with the values that points must have.
    pub labels: Vec<(String, String)>,
    /// The newest so many.
    pub most: usize,
    /// So many newer ones are passed over.
    pub skip: usize,
}

/// A point as it is answered: as it was sent, with its time and what it has of labels and values.
#[derive(Debug, Clone, Serialize)]
pub struct Point {
    #[serde(serialize_with = "moment")]
    pub at: i64,
    pub kind: String,
    pub labels: BTreeMap<String, String>,
    pub values: BTreeMap<String, serde_json::Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ok: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Box<RawValue>>,
}

#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The newest first.
    pub points: Vec<Point>,
    /// There are older ones.
    pub has_more: bool,
    /// Chunks that cannot be read, with the reason; their points are missing.
    pub broken: Vec<(i64, String)>,
}

/// The newest points that fit.
pub async fn points(
    store: &mut Store,
    kind: &Kind,
    question: &Points,
) -> Result<Found, StoreError> {
    let mut found = Found::default();
    let Some(id) = store.kind(&kind.name).await? else {
        return Ok(found);
    };
    let wanted = question
        .skip
        .saturating_add(question.most)
        .saturating_add(1);
    for row in store.overlapping(id, question.from, question.to).await? {
        let oldest = found.points.get(wanted - 1).map(|point| point.at);
        if oldest.is_some_and(|oldest| row.high < oldest) {
            break;
        }
        if let Some(why) = row.broken {
            found.broken.push((row.id, why));
            continue;
        }
        if lies_outside(&row, kind, question) {
            continue;
        }
        // Sealed or pruned since: what it held is in the chunks that came after it, or gone.
        let Some(data) = store.data(row.id).await? else {
            continue;
        };
        match matching(&data, kind, question, wanted) {
            Ok(points) => found.points.extend(points),
            Err(error) => found.broken.push((row.id, error.to_string())),
        }
        found
            .points
            .sort_by_key(|point| std::cmp::Reverse(point.at));
        found.points.truncate(wanted);
    }
    found.has_more = found.points.len() == wanted;
    found.points.truncate(wanted - 1);
    found.points.drain(..question.skip.min(found.points.len()));
    Ok(found)
}

/// A sealed chunk knows between which values of its cluster label its points lie.
fn lies_outside(row: &ChunkRow, kind: &Kind, question: &Points) -> bool {
    let Some(((least, most), label)) = row.cluster.as_ref().zip(kind.cluster) else {
        return false;
    };
    let label = &kind.labels[label].name;
    let asked = question.labels.iter().filter(|(name, _)| name == label);
    asked
        .into_iter()
        .any(|(_, text)| text < least || text > most)
}

/// The newest points of a chunk that fit; columns are decoded only as they are needed.
fn matching(
    data: &[u8],
    kind: &Kind,
    question: &Points,
    most: usize,
) -> Result<Vec<Point>, Corrupt> {
    let chunk = Chunk::open(data)?;
    for (label, text) in &question.labels {
        if !chunk.may_hold(label, text)? {
            return Ok(Vec::new());
        }
    }
    let at = chunk.at()?;
    let is_in_time = |place: &usize| (question.from..question.to).contains(&at[*place]);
    let mut places: Vec<usize> = (0..at.len()).filter(is_in_time).collect();
    for (label, text) in &question.labels {
        match chunk.label(label)? {
            Some(texts) => places.retain(|place| texts.text(*place) == text),
            None => places.clear(),
        }
    }
    if places.is_empty() {
        return Ok(Vec::new());
    }
    places.sort_by_key(|place| std::cmp::Reverse(at[*place]));
    places.truncate(most);
    let points = chunk.decode()?;
    let point = |place: &usize| {
        let labels = points.labels.iter().filter_map(|column| {
            let text = column.cells.get(*place)?;
            Some((column.name.clone(), text.to_owned()))
        });
        let values = points.values.iter().filter_map(|column| {
            let number = number(&column.cells, *place)?;
            Some((column.name.clone(), number))
        });
        Point {
            at: points.at[*place],
            kind: kind.name.clone(),
            labels: labels.collect(),
            values: values.collect(),
            ok: (points.ok[*place] != ABSENT).then(|| points.ok[*place] == 1),
            details: points
                .details
                .get(*place)
                .and_then(|json| RawValue::from_string(json.to_owned()).ok()),
        }
    };
    Ok(places.iter().map(point).collect())
}

/// Whole numbers stay whole.
fn number(numbers: &Numbers, place: usize) -> Option<serde_json::Number> {
    match numbers {
        Numbers::Fixed { decimals: 0, raw } => (raw[place] != ABSENT).then(|| raw[place].into()),
        _ => serde_json::Number::from_f64(numbers.get(place)?),
    }
}

fn moment<S: serde::Serializer>(at: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    let at = DateTime::<Utc>::from_timestamp_micros(*at).unwrap_or_default();
    serializer.serialize_str(&at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
}
