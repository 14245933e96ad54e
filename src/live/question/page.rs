//! Points one by one, page after page. A page's cursor holds wherever the points lie by then, and whatever came meanwhile.

use std::fmt::{self, Display, Formatter};
use std::ops::{ControlFlow, Range};
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::kinds::Kind;

use super::super::bytes::Corrupt;
use super::super::chunk::Chunk;
use super::super::columns::Columns;
use super::super::scan;
use super::super::source::Source;
use super::super::store::{ChunkRow, Store, StoreError};
use super::{Filter, range};

/// Which points are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Points {
    /// In microseconds.
    pub window: Range<i64>,
    pub filter: Filter,
    pub order: Order,
    /// So many.
    pub most: usize,
    /// What the page before ended with.
    pub after: Option<Cursor>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    NewestFirst,
    OldestFirst,
}

/// The last point of a page. Points of one instant are told apart by what they hold, those that hold the same by their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    at: i64,
    print: u64,
    /// So many of the same were given.
    given: u32,
}

/// More points than this are not held in memory.
const MOST_WANTED: usize = 1 << 28;
/// Chunks that are read ahead at first: most pages are complete with few.
const FEWEST: i64 = 2;

#[derive(Debug, Default)]
pub struct Found {
    /// In their order.
    pub points: Columns,
    /// There are more behind it.
    pub next: Option<Cursor>,
    /// Chunks that cannot be read, with the reason; their points are missing.
    pub broken: Vec<(i64, String)>,
}

/// A page of points that fit.
pub async fn points(
    source: impl Into<Source<'_>>,
    kind: &Kind,
    question: &Points,
) -> Result<Found, StoreError> {
    let mut source = source.into();
    let Some(id) = source.kind(kind).await? else {
        return Ok(Found::default());
    };
    points_of(&mut source, id, kind, question).await
}

pub(super) async fn points_of(
    source: &mut Source<'_>,
    id: i64,
    kind: &Kind,
    question: &Points,
) -> Result<Found, StoreError> {
    let mut reading = source.begin_reading().await?;
    page(&mut reading.source(), id, kind, question)
        .await
        .map(Page::finish)
}

/// The same while all is read as it was at one instant.
pub async fn points_as_of(
    store: &mut Store,
    kind: &Kind,
    question: &Points,
) -> Result<Found, StoreError> {
    let Some(id) = store.kind(&kind.name).await? else {
        return Ok(Found::default());
    };
    page(&mut store.into(), id, kind, question)
        .await
        .map(Page::finish)
}

async fn page<'q>(
    source: &mut Source<'_>,
    id: i64,
    kind: &Kind,
    question: &'q Points,
) -> Result<Page<'q>, StoreError> {
    match question.order {
        Order::NewestFirst => newest(source, id, kind, question).await,
        Order::OldestFirst => oldest(source, id, kind, question).await,
    }
}

/// How many points fit, those of broken chunks left out.
pub async fn count(
    source: impl Into<Source<'_>>,
    kind: &Kind,
    window: Range<i64>,
    filter: &Filter,
) -> Result<u64, StoreError> {
    let mut source = source.into();
    let Some(id) = source.kind(kind).await? else {
        return Ok(0);
    };
    let is_wanted = |row: &ChunkRow| row.may_hold(filter.cluster(kind));
    let take = |_: &ChunkRow, chunk: &Chunk<'_>| Ok(fitting(chunk, &window, filter)?.len());
    let parts = scan::all(source, id, window.clone(), is_wanted, take).await?;
    let counts = parts.into_iter().filter_map(|part| part.taken.ok());
    Ok(counts.map(|count| count as u64).sum())
}

async fn newest<'q>(
    source: &mut Source<'_>,
    id: i64,
    kind: &Kind,
    question: &'q Points,
) -> Result<Page<'q>, StoreError> {
    let mut page = Page::new(question);
    let cluster = question.filter.cluster(kind);
    let mut places = 0..FEWEST;
    loop {
        let (window, wanted) = (page.window.clone(), places.end - places.start);
        let mut count = 0;
        let take = |row: &ChunkRow, data: &[u8]| {
            if page.is_complete_before(row.high) {
                return ControlFlow::Break(());
            }
            page.take(row, data);
            count += 1;
            ControlFlow::Continue(())
        };
        let chunks = source.last_chunks(id, window, cluster, places.clone(), take);
        chunks.await?;
        if count < wanted {
            return Ok(page);
        }
        places = places.end..places.end + (2 * wanted).min(source.most_ahead());
    }
}

async fn oldest<'q>(
    source: &mut Source<'_>,
    id: i64,
    kind: &Kind,
    question: &'q Points,
) -> Result<Page<'q>, StoreError> {
    let mut page = Page::new(question);
    let cluster = question.filter.cluster(kind);
    let mut rows = source
        .between(id, page.window.start, page.window.end, false)
        .await?;
    rows.retain(|row| row.may_hold(cluster));
    rows.sort_by_key(|row| row.low);
    for (place, row) in rows.iter().enumerate() {
        if page.is_complete_before(row.low) {
            break;
        }
        if let Some(data) = source.data(&rows, place).await? {
            page.take(row, &data);
        }
    }
    Ok(page)
}

/// What was found so far.
struct Page<'q> {
    question: &'q Points,
    window: Range<i64>,
    points: Columns,
    broken: Vec<(i64, String)>,
}

impl<'q> Page<'q> {
    fn new(question: &'q Points) -> Self {
        let Range { start, end } = question.window;
        let window = match (question.after, question.order) {
            (None, _) => start..end,
            (Some(after), Order::NewestFirst) => start..end.min(after.at.saturating_add(1)),
            (Some(after), Order::OldestFirst) => start.max(after.at)..end,
        };
        Self {
            question,
            window,
            points: Columns::default(),
            broken: Vec::new(),
        }
    }

    /// One more than the page takes, to know whether there are more, and those of the cursor's instant: which of these were
    /// given is known when all are there.
    fn wanted(&self, at: impl Iterator<Item = i64>) -> usize {
        let given = self.question.after.map(|after| after.at);
        let same = at.filter(|at| Some(*at) == given).count();
        self.question.most.min(MOST_WANTED) + 1 + same
    }

    /// Whether points from this instant on can only follow those that are wanted. What certainly follows is not looked at.
    fn is_complete_before(&mut self, at: i64) -> bool {
        if self.points.len() < self.wanted(self.points.at.iter().copied()) {
            return false;
        }
        let first = self.first(timed(&self.points.at));
        let last = first.last().map(|(_, at)| *at);
        // What follows anyway is not carried along.
        if self.points.len() > 4 * first.len() {
            let first: Vec<u32> = first.iter().map(|(place, _)| *place as u32).collect();
            self.points = self.points.pick(&first);
        }
        let Some(last) = last else { return false };
        let Range { start, end } = self.window;
        self.window = match self.question.order {
            Order::NewestFirst => start.max(last)..end,
            Order::OldestFirst => start..end.min(last.saturating_add(1)),
        };
        self.rank(last) < self.rank(at)
    }

    /// Less for what comes first.
    fn rank(&self, at: i64) -> i64 {
        match self.question.order {
            Order::NewestFirst => !at,
            Order::OldestFirst => at,
        }
    }

    fn take(&mut self, row: &ChunkRow, data: &[u8]) {
        let matching = match &row.broken {
            Some(why) => Err(why.clone()),
            None => self.matching(data).map_err(|error| error.to_string()),
        };
        match matching {
            Ok(more) => self.points.append(&more),
            Err(why) => self.broken.push((row.id, why)),
        }
    }

    /// The first points of a chunk that fit; columns are decoded only as they are needed.
    fn matching(&self, data: &[u8]) -> Result<Columns, Corrupt> {
        let chunk = Chunk::open(data)?;
        let first = self.first(fitting(&chunk, &self.window, &self.question.filter)?);
        let (places, at): (Vec<usize>, Vec<i64>) = first.into_iter().unzip();
        chunk.pick_timed(&places, at)
    }

    /// The places and times of those that are wanted, in their order, with all that share the instant of the last one.
    fn first(&self, mut timed: Vec<(usize, i64)>) -> Vec<(usize, i64)> {
        let wanted = self.wanted(timed.iter().map(|(_, at)| *at));
        if timed.len() > wanted {
            let rank = |(_, at): &(usize, i64)| self.rank(*at);
            let (_, last, _) = timed.select_nth_unstable_by_key(wanted - 1, rank);
            let last = rank(last);
            timed.retain(|point| rank(point) <= last);
        }
        timed.sort_by_key(|(_, at)| self.rank(*at));
        timed
    }

    fn finish(self) -> Found {
        let mut keys: Vec<(i64, u64, u32)> = Vec::with_capacity(self.points.len());
        let places = self.first(timed(&self.points.at));
        for same in places.chunk_by(|(_, one), (_, other)| one == other) {
            let given = self.question.after.map(|after| after.at);
            let is_alone = same.len() == 1 && Some(same[0].1) != given;
            keys.extend(same.iter().map(|(place, at)| {
                let print = match is_alone {
                    true => 0,
                    false => print(&self.points, *place),
                };
                (*at, print, *place as u32)
            }));
        }
        keys.sort_by_key(|(at, print, _)| (self.rank(*at), *print));
        if let Some(after) = self.question.after {
            let is_given =
                |(at, print, _): &(i64, u64, u32)| *at == after.at && *print < after.print;
            keys.retain(|key| !is_given(key));
            let same = |(at, print, _): &(i64, u64, u32)| *at == after.at && *print == after.print;
            let given = keys.iter().take_while(|key| same(key)).count();
            keys.drain(..given.min(after.given as usize));
        }
        let has_more = keys.len() > self.question.most;
        keys.truncate(self.question.most);
        let places: Vec<u32> = keys.iter().map(|(.., place)| *place).collect();
        let points = self.points.pick(&places);
        let next = has_more.then(|| self.cursor(&points)).flatten();
        Found {
            points,
            next,
            broken: self.broken,
        }
    }

    fn cursor(&self, page: &Columns) -> Option<Cursor> {
        let last = page.len().checked_sub(1)?;
        let (at, own) = (page.at[last], print(page, last));
        let same = (0..page.len())
            .rev()
            .take_while(|place| page.at[*place] == at && print(page, *place) == own);
        let before = self
            .question
            .after
            .filter(|after| (after.at, after.print) == (at, own));
        let given = same.count() as u32 + before.map_or(0, |before| before.given);
        Some(Cursor {
            at,
            print: own,
            given,
        })
    }
}

fn timed(at: &[i64]) -> Vec<(usize, i64)> {
    at.iter().copied().enumerate().collect()
}

/// The places of all that fit, with their times.
pub(in super::super) fn fitting(
    chunk: &Chunk<'_>,
    window: &Range<i64>,
    filter: &Filter,
) -> Result<Vec<(usize, i64)>, Corrupt> {
    if *filter == Filter::default() {
        let timed = chunk.at(chunk.all())?.into_iter().enumerate();
        return Ok(timed.filter(|(_, at)| window.contains(at)).collect());
    }
    let places = filter.places(chunk)?;
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let read = range(&places);
    let at = chunk.at(read.clone())?;
    let timed = places.iter().map(|place| (*place, at[*place - read.start]));
    Ok(timed.filter(|(_, at)| window.contains(at)).collect())
}

/// What a point holds, in short; in whichever order its columns are.
fn print(points: &Columns, place: usize) -> u64 {
    let mut parts: Vec<String> = Vec::new();
    for column in &points.labels {
        let text = column.cells.get(place);
        parts.extend(text.map(|text| format!("l{}\0{text}", column.name)));
    }
    for column in &points.values {
        let number = column.cells.get(place);
        parts.extend(number.map(|number| format!("v{}\0{:x}", column.name, number.to_bits())));
    }
    parts.sort_unstable();
    let mut hash = Sha256::new();
    for part in &parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hash.update(points.ok[place].to_le_bytes());
    hash.update(points.details.text(place));
    let [first, ..] = *hash.finalize().as_chunks::<8>().0 else {
        return 0;
    };
    u64::from_le_bytes(first)
}

impl Display for Cursor {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{:016x}-{}", self.at, self.print, self.given)
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.rsplitn(3, '-');
        let mut part = || parts.next().ok_or(());
        let given = part()?.parse().map_err(drop)?;
        let print = u64::from_str_radix(part()?, 16).map_err(drop)?;
        let at = part()?.parse().map_err(drop)?;
        Ok(Self { at, print, given })
    }
}
