//! Reads chunks one by one, without a transaction: none of them changes, and a keeper may replace them meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::bytes::Corrupt;
use super::chunk::Chunk;
use super::store::{ChunkRow, Store, StoreError};

/// A chunk with what was taken from it, or why it cannot be read.
pub struct Part<T> {
    pub row: ChunkRow,
    pub taken: Result<T, String>,
}

/// Chunks are read one by one, and never change. One that a keeper has replaced meanwhile is forgotten and the new ones are
/// read, until all are those that lay there at one instant.
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
        let mut is_complete = true;
        for row in rows {
            if parts.contains_key(&row.id) {
                continue;
            }
            match one(store, row, &take).await? {
                Some(part) => drop(parts.insert(part.row.id, part)),
                None => is_complete = false,
            }
        }
        if is_complete {
            return Ok(parts.into_values().collect());
        }
    }
}

/// `None`: it is no longer there.
pub async fn one<T>(
    store: &mut Store,
    row: ChunkRow,
    take: impl Fn(&ChunkRow, &Chunk<'_>) -> Result<T, Corrupt>,
) -> Result<Option<Part<T>>, StoreError> {
    let taken = match &row.broken {
        Some(why) => Err(why.clone()),
        None => {
            let Some(data) = store.data(row.id).await? else {
                return Ok(None);
            };
            let taken = Chunk::open(&data).and_then(|chunk| take(&row, &chunk));
            taken.map_err(|error| error.to_string())
        }
    };
    let id = row.id;
    let taken = taken.map_err(|why| format!("chunk {id} is {why}; its events are missing"));
    Ok(Some(Part { row, taken }))
}
