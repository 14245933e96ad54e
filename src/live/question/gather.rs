//! Sums and percentiles over windows: from rollups and what they do not count yet, or from points.

use std::collections::{BTreeMap, HashMap};
use std::iter::zip;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use chrono_tz::Tz;

use crate::kinds::{Kind, Percentile};

use super::super::bytes::Corrupt;
use super::super::chunk::Chunk;
use super::super::columns::{Numbers, ranked};
use super::super::grain::{Every, Grain};
use super::super::rollup::{Rollup, WantedRollups, words_as_bytes};
use super::super::scan;
use super::super::source;
use super::super::store::{ChunkRow, Level, Past, StoreError, words_of};
use super::cover::{Cover, Part, Source};
use super::fold::{Key, Sorted, Sorting};
use super::{AskError, Filter, MOST_GROUPS};

/// Groups of all chunks together that are held to find percentiles.
const MOST_HELD: usize = 10 * MOST_GROUPS;
/// So often it is tried again while keepers and replicas move what is counted.
const TRIES: usize = 20;
/// Numbers that are held in memory to find a percentile among them; of more, only those near it.
const HELD: i64 = 2_000_000;

/// What is gathered: of which points, by what.
#[derive(Clone)]
pub(super) struct Asked<'a> {
    pub(super) kind: &'a Kind,
    pub(super) zone: Tz,
    pub(super) window: Range<i64>,
    pub(super) filter: &'a Filter,
    /// Labels.
    pub(super) by: &'a [String],
    pub(super) every: Option<Every>,
    pub(super) values: &'a [String],
    /// Percentiles can be estimated.
    pub(super) sketches: bool,
}

/// What was found, by the piece of time and the words of the group.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) groups: BTreeMap<(i64, Vec<String>), Rollup>,
    pub(super) from_rollups: bool,
    pub(super) from_points: bool,
    /// Of which time nothing is kept that would answer, in microseconds.
    pub(super) missing: Vec<Range<i64>>,
    /// Why the points of a chunk are missing.
    pub(super) broken: Vec<String>,
}

/// Percentiles of values.
pub(super) type Percentiles = BTreeMap<(String, Percentile), Option<f64>>;

/// Exact percentiles, by the same keys.
#[derive(Debug, Default)]
pub(super) struct Exact {
    pub(super) groups: BTreeMap<(i64, Vec<String>), Percentiles>,
    pub(super) broken: Vec<String>,
}

/// Where one kind is read.
pub(super) struct Gatherer<'a> {
    pub(super) source: source::Source<'a>,
    pub(super) id: i64,
    pub(super) past: &'a Past,
}

impl<'a> Asked<'a> {
    fn sorting(&self) -> Sorting<'a> {
        Sorting {
            filter: self.filter,
            by: self.by,
            every: self.every,
            zone: self.zone,
        }
    }

    /// The declared group with the fewest labels that has all that are asked for.
    fn group(&self) -> Option<Group<'a>> {
        if self.filter.ok.is_some() {
            return None;
        }
        let groups = self.kind.groups.iter().map(|group| {
            let names = group
                .iter()
                .map(|label| self.kind.labels[*label].name.as_str());
            names.collect::<Vec<&str>>()
        });
        let asked = || {
            let filtered = self.filter.labels.iter().map(|(name, _)| name);
            filtered.chain(self.by)
        };
        let has_all = |names: &Vec<&str>| asked().all(|asked| names.contains(&asked.as_str()));
        let names = groups.filter(has_all).min_by_key(Vec::len)?;
        let wanted = names.iter().map(|name| {
            let mut labels = self.filter.labels.iter();
            labels.find_map(|(label, text)| (label == name).then_some(text.as_str()))
        });
        let by = self
            .by
            .iter()
            .map(|by| names.iter().position(|name| name == by));
        Some(Group {
            wanted: wanted.collect(),
            by: by.collect::<Option<_>>()?,
            labels: names.join(","),
        })
    }

    fn grains(&self) -> &'static [Grain] {
        self.every.unwrap_or(Every::Month).grains()
    }

    /// Where a rollup counts that is called after this second. It may lie in the hour before its own.
    fn start(&self, second: i64) -> i64 {
        match self.every {
            None => 0,
            Some(Every::Hour) => second,
            Some(every) => every.start(second, self.zone),
        }
    }

    /// Whether a chunk may have points that are asked for.
    fn may_be_in(&self, row: &ChunkRow) -> bool {
        row.may_hold(self.filter.cluster(self.kind))
    }
}

/// Rollups that can answer.
struct Group<'a> {
    labels: String,
    /// What each of its labels must be, if anything.
    wanted: Vec<Option<&'a str>>,
    /// Where among its labels those stand by which it is asked.
    by: Vec<usize>,
}

impl Group<'_> {
    /// The words with which all that is wanted begins.
    fn first_words(&self) -> Vec<u8> {
        let first = self.wanted.iter().map_while(|wanted| *wanted);
        words_as_bytes(first)
    }

    /// The words by which it is asked, if all are as they are wanted.
    fn words(&self, words: &[u8]) -> Option<Vec<String>> {
        let words = words_of(words);
        let is_wanted =
            |(word, wanted): (&String, &Option<&str>)| wanted.is_none_or(|wanted| wanted == word);
        let fits = zip(&words, &self.wanted).all(is_wanted);
        fits.then(|| self.by.iter().map(|at| words[*at].clone()).collect())
    }
}

impl Gathered {
    fn add(&mut self, key: (i64, Vec<String>), rollup: Rollup) {
        match self.groups.get_mut(&key) {
            Some(known) => known.merge(&rollup),
            None => drop(self.groups.insert(key, rollup)),
        }
    }
}

impl Gatherer<'_> {
    pub(super) async fn sums(&mut self, asked: &Asked<'_>) -> Result<Gathered, AskError> {
        let group = asked.group();
        for _ in 0..TRIES {
            if let Some(gathered) = self.try_sums(asked, group.as_ref()).await? {
                return Ok(gathered);
            }
        }
        Err(AskError::Moved)
    }

    /// `None`: a chunk was moved meanwhile.
    async fn try_sums(
        &mut self,
        asked: &Asked<'_>,
        group: Option<&Group<'_>>,
    ) -> Result<Option<Gathered>, AskError> {
        let cover = Cover {
            past: self.past,
            zone: asked.zone,
            labels: group.map(|group| group.labels.as_str()),
            grains: asked.grains(),
        };
        let parts = cover.parts(asked.window.clone());
        let mut gathered = Gathered::default();
        // Rollups, and the chunks that they do not count, as they were at one instant.
        let mut reading = self.source.begin_reading().await?;
        let mut gatherer = Gatherer {
            source: reading.source(),
            id: self.id,
            past: self.past,
        };
        let rows = gatherer.read_rollups(asked, group, &parts, &mut gathered);
        let mut rows = rows.await?;
        if !reading.has_held() {
            return Ok(None);
        }
        drop(reading);
        let points: Vec<Range<i64>> = windows(&parts, |source| *source == Source::Points);
        let unsealed: Vec<Range<i64>> = windows(&parts, |source| *source != Source::Nowhere);
        gathered.missing = windows(&parts, |source| *source == Source::Nowhere);
        let sorting = asked.sorting();
        let windows = |row: &ChunkRow| match row.level {
            Level::Fresh => &unsealed,
            Level::Sealed => &points,
        };
        rows.retain(|row| {
            let mut windows = windows(row).iter();
            windows.any(|window| row.low < window.end && window.start <= row.high)
                && asked.may_be_in(row)
        });
        gathered.from_points = !rows.is_empty();
        let take = |row: &ChunkRow, chunk: &Chunk<'_>| {
            let sorted = sorting.sort(chunk, row, windows(row))?;
            let rollups = sorted.rollups(chunk, asked.values, asked.sketches)?;
            Ok((sorted.keys, rollups))
        };
        let all = scan::each(self.source.lend(), rows, take, |part| match part.taken {
            _ if gathered.groups.len() > MOST_GROUPS => {}
            Ok((keys, rollups)) => zip(keys, rollups).for_each(|((start, words), rollup)| {
                gathered.add((start, words_of(&words)), rollup);
            }),
            Err(why) => gathered.broken.push(why),
        });
        if !all.await? {
            return Ok(None);
        }
        if gathered.groups.len() > MOST_GROUPS {
            return Err(AskError::too_much("groups"));
        }
        Ok(Some(gathered))
    }

    /// Adds what rollups say, and returns the chunks of the window.
    async fn read_rollups(
        &mut self,
        asked: &Asked<'_>,
        group: Option<&Group<'_>>,
        parts: &[Part],
        gathered: &mut Gathered,
    ) -> Result<Vec<ChunkRow>, StoreError> {
        let has_points = parts.iter().any(|part| part.source == Source::Points);
        for part in parts {
            let (Source::Rollups(grain, starts), Some(group)) = (&part.source, group) else {
                continue;
            };
            gathered.from_rollups = true;
            let wanted = WantedRollups {
                grain: *grain,
                labels: &group.labels,
                first_words: &group.first_words(),
                starts: starts.clone(),
                values: asked.values,
                sketches: asked.sketches,
            };
            let key = |start, words: &[u8]| Some((asked.start(start), group.words(words)?));
            let take = |key, rollup| {
                gathered.add(key, rollup);
                match gathered.groups.len() > MOST_GROUPS {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            };
            self.source.each_rollup(self.id, &wanted, key, take).await?;
        }
        let window = &asked.window;
        self.source
            .between(self.id, window.start, window.end, !has_points)
            .await
    }

    /// Percentiles of values from the points themselves.
    pub(super) async fn percentiles(
        &mut self,
        asked: &Asked<'_>,
        wanted: &BTreeMap<String, Vec<Percentile>>,
    ) -> Result<Exact, AskError> {
        let window = &asked.window;
        let rows = self
            .source
            .between(self.id, window.start, window.end, false);
        let rows = rows.await?.into_iter();
        let points = rows
            .filter(|row| asked.may_be_in(row))
            .map(|row| row.points);
        if points.sum::<i64>() * wanted.len() as i64 <= HELD {
            return self.held(asked, wanted).await;
        }
        for _ in 0..TRIES {
            if let Some(exact) = self.near(asked, wanted).await? {
                return Ok(exact);
            }
        }
        Err(AskError::Moved)
    }

    /// How many numbers of a value lie below each bound and not below the one before, and how many above all, by key.
    pub(super) async fn histogram(
        &mut self,
        asked: &Asked<'_>,
        value: &str,
        bounds: &[f64],
    ) -> Result<(BTreeMap<Vec<String>, Vec<u64>>, Vec<String>), AskError> {
        let numbers = self.each_chunk(asked, |sorted, chunk| sorted.numbers(chunk, value));
        let (numbers, broken) = numbers.await?;
        let mut counts: BTreeMap<Vec<String>, Vec<u64>> = BTreeMap::new();
        for ((_, words), numbers) in numbers.into_iter().flatten() {
            let none = || vec![0; bounds.len() + 1];
            let counts = counts.entry(words_of(&words)).or_insert_with(none);
            let Some(numbers) = numbers else { continue };
            for number in (0..numbers.len()).filter_map(|at| numbers.get(at)) {
                counts[bounds.partition_point(|bound| *bound <= number)] += 1;
            }
        }
        Ok((counts, broken))
    }

    /// Holds all numbers.
    async fn held(
        &mut self,
        asked: &Asked<'_>,
        wanted: &BTreeMap<String, Vec<Percentile>>,
    ) -> Result<Exact, AskError> {
        let numbers = self.each_chunk(asked, |sorted, chunk| {
            let mut of_keys = vec![Vec::with_capacity(wanted.len()); sorted.keys.len()];
            for value in wanted.keys() {
                let numbers = sorted.numbers(chunk, value)?;
                zip(&mut of_keys, numbers).for_each(|(of_key, numbers)| of_key.push(numbers));
            }
            Ok(of_keys)
        });
        let (numbers, broken) = numbers.await?;
        let mut all: BTreeMap<Key, Vec<Vec<Numbers>>> = BTreeMap::new();
        for (key, numbers) in numbers.into_iter().flatten() {
            let known = all
                .entry(key)
                .or_insert_with(|| vec![Vec::new(); wanted.len()]);
            zip(known, numbers).for_each(|(known, numbers)| known.extend(numbers));
        }
        let mut exact = Exact {
            broken,
            ..Exact::default()
        };
        for ((start, words), numbers) in all {
            let mut found = BTreeMap::new();
            for ((value, percentiles), parts) in zip(wanted, numbers) {
                let names = percentiles
                    .iter()
                    .map(|percentile| (value.clone(), *percentile));
                found.extend(zip(names, ranked(&parts, percentiles)));
            }
            exact.groups.insert((start, words_of(&words)), found);
        }
        Ok(exact)
    }

    /// Looks twice: sketches say in which of their buckets each percentile lies, and then only the numbers of that bucket are
    /// held. `None`: events came between.
    async fn near(
        &mut self,
        asked: &Asked<'_>,
        wanted: &BTreeMap<String, Vec<Percentile>>,
    ) -> Result<Option<Exact>, AskError> {
        let values: Vec<String> = wanted.keys().cloned().collect();
        let sums = self.each_chunk(asked, |sorted, chunk| sorted.rollups(chunk, &values, true));
        let (sums, broken) = sums.await?;
        let mut all: BTreeMap<Key, Rollup> = BTreeMap::new();
        for (key, rollup) in sums.into_iter().flatten() {
            all.entry(key).or_default().merge(&rollup);
        }
        let mut exact = Exact {
            broken,
            ..Exact::default()
        };
        let each = |(value, all): (&String, &Vec<Percentile>)| {
            let pairs = all.iter().map(|percentile| (value.clone(), *percentile));
            pairs.collect::<Vec<_>>()
        };
        for (value, percentile) in wanted.iter().flat_map(each).collect::<Vec<_>>() {
            let Some(numbers) = self.numbers_at(asked, &value, percentile, &all).await? else {
                return Ok(None);
            };
            for (key, number) in numbers {
                let found: &mut BTreeMap<_, _> = exact.groups.entry(key).or_default();
                found.insert((value.clone(), percentile), number);
            }
        }
        Ok(Some(exact))
    }

    /// One percentile of each group, of whose numbers the sketches are known.
    async fn numbers_at(
        &mut self,
        asked: &Asked<'_>,
        value: &str,
        percentile: Percentile,
        all: &BTreeMap<Key, Rollup>,
    ) -> Result<Option<Vec<((i64, Vec<String>), Option<f64>)>>, AskError> {
        let bucket = |(key, rollup): (&Key, &Rollup)| {
            let sketch = &rollup.values.get(value)?.sketch;
            Some((key.clone(), sketch.bucket_of(percentile)?))
        };
        let buckets: HashMap<Key, i32> = all.iter().filter_map(bucket).collect();
        let near = self.each_chunk(asked, |sorted, chunk| sorted.near(chunk, value, &buckets));
        let mut found: BTreeMap<Key, (u64, Vec<f64>)> = BTreeMap::new();
        for (key, (before, within)) in near.await?.0.into_iter().flatten() {
            let (all_before, all_within) = found.entry(key).or_default();
            *all_before += before;
            all_within.extend(within);
        }
        let mut numbers = Vec::with_capacity(all.len());
        for (key, rollup) in all {
            let count = rollup.values.get(value).map_or(0, |stats| stats.count);
            let (before, mut within) = found.remove(key).unwrap_or_default();
            let number = match percentile.rank(count) {
                None => None,
                Some(rank) => {
                    let place = rank.checked_sub(before).map(|place| place as usize);
                    let Some(place) = place.filter(|place| *place < within.len()) else {
                        return Ok(None);
                    };
                    Some(*within.select_nth_unstable_by(place, f64::total_cmp).1)
                }
            };
            numbers.push(((key.0, words_of(&key.1)), number));
        }
        Ok(Some(numbers))
    }

    /// What is taken of each chunk, by its keys, and why some chunks cannot be read.
    async fn each_chunk<T>(
        &mut self,
        asked: &Asked<'_>,
        take: impl Fn(&Sorted, &Chunk<'_>) -> Result<Vec<T>, Corrupt>,
    ) -> Result<(Vec<Vec<(Key, T)>>, Vec<String>), AskError> {
        let (sorting, window) = (asked.sorting(), [asked.window.clone()]);
        let held = AtomicUsize::new(0);
        let take = |row: &ChunkRow, chunk: &Chunk<'_>| {
            let sorted = sorting.sort(chunk, row, &window)?;
            let before = held.fetch_add(sorted.keys.len(), Relaxed);
            if before + sorted.keys.len() > MOST_HELD {
                return Ok(Vec::new());
            }
            let taken = take(&sorted, chunk)?;
            Ok(zip(sorted.keys, taken).collect())
        };
        let is_wanted = |row: &ChunkRow| asked.may_be_in(row);
        let parts = scan::all(
            self.source.lend(),
            self.id,
            asked.window.clone(),
            is_wanted,
            take,
        )
        .await?;
        if held.into_inner() > MOST_HELD {
            return Err(AskError::too_much("groups"));
        }
        let (mut all, mut broken) = (Vec::new(), Vec::new());
        for part in parts {
            match part.taken {
                Ok(taken) => all.push(taken),
                Err(why) => broken.push(why),
            }
        }
        Ok((all, broken))
    }
}

fn windows(parts: &[Part], is_asked: impl Fn(&Source) -> bool) -> Vec<Range<i64>> {
    let asked = parts.iter().filter(|part| is_asked(&part.source));
    let mut windows: Vec<Range<i64>> = Vec::new();
    for part in asked {
        match windows.last_mut() {
            Some(last) if last.end == part.window.start => last.end = part.window.end,
            _ => windows.push(part.window.clone()),
        }
    }
    windows
}
