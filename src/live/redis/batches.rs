//! Chunks as they were recorded become batches: calls that the server applies once.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::kinds::Kinds;

use super::super::bytes::Corrupt;
use super::super::chunk::Chunk;
use super::super::columns::Columns;
use super::super::follow::Position;
use super::super::store::{Part, StoreError, Waiting};
use super::changes::{Call, Changes};
use super::layouts::Layouts;

/// Makes the batches of one connection.
pub(super) struct Batches {
    pub(super) kinds: Kinds,
    pub(super) layouts: Layouts,
    /// What is forwarded, as whom, and who does it.
    pub(super) file: String,
    pub(super) replica: String,
    pub(super) writer: String,
}

/// How far one sort of batches has come.
#[derive(Debug, Clone)]
pub(super) struct Cursor {
    /// What the server calls it.
    pub(super) name: String,
    /// As the server has it.
    pub(super) mark: String,
    pub(super) position: Position,
}

pub(super) struct Batch {
    pub(super) call: Call,
    /// What the server then has.
    pub(super) behind: Cursor,
    /// When the last of it was recorded, in microseconds.
    pub(super) until: i64,
    pub(super) points: usize,
}

/// Points by their kinds.
pub(super) type Points = BTreeMap<String, Columns>;

/// Where decoding ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum Until {
    Points(usize),
    Position(Position),
}

impl Batches {
    /// The next points of these chunks, at most so many.
    pub(super) fn of_points(
        &mut self,
        cursor: &Cursor,
        chunks: &[Waiting],
        most: usize,
        now: DateTime<Utc>,
    ) -> Batch {
        let (points, position) = self.decode(chunks, cursor.position, Until::Points(most));
        let mut changes = self.layouts.changes();
        for (name, points) in &points {
            let Some(kind) = self.kinds.get(name) else {
                continue;
            };
            let (layouts, replica) = (&mut self.layouts, &self.replica);
            if let Err(error) = layouts.add_points(&mut changes, kind, points, replica, now) {
                tracing::error!("points of the kind `{name}` are {error}; they are not forwarded");
            }
        }
        let until = chunks.last().map_or(0, |last| last.recorded);
        let count = points.values().map(Columns::len).sum();
        self.batch(changes, cursor, position, until, count)
    }

    /// What all points come to that the server has without rollups, which lie before a position.
    pub(super) fn of_rollups(
        &self,
        cursor: &Cursor,
        points: &Points,
        position: Position,
        until: i64,
        now: DateTime<Utc>,
    ) -> Batch {
        let mut changes = self.layouts.changes();
        for (name, points) in points {
            let Some(kind) = self.kinds.get(name) else {
                continue;
            };
            let (layouts, replica) = (&self.layouts, &self.replica);
            if let Err(error) = layouts.add_rolled(&mut changes, kind, points, replica, now) {
                tracing::error!("points of the kind `{name}` are {error}; they are in no rollup");
            }
        }
        let count = points.values().map(Columns::len).sum();
        self.batch(changes, cursor, position, until, count)
    }

    /// Tells up to which instant the server has everything, and moves nothing.
    pub(super) fn of_nothing(&self, cursor: &Cursor, until: i64) -> Call {
        let changes = self.layouts.changes();
        changes.call(&cursor.name, &cursor.mark, &cursor.mark, until)
    }

    fn batch(
        &self,
        changes: Changes,
        cursor: &Cursor,
        position: Position,
        until: i64,
        points: usize,
    ) -> Batch {
        let mark = format!("{position}@{}", self.writer);
        Batch {
            call: changes.call(&cursor.name, &cursor.mark, &mark, until),
            behind: Cursor {
                name: cursor.name.clone(),
                mark,
                position,
            },
            until,
            points,
        }
    }

    /// The points of these chunks from a position on, and the position behind them.
    pub(super) fn decode(
        &self,
        chunks: &[Waiting],
        from: Position,
        until: Until,
    ) -> (Points, Position) {
        let mut all = Points::new();
        let mut behind = from;
        let mut left = match until {
            Until::Points(most) => most,
            Until::Position(_) => usize::MAX,
        };
        for waiting in chunks {
            let given = match waiting.chunk == from.chunk() {
                true => from.points(),
                false => 0,
            };
            let end = match until {
                Until::Position(end) if end.chunk() < waiting.chunk => break,
                Until::Position(end) if end.chunk() == waiting.chunk => end.points(),
                _ => waiting.points,
            };
            let end = end.min(given.saturating_add(left));
            if end <= given && waiting.points > 0 {
                break;
            }
            let read = Chunk::open(&waiting.data).and_then(|chunk| chunk.decode(given..end));
            match read {
                Ok(points) => all.entry(waiting.kind.clone()).or_default().append(&points),
                Err(error) => self.tell_of_broken(waiting.chunk, error),
            }
            left -= end - given;
            behind = match end == waiting.points {
                true => Position::at(waiting.chunk + 1),
                false => Position::within(waiting.chunk, end),
            };
        }
        (all, behind)
    }

    fn tell_of_broken(&self, chunk: i64, error: Corrupt) {
        let error = StoreError::Corrupt {
            file: self.file.clone(),
            part: Part::Chunk(chunk),
            error,
        };
        tracing::error!("{error}; it is not forwarded");
    }
}
