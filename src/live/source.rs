//! What questions are answered from: the own file, or the server where replicas meet.

use std::ops::{ControlFlow, Range};

use futures_util::TryStreamExt;

use crate::kinds::Kind;

use super::redis::shared::Shared;
use super::rollup::{Rollup, WantedRollups};
use super::store::{ChunkRow, Past, ReadTransaction, Store, StoreError};

/// Chunks that are asked for together: while one is decoded the next is read.
const READ: usize = 8;
/// Chunks of a page that are read ahead at most.
const AHEAD: i64 = 8;
const AHEAD_OF_SERVER: i64 = 256;

pub enum Source<'s> {
    Own(&'s mut Store),
    Shared(&'s mut Shared),
}

/// A source that is read as it was at one instant.
pub enum Reading<'s> {
    Own(ReadTransaction<'s>),
    Shared(&'s mut Shared),
}

impl<'s> From<&'s mut Store> for Source<'s> {
    fn from(store: &'s mut Store) -> Self {
        Self::Own(store)
    }
}

impl<'s> From<&'s mut Shared> for Source<'s> {
    fn from(shared: &'s mut Shared) -> Self {
        Self::Shared(shared)
    }
}

impl Reading<'_> {
    pub fn source(&mut self) -> Source<'_> {
        match self {
            Self::Own(reading) => Source::Own(reading),
            Self::Shared(shared) => Source::Shared(shared),
        }
    }

    /// Whether all that was read since the beginning belongs together.
    pub fn has_held(&self) -> bool {
        match self {
            Self::Own(_) => true,
            Self::Shared(shared) => shared.has_held(),
        }
    }
}

impl Source<'_> {
    /// The same for somebody else, who gives it back.
    pub fn lend(&mut self) -> Source<'_> {
        match self {
            Self::Own(store) => Source::Own(store),
            Self::Shared(shared) => Source::Shared(shared),
        }
    }

    /// What a kind is called here; `None`: nothing of it was ever recorded.
    pub async fn kind(&mut self, kind: &Kind) -> Result<Option<i64>, StoreError> {
        match self {
            Self::Own(store) => store.kind(&kind.name).await,
            Self::Shared(shared) => Ok(shared.past(kind).await?.map(|(id, _)| id)),
        }
    }

    pub async fn past(&mut self, kind: &Kind) -> Result<Option<(i64, Past)>, StoreError> {
        match self {
            Self::Own(store) => store.past(&kind.name).await,
            Self::Shared(shared) => shared.past(kind).await,
        }
    }

    pub async fn begin_reading(&mut self) -> Result<Reading<'_>, StoreError> {
        Ok(match self {
            Self::Own(store) => Reading::Own(store.begin_reading().await?),
            Self::Shared(shared) => {
                shared.begin_reading().await?;
                Reading::Shared(shared)
            }
        })
    }

    /// The chunks with points of this time, broken ones among them; with `fresh`, only those that are in no rollup.
    pub async fn between(
        &mut self,
        kind: i64,
        from: i64,
        to: i64,
        fresh: bool,
    ) -> Result<Vec<ChunkRow>, StoreError> {
        match self {
            Self::Own(store) => store.between(kind, from, to, fresh).await,
            Self::Shared(shared) => shared.between(kind, from..to, fresh).await,
        }
    }

    /// The rollups whose start and words have a key, handed on with it one by one until that is enough.
    pub async fn each_rollup<K>(
        &mut self,
        kind: i64,
        wanted: &WantedRollups<'_>,
        key: impl Fn(i64, &[u8]) -> Option<K>,
        mut take: impl FnMut(K, Rollup) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let store = match self {
            Self::Own(store) => store,
            Self::Shared(shared) => return shared.each_rollup(kind, wanted, key, take).await,
        };
        let is_wanted = |name: &str| wanted.values.iter().any(|value| value == name);
        let mut flow = ControlFlow::Continue(());
        let read = |start, words: &[u8], data: &[u8]| {
            if flow.is_continue()
                && let Some(key) = key(start, words)
            {
                flow = take(key, Rollup::read(data, is_wanted, wanted.sketches)?);
            }
            Ok(())
        };
        let starts = wanted.starts.clone();
        let (grain, labels) = (wanted.grain, wanted.labels);
        store
            .each_rollup(kind, grain, labels, wanted.first_words, starts, read)
            .await
    }

    /// The bytes of one of these chunks, which are asked for in their order; `None`: it has gone.
    pub async fn data(
        &mut self,
        rows: &[ChunkRow],
        place: usize,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        match self {
            Self::Own(store) => store.data(rows[place].id).await,
            Self::Shared(shared) => shared.data(&rows[place..]).await,
        }
    }

    /// Hands on the bytes of those of these chunks that are still there.
    pub async fn each_data(
        &mut self,
        rows: &[ChunkRow],
        mut take: impl FnMut(i64, &[u8]),
    ) -> Result<(), StoreError> {
        match self {
            Self::Own(store) => {
                let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
                for ids in ids.chunks(READ) {
                    let mut read = store.data_of(ids);
                    while let Some((id, data)) = read.try_next().await? {
                        take(id, &data);
                    }
                }
            }
            Self::Shared(shared) => {
                for place in 0..rows.len() {
                    if let Some(data) = shared.data(&rows[place..]).await? {
                        take(rows[place].id, &data);
                    }
                }
            }
        }
        Ok(())
    }

    /// Hands on some of the chunks with points of a time, those that end last first, until that is enough. Sealed ones only if they may hold
    /// this value of the cluster label.
    pub async fn last_chunks(
        &mut self,
        kind: i64,
        time: Range<i64>,
        cluster: Option<(&str, &str)>,
        places: Range<i64>,
        mut take: impl FnMut(&ChunkRow, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let store = match self {
            Self::Own(store) => store,
            Self::Shared(shared) => return shared.last_chunks(kind, time, places, take).await,
        };
        let mut chunks = store.last_chunks(kind, time, cluster, places);
        while let Some((row, data)) = chunks.try_next().await? {
            if take(&row, &data).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// So many chunks of a page are worth one way to the source.
    pub fn most_ahead(&self) -> i64 {
        match self {
            Self::Own(_) => AHEAD,
            Self::Shared(_) => AHEAD_OF_SERVER,
        }
    }
}
