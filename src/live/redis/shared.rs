//! Reads what all replicas have recorded of a kind, as questions read the own file: fresh points are in no rollup, those of
//! the hours are in all of them.
//!
//! A replica moves its fresh points into hours and rollups at once and notes that in its mark. So all chunks are listed at one
//! instant together with the marks; the points of an hour never change place afterwards. Rollups are read before, and belong
//! to these chunks if no mark has changed meanwhile.

mod rollups;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::ops::{ControlFlow, Range, RangeInclusive};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, Utc};
use tokio::time::timeout;

use crate::config::live_redis::{RedisSettings, Scans};
use crate::kinds::Kind;

use super::super::chunk::Chunk;
use super::super::grain::Grain;
use super::super::store::{ChunkRow, Level, Past, StoreError};
use super::compact::DAY;
use super::past::{self, Hours, read_past};
use super::server::{ROLLUPS, Server, Trouble};
use super::wire::{Answer, Answers, Commands, Parts, Unexpected, command};
use super::{generic, keys};

/// A server that takes longer for a part of a question is away.
const ANSWER: Duration = Duration::from_secs(2);
/// So often all is listed again because it was not known which replicas and hours there are.
const TRIES: usize = 5;
/// Chunks and points of hours that are read together.
const RUN: usize = 256;
const RUN_POINTS: i64 = 500_000;
/// How many points of an hour there can be: another number is no count.
const COUNTS: RangeInclusive<i64> = 0..=1 << 32;
/// A chunk of an hour is called by the hour's first second and its place in this many bits.
const PLACE_BITS: u32 = 24;
/// From here on fresh chunks are counted.
const FRESH: i64 = 1 << 62;

pub struct Shared {
    server: Server,
    prefix: String,
    has_later_scans: bool,
    /// Days.
    keep_scans: Option<u32>,
    keep_hosts: u32,
    has_documented_history: bool,
    now: DateTime<Utc>,
    /// Those that were asked for; a kind's number is its place.
    kinds: Vec<Known>,
    /// Whose chunks were listed last.
    place: usize,
    /// Those that have ever forwarded, as far as is known.
    replicas: Vec<String>,
    /// How far each replica's rollups went when reading began, and when chunks were listed.
    begun: Marks,
    listed: Marks,
    has_read_rollups: bool,
    /// Points that were in no rollup when chunks were listed.
    fresh: HashMap<i64, Vec<u8>>,
    next_fresh: i64,
    /// Chunks of hours that were read ahead.
    ahead: HashMap<i64, Vec<u8>>,
    /// What a page is read from.
    pages: Vec<ChunkRow>,
}

/// By the names of the replicas.
type Marks = BTreeMap<String, String>;

struct Known {
    kind: Arc<Kind>,
    past: Past,
}

/// What there was of a kind at one instant.
struct Listing {
    marks: Marks,
    past: Option<Past>,
    fresh: Vec<Vec<u8>>,
    /// For each hour, how many chunks it has, and how many points, if that is known.
    hours: Vec<(usize, Option<i64>)>,
}

impl Shared {
    pub async fn connect(settings: &RedisSettings, now: DateTime<Utc>) -> Result<Self, Trouble> {
        Ok(Self {
            server: Server::connect(settings).await?,
            prefix: settings.prefix.clone(),
            has_later_scans: settings.scans == Scans::Later,
            keep_scans: settings.keep_scans,
            keep_hosts: settings.retention,
            has_documented_history: settings.history.has_documented(),
            now,
            kinds: Vec::new(),
            place: 0,
            replicas: Vec::new(),
            begun: Marks::new(),
            listed: Marks::new(),
            has_read_rollups: false,
            fresh: HashMap::new(),
            next_fresh: FRESH,
            ahead: HashMap::new(),
            pages: Vec::new(),
        })
    }

    /// What the keys of scans begin with.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// In which form scans are laid out.
    pub fn has_later_scans(&self) -> bool {
        self.has_later_scans
    }

    /// The first day of which rollups of scans are kept; `None`: all are.
    pub fn scans_kept_from(&self) -> Option<NaiveDate> {
        let days = Days::new(self.keep_scans?.into());
        self.now.date_naive().checked_sub_days(days)
    }

    /// Whether the past of hosts is laid out as documented.
    pub(super) fn has_documented_history(&self) -> bool {
        self.has_documented_history
    }

    /// The days of which samples of hosts can be kept, by their numbers since 1970.
    pub(super) fn days_of_hosts(&self) -> RangeInclusive<i64> {
        let today = self.now.timestamp_millis().div_euclid(DAY);
        today - i64::from(self.keep_hosts) - 1..=today + 1
    }

    /// What is asked from here on is asked now.
    pub fn set_now(&mut self, now: DateTime<Utc>) {
        self.now = now;
    }

    /// A kind's number and its past; `None`: nothing of it was ever forwarded.
    pub(in crate::live) async fn past(
        &mut self,
        kind: &Kind,
    ) -> Result<Option<(i64, Past)>, StoreError> {
        let key = generic::kind_key(&kind.name);
        let fields: HashMap<String, String> = self.ask(command("HGETALL").arg(key)).await?;
        let Some(past) = read_past(&fields, kind, self.now) else {
            return Ok(None);
        };
        let known = Known {
            kind: Arc::new(kind.clone()),
            past: past.clone(),
        };
        let place = self
            .kinds
            .iter()
            .position(|known| known.kind.name == kind.name);
        let place = match place {
            Some(place) => {
                self.kinds[place] = known;
                place
            }
            None => {
                self.kinds.push(known);
                self.kinds.len() - 1
            }
        };
        Ok(Some((place as i64, past)))
    }

    pub(in crate::live) async fn begin_reading(&mut self) -> Result<(), StoreError> {
        let key = keys::applied(&self.prefix);
        let marks: Marks = self.ask(command("HGETALL").arg(key)).await?;
        (self.replicas, self.begun) = replicas(marks);
        self.listed = self.begun.clone();
        self.has_read_rollups = false;
        Ok(())
    }

    pub(in crate::live) fn has_held(&self) -> bool {
        !self.has_read_rollups || self.begun == self.listed
    }

    /// The chunks with points of this time; with `fresh`, only those that are in no rollup.
    pub(in crate::live) async fn between(
        &mut self,
        kind: i64,
        window: Range<i64>,
        fresh: bool,
    ) -> Result<Vec<ChunkRow>, StoreError> {
        let place = kind as usize;
        self.place = place;
        for _ in 0..TRIES {
            let hours = match fresh {
                true => Hours::new(),
                false => past::hours(&self.kinds[place].past, &window),
            };
            let listing = self.list(place, &hours).await?;
            let (replicas, listed) = replicas(listing.marks.clone());
            let past = listing.past.clone().unwrap_or_default();
            let now_there = past::hours(&past, &window);
            let knew_hours = now_there.keys().all(|hour| hours.contains_key(hour));
            let knew_all = replicas == self.replicas && (fresh || knew_hours);
            (self.replicas, self.listed) = (replicas, listed);
            self.kinds[place].past = past;
            if knew_all {
                return Ok(self.rows(listing, hours, &window));
            }
        }
        let error = "replicas came and went all the time while they were asked for";
        Err(StoreError::Away(error.to_owned()))
    }

    async fn list(&mut self, place: usize, hours: &Hours) -> Result<Listing, StoreError> {
        let kind = Arc::clone(&self.kinds[place].kind);
        let mut commands = Commands::default();
        commands.add(command("HGETALL").arg(keys::applied(&self.prefix)));
        commands.add(command("HGETALL").arg(generic::kind_key(&kind.name)));
        for replica in &self.replicas {
            let fresh = generic::fresh_key(&kind.name, replica);
            commands.add(command("LRANGE").args([fresh.as_str(), "0", "-1"]));
        }
        for hour in hours.keys() {
            let rollup = generic::rollup_key(&kind.name, Grain::Hour, *hour, "", &[]);
            let points = generic::points_key(&kind.name, *hour);
            commands.add(command("LLEN").arg(points));
            commands.add(command("HGET").arg(rollup).arg("count"));
        }
        let answers = self.at_once(&commands).await?;
        let mut answers = answers.read();
        let marks = answers.take()?;
        let fields: HashMap<String, String> = answers.take()?;
        let mut fresh = Vec::new();
        for _ in &self.replicas {
            fresh.extend(answers.take::<Vec<Vec<u8>>>()?);
        }
        let mut filled = Vec::with_capacity(hours.len());
        for _ in hours.keys() {
            let chunks: u64 = answers.take()?;
            let points: Option<i64> = answers.take()?;
            filled.push((
                chunks as usize,
                points.filter(|count| COUNTS.contains(count)),
            ));
        }
        Ok(Listing {
            marks,
            past: read_past(&fields, &kind, self.now),
            fresh,
            hours: filled,
        })
    }

    fn rows(&mut self, listing: Listing, hours: Hours, window: &Range<i64>) -> Vec<ChunkRow> {
        self.ahead.clear();
        // What was listed before is called as before.
        let listed = self.fresh.drain().map(|(id, data)| (data, id));
        let mut listed: HashMap<Vec<u8>, i64> = listed.collect();
        let mut rows = Vec::new();
        for ((hour, bounds), (chunks, points)) in hours.into_iter().zip(listing.hours) {
            // Of an hour whose rollup has gone nobody knows; then as many as are read together.
            let points = points.unwrap_or(RUN_POINTS * chunks as i64);
            let each = points / (chunks.max(1) as i64) + 1;
            rows.extend((0..chunks as i64).map(|place| ChunkRow {
                points: each,
                ..row(
                    hour << PLACE_BITS | place,
                    Level::Sealed,
                    bounds.start,
                    bounds.end - 1,
                )
            }));
        }
        for data in listing.fresh {
            let id = listed.remove(&data).unwrap_or_else(|| {
                self.next_fresh += 1;
                self.next_fresh
            });
            let row = fresh_row(id, &data);
            if row.high >= window.start && row.low < window.end {
                self.fresh.insert(id, data);
                rows.push(row);
            }
        }
        rows
    }

    /// The bytes of the first of these chunks, which are asked for in their order; `None`: it has expired.
    pub(in crate::live) async fn data(
        &mut self,
        rows: &[ChunkRow],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(first) = rows.first() else {
            return Ok(None);
        };
        if first.level == Level::Fresh {
            return Ok(self.fresh.get(&first.id).cloned());
        }
        if !self.ahead.contains_key(&first.id) {
            self.read_ahead(rows).await?;
        }
        Ok(self.ahead.remove(&first.id))
    }

    /// Reads the first of these chunks, and others as far as that is no burden.
    async fn read_ahead(&mut self, rows: &[ChunkRow]) -> Result<(), StoreError> {
        let mut points = 0;
        let is_near = |row: &&ChunkRow| {
            points = row.points.saturating_add(points);
            points == row.points || points <= RUN_POINTS
        };
        let hourly = rows.iter().filter(|row| row.level == Level::Sealed);
        let run = hourly.take(RUN).take_while(is_near).map(|row| row.id);
        let mut ids: Vec<i64> = run.collect();
        ids.sort_unstable();
        let kind = &self.kinds[self.place].kind.name;
        // Neighbours of one hour are one range.
        let ranges: Vec<(i64, usize)> = ids
            .chunk_by(|one, other| one + 1 == *other)
            .map(|ids| (ids[0], ids.len()))
            .collect();
        let mut commands = Commands::default();
        for (id, length) in &ranges {
            let (hour, place) = (id >> PLACE_BITS, id & ((1 << PLACE_BITS) - 1));
            let mut range = command("LRANGE");
            range.arg(generic::points_key(kind, hour)).number(place);
            commands.add(range.number(place + *length as i64 - 1));
        }
        let answers = self.at_once(&commands).await?;
        let mut answers = answers.read();
        self.ahead.clear();
        for (id, _) in ranges {
            let chunks: Vec<Vec<u8>> = answers.take()?;
            self.ahead.extend((id..).zip(chunks));
        }
        Ok(())
    }

    /// Hands on some of the chunks with points of a time, those that end last first, until that is enough.
    pub(in crate::live) async fn last_chunks(
        &mut self,
        kind: i64,
        time: Range<i64>,
        places: Range<i64>,
        mut take: impl FnMut(&ChunkRow, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        if places.start == 0 {
            let mut rows = self.between(kind, time, false).await?;
            rows.sort_by_key(|row| Reverse((row.high, row.id)));
            self.pages = rows;
        }
        let listed = self.pages.iter().skip(places.start as usize);
        let rows: Vec<ChunkRow> = listed
            .take((places.end - places.start) as usize)
            .cloned()
            .collect();
        for (place, row) in rows.iter().enumerate() {
            if let Some(data) = self.data(&rows[place..]).await?
                && take(row, &data).is_break()
            {
                break;
            }
        }
        Ok(())
    }

    pub(super) async fn ask<T: Answer>(&mut self, command: &Parts) -> Result<T, StoreError> {
        in_time(self.server.ask(command)).await
    }

    pub(super) async fn script<T: Answer>(
        &mut self,
        script: &'static str,
        keys: &Parts,
        arguments: &Parts,
    ) -> Result<T, StoreError> {
        in_time(self.server.script(script, keys, arguments)).await
    }

    /// All as it was at one instant.
    pub(super) async fn at_once(&mut self, commands: &Commands) -> Result<Answers, StoreError> {
        in_time(self.server.at_once(commands)).await
    }

    /// Each part as it was at one instant.
    pub(super) async fn each_at_once(
        &mut self,
        parts: &[Commands],
        take: impl FnMut(usize, Answers) -> Result<(), Unexpected>,
    ) -> Result<(), StoreError> {
        in_time(self.server.each_at_once(parts, take)).await
    }

    /// Nobody waits any more for what it was asked last.
    pub fn is_behind(&self) -> bool {
        self.server.is_behind()
    }
}

async fn in_time<T>(answer: impl Future<Output = Result<T, Trouble>>) -> Result<T, StoreError> {
    match timeout(ANSWER, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => {
            let waited = crate::text::duration::spoken(ANSWER);
            Err(StoreError::Away(format!("no answer within {waited}")))
        }
    }
}

/// Somebody has written something else there; all other questions can be answered.
const SPOILT: &str = "WRONGTYPE";

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        match trouble.0.starts_with(SPOILT) {
            true => Self::Spoilt(trouble.0),
            false => Self::Away(trouble.0),
        }
    }
}

impl From<Unexpected> for StoreError {
    fn from(unexpected: Unexpected) -> Self {
        match unexpected {
            Unexpected::Said(said) => Trouble(said).into(),
            Unexpected::Other(what) => Self::Spoilt(what),
        }
    }
}

/// The names of the replicas, and the marks of their rollups.
fn replicas(marks: Marks) -> (Vec<String>, Marks) {
    let (rolled, points): (Marks, Marks) = marks
        .into_iter()
        .partition(|(name, _)| name.ends_with(ROLLUPS));
    (points.into_keys().collect(), rolled)
}

fn fresh_row(id: i64, data: &[u8]) -> ChunkRow {
    let at = Chunk::open(data).and_then(|chunk| chunk.at(chunk.all()));
    match at {
        Ok(at) => {
            let (low, high) = (at.iter().min(), at.iter().max());
            ChunkRow {
                points: at.len() as i64,
                ..row(
                    id,
                    Level::Fresh,
                    low.copied().unwrap_or(0),
                    high.copied().unwrap_or(0),
                )
            }
        }
        Err(error) => ChunkRow {
            broken: Some(error.to_string()),
            ..row(id, Level::Fresh, i64::MIN, i64::MAX)
        },
    }
}

fn row(id: i64, level: Level, low: i64, high: i64) -> ChunkRow {
    ChunkRow {
        id,
        level,
        low,
        high,
        day: None,
        cluster: None,
        points: 0,
        size: 0,
        widest: 0,
        broken: None,
    }
}
