//! Reads chunks without a transaction: none of them changes, and a keeper may replace them meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use futures_util::TryStreamExt;

use super::bytes::Corrupt;
use super::chunk::Chunk;
use super::store::{ChunkRow, Store, StoreError};

/// Chunks that are asked for together: while one is decoded the next is read.
const READ: usize = 8;

/// A chunk with what was taken from it, or why it cannot be read.
pub struct Part<T> {
    pub row: ChunkRow,
    pub taken: Result<T, String>,
}

/// Chunks never change. One that a keeper has replaced meanwhile is forgotten and the new ones are read, until all are those
/// that lay there at one instant.
pub async fn all<T>(
    store: &mut Store,
    kind: i64,
    span: Range<i64>,
    is_wanted: impl Fn(&ChunkRow) -> bool,
    take: impl Fn(&ChunkRow, &Chunk<'_>) -> Result<T, Corrupt>,
) -> Result<Vec<Part<T>>, StoreError> {
    let mut parts: BTreeMap<i64, Part<T>> = BTreeMap::new();
    loop {
        let mut rows = store.between(kind, span.start, span.end, false).await?;
        rows.retain(&is_wanted);
        let ids: BTreeSet<i64> = rows.iter().map(|row| row.id).collect();
        parts.retain(|id, _| ids.contains(id));
        rows.retain(|row| !parts.contains_key(&row.id));
        let add = |part: Part<T>| drop(parts.insert(part.row.id, part));
        if each(store, rows, &take, add).await? {
            return Ok(parts.into_values().collect());
        }
    }
}

/// Hands on what is taken from these chunks, one by one. `false`: some of them are no longer there.
pub async fn each<T>(
    store: &mut Store,
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
    let ids: Vec<i64> = waiting.keys().copied().collect();
    for ids in ids.chunks(READ) {
        let mut read = store.data_of(ids);
        while let Some((id, data)) = read.try_next().await? {
            if let Some(row) = waiting.remove(&id) {
                let taken = Chunk::open(&data).and_then(|chunk| take(&row, &chunk));
                add(part(row, taken.map_err(|error| error.to_string())));
            }
        }
    }
    Ok(waiting.is_empty())
}
