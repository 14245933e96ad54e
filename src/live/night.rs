//! Live metrics of days: numbers over windows, from points while they are kept, else from rollups.

mod points;
mod rollups;
mod window;

use std::collections::BTreeMap;
use std::time::Instant;

use chrono::{DateTime, Utc};

use crate::calendar::{AsOf, Day, spoken};
use crate::config::LiveSettings;
use crate::kinds::{Aggregate, Figure, Kind, Summary};

use super::chunk::Chunk;
use super::grain::Grain;
use super::number::{Number, number};
use super::rollup::Rollup;
use super::scan::{self, Part};
use super::store::{ChunkRow, Past, Store, StoreError, Tier};
use points::{Sum, Target, Wanted, near, percentile, sums};
use rollups::{Sealed, sealed};
use window::{Place, Window};

/// So often it is tried again while a keeper moves or deletes what is counted.
const TRIES: usize = 5;

const MOVED: &str = "events arrived or were moved while they were counted";

/// A number that is asked for each of the moments.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub figure: &'a Figure,
    /// How many days before each moment its window begins.
    pub days: u32,
}

#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub live: &'a LiveSettings,
    pub asked: &'a [Asked<'a>],
    pub moments: &'a [AsOf],
    /// From rollups wherever they fit, although points are kept.
    pub prefers_rollups: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Counted(Counted),
    /// Why it can no longer be known.
    Unknown(String),
    Failed(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    /// `None`: there was nothing to make a mean, an extreme or a percentage of.
    pub number: Option<Number>,
    /// By which rollups; `None`: from points.
    pub grain: Option<Grain>,
    /// A percentile from rollups, right to within 0.8 %.
    pub is_estimate: bool,
}

/// What was read to answer all that was asked of one kind.
#[derive(Debug, Clone, Default)]
pub struct Read {
    pub kind: String,
    pub chunks: usize,
    /// Points and bytes of these chunks.
    pub points: i64,
    pub bytes: i64,
    pub rollups: usize,
    pub milliseconds: i64,
    pub error: Option<String>,
}

#[derive(Debug, Default)]
pub struct Answers {
    /// In the order of what was asked, then of the moments.
    pub answers: Vec<Vec<Answer>>,
    pub reads: Vec<Read>,
}

/// Answers everything. A file that cannot be read fails what is asked of it.
pub async fn answer(request: &Request<'_>) -> Answers {
    let nothing = |asked: &Asked<'_>| {
        let why = nothing_recorded(&asked.figure.kind);
        vec![Answer::Unknown(why); request.moments.len()]
    };
    let mut all = Answers {
        answers: request.asked.iter().map(nothing).collect(),
        reads: Vec::new(),
    };
    let mut kinds: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, asked) in request.asked.iter().enumerate() {
        kinds.entry(&asked.figure.kind).or_default().push(at);
    }
    if request.moments.is_empty() {
        return all;
    }
    let (mut store, error) = match Store::open_reading(&request.live.database).await {
        Ok(None) => return all,
        Ok(Some(store)) => (Some(store), None),
        Err(error) => (None, Some(error.to_string())),
    };
    for (name, places) in kinds {
        let begun = Instant::now();
        let mut read = Read::default();
        let asked: Vec<Asked<'_>> = places.iter().map(|at| request.asked[*at]).collect();
        let counted = match &mut store {
            Some(store) => of_kind(store, request, name, &asked, &mut read).await,
            None => Ok(None),
        };
        let counted = counted.map_err(|error| error.to_string());
        read.error = error.clone().or(counted.as_ref().err().cloned());
        for (at, place) in places.into_iter().enumerate() {
            match (&read.error, &counted) {
                (Some(why), _) => all.answers[place].fill(Answer::Failed(why.clone())),
                (None, Ok(Some(counted))) => all.answers[place].clone_from(&counted[at]),
                (None, _) => {}
            }
        }
        read.kind = name.to_owned();
        read.milliseconds = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        all.reads.push(read);
    }
    if let Some(store) = store {
        // All has been read: what closing says changes nothing.
        drop(store.close().await);
    }
    all
}

/// Fails everything.
pub fn failed(asked: &[Asked<'_>], moments: &[AsOf], why: &str) -> Answers {
    Answers {
        answers: vec![vec![Answer::Failed(why.to_owned()); moments.len()]; asked.len()],
        reads: Vec::new(),
    }
}

/// The first event of these kinds, with its kind.
pub async fn first_event<'k>(
    live: &LiveSettings,
    kinds: impl Iterator<Item = &'k str>,
) -> Result<Option<(String, DateTime<Utc>)>, StoreError> {
    let Some(mut store) = Store::open_reading(&live.database).await? else {
        return Ok(None);
    };
    let mut found: Option<(i64, &str)> = None;
    for name in kinds {
        if let Some((_, past)) = store.past(name).await? {
            let first = past.first.map(|first| (first, name));
            found = found.into_iter().chain(first).min();
        }
    }
    store.close().await?;
    Ok(found.and_then(|(first, kind)| {
        let at = DateTime::from_timestamp_micros(first)?;
        Some((kind.to_owned(), at))
    }))
}

/// `None`: nothing of the kind has ever been recorded.
async fn of_kind(
    store: &mut Store,
    request: &Request<'_>,
    name: &str,
    asked: &[Asked<'_>],
    read: &mut Read,
) -> Result<Option<Vec<Vec<Answer>>>, StoreError> {
    let Some(kind) = request.live.kinds.get(name) else {
        return Ok(None);
    };
    for _ in 0..TRIES {
        *read = Read::default();
        let Some((id, past)) = store.past(name).await? else {
            return Ok(None);
        };
        let tasks = tasks(request, kind, asked, &past);
        let mut counting = Counting {
            store: &mut *store,
            id,
            kind,
            read: &mut *read,
        };
        let Some(answers) = counting.all(&tasks).await? else {
            continue;
        };
        let pruned = store.past(name).await?.map(|(_, past)| past.pruned);
        if pruned == Some(past.pruned) {
            let of_each = answers.chunks(request.moments.len().max(1));
            return Ok(Some(of_each.map(<[Answer]>::to_vec).collect()));
        }
    }
    let failed = vec![Answer::Failed(MOVED.to_owned()); request.moments.len()];
    Ok(Some(vec![failed; asked.len()]))
}

/// `render::phrases` translates it, as it does the other reasons why something is unknown.
fn nothing_recorded(kind: &str) -> String {
    format!("no `{kind}` has been recorded")
}

/// One number of one window.
struct Task<'a> {
    figure: &'a Figure,
    window: Window,
    place: Place,
}

fn tasks<'a>(
    request: &Request<'_>,
    kind: &Kind,
    asked: &[Asked<'a>],
    past: &Past,
) -> Vec<Task<'a>> {
    let task = |asked: &Asked<'a>, as_of: &AsOf| {
        let window = Window::new(as_of, asked.days);
        let figure = asked.figure;
        let in_rollups = || window.place_in_rollups(figure, kind, past);
        let place = match past.first {
            None => Place::Nowhere(nothing_recorded(&kind.name)),
            Some(first) if window.end <= first => {
                let first = DateTime::from_timestamp_micros(first).unwrap_or_default();
                let day = Day::containing(first, as_of.day.zone);
                let (kind, date) = (&kind.name, spoken(day.date));
                Place::Nowhere(format!("the first `{kind}` was recorded on {date}"))
            }
            Some(_) if window.begin < past.pruned[Tier::Points as usize] => in_rollups(),
            // Rollups still count what was forgotten.
            Some(_)
                if !request.prefers_rollups
                    || window.begin < past.pruned[Tier::Forgotten as usize] =>
            {
                Place::Points
            }
            Some(_) => match in_rollups() {
                Place::Nowhere(_) => Place::Points,
                place => place,
            },
        };
        Task {
            figure,
            window,
            place,
        }
    };
    let of_each = |asked: &Asked<'a>| {
        let moments = request.moments.iter();
        moments.map(|as_of| task(asked, as_of)).collect::<Vec<_>>()
    };
    asked.iter().flat_map(of_each).collect()
}

/// What is counted in, and what was read so far.
struct Counting<'a> {
    store: &'a mut Store,
    id: i64,
    kind: &'a Kind,
    read: &'a mut Read,
}

impl Counting<'_> {
    /// In the order of the tasks. `None`: what is counted was moved meanwhile.
    async fn all(&mut self, tasks: &[Task<'_>]) -> Result<Option<Vec<Answer>>, StoreError> {
        let mut answers = Vec::with_capacity(tasks.len());
        for task in tasks {
            answers.push(match &task.place {
                Place::Nowhere(why) => Answer::Unknown(why.clone()),
                _ => Answer::Failed(MOVED.to_owned()),
            });
        }
        let at = |is_asked: fn(&Place) -> bool| -> Vec<usize> {
            let all = 0..tasks.len();
            all.filter(|at| is_asked(&tasks[*at].place)).collect()
        };
        let of_points = at(|place| matches!(place, Place::Points));
        let of_rollups = at(|place| matches!(place, Place::Rollups(_)));
        let pick =
            |places: &[usize]| -> Vec<&Task<'_>> { places.iter().map(|at| &tasks[*at]).collect() };
        let found = self.count_points(&pick(&of_points)).await?;
        for (at, answer) in of_points.iter().zip(found) {
            answers[*at] = answer;
        }
        let Some(found) = self.count_rollups(&pick(&of_rollups)).await? else {
            return Ok(None);
        };
        for (at, answer) in of_rollups.iter().zip(found) {
            answers[*at] = answer;
        }
        Ok(Some(answers))
    }

    async fn count_points(&mut self, tasks: &[&Task<'_>]) -> Result<Vec<Answer>, StoreError> {
        let Some(span) = Window::around(tasks.iter().map(|task| task.window)) else {
            return Ok(Vec::new());
        };
        let wanted = wanted(tasks);
        let is_wanted = |row: &ChunkRow| wanted.pieces.touch(row.low, row.high);
        let parts = scan::all(
            &mut *self.store,
            self.id,
            span.range(),
            is_wanted,
            |_, chunk| sums(chunk, &wanted),
        )
        .await?;
        self.note(&parts);
        let table = Table::new(&wanted, &parts);
        let found: Vec<_> = tasks.iter().map(|task| table.rollup(task)).collect();
        let exact = self.percentiles(tasks, &found).await?;
        let answer = |(at, found): (usize, &Result<Rollup, String>)| match (found, exact.get(&at)) {
            (Err(why), _) => Answer::Failed(why.clone()),
            (Ok(_), Some(None)) => Answer::Failed(MOVED.to_owned()),
            (Ok(_), Some(Some(exact))) => counted(Some(Number::Binary(*exact)), None, false),
            (Ok(rollup), None) => counted(number(rollup, &tasks[at].figure.aggregate), None, false),
        };
        Ok(found.iter().enumerate().map(answer).collect())
    }

    /// A second look at the points whose numbers lie near a percentile gives it exactly, by the places of the tasks. `None`:
    /// events came meanwhile.
    async fn percentiles(
        &mut self,
        tasks: &[&Task<'_>],
        found: &[Result<Rollup, String>],
    ) -> Result<BTreeMap<usize, Option<f64>>, StoreError> {
        let mut places = Vec::new();
        let mut targets = Vec::new();
        for (at, (task, found)) in tasks.iter().zip(found).enumerate() {
            let Aggregate::Of(Summary::Percentile(percentile), value) = &task.figure.aggregate
            else {
                continue;
            };
            let stats = found
                .as_ref()
                .ok()
                .and_then(|rollup| rollup.values.get(value));
            let bucket = stats.and_then(|stats| stats.sketch.bucket_of(*percentile));
            if let Some(bucket) = bucket {
                places.push(at);
                targets.push(Target {
                    labels: &task.figure.labels,
                    value,
                    window: task.window,
                    percentile: *percentile,
                    bucket,
                });
            }
        }
        let Some(span) = Window::around(targets.iter().map(|target| target.window)) else {
            return Ok(BTreeMap::new());
        };
        let is_wanted = |row: &ChunkRow| {
            let mut windows = targets.iter().map(|target| target.window);
            windows.any(|window| window.overlaps(row.low, row.high))
        };
        let parts = scan::all(
            &mut *self.store,
            self.id,
            span.range(),
            is_wanted,
            |_, chunk| near(chunk, &targets),
        );
        let parts = parts.await?;
        let exact = |(at, target): (usize, &Target<'_>)| {
            let near = parts.iter().filter_map(|part| part.taken.as_ref().ok());
            let near: Vec<_> = near.map(|near| &near[at]).collect();
            (places[at], percentile(target, &near))
        };
        Ok(targets.iter().enumerate().map(exact).collect())
    }

    /// `None`: fresh points were sealed between.
    async fn count_rollups(
        &mut self,
        tasks: &[&Task<'_>],
    ) -> Result<Option<Vec<Answer>>, StoreError> {
        let Some(span) = Window::around(tasks.iter().map(|task| task.window)) else {
            return Ok(Some(Vec::new()));
        };
        let wanted = wanted(tasks);
        let asked = tasks.iter().filter_map(|task| match task.place {
            Place::Rollups(grain) => Some((task.figure, grain, task.window)),
            _ => None,
        });
        let asked: Vec<_> = asked.collect();
        let mut reading = self.store.begin_reading().await?;
        let sealed: Sealed = sealed(&mut reading, self.id, self.kind, &asked).await?;
        let fresh = reading.between(self.id, span.begin, span.end, true);
        let fresh = fresh.await?;
        drop(reading);
        let mut parts = Vec::new();
        let take = |_: &ChunkRow, chunk: &Chunk<'_>| sums(chunk, &wanted);
        if !scan::each(&mut *self.store, fresh, take, |part| parts.push(part)).await? {
            return Ok(None);
        }
        self.note(&parts);
        self.read.rollups = sealed.rollups();
        let table = Table::new(&wanted, &parts);
        let answer = |(task, (figure, grain, window)): (&&Task<'_>, &(&Figure, Grain, Window))| {
            let mut rollup = match table.rollup(task) {
                Ok(rollup) => rollup,
                Err(why) => return Answer::Failed(why),
            };
            if let Err(why) = sealed.add(figure, *grain, *window, &mut rollup) {
                return Answer::Unknown(why);
            }
            let aggregate = &figure.aggregate;
            let is_estimate = matches!(aggregate, Aggregate::Of(Summary::Percentile(_), _));
            counted(number(&rollup, aggregate), Some(*grain), is_estimate)
        };
        Ok(Some(tasks.iter().zip(&asked).map(answer).collect()))
    }

    fn note<T>(&mut self, parts: &[Part<T>]) {
        let read = &mut self.read;
        read.chunks += parts.len();
        read.points += parts.iter().map(|part| part.row.points).sum::<i64>();
        read.bytes += parts.iter().map(|part| part.row.size).sum::<i64>();
    }
}

fn counted(number: Option<Number>, grain: Option<Grain>, is_estimate: bool) -> Answer {
    Answer::Counted(Counted {
        is_estimate: is_estimate && number.is_some(),
        number,
        grain,
    })
}

fn wanted<'a>(tasks: &[&Task<'a>]) -> Wanted<'a> {
    let figures = tasks.iter().map(|task| task.figure);
    let windows: Vec<Window> = tasks.iter().map(|task| task.window).collect();
    Wanted::new(figures, &windows)
}

/// What the chunks hold of each filter and piece of time.
struct Table<'a> {
    wanted: &'a Wanted<'a>,
    /// By filters, then pieces.
    sums: Vec<Vec<Rollup>>,
    /// Between which instants events are missing, and why.
    broken: Vec<(i64, i64, &'a str)>,
}

impl<'a> Table<'a> {
    fn new(wanted: &'a Wanted<'a>, parts: &'a [Part<Vec<Sum>>]) -> Self {
        let pieces = vec![Rollup::default(); wanted.pieces.len()];
        let mut table = Self {
            wanted,
            sums: vec![pieces; wanted.filters.len()],
            broken: Vec::new(),
        };
        for part in parts {
            match &part.taken {
                Ok(sums) => {
                    for sum in sums {
                        table.sums[sum.filter][sum.piece].merge(&sum.rollup);
                    }
                }
                Err(why) => table.broken.push((part.row.low, part.row.high, why)),
            }
        }
        table
    }

    fn rollup(&self, task: &Task<'_>) -> Result<Rollup, String> {
        let mut broken = self.broken.iter();
        if let Some((.., why)) = broken.find(|(low, high, _)| task.window.overlaps(*low, *high)) {
            return Err((*why).to_owned());
        }
        let mut rollup = Rollup::default();
        let sums = &self.sums[self.wanted.filter(task.figure)];
        for piece in &sums[self.wanted.pieces.within(&task.window)] {
            rollup.merge(piece);
        }
        Ok(rollup)
    }
}
