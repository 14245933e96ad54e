//! What is kept of many points: counts, sums, extremes and a sketch of each value, by group and hour, day or month.

mod sketch;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Datelike, Offset, TimeZone};
use chrono_tz::Tz;

use crate::calendar::Day;
use crate::kinds::Kind;

use super::bytes::{Corrupt, Reader, Writer};
use super::columns::{ABSENT, Columns, Numbers, Texts, unscaled};
pub use sketch::Sketch;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grain {
    Hour,
    Day,
    Month,
}

/// Which points a rollup is of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub grain: Grain,
    /// The first second of the hour, day or month, in the configured zone.
    pub start: i64,
    /// The names of the labels that make the group, in the order of the kind's `by`.
    pub by: Vec<String>,
    /// Their values; empty where points have none.
    pub words: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rollup {
    pub points: u64,
    pub succeeded: u64,
    pub failed: u64,
    /// By the names of the values.
    pub values: BTreeMap<String, Stats>,
}

/// One value of many points.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    pub count: u64,
    /// In units of the last decimal, exact.
    whole: i128,
    decimals: u32,
    /// The rest of the sum: of values without decimals.
    float: f64,
    pub squares: f64,
    pub min: f64,
    pub max: f64,
    pub last: f64,
    pub last_at: i64,
    pub sketch: Sketch,
}

impl Grain {
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Month];

    /// The first second of the hour, day or month in which `at` (a second) lies.
    pub fn start(self, at: i64, zone: Tz) -> i64 {
        let instant = DateTime::from_timestamp(at, 0).unwrap_or_default();
        let day = || Day::containing(instant, zone);
        match self {
            // By the minutes that the clock shows: there are zones at 45 minutes past.
            Self::Hour => {
                let offset = zone.offset_from_utc_datetime(&instant.naive_utc());
                let clock = at + i64::from(offset.fix().local_minus_utc());
                at - clock.rem_euclid(3600)
            }
            Self::Day => day().start.timestamp(),
            Self::Month => {
                let day = day();
                let first = day
                    .date
                    .with_day(1)
                    .and_then(|date| Day::new(date, zone).ok());
                first.unwrap_or(day).start.timestamp()
            }
        }
    }
}

/// The rollups of these points, with every hour, day and month and every group of the kind.
pub fn rollups(points: &Columns, kind: &Kind, zone: Tz) -> BTreeMap<Key, Rollup> {
    let mut all: BTreeMap<Key, Rollup> = BTreeMap::new();
    let (hours, hour_of) = hours(&points.at, zone);
    for group in &kind.groups {
        let labels: Vec<&Texts> = group
            .iter()
            .filter_map(|label| points.label(&kind.labels[*label].name))
            .collect();
        if labels.len() < group.len() {
            continue;
        }
        let by: Vec<String> = group
            .iter()
            .map(|label| kind.labels[*label].name.clone())
            .collect();
        for (first, rollup) in grouped(points, &labels, &hour_of) {
            let key = Key {
                grain: Grain::Hour,
                start: hours[hour_of[first] as usize],
                by: by.clone(),
                words: labels
                    .iter()
                    .map(|label| label.text(first).to_owned())
                    .collect(),
            };
            for grain in [Grain::Day, Grain::Month] {
                let key = Key {
                    grain,
                    start: grain.start(key.start, zone),
                    ..key.clone()
                };
                all.entry(key).or_default().merge(&rollup);
            }
            all.entry(key).or_default().merge(&rollup);
        }
    }
    all
}

/// The hours in which the points lie, and each point's place among them.
fn hours(at: &[i64], zone: Tz) -> (Vec<i64>, Vec<u32>) {
    let mut hours: Vec<i64> = Vec::new();
    let mut last = 0;
    let place = |at: &i64| {
        let start = Grain::Hour.start(at.div_euclid(1_000_000), zone);
        if hours.get(last) != Some(&start) {
            let known = hours.iter().position(|hour| *hour == start);
            last = known.unwrap_or(hours.len());
            if known.is_none() {
                hours.push(start);
            }
        }
        last as u32
    };
    let places = at.iter().map(place).collect();
    (hours, places)
}

/// One rollup for each hour and combination of words, with the place of its first point.
fn grouped(points: &Columns, labels: &[&Texts], hour_of: &[u32]) -> Vec<(usize, Rollup)> {
    let mut slots: HashMap<Vec<u32>, u32> = HashMap::new();
    let mut firsts = Vec::new();
    let mut slot_of = Vec::with_capacity(points.len());
    let mut key = Vec::new();
    for (at, hour) in hour_of.iter().enumerate() {
        key.clear();
        key.push(*hour);
        for label in labels {
            if let Texts::Coded { codes, .. } = label {
                key.push(codes[at]);
            }
        }
        let slot = match slots.get(&key) {
            Some(slot) => *slot,
            None => {
                let slot = firsts.len() as u32;
                slots.insert(key.clone(), slot);
                firsts.push(at);
                slot
            }
        };
        slot_of.push(slot);
    }
    let mut rollups = vec![Rollup::default(); firsts.len()];
    for (slot, ok) in slot_of.iter().zip(&points.ok) {
        let rollup = &mut rollups[*slot as usize];
        rollup.points += 1;
        rollup.succeeded += u64::from(*ok == 1);
        rollup.failed += u64::from(*ok == 0);
    }
    for column in &points.values {
        let stats = stats(&column.cells, &points.at, &slot_of, firsts.len());
        for (rollup, stats) in rollups.iter_mut().zip(stats) {
            if stats.count > 0 {
                rollup.values.insert(column.name.clone(), stats);
            }
        }
    }
    firsts.into_iter().zip(rollups).collect()
}

fn stats(numbers: &Numbers, at: &[i64], slot_of: &[u32], slots: usize) -> Vec<Stats> {
    let mut all = vec![Stats::default(); slots];
    let mut buckets: Vec<u64> = Vec::with_capacity(at.len());
    let mut seen = |place: usize, number: f64, stats: &mut Stats| {
        stats.see(number, at[place]);
        // Bucket 0 lies in the middle.
        let bucket = (i64::from(sketch::bucket(number)) + (1 << 31)) as u64;
        buckets.push(u64::from(slot_of[place]) << 32 | bucket);
    };
    match numbers {
        Numbers::Fixed { decimals, raw } => {
            for (place, raw) in raw.iter().enumerate().filter(|(_, raw)| **raw != ABSENT) {
                let stats = &mut all[slot_of[place] as usize];
                stats.decimals = *decimals;
                stats.whole += i128::from(*raw);
                seen(place, unscaled(*raw, *decimals), stats);
            }
        }
        Numbers::Float(floats) => {
            for (place, float) in floats
                .iter()
                .enumerate()
                .filter(|(_, float)| !float.is_nan())
            {
                let stats = &mut all[slot_of[place] as usize];
                stats.float += float;
                seen(place, *float, stats);
            }
        }
    }
    buckets.sort_unstable();
    for slot in buckets.chunk_by(|one, other| one >> 32 == other >> 32) {
        let bucket = |bucket: &u64| ((bucket & 0xffff_ffff) as i64 - (1 << 31)) as i32;
        let sketch = Sketch::from_sorted(slot.iter().map(bucket));
        all[(slot[0] >> 32) as usize].sketch = sketch;
    }
    all
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            count: 0,
            whole: 0,
            decimals: 0,
            float: 0.0,
            squares: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            last: 0.0,
            last_at: i64::MIN,
            sketch: Sketch::default(),
        }
    }
}

impl Stats {
    fn see(&mut self, number: f64, at: i64) {
        self.count += 1;
        self.squares += number * number;
        self.min = self.min.min(number);
        self.max = self.max.max(number);
        if at >= self.last_at {
            self.last = number;
            self.last_at = at;
        }
    }

    pub fn sum(&self) -> f64 {
        self.whole as f64 / 10_f64.powi(self.decimals as i32) + self.float
    }

    pub fn merge(&mut self, other: &Self) {
        if self.whole == 0 {
            self.decimals = other.decimals;
        }
        if other.whole == 0 || self.decimals == other.decimals {
            self.whole += other.whole;
        } else {
            self.float += other.whole as f64 / 10_f64.powi(other.decimals as i32);
        }
        self.float += other.float;
        self.count += other.count;
        self.squares += other.squares;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        if other.last_at >= self.last_at {
            self.last = other.last;
            self.last_at = other.last_at;
        }
        self.sketch.merge(&other.sketch);
    }

    fn write(&self, writer: &mut Writer) {
        writer.number(self.count);
        writer.bytes.extend(self.whole.to_le_bytes());
        writer.number(u64::from(self.decimals));
        for float in [self.float, self.squares, self.min, self.max, self.last] {
            writer.bytes.extend(float.to_le_bytes());
        }
        writer.signed(self.last_at);
        self.sketch.write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let count = reader.number()?;
        let whole = i128::from_le_bytes(reader.array()?);
        let decimals = reader.size(18)? as u32;
        let mut float = || reader.array().map(f64::from_le_bytes);
        Ok(Self {
            count,
            whole,
            decimals,
            float: float()?,
            squares: float()?,
            min: float()?,
            max: float()?,
            last: float()?,
            last_at: reader.signed()?,
            sketch: Sketch::read(reader)?,
        })
    }
}

impl Rollup {
    pub fn merge(&mut self, other: &Self) {
        self.points += other.points;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        for (name, stats) in &other.values {
            match self.values.get_mut(name) {
                Some(known) => known.merge(stats),
                None => {
                    self.values.insert(name.clone(), stats.clone());
                }
            }
        }
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        for count in [
            self.points,
            self.succeeded,
            self.failed,
            self.values.len() as u64,
        ] {
            writer.number(count);
        }
        for (name, stats) in &self.values {
            writer.text(name);
            stats.write(&mut writer);
        }
        writer.bytes
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Corrupt> {
        let mut reader = Reader::new(bytes);
        let mut rollup = Self {
            points: reader.number()?,
            succeeded: reader.number()?,
            failed: reader.number()?,
            values: BTreeMap::new(),
        };
        for _ in 0..reader.size(1024)? {
            let name = reader.text()?.to_owned();
            rollup.values.insert(name, Stats::read(&mut reader)?);
        }
        Ok(rollup)
    }
}
