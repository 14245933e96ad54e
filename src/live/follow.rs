//! Follows what is recorded: point after point in the order of the commits, whichever process wrote them.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use crate::kinds::Kind;

use super::bytes::Corrupt;
use super::chunk::Chunk;
use super::columns::Columns;
use super::question::Filter;
use super::question::parameters::{Wrong, filter};
use super::store::{Ahead, Part, Recorded, Store, StoreError};

/// Points that are decoded at a time.
const PIECE: usize = 512;

/// How far somebody has come: behind so many points of a chunk as it was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    chunk: i64,
    points: usize,
}

/// The kinds that are followed, each with what its points must have.
pub type Followed = BTreeMap<String, Filter>;

/// What a follower finds.
#[derive(Debug)]
pub enum Step {
    /// Points of one kind, and how far each of them leads.
    Points {
        kind: String,
        points: Box<Columns>,
        positions: Vec<Position>,
    },
    /// There is no more for now.
    End(Position),
    /// Points in between are no longer kept as they were recorded, or cannot be read.
    Gap(Position),
}

/// The named kinds, or all that have what is asked for: `label.…`, `ok`.
pub fn followed<'k>(
    kinds: impl IntoIterator<Item = &'k Kind>,
    are_named: bool,
    pairs: &[(String, String)],
) -> Result<Followed, Wrong> {
    let mut followed = Followed::new();
    let mut refused = None;
    for kind in kinds {
        match filter(pairs, kind) {
            Ok(filter) => drop(followed.insert(kind.name.clone(), filter)),
            Err(wrong) if are_named => return Err(wrong),
            Err(wrong) => refused = refused.or(Some(wrong)),
        }
    }
    match refused.filter(|_| followed.is_empty()) {
        Some(Wrong { parameter, error }) if parameter.starts_with("label.") => Err(Wrong {
            error: format!("no kind takes it: {error}"),
            parameter,
        }),
        Some(wrong) => Err(wrong),
        None => Ok(followed),
    }
}

/// Behind all that was recorded until now.
pub async fn end(store: &mut Store) -> Result<Position, StoreError> {
    Ok(Position::at(store.recorded(i64::MAX, &[]).await?.end))
}

/// What comes next. Each look at the file is a statement of its own: nobody holds a snapshot while a reader is slow.
pub async fn next(
    store: &mut Store,
    followed: &Followed,
    mut position: Position,
) -> Result<Step, StoreError> {
    let kinds: Vec<&str> = followed.keys().map(String::as_str).collect();
    loop {
        let Ahead { end, gone, next } = store.recorded(position.chunk, &kinds).await?;
        if gone >= position.chunk {
            return Ok(Step::Gap(Position::at(gone + 1)));
        }
        if position.chunk > end {
            // Of another file.
            return Ok(Step::Gap(Position::at(end)));
        }
        let Some(recorded) = next else {
            return Ok(Step::End(Position::at(end)));
        };
        let points = match position.chunk == recorded.chunk {
            true => position.points,
            false => 0,
        };
        position = Position::at(recorded.chunk + 1);
        match piece(&recorded, &followed[&recorded.kind], points) {
            Ok(Some(step)) => return Ok(step),
            Ok(None) => {}
            Err(error) => {
                let error = store.corrupt(Part::Chunk(recorded.chunk), error);
                tracing::error!("{error}");
                return Ok(Step::Gap(position));
            }
        }
    }
}

/// The next points of a chunk that fit, behind those that were given.
fn piece(recorded: &Recorded, filter: &Filter, given: usize) -> Result<Option<Step>, Corrupt> {
    let chunk = Chunk::open(&recorded.data)?;
    let mut places = filter.places(&chunk)?;
    places.retain(|place| recorded.gone.name(*place) >= given);
    let is_last = places.len() <= PIECE;
    places.truncate(PIECE);
    if places.is_empty() {
        return Ok(None);
    }
    let points = chunk.pick(&places)?;
    let mut positions: Vec<Position> = places
        .iter()
        .map(|place| Position {
            chunk: recorded.chunk,
            points: recorded.gone.name(*place) + 1,
        })
        .collect();
    if let Some(last) = positions.last_mut().filter(|_| is_last) {
        *last = Position::at(recorded.chunk + 1);
    }
    Ok(Some(Step::Points {
        kind: recorded.kind.clone(),
        points: Box::new(points),
        positions,
    }))
}

impl Position {
    /// Before all that is recorded in a file.
    pub const FIRST: Self = Self {
        chunk: 1,
        points: 0,
    };

    pub(super) fn at(chunk: i64) -> Self {
        Self { chunk, points: 0 }
    }

    pub(super) fn within(chunk: i64, points: usize) -> Self {
        Self { chunk, points }
    }

    pub(super) fn chunk(self) -> i64 {
        self.chunk
    }

    pub(super) fn points(self) -> usize {
        self.points
    }
}

impl Display for Position {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.chunk, self.points)
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (chunk, points) = text.split_once('.').ok_or(())?;
        let chunk = chunk.parse().map_err(drop)?;
        let points = points.parse().map_err(drop)?;
        match chunk {
            0.. => Ok(Self { chunk, points }),
            _ => Err(()),
        }
    }
}
