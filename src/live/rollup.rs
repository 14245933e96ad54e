//! What is kept of many points: counts, sums, extremes and a sketch of each value, by group and hour, day or month.

mod sketch;

use std::collections::{BTreeMap, HashMap};
use std::iter::zip;
use std::ops::{Range, RangeInclusive};

use chrono_tz::Tz;

use crate::kinds::Kind;

use super::bytes::{Corrupt, Reader, Writer};
use super::columns::{ABSENT, Columns, Numbers, Texts, unscaled};
use super::grain::{Every, Grain, pieces};
pub use sketch::{Sketch, bucket};

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

/// An hour, day or month of points that are grouped by these labels.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub grain: Grain,
    pub start: i64,
    /// Their names, with a comma between.
    pub labels: String,
}

/// The rollups of an hour, which are also added to its day and its month.
#[derive(Debug)]
pub struct Hourly {
    /// The names of the labels, with a comma between.
    pub labels: String,
    /// By [`Grain::ALL`].
    pub starts: [i64; 3],
    pub groups: Groups,
}

/// What is added to the rollups when points are sealed.
#[derive(Debug)]
pub struct Rolled {
    /// Whose hours, days and months they are.
    pub zone: Tz,
    pub hours: Vec<Hourly>,
}

impl Hourly {
    pub fn span(&self, grain: Grain) -> Span {
        Span {
            grain,
            start: self.starts[grain as usize],
            labels: self.labels.clone(),
        }
    }
}

/// Which rollups are wanted, and what of them.
pub struct WantedRollups<'a> {
    pub grain: Grain,
    /// Their names, with a comma between.
    pub labels: &'a str,
    /// With these their words begin.
    pub first_words: &'a [u8],
    pub starts: RangeInclusive<i64>,
    pub values: &'a [String],
    pub sketches: bool,
}

/// The rollups of a span by the words of their groups, as [`words_as_bytes`] writes them.
pub type Groups = HashMap<Vec<u8>, Rollup>;

/// A group is the sum of larger ones if these have on average more than so many points.
const WORTH_ADDING: usize = 32;
/// Entries of the largest table of slots.
const LARGEST_TABLE: usize = 1 << 18;

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

/// A sum as it is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sum {
    /// In units of the last decimal.
    pub whole: i128,
    pub decimals: u32,
    /// Of numbers without decimals, or with others.
    pub rest: f64,
}

/// The rollups of these points by hour, for every group of the kind.
pub fn rollups(points: &Columns, kind: &Kind, zone: Tz) -> Vec<Hourly> {
    let mut all: Vec<Hourly> = Vec::new();
    let (hours, hour_of) = pieces(&points.at, Every::Hour, zone);
    let mut known: Vec<(&Vec<usize>, Range<usize>)> = Vec::new();
    // Larger groups first: smaller ones are sums of them.
    for group in kind.groups.iter().rev() {
        let cells = |label: &usize| points.label(&kind.labels[*label].name);
        let Some(labels) = group.iter().map(cells).collect::<Option<Vec<&Texts>>>() else {
            continue;
        };
        let larger = known.iter().find_map(|(larger, hourly)| {
            let hourly = &all[hourly.clone()];
            let count: usize = hourly.iter().map(|hour| hour.groups.len()).sum();
            let place = |label| larger.iter().position(|known| known == label);
            let places = group.iter().map(place).collect::<Option<Vec<usize>>>()?;
            (count * WORTH_ADDING < points.len()).then_some((places, hourly))
        });
        let hourly: Vec<Groups> = match larger {
            Some((places, hourly)) => hourly
                .iter()
                .map(|hour| summed(&hour.groups, &places))
                .collect(),
            None => grouped(points, &labels, &hour_of, hours.len()),
        };
        let names: Vec<&str> = group
            .iter()
            .map(|label| kind.labels[*label].name.as_str())
            .collect();
        known.push((group, all.len()..all.len() + hours.len()));
        all.extend(zip(&hours, hourly).map(|(hour, groups)| Hourly {
            labels: names.join(","),
            starts: [
                *hour,
                Grain::Day.start(*hour, zone),
                Grain::Month.start(*hour, zone),
            ],
            groups,
        }));
    }
    all
}

/// The rollups of all points together, by the first second of their month.
pub fn monthly(points: &Columns, zone: Tz) -> Vec<(i64, Rollup)> {
    let (months, month_of) = pieces(&points.at, Every::Month, zone);
    let rollups = by_slot(points, &month_of, months.len(), false);
    zip(months, rollups).collect()
}

fn add(sums: &mut Groups, words: &[u8], rollup: &Rollup) {
    match sums.get_mut(words) {
        Some(sum) => sum.merge(rollup),
        None => drop(sums.insert(words.to_vec(), rollup.clone())),
    }
}

/// The sums of groups that have the same words at these places.
fn summed(groups: &Groups, places: &[usize]) -> Groups {
    let mut sums = Groups::new();
    for (words, rollup) in groups {
        let split: Vec<&[u8]> = words.split_inclusive(|byte| *byte == 0).collect();
        let words: Vec<&[u8]> = places.iter().map(|place| split[*place]).collect();
        add(&mut sums, &words.concat(), rollup);
    }
    sums
}

/// The words of a group as they are stored: each with a NUL byte behind it, which no label's value has.
pub fn words_as_bytes<'w>(words: impl Iterator<Item = &'w str>) -> Vec<u8> {
    words.flat_map(|word| word.bytes().chain([0])).collect()
}

/// The rollups of each hour by their words.
fn grouped(points: &Columns, labels: &[&Texts], hour_of: &[u32], hours: usize) -> Vec<Groups> {
    let mut slot_of = hour_of.to_vec();
    let mut slots = hours;
    for label in labels {
        if let Texts::Coded { words, codes } = label {
            slots = subdivide(&mut slot_of, slots, codes, words.list().len() + 1);
        }
    }
    let mut firsts = vec![0; slots];
    for (place, slot) in slot_of.iter().enumerate().rev() {
        firsts[*slot as usize] = place;
    }
    let rollups = by_slot(points, &slot_of, slots, true);
    let mut all = vec![Groups::new(); hours];
    for (first, rollup) in zip(firsts, rollups) {
        let words = words_as_bytes(labels.iter().map(|label| label.text(first)));
        all[hour_of[first] as usize].insert(words, rollup);
    }
    all
}

/// The rollups of all their values by the slots that the points lie in; without sketches it takes a fraction of the time.
pub fn by_slot(points: &Columns, slot_of: &[u32], slots: usize, sketches: bool) -> Vec<Rollup> {
    let mut rollups = vec![Rollup::default(); slots];
    for (ok, slot) in zip(&points.ok, slot_of) {
        let rollup = &mut rollups[*slot as usize];
        rollup.points += 1;
        rollup.succeeded += u64::from(*ok == 1);
        rollup.failed += u64::from(*ok == 0);
    }
    for column in &points.values {
        let mut stats = stats(&column.cells, &points.at, slot_of, slots);
        if sketches {
            sketch(&column.cells, slot_of, &mut stats);
        }
        for (rollup, stats) in zip(&mut rollups, stats) {
            if stats.count > 0 {
                rollup.values.insert(column.name.clone(), stats);
            }
        }
    }
    rollups
}

/// Gives each pair of slot and code a slot of its own, and says how many there are now.
pub fn subdivide(slot_of: &mut [u32], slots: usize, codes: &[u32], code_count: usize) -> usize {
    let pairs = slots * code_count;
    let mut table = vec![u32::MAX; if pairs <= LARGEST_TABLE { pairs } else { 0 }];
    let mut sparse: HashMap<usize, u32> = HashMap::new();
    let mut next = 0;
    for (slot, code) in zip(slot_of, codes) {
        let pair = *slot as usize * code_count + *code as usize;
        let new = match table.get_mut(pair) {
            Some(new) => new,
            None => sparse.entry(pair).or_insert(u32::MAX),
        };
        if *new == u32::MAX {
            *new = next;
            next += 1;
        }
        *slot = *new;
    }
    next as usize
}

fn stats(numbers: &Numbers, at: &[i64], slot_of: &[u32], slots: usize) -> Vec<Stats> {
    let mut all = vec![Stats::default(); slots];
    match numbers {
        Numbers::Fixed { decimals, raw } => {
            for (place, raw) in raw.iter().enumerate().filter(|(_, raw)| **raw != ABSENT) {
                let stats = &mut all[slot_of[place] as usize];
                stats.decimals = *decimals;
                stats.whole += i128::from(*raw);
                stats.see(unscaled(*raw, *decimals), at[place]);
            }
        }
        Numbers::Float(floats) => {
            let floats = floats.iter().enumerate();
            for (place, float) in floats.filter(|(_, float)| !float.is_nan()) {
                let stats = &mut all[slot_of[place] as usize];
                stats.float += float;
                stats.see(*float, at[place]);
            }
        }
    }
    all
}

fn sketch(numbers: &Numbers, slot_of: &[u32], all: &mut [Stats]) {
    // Bucket 0 lies in the middle.
    let bucket = |number: f64| (i64::from(sketch::bucket(number)) + (1 << 31)) as u64;
    let slots = slot_of.iter().enumerate();
    let mut buckets: Vec<u64> = slots
        .filter_map(|(place, slot)| Some(u64::from(*slot) << 32 | bucket(numbers.get(place)?)))
        .collect();
    buckets.sort_unstable();
    for slot in buckets.chunk_by(|one, other| one >> 32 == other >> 32) {
        let bucket = |bucket: &u64| ((bucket & 0xffff_ffff) as i64 - (1 << 31)) as i32;
        let sketch = Sketch::from_sorted(slot.iter().map(bucket));
        all[(slot[0] >> 32) as usize].sketch = sketch;
    }
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
            last: f64::NEG_INFINITY,
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
        self.see_last(number, at);
    }

    /// Of several at one instant the largest, in whatever order they come.
    fn see_last(&mut self, number: f64, at: i64) {
        if at > self.last_at || at == self.last_at && number > self.last {
            self.last = number;
            self.last_at = at;
        }
    }

    /// The sum in units of the last decimal, with how many there are; `None`: it is made of floats.
    pub fn exact_sum(&self) -> Option<(i128, u32)> {
        (self.float == 0.0).then_some((self.whole, self.decimals))
    }

    pub fn exact(&self) -> Sum {
        Sum {
            whole: self.whole,
            decimals: self.decimals,
            rest: self.float,
        }
    }

    pub fn set_exact(&mut self, sum: Sum) {
        (self.whole, self.decimals, self.float) = (sum.whole, sum.decimals, sum.rest);
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
        self.see_last(other.last, other.last_at);
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

    fn read(reader: &mut Reader<'_>, sketches: bool) -> Result<Self, Corrupt> {
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
            sketch: match sketches {
                true => Sketch::read(reader)?,
                false => Sketch::default(),
            },
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
            let mut own = Writer::default();
            stats.write(&mut own);
            writer.sized(&own.bytes);
        }
        writer.bytes
    }

    /// How many points there are, without all else.
    pub fn points_of(bytes: &[u8]) -> Result<u64, Corrupt> {
        Reader::new(bytes).number()
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Corrupt> {
        Self::read(bytes, |_| true, true)
    }

    /// What there is of some values; without their sketches it takes a fraction of the time.
    pub fn read(
        bytes: &[u8],
        is_wanted: impl Fn(&str) -> bool,
        sketches: bool,
    ) -> Result<Self, Corrupt> {
        let mut reader = Reader::new(bytes);
        let mut rollup = Self {
            points: reader.number()?,
            succeeded: reader.number()?,
            failed: reader.number()?,
            values: BTreeMap::new(),
        };
        for _ in 0..reader.size(1024)? {
            let name = reader.text()?;
            let own = reader.sized()?;
            if is_wanted(name) {
                let stats = Stats::read(&mut Reader::new(own), sketches)?;
                rollup.values.insert(name.to_owned(), stats);
            }
        }
        Ok(rollup)
    }
}
