//! What the scans in Daybook's own store came to: from points while they are kept, before that from rollups.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde_json::{Map, Value as Json, json};

use crate::kinds::Kind;

use super::super::bytes::Corrupt;
use super::super::chunk::Chunk;
use super::super::columns::{ABSENT, Cells, Columns, Numbers, Texts};
use super::super::point::instant;
use super::super::question::{AskError, Context, Gaps};
use super::super::scan;
use super::super::source::Source;
use super::super::store::{ChunkRow, Past, Tier};
use super::moderation::STATUS;
use super::scan_rollups::{LABELS, RowKey, VALUES, WantedScans, rolled_up};
use super::scan_sums::{ACCELERATIONS, Bucket, Last, LastDetails, LastScan, ScanSums};

/// So often it is tried again while a keeper deletes what is counted.
const TRIES: usize = 5;
const HOUR: i64 = 3_600_000_000;
pub const DAY: i64 = 24 * HOUR;
/// What was found.
#[derive(Debug, Default)]
pub struct FoundScans {
    pub sums: BTreeMap<RowKey, ScanSums>,
    /// How many of those whose points are kept had which status.
    pub statuses: BTreeMap<String, i128>,
    pub gaps: Gaps,
    /// Of this time only rollups are kept.
    pub rolled_up: Option<Range<i64>>,
}

/// What these scans came to.
pub async fn scans(
    source: impl Into<Source<'_>>,
    kind: &Kind,
    wanted: &WantedScans<'_>,
    context: Context,
) -> Result<FoundScans, AskError> {
    let mut source = source.into();
    for _ in 0..TRIES {
        let Some((id, past)) = source.past(kind).await? else {
            return Ok(FoundScans::default());
        };
        let mut found = FoundScans::default();
        let [older, newer] = parts(&past, &wanted.window);
        if !older.is_empty() {
            let wanted = WantedScans {
                window: older.clone(),
                ..wanted.clone()
            };
            (found.sums, found.gaps) = rolled_up(source.lend(), kind, &wanted, context).await?;
            let first = past.first.unwrap_or(older.start).max(older.start);
            found.rolled_up = Some(first..older.end);
        }
        if !newer.is_empty() {
            let mut reading = Reading {
                source: source.lend(),
                id,
                kind,
                wanted,
            };
            reading.add_points(newer, &mut found).await?;
        }
        let pruned = source.past(kind).await?.map(|(_, past)| past.pruned);
        if pruned == Some(past.pruned) {
            return Ok(found);
        }
    }
    Err(AskError::Moved)
}

/// The part of a window before the first hour of which all points are kept, and the part from there on.
fn parts(past: &Past, window: &Range<i64>) -> [Range<i64>; 2] {
    let kept = past.pruned[Tier::Points as usize];
    let hour = match kept.rem_euclid(HOUR) {
        0 => kept,
        past_hour => kept.saturating_add(HOUR - past_hour),
    };
    let has_older = past.first.is_some_and(|first| first < hour);
    let cut = match has_older {
        true => hour.clamp(window.start, window.end),
        false => window.start,
    };
    [window.start..cut, cut..window.end]
}

/// Where points are read.
struct Reading<'a> {
    source: Source<'a>,
    id: i64,
    kind: &'a Kind,
    wanted: &'a WantedScans<'a>,
}

impl Reading<'_> {
    async fn add_points(
        &mut self,
        window: Range<i64>,
        found: &mut FoundScans,
    ) -> Result<(), AskError> {
        let wanted = self.wanted;
        let mut newer: BTreeMap<RowKey, ScanSums> = BTreeMap::new();
        let take = |_: &ChunkRow, chunk: &Chunk<'_>| sums(chunk, &window, wanted);
        for taken in self.each_chunk(&window, |_| true, take, found).await? {
            for (key, sums) in taken {
                newer.entry(key).or_default().add(&sums);
            }
        }
        let wanted_at: BTreeSet<i64> = newer.values().flat_map(details_at).collect();
        // Only chunks that hold the newest scans are read for their details.
        let is_wanted = |row: &ChunkRow| wanted_at.range(row.low..=row.high).next().is_some();
        let take = |_: &ChunkRow, chunk: &Chunk<'_>| details(chunk, &wanted_at, wanted);
        for (key, which, found) in self
            .each_chunk(&window, is_wanted, take, found)
            .await?
            .into_iter()
            .flatten()
        {
            if let Some(sums) = newer.get_mut(&key) {
                add_details(sums, which, found);
            }
        }
        for (status, count) in newer
            .values()
            .filter_map(|sums| sums.status_counts.as_ref())
            .flatten()
        {
            *found.statuses.entry(status.clone()).or_default() += count;
        }
        for (key, sums) in newer {
            found.sums.entry(key).or_default().add(&sums);
        }
        Ok(())
    }

    /// What is taken of each chunk that can be read; of the others it is noted why they cannot.
    async fn each_chunk<T>(
        &mut self,
        window: &Range<i64>,
        is_wanted: impl Fn(&ChunkRow) -> bool,
        take: impl Fn(&ChunkRow, &Chunk<'_>) -> Result<T, Corrupt>,
        found: &mut FoundScans,
    ) -> Result<Vec<T>, AskError> {
        let cluster = self.kind.cluster.map(|label| &self.kind.labels[label].name);
        let asked = self.wanted.filter.labels.iter();
        let mut asked = asked.filter(|(label, _)| Some(label) == cluster);
        let asked = asked
            .next()
            .map(|(label, text)| (label.as_str(), text.as_str()));
        let is_wanted = |row: &ChunkRow| row.may_hold(asked) && is_wanted(row);
        let parts = scan::all(self.source.lend(), self.id, window.clone(), is_wanted, take).await?;
        let mut all = Vec::with_capacity(parts.len());
        for part in parts {
            match part.taken {
                Ok(taken) => all.push(taken),
                Err(why) => drop(found.gaps.broken.insert(why)),
            }
        }
        Ok(all)
    }
}

/// Which of a row's details: those of all its scans, or of one acceleration.
type Which = Option<usize>;

/// The instants of the scans whose details are shown.
fn details_at(sums: &ScanSums) -> Vec<i64> {
    let all = sums.all.last.details.as_ref();
    let buckets = sums.acceleration.iter().flatten();
    let buckets = buckets.filter_map(|bucket| bucket.last.details.as_ref());
    buckets
        .chain(all)
        .filter_map(|details| details.at)
        .collect()
}

/// Takes the details of the instant that is known already.
fn add_details(sums: &mut ScanSums, which: Which, details: LastDetails) {
    let last = match which {
        None => Some(&mut sums.all.last),
        Some(at) => sums
            .acceleration
            .as_mut()
            .map(|buckets| &mut buckets[at].last),
    };
    if let Some(Last {
        details: Some(known),
        ..
    }) = last
        && known.at == details.at
        && *known < details
    {
        *known = details;
    }
}

/// The columns of a chunk's points that are counted, without details.
struct Scans {
    at: Vec<i64>,
    labels: [Texts; 4],
    values: [Option<Numbers>; 7],
}

/// One of them.
struct Scan<'c> {
    at: i64,
    status: &'c str,
    acceleration: usize,
    /// In the order of [`VALUES`].
    numbers: [Option<i128>; 7],
}

impl Scans {
    fn read(chunk: &Chunk<'_>) -> Result<Self, Corrupt> {
        let all = || chunk.all();
        let label = |name: &str| chunk.label(name, all());
        let [guild, content_type, status, acceleration] = LABELS.map(label);
        let texts =
            |label: Option<Texts>| label.unwrap_or_else(|| Texts::coded().empty_with(chunk.len()));
        let value = |name: &str| chunk.value(name, all());
        let [flagged, flags, bytes, duration, frames, target, media] = VALUES.map(value);
        Ok(Self {
            at: chunk.at(all())?,
            labels: [
                texts(guild?),
                texts(content_type?),
                texts(status?),
                texts(acceleration?),
            ],
            values: [
                flagged?, flags?, bytes?, duration?, frames?, target?, media?,
            ],
        })
    }

    fn key(&self, place: usize, by_day: bool) -> (i64, &str) {
        let day = match by_day {
            true => self.at[place].div_euclid(DAY) * DAY,
            false => 0,
        };
        (day, self.labels[1].text(place))
    }

    fn scan(&self, place: usize) -> Scan<'_> {
        let acceleration = self.labels[3].text(place);
        let known = ACCELERATIONS.iter().position(|name| *name == acceleration);
        let number = |at: usize| {
            self.values[at]
                .as_ref()
                .and_then(|numbers| whole(numbers, place))
        };
        Scan {
            at: self.at[place],
            status: self.labels[2].text(place),
            acceleration: known.unwrap_or(ACCELERATIONS.len() - 1),
            numbers: [0, 1, 2, 3, 4, 5, 6].map(number),
        }
    }
}

fn whole(numbers: &Numbers, place: usize) -> Option<i128> {
    match numbers {
        Numbers::Fixed { decimals: 0, raw } => (raw[place] != ABSENT).then(|| raw[place].into()),
        numbers => numbers.get(place).map(|number| number as i128),
    }
}

/// What the scans of a chunk that lie in the window come to.
fn sums(
    chunk: &Chunk<'_>,
    window: &Range<i64>,
    wanted: &WantedScans<'_>,
) -> Result<Vec<(RowKey, ScanSums)>, Corrupt> {
    let places = wanted.filter.places(chunk)?;
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let scans = Scans::read(chunk)?;
    let mut all: BTreeMap<(i64, &str), ScanSums> = BTreeMap::new();
    for place in places
        .into_iter()
        .filter(|place| window.contains(&scans.at[*place]))
    {
        let sums = all.entry(scans.key(place, wanted.by_day)).or_default();
        count(sums, &scans.scan(place));
    }
    let own = |((day, content_type), sums): ((i64, &str), ScanSums)| {
        ((day, content_type.to_owned()), sums)
    };
    Ok(all.into_iter().map(own).collect())
}

/// Counts one scan. Where its details are shown, their place is kept without them.
fn count(sums: &mut ScanSums, scan: &Scan<'_>) {
    sums.all.see(scan);
    let is_flagged = scan.numbers[0].unwrap_or_default() > 0;
    if is_flagged || scan.status != STATUS {
        sums.all.last.see_details(scan.at);
    }
    if let Some(buckets) = &mut sums.acceleration {
        let bucket = &mut buckets[scan.acceleration];
        bucket.see(scan);
        bucket.last.see_details(scan.at);
    }
    if let Some(counts) = &mut sums.status_counts {
        match counts.get_mut(scan.status) {
            Some(count) => *count += 1,
            None => drop(counts.insert(scan.status.to_owned(), 1)),
        }
    }
}

impl Bucket {
    fn see(&mut self, scan: &Scan<'_>) {
        let [flagged, flags, bytes, duration, frames, target, media] = scan.numbers;
        let is_flagged = flagged.unwrap_or_default() > 0;
        self.scans += 1;
        self.flagged += i128::from(is_flagged);
        self.flags += flags.unwrap_or_default();
        self.frames += frames.unwrap_or_default();
        self.frames_target += target.unwrap_or_default();
        self.frames_media += media.unwrap_or_default();
        bytes.into_iter().for_each(|bytes| self.bytes.see(bytes));
        duration
            .into_iter()
            .for_each(|duration| self.duration.see(duration));
        let last = &mut self.last;
        last.updated_at = last.updated_at.max(Some(scan.at));
        last.flagged_at = last.flagged_at.max(is_flagged.then_some(scan.at));
        let newest = LastScan {
            at: Some(scan.at),
            status: None,
            duration: duration.unwrap_or_default(),
        };
        match &mut last.scan {
            Some(known) if known.at > newest.at => {}
            // Mostly the status stays the same from scan to scan.
            Some(known) if known.at < newest.at && known.status.as_deref() == Some(scan.status) => {
                known.at = newest.at;
                known.duration = newest.duration;
            }
            known => {
                let status = Some(scan.status.to_owned());
                let newest = Some(LastScan { status, ..newest });
                if *known < newest {
                    *known = newest;
                }
            }
        }
    }
}

impl Last {
    fn see_details(&mut self, at: i64) {
        if self
            .details
            .as_ref()
            .is_none_or(|known| known.at < Some(at))
        {
            let json = String::new();
            self.details = Some(LastDetails { at: Some(at), json });
        }
    }
}

/// The details of a chunk's scans at these instants, for each row and acceleration.
fn details(
    chunk: &Chunk<'_>,
    wanted_at: &BTreeSet<i64>,
    wanted: &WantedScans<'_>,
) -> Result<Vec<(RowKey, Which, LastDetails)>, Corrupt> {
    let mut places = wanted.filter.places(chunk)?;
    let at = chunk.at(chunk.all())?;
    places.retain(|place| wanted_at.contains(&at[*place]));
    let points = chunk.pick(&places)?;
    let mut all = Vec::new();
    if points.is_empty() {
        return Ok(all);
    }
    let scans = Scans::of(&points);
    for place in 0..points.len() {
        let (day, content_type) = scans.key(place, wanted.by_day);
        let scan = scans.scan(place);
        let details = LastDetails {
            at: Some(scan.at),
            json: last_details(points.details.text(place), &scan),
        };
        let key = (day, content_type.to_owned());
        let is_shown = scan.numbers[0].unwrap_or_default() > 0 || scan.status != STATUS;
        all.extend(is_shown.then(|| (key.clone(), None, details.clone())));
        all.push((key, Some(scan.acceleration), details));
    }
    Ok(all)
}

impl Scans {
    fn of(points: &Columns) -> Self {
        let texts = |name: &str| points.label(name).cloned();
        let texts =
            |name: &str| texts(name).unwrap_or_else(|| Texts::coded().empty_with(points.len()));
        let numbers = |name: &str| {
            let column = points.values.iter().find(|column| column.name == name);
            column.map(|column| column.cells.clone())
        };
        Self {
            at: points.at.clone(),
            labels: LABELS.map(texts),
            values: VALUES.map(numbers),
        }
    }
}

/// What the point keeps, and what the bot adds from the scan itself.
fn last_details(details: &str, scan: &Scan<'_>) -> String {
    let mut json: Map<String, Json> = serde_json::from_str(details).unwrap_or_default();
    let [flagged, _, bytes, duration, frames, target, media] = scan.numbers;
    let workload = [
        ("bytes", bytes),
        ("duration_ms", duration),
        ("frames_scanned", frames),
        ("frames_target", target),
        ("frames_media_total", media),
    ];
    let known = workload.into_iter().filter_map(|(name, number)| {
        let number = u64::try_from(number?).ok()?;
        Some((name.to_owned(), json!(number)))
    });
    json.insert("workload".to_owned(), Json::Object(known.collect()));
    json.insert("status".to_owned(), json!(scan.status));
    json.insert(
        "was_flagged".to_owned(),
        json!(flagged.unwrap_or_default() > 0),
    );
    json.insert("occurred_at".to_owned(), json!(instant(scan.at)));
    json!(json).to_string()
}
