//! Judges the larger parts of a distribution like metrics: whether they fell, vanished or appeared.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chrono::Days;

use crate::catalog::Metric;
use crate::entry::{Entry, Part, PartKey, Value};

use super::Stage;
use crate::threshold::State;

use super::alert::{Alert, AlertedPart, Rule};
use super::change::{Gap, Levels};
use super::subject::{Findings, Frame, Memory, Subject};

/// How many days a part is judged after it was large.
const LOOKED_BACK: u64 = 56;
const MOST_JUDGED: usize = 20;
const MOST_REPORTED: usize = 3;

/// The parts of one distribution from day to day.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts {
    places: BTreeMap<PartKey, usize>,
    named: Vec<Named>,
    /// Nothing where the distribution is not known.
    days: Vec<Option<Day>>,
}

#[derive(Debug, Clone)]
struct Named {
    key: PartKey,
    /// Each with the day from which on the part was called so.
    labels: Vec<(usize, String)>,
}

#[derive(Debug, Clone)]
struct Day {
    counts: BTreeMap<usize, f64>,
    unnamed: Unnamed,
}

/// What is known of a part that is not listed.
#[derive(Debug, Clone, Copy)]
enum Unnamed {
    Zero,
    AtMost(f64),
    Unknown,
}

/// One part over all days.
struct Series {
    numbers: Vec<Result<f64, Gap>>,
    at_most: Vec<bool>,
}

impl Parts {
    pub(super) fn skip(&mut self) {
        self.days.push(None);
    }

    pub(super) fn add(&mut self, entry: &Entry, metric: &Metric) {
        let value = entry
            .reading(metric)
            .and_then(|reading| reading.value.as_ref());
        let day = match value {
            Some(Value::Parts(parts)) => Some(self.day(parts, metric)),
            _ => None,
        };
        self.days.push(day);
    }

    pub(super) fn is_known(&self, at: usize) -> bool {
        self.days.get(at).is_some_and(Option::is_some)
    }

    fn day(&mut self, parts: &[Part], metric: &Metric) -> Day {
        let now = self.days.len();
        let mut counts = BTreeMap::new();
        for part in parts.iter().filter(|part| part.key != PartKey::Other) {
            let at = *self.places.entry(part.key.clone()).or_insert_with(|| {
                self.named.push(Named {
                    key: part.key.clone(),
                    labels: Vec::new(),
                });
                self.named.len() - 1
            });
            let labels = &mut self.named[at].labels;
            if labels.last().is_none_or(|(_, label)| *label != part.label) {
                labels.push((now, part.label.clone()));
            }
            *counts.entry(at).or_default() += count(part);
        }
        Day {
            counts,
            unnamed: unnamed(parts, metric),
        }
    }

    fn series(&self, part: usize, all: Range<usize>) -> Series {
        let mut series = Series {
            numbers: Vec::with_capacity(all.len()),
            at_most: Vec::with_capacity(all.len()),
        };
        let is_value = self.named[part].key.value().is_some();
        let mut last = None;
        for day in &self.days[all] {
            let (number, at_most) = match day {
                None => (Err(Gap::Nothing), false),
                Some(day) => match (day.counts.get(&part), day.unnamed) {
                    (Some(count), _) => {
                        last = Some(*count);
                        (Ok(*count), false)
                    }
                    (None, Unnamed::Zero) => (Ok(0.0), false),
                    (None, _) if !is_value => (Ok(0.0), false),
                    // Guess only what must have fallen.
                    (None, Unnamed::AtMost(most))
                        if last.is_some_and(|last| 2.0 * most <= last) =>
                    {
                        (Ok(most), true)
                    }
                    (None, _) => (Err(Gap::Nothing), false),
                },
            };
            series.numbers.push(number);
            series.at_most.push(at_most);
        }
        series
    }

    fn label(&self, part: usize, at: usize) -> String {
        let labels = self.named[part].labels.iter().rev();
        let mut known = labels.skip_while(|(since, _)| *since > at);
        let label = known.next().map(|(_, label)| label.clone());
        label.unwrap_or_default()
    }

    /// The largest parts on that day and shortly before, with their largest sizes.
    fn large(&self, at: usize, stage: &Stage<'_>, least: f64) -> BTreeMap<usize, f64> {
        let (frames, begin) = (&stage.frames, stage.spans.all.start);
        let since = frames[at].date - Days::new(LOOKED_BACK);
        let first = frames[..at].partition_point(|frame| frame.date < since);
        let mut sizes: BTreeMap<usize, f64> = BTreeMap::new();
        for past in (first..=at).filter(|at| !frames[*at].partial) {
            for (part, count) in self.days[begin + past].iter().flat_map(|day| &day.counts) {
                let size = sizes.entry(*part).or_default();
                *size = size.max(count.abs());
            }
        }
        sizes.retain(|_, size| *size >= least);
        let mut large: Vec<(usize, f64)> = sizes.into_iter().collect();
        large.sort_by(|(one, size), (other, other_size)| {
            let keys = self.named[*one].key.cmp(&self.named[*other].key);
            other_size.total_cmp(size).then(keys)
        });
        large.truncate(MOST_JUDGED);
        large.into_iter().collect()
    }
}

fn count(part: &Part) -> f64 {
    Value::from_decimal(part.count).number().unwrap_or_default()
}

/// The largest are named: no other exceeds the least of them. Of sums, which may go below zero, nothing follows.
fn unnamed(parts: &[Part], metric: &Metric) -> Unnamed {
    let Some(others) = parts.iter().find(|part| part.key == PartKey::Other) else {
        return Unnamed::Zero;
    };
    let values = parts.iter().filter(|part| part.key.value().is_some());
    let least = values.map(count).reduce(f64::min);
    match least.filter(|_| metric.counts()) {
        Some(least) => Unnamed::AtMost(least.min(count(others))),
        None => Unnamed::Unknown,
    }
}

/// The alerts of the largest parts on each of the days asked for.
pub(super) fn judge(parts: &Parts, metric: &Metric, stage: &Stage<'_>) -> Vec<Vec<Alert>> {
    let Stage {
        spans,
        frames,
        catalog,
    } = stage;
    let least = Levels::new(metric, catalog.thresholds).min_base();
    let days = spans.wanted_among_all();
    let large = days.clone().map(|at| match frames[at].partial {
        true => BTreeMap::new(),
        false => parts.large(at, stage, least),
    });
    let large: Vec<BTreeMap<usize, f64>> = large.collect();
    let ever: BTreeSet<usize> = large.iter().flat_map(BTreeMap::keys).copied().collect();
    let mut alerting: Vec<Vec<Alerting>> = large.iter().map(|_| Vec::new()).collect();
    for part in ever {
        let series = parts.series(part, spans.all.clone());
        let subject = Subject::new(metric, catalog, frames, &series.numbers).of_part();
        let mut memory = Memory::new(&subject);
        for at in 0..days.end {
            let day = at.checked_sub(days.start);
            let size = day.and_then(|day| large[day].get(&part).copied());
            let (Some(day), Some(size)) = (day, size) else {
                subject.judge_day(at, &mut memory, None);
                continue;
            };
            let mut findings = Findings::default();
            subject.judge_day(at, &mut memory, Some(&mut findings));
            let mut alerts = findings.alerts;
            alerts.retain(|alert| counts(alert, frames, &series));
            if alerts.is_empty() {
                continue;
            }
            let alerted = AlertedPart {
                key: parts.named[part].key.clone(),
                label: parts.label(part, spans.all.start + at),
                at_most: series.at_most[at],
                usual: findings.usual,
                left_out: 0,
            };
            for alert in &mut alerts {
                alert.part = Some(alerted.clone());
            }
            alerting[day].push(Alerting {
                key: &parts.named[part].key,
                size,
                alerts,
            });
        }
    }
    alerting.into_iter().map(largest).collect()
}

/// One part that alerts on a day.
struct Alerting<'a> {
    key: &'a PartKey,
    size: f64,
    alerts: Vec<Alert>,
}

impl Alerting<'_> {
    fn stands(&self) -> bool {
        self.alerts.iter().any(stands)
    }
}

fn stands(alert: &Alert) -> bool {
    alert.state != State::Recovered
}

/// A rise counts only from zero, and a fall only from a known number.
fn counts(alert: &Alert, frames: &[Frame], series: &Series) -> bool {
    match &alert.rule {
        Rule::Change { date, .. } => {
            let then = frames.binary_search_by_key(date, |frame| frame.date);
            then.is_ok_and(|then| !series.at_most[then])
        }
        Rule::Zero(_) | Rule::Stirred { .. } => true,
        Rule::Absolute(_) | Rule::Week(_) | Rule::Flat(_) => false,
    }
}

fn largest(mut alerting: Vec<Alerting<'_>>) -> Vec<Alert> {
    alerting.sort_by(|one, other| {
        let standing = Reverse(one.stands()).cmp(&Reverse(other.stands()));
        let sizes = other.size.total_cmp(&one.size);
        standing.then(sizes).then(one.key.cmp(other.key))
    });
    let rest = alerting.split_off(alerting.len().min(MOST_REPORTED));
    let left_out = rest.iter().filter(|part| part.stands()).count();
    let mut alerts: Vec<Alert> = alerting.into_iter().flat_map(|part| part.alerts).collect();
    let last = alerts.iter_mut().rfind(|alert| stands(alert));
    if let Some(part) = last.and_then(|alert| alert.part.as_mut()) {
        part.left_out = left_out;
    }
    alerts
}
