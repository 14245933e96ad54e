//! Checks days as they come in and collects them until all are read.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::calendar::Day;
use crate::catalog::Metric;
use crate::entry::{Entry, Reading};
use crate::prune::oldest_kept;
use crate::text::counted::counted;
use crate::text::suggest::did_you_mean;

use super::{ImportError, LeftOut, Setting};

/// Further mistakes are only counted.
const MOST_MISTAKES: usize = 20;
/// A file with more unknown keys is no file of days.
const MOST_UNKNOWN_KEYS: usize = 1000;

/// One day, or part of it, as a line gives it.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub date: NaiveDate,
    pub frame: Frame,
    pub readings: Vec<(String, Reading)>,
}

/// What a line says about its day besides the numbers; by default it is complete, in the configured zone.
#[derive(Debug, Default)]
pub(super) struct Frame {
    pub zone: Option<Tz>,
    pub as_of: Option<DateTime<Utc>>,
    pub partial: bool,
    pub collected_at: Option<DateTime<Utc>>,
    pub duration_ms: Option<i64>,
}

pub(super) struct Validation<'a> {
    setting: Setting<'a>,
    /// The keys that can be imported: the catalog's, and those that its metrics had before.
    known: BTreeMap<&'a str, &'a Metric>,
    today: NaiveDate,
    oldest: NaiveDate,
    days: BTreeMap<NaiveDate, Entry>,
    too_old: BTreeSet<NaiveDate>,
    before_since: BTreeSet<NaiveDate>,
    unknown: BTreeMap<String, usize>,
    mistakes: Vec<String>,
    more_mistakes: usize,
}

/// An input without mistakes.
#[derive(Debug, Default)]
pub struct Validated {
    pub days: BTreeMap<NaiveDate, Entry>,
    pub left_out: Vec<LeftOut>,
}

impl<'a> Validation<'a> {
    pub(super) fn new(setting: Setting<'a>) -> Self {
        let config = setting.config;
        let today = Day::containing(setting.now, config.time_zone).date;
        let metrics = || config.catalog.metrics.iter();
        let before = metrics().filter_map(|metric| Some((metric.was.as_deref()?, metric)));
        let now = metrics().map(|metric| (metric.key.as_str(), metric));
        Self {
            setting,
            known: before.chain(now).collect(),
            today,
            oldest: oldest_kept(today, config.retention_days),
            days: BTreeMap::new(),
            too_old: BTreeSet::new(),
            before_since: BTreeSet::new(),
            unknown: BTreeMap::new(),
            mistakes: Vec::new(),
            more_mistakes: 0,
        }
    }

    pub(super) fn metric(&self, key: &str) -> Option<&'a Metric> {
        self.known.get(key).copied()
    }

    pub(super) fn wrong(&mut self, place: &str, why: &str) {
        match self.mistakes.len() < MOST_MISTAKES {
            true => self.mistakes.push(format!("{place}: {why}")),
            false => self.more_mistakes += 1,
        }
    }

    /// Leaves a key out, and reports it at the end.
    pub(super) fn unknown(&mut self, place: &str, key: &str) {
        if self.unknown.len() < MOST_UNKNOWN_KEYS || self.unknown.contains_key(key) {
            *self.unknown.entry(key.to_owned()).or_default() += 1;
        } else {
            let many = format!("more than {MOST_UNKNOWN_KEYS} keys that the catalog does not have");
            self.wrong(place, &many);
        }
    }

    pub(super) fn check(&mut self, place: &str, given: Given) {
        let date = given.date;
        if date < self.oldest {
            self.too_old.insert(date);
            return;
        }
        if (self.setting.config.catalog.since).is_some_and(|since| date < since) {
            self.before_since.insert(date);
            return;
        }
        let entry = match self.framed(date, &given.frame) {
            Ok(entry) => entry,
            Err(why) => return self.wrong(place, &why),
        };
        let mut clashes = Vec::new();
        let stored = self.days.entry(date).or_insert_with(|| entry.clone());
        if (stored.as_of, stored.time_zone) != (entry.as_of, entry.time_zone) {
            clashes.push(format!(
                "{date} is as of {} in {} here, and was as of {} in {} before",
                entry.as_of, entry.time_zone, stored.as_of, stored.time_zone
            ));
        }
        for (key, reading) in given.readings {
            match stored.readings.get(&key) {
                Some(before) if *before != reading => {
                    clashes.push(format!("{date} has `{key}` twice, with different values"));
                }
                _ => drop(stored.readings.insert(key, reading)),
            }
        }
        for clash in clashes {
            self.wrong(place, &clash);
        }
    }

    fn framed(&self, date: NaiveDate, frame: &Frame) -> Result<Entry, String> {
        let Setting { config, now } = self.setting;
        if date > self.today {
            return Err(format!("{date} is in the future"));
        }
        let zone = frame.zone.unwrap_or(config.time_zone);
        let day = Day::new(date, zone).map_err(|gone| gone.to_string())?;
        let mut as_of = day.close();
        match (frame.partial, frame.as_of) {
            (false, Some(at)) if at != day.end => {
                let end = day.end.with_timezone(&zone).to_rfc3339();
                return Err(format!(
                    "{date} is said to be complete, but not as of its end, {end}"
                ));
            }
            (false, _) => {}
            (true, Some(at)) if day.start <= at && at <= day.end => {
                as_of.instant = at;
                as_of.open = true;
            }
            (true, _) => {
                return Err(format!(
                    "{date} is partial: expected an as_of within the day"
                ));
            }
        }
        if as_of.instant > now {
            return Err(format!(
                "{date} is not over yet: expected complete days, or partial days with the as_of of their count"
            ));
        }
        let collected_at = frame.collected_at.unwrap_or(now);
        if collected_at > now {
            return Err(format!("{date}: collected_at is in the future"));
        }
        let mut entry = Entry::empty(&as_of, collected_at, &config.catalog_hash);
        entry.duration_ms = frame.duration_ms.unwrap_or_default();
        Ok(entry)
    }

    /// All days, or all mistakes.
    pub(super) fn end(mut self) -> Result<Validated, ImportError> {
        if let (Some(first), retention) = (self.too_old.first(), self.setting.config.retention_days)
        {
            let needed = (self.today - *first).num_days();
            let days = counted(self.too_old.len(), "day");
            self.mistakes.push(format!(
                "{days} from {first} on, older than the retention window of {retention} days, would be pruned at once: set `[retention] days` or METRICS_RETENTION_DAYS to {needed} or more"
            ));
        }
        if self.days.values().all(|day| day.readings.is_empty()) && !self.unknown.is_empty() {
            let keys = self.unknown.keys().take(5);
            let keys = keys.map(|key| format!("`{}`{}", key.escape_debug(), self.like(key)));
            let keys = keys.collect::<Vec<_>>().join(", ");
            let mistake = format!("none of its keys is in the catalog: {keys}");
            self.mistakes.push(mistake);
        }
        if !self.mistakes.is_empty() {
            if self.more_mistakes > 0 {
                self.mistakes
                    .push(format!("and {} more", self.more_mistakes));
            }
            return Err(ImportError::Refused(self.mistakes));
        }
        let unknown = self.unknown.iter().map(|(key, count)| LeftOut {
            what: key.clone(),
            why: format!("the catalog has no such key{}", self.like(key)),
            count: *count,
        });
        let mut left_out: Vec<LeftOut> = unknown.collect();
        if !self.before_since.is_empty() {
            left_out.push(LeftOut {
                what: "days before `since`".to_owned(),
                why: "the catalog says that nothing before counts as history".to_owned(),
                count: self.before_since.len(),
            });
        }
        Ok(Validated {
            days: self.days,
            left_out,
        })
    }

    /// `; did you mean …`, of the keys that may be imported.
    pub(super) fn like(&self, key: &str) -> String {
        did_you_mean(key, self.known.keys().copied())
    }
}
