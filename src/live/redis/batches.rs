//! Chunks as they were recorded become batches: calls that the server applies once.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::kinds::Kinds;

use super::super::bytes::Corrupt;
use super::super::chunk::Chunk;
use super::super::columns::Columns;
use super::super::follow::Position;
use super::super::store::{Part, StoreError, Waiting};
use super::changes::{Call, Changes};
use super::generic;
use super::layouts::Layouts;
use super::rolling::{BATCH, Laid, Piece};

/// Makes the batches of one connection.
pub(super) struct Batches {
    pub(super) kinds: Kinds,
    pub(super) layouts: Layouts,
    /// What is forwarded, as whom, and who does it.
    pub(super) file: String,
    pub(super) replica: String,
    pub(super) writer: String,
    /// When what was forwarded last was recorded, in microseconds.
    pub(super) until: i64,
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
    /// Of fresh points: of which kinds there is an item.
    pub(super) kinds: Vec<String>,
}

/// Points by their kinds.
type Points = BTreeMap<String, Columns>;

impl Batches {
    /// The next points of these chunks, at most so many.
    pub(super) fn of_points(
        &mut self,
        cursor: &Cursor,
        chunks: &[Waiting],
        most: usize,
        now: DateTime<Utc>,
    ) -> Batch {
        let (points, position) = self.decode(chunks, cursor.position, most, None);
        let (mut changes, mut kinds) = (self.layouts.changes(), Vec::new());
        for (name, points) in &points {
            let Some(kind) = self.kinds.get(name) else {
                continue;
            };
            let (layouts, replica) = (&mut self.layouts, &self.replica);
            match layouts.add_points(&mut changes, kind, points, replica, now) {
                Ok(()) => kinds.push(name.clone()),
                Err(error) => tracing::error!(
                    "points of the kind `{name}` are {error}; they are not forwarded"
                ),
            }
        }
        let last = chunks.last().map_or(0, |last| last.recorded);
        self.until = self.until.max(last);
        Batch {
            kinds,
            ..self.batch(changes, cursor, &points, position, self.until)
        }
    }

    /// What a piece of the points comes to that the server has without rollups.
    pub(super) fn of_rollups(
        &self,
        cursor: &Cursor,
        chunks: &[Waiting],
        piece: &Piece,
        until: i64,
        now: DateTime<Utc>,
    ) -> Batch {
        let end = Some(piece.behind);
        let (points, _) = self.decode(chunks, cursor.position, usize::MAX, end);
        let mut changes = self.layouts.changes();
        for (name, points) in &points {
            let Some(kind) = self.kinds.get(name) else {
                continue;
            };
            let layouts = &self.layouts;
            if let Err(error) = layouts.add_rolled(&mut changes, kind, points, now) {
                tracing::error!("points of the kind `{name}` are {error}; they are in no rollup");
            }
        }
        for (kind, items) in &piece.items {
            changes.trim(&generic::fresh_key(kind, &self.replica), *items);
        }
        self.batch(changes, cursor, &points, piece.behind, until)
    }

    /// All points from a position on that the server has without rollups, as they lie there from here on. No mark moves.
    pub(super) fn laid_anew(
        &self,
        cursor: &Cursor,
        chunks: &[Waiting],
        from: Position,
        until: i64,
    ) -> (Call, Vec<Laid>) {
        let mut changes = self.layouts.changes();
        // All of them may have been forgotten: then items that nobody trims would stay before those that follow.
        for kind in self.kinds.keys() {
            changes.forget(&generic::fresh_key(kind, &self.replica));
        }
        let (mut all, mut begin) = (Vec::new(), from);
        while begin < cursor.position {
            let (points, behind) = self.decode(chunks, begin, BATCH, Some(cursor.position));
            if points.is_empty() {
                break;
            }
            let mut kinds = Vec::new();
            for (kind, points) in &points {
                match generic::lay(&mut changes, points, kind, &self.replica) {
                    Ok(()) => kinds.push(kind.clone()),
                    Err(error) => tracing::error!("points of the kind `{kind}` are {error}"),
                }
                changes.forget(&generic::fresh_key(kind, &self.replica));
            }
            all.push(Laid {
                behind,
                kinds,
                points: count(&points),
            });
            begin = behind;
        }
        let call = changes.call(&cursor.name, &cursor.mark, &cursor.mark, until);
        (call, all)
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
        points: &Points,
        position: Position,
        until: i64,
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
            points: count(points),
            kinds: Vec::new(),
        }
    }

    /// The points of these chunks from a position on, at most so many and as far as an end, and the position behind them.
    fn decode(
        &self,
        chunks: &[Waiting],
        from: Position,
        most: usize,
        end: Option<Position>,
    ) -> (Points, Position) {
        let mut all = Points::new();
        let mut behind = from;
        let mut left = most;
        for waiting in chunks {
            let given = match waiting.chunk.cmp(&from.chunk()) {
                Ordering::Less => continue,
                Ordering::Equal => from.points(),
                Ordering::Greater => 0,
            };
            let last = match end {
                Some(end) if end.chunk() < waiting.chunk => break,
                Some(end) if end.chunk() == waiting.chunk => end.points(),
                _ => waiting.points,
            };
            let last = last.min(given.saturating_add(left));
            if last <= given && waiting.points > 0 {
                break;
            }
            let places = waiting.gone.place(given)..waiting.gone.place(last);
            let read = Chunk::open(&waiting.data).and_then(|chunk| chunk.decode(places));
            match read {
                Ok(points) => all.entry(waiting.kind.clone()).or_default().append(&points),
                Err(error) => self.tell_of_broken(waiting.chunk, error),
            }
            left -= last - given;
            behind = match last == waiting.points {
                true => Position::at(waiting.chunk + 1),
                false => Position::within(waiting.chunk, last),
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

fn count(points: &Points) -> usize {
    points.values().map(Columns::len).sum()
}
