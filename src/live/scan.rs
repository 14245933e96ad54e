//! Reads chunks without a transaction: none of them changes, and a keeper may replace them meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::bytes::Corrupt;
use super::chunk::Chunk;
use super::source::Source;
use super::store::{ChunkRow, StoreError};

/// A chunk with what was taken from it, or why it cannot be read.
pub struct Part<T> {
    pub row: ChunkRow,
    pub taken: Result<T, String>,
}

/// Chunks never change. One that a keeper has replaced meanwhile is forgotten and the new ones are read, until all are those
/// that lay there at one instant.
pub async fn all<T>(
    source: impl Into<Source<'_>>,
    kind: i64,
    span: Range<i64>,
    is_wanted: impl Fn(&ChunkRow) -> bool,
    take: impl Fn(&ChunkRow, &Chunk<'_>) -> Result<T, Corrupt>,
) -> Result<Vec<Part<T>>, StoreError> {
    let mut source = source.into();
    let mut parts: BTreeMap<i64, Part<T>> = BTreeMap::new();
    loop {
        let mut rows = source.between(kind, span.start, span.end, false).await?;
        rows.retain(&is_wanted);
        let ids: BTreeSet<i64> = rows.iter().map(|row| row.id).collect();
        parts.retain(|id, _| ids.contains(id));
        rows.retain(|row| !parts.contains_key(&row.id));
        let add = |part: Part<T>| drop(parts.insert(part.row.id, part));
        if each(source.lend(), rows, &take, add).await? {
            return Ok(parts.into_values().collect());
        }
    }
}

/// Hands on what is taken from these chunks, one by one. `false`: some of them are no longer there.
pub async fn each<T>(
    source: impl Into<Source<'_>>,
    rows: Vec<ChunkRow>,
    take: impl Fn(&ChunkRow, &Chunk<'_>) -> Result<T, Corrupt>,
    mut add: impl FnMut(Part<T>),
) -> Result<bool, StoreError> {
    let part = |row: ChunkRow, taken: Result<T, String>| {
        let id = row.id;
        let taken = taken.map_err(|why| format!("chunk {id} is {why}; its events are missing"));
        Part { row, taken }
    };
    let mut waiting: BTreeMap<i64, ChunkRow> = BTreeMap::new();
    for row in rows {
        match row.broken.clone() {
            Some(why) => add(part(row, Err(why))),
            None => drop(waiting.insert(row.id, row)),
        }
    }
    let rows: Vec<ChunkRow> = waiting.values().cloned().collect();
    let read = |id: i64, data: &[u8]| {
        if let Some(row) = waiting.remove(&id) {
            let taken = Chunk::open(data).and_then(|chunk| take(&row, &chunk));
            add(part(row, taken.map_err(|error| error.to_string())));
        }
    };
    source.into().each_data(&rows, read).await?;
    Ok(waiting.is_empty())
}
