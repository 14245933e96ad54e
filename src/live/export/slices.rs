//! Points of a kind in the order of time, a slice of time at a time: each slice is read from the chunks that lay there at one
//! instant, so what a keeper moves meanwhile is found once.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::kinds::{Accepts, Kind};

use super::super::archive::Layout;
use super::super::bytes::Corrupt;
use super::super::chunk::Chunk;
use super::super::columns::{Column, Columns, Texts};
use super::super::question::{Filter, fitting};
use super::super::scan;
use super::super::store::{ChunkRow, Store, StoreError, Tier};

/// Bytes that the widest columns of a slice's chunks have in memory.
const SLICE: f64 = (6 << 20) as f64;
/// A slice that turns out so many times larger is halved.
const TOO_LARGE: f64 = 3.0;
/// Chunks that are looked at to find the end of a slice.
const CHUNKS: usize = 4096;
/// Points that are handed on together.
const BATCH: usize = 8192;

/// Which points of a kind are exported.
#[derive(Debug, Clone)]
pub struct Selection {
    pub kind: Kind,
    /// In microseconds.
    pub window: Range<i64>,
    pub filter: Filter,
}

/// What is known of points that are not in an export.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Why the points of a chunk are missing.
    pub broken: BTreeSet<String>,
    /// Kinds with a time of which points are not kept any more.
    pub pruned: Vec<(String, Range<i64>)>,
}

pub(super) struct Slices {
    selection: Selection,
    /// Labels that name single events are left out.
    only_series: bool,
    /// `None`: nothing of the kind was ever recorded.
    id: Option<i64>,
    /// All before it was read.
    from: i64,
    slice: Columns,
    /// The places of the slice's points by time, and how many of them were handed on.
    order: Vec<u32>,
    given: usize,
}

impl Slices {
    pub(super) async fn new(
        store: &mut Store,
        selection: &Selection,
        only_series: bool,
        gaps: &mut Gaps,
    ) -> Result<Self, StoreError> {
        let kind = &selection.kind.name;
        let known = store.past(kind).await?;
        if let Some((_, past)) = &known {
            let Range { start, end } = selection.window;
            let first = start.max(past.first.unwrap_or(end));
            let gone = first..end.min(past.pruned[Tier::Points as usize]);
            gaps.pruned.retain(|(known, _)| known != kind);
            gaps.pruned
                .extend((!gone.is_empty()).then(|| (kind.clone(), gone)));
        }
        Ok(Self {
            from: selection.window.start,
            selection: selection.clone(),
            only_series,
            id: known.map(|(id, _)| id),
            slice: Columns::default(),
            order: Vec::new(),
            given: 0,
        })
    }

    /// The next points; `None`: there are no more.
    pub(super) async fn next(
        &mut self,
        store: &mut Store,
        gaps: &mut Gaps,
    ) -> Result<Option<Columns>, StoreError> {
        while self.given == self.order.len() {
            if !self.advance(store, gaps).await? {
                return Ok(None);
            }
        }
        let end = (self.given + BATCH).min(self.order.len());
        let batch = self.slice.pick(&self.order[self.given..end]);
        self.given = end;
        Ok(Some(batch))
    }

    /// Reads the next slice, in which nothing may be. `false`: nothing follows.
    async fn advance(&mut self, store: &mut Store, gaps: &mut Gaps) -> Result<bool, StoreError> {
        let Selection {
            kind,
            window,
            filter,
        } = &self.selection;
        // A chunk may reach over the end of the window.
        let Some(id) = self.id.filter(|_| self.from < window.end) else {
            return Ok(false);
        };
        let cluster = filter.cluster(kind);
        let chunks = store.first_chunks(id, self.from, window.end, cluster, CHUNKS);
        let chunks = chunks.await?;
        let Some(first) = chunks.first() else {
            return Ok(false);
        };
        self.from = self.from.max(first.low);
        self.slice = Columns::default();
        let mut end = end_of_slice(&chunks, self.from).min(window.end);
        let points = loop {
            match self.read(store, id, self.from..end, gaps).await? {
                Some(points) => break points,
                None => end = self.from + (end - self.from) / 2,
            }
        };
        self.from = end;
        self.order = (0..points.len() as u32).collect();
        if !points.at.is_sorted() {
            self.order.sort_by_key(|place| points.at[*place as usize]);
        }
        self.given = 0;
        self.slice = points;
        Ok(true)
    }

    /// The points of a time, in any order; `None`: they are too many to be held, and it can be divided.
    async fn read(
        &self,
        store: &mut Store,
        id: i64,
        slice: Range<i64>,
        gaps: &mut Gaps,
    ) -> Result<Option<Columns>, StoreError> {
        let Selection { kind, filter, .. } = &self.selection;
        let cluster = filter.cluster(kind);
        let is_divisible = slice.end - slice.start > 1;
        let bytes = AtomicU64::new(0);
        let is_too_large =
            || is_divisible && bytes.load(Ordering::Relaxed) as f64 > SLICE * TOO_LARGE;
        let take = |row: &ChunkRow, chunk: &Chunk<'_>| {
            let places: Vec<usize> = fitting(chunk, &slice, filter)?
                .into_iter()
                .map(|(place, _)| place)
                .collect();
            let part = places.len() as f64 / chunk.len().max(1) as f64;
            bytes.fetch_add((bytes_of(row) * part) as u64, Ordering::Relaxed);
            let names_events = |label: &str| {
                let label = kind.label(label).map(|at| &kind.labels[at]);
                self.only_series && label.is_some_and(|label| label.accepts == Accepts::Find)
            };
            let chunk = chunk.without_labels(names_events);
            match places.len() {
                0 => Ok(Columns::default()),
                _ if is_too_large() => Ok(Columns::default()),
                all if all == chunk.len() => chunk.decode(chunk.all()),
                _ => chunk.pick(&places),
            }
        };
        let is_wanted = |row: &ChunkRow| row.may_hold(cluster);
        let parts = scan::all(store, id, slice.clone(), is_wanted, take).await?;
        if is_too_large() {
            return Ok(None);
        }
        let mut points = Columns::default();
        for part in parts {
            match part.taken {
                Ok(more) => points.append(&more),
                Err(why) => drop(gaps.broken.insert(why)),
            }
        }
        Ok(Some(points))
    }
}

fn bytes_of(row: &ChunkRow) -> f64 {
    row.widest.max(8 * row.points) as f64
}

/// Bytes from a time on, if a chunk's points lie evenly.
fn bytes_from(row: &ChunkRow, from: i64) -> f64 {
    let all = (row.high - row.low) as f64 + 1.0;
    let rest = (row.high - row.low.max(from)) as f64 + 1.0;
    bytes_of(row) * rest / all
}

/// Where the slice ends that begins here: before a chunk, where all chunks that begin earlier have ended, if that leaves a slice that
/// can be held. Days of many chunks are cut within.
fn end_of_slice(chunks: &[ChunkRow], from: i64) -> i64 {
    let (mut bytes, mut reach) = (0.0, from);
    let mut between = None;
    for row in chunks {
        if row.low > reach {
            between = Some(row.low);
        }
        bytes += bytes_from(row, from);
        if bytes > SLICE {
            return between.unwrap_or_else(|| end_within(chunks, from));
        }
        reach = reach.max(row.high);
    }
    match chunks.last() {
        // There may be more, which begin later.
        Some(last) if chunks.len() == CHUNKS && last.low > from => last.low,
        _ => reach.saturating_add(1),
    }
}

/// Where about as much was read of the chunks that overlap one another as can be held.
fn end_within(chunks: &[ChunkRow], from: i64) -> i64 {
    let (mut bytes, mut reach) = (0.0, from);
    for row in chunks {
        if row.low > reach {
            break;
        }
        bytes += bytes_from(row, from);
        reach = reach.max(row.high);
    }
    let part = (SLICE / bytes).min(1.0);
    from + (((reach - from) as f64 + 1.0) * part).max(1.0) as i64
}

/// The columns of all points of a selection.
pub(super) async fn layout(store: &mut Store, selection: &Selection) -> Result<Layout, StoreError> {
    let Selection {
        kind,
        window,
        filter,
    } = selection;
    let mut layout = Layout::new(kind);
    let Some(id) = store.kind(&kind.name).await? else {
        return Ok(layout);
    };
    let is_wanted = |row: &ChunkRow| row.may_hold(filter.cluster(kind));
    let take = |_: &ChunkRow, chunk: &Chunk<'_>| {
        let mut layout = Layout::default();
        layout.include(&without_texts(chunk)?);
        Ok(layout)
    };
    for part in scan::all(store, id, window.clone(), is_wanted, take).await? {
        // What cannot be read is said when its points are.
        if let Ok(more) = part.taken {
            layout.merge(&more);
        }
    }
    Ok(layout)
}

fn without_texts(chunk: &Chunk<'_>) -> Result<Columns, Corrupt> {
    let mut columns = Columns::default();
    for name in chunk.label_names() {
        let (name, cells) = (name.to_owned(), Texts::default());
        columns.labels.push(Column { name, cells });
    }
    for name in chunk.value_names() {
        if let Some(cells) = chunk.value(name, chunk.all())? {
            let name = name.to_owned();
            columns.values.push(Column { name, cells });
        }
    }
    Ok(columns)
}
