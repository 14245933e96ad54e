//! Laying the gathered days into the book, or seeing what would come of it.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::book::{self, Book, BookError, Stored};
use crate::catalog::{Metric, Shape};
use crate::config::Config;
use crate::entry::merge::Mode;
use crate::entry::{Entry, derive, merge, yield_to_former_names};

use super::{Gathered, Setting, Span};

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    pub new_days: usize,
    pub filled_days: usize,
    pub unchanged_days: usize,
    /// Values that the book did not know.
    pub values: usize,
    /// Values that stay as the book has them.
    pub known: usize,
    /// The days that changed.
    pub span: Span,
}

/// Stores all days or none, and gives every metric its column.
pub async fn take(
    book: &Book,
    gathered: &Gathered,
    setting: Setting<'_>,
) -> Result<Taken, BookError> {
    let mut taken = Taken::default();
    let stored = stored(Some(book), gathered).await?;
    let days = gathered
        .days
        .values()
        .map(|new| laid(setting.config, new, stored.get(&new.date)));
    book::store_at_once(book, days, Mode::Import, |stored| {
        taken.count(stored, &gathered.days);
    })
    .await?;
    book::columns::update(book, &setting.config.catalog).await?;
    Ok(taken)
}

/// The same, without a trace; a book that is not there is an empty one.
pub async fn rehearse(
    book: Option<&Book>,
    gathered: &Gathered,
    setting: Setting<'_>,
) -> Result<Taken, BookError> {
    let mut taken = Taken::default();
    let mut stored = stored(book, gathered).await?;
    for (date, new) in &gathered.days {
        let before = stored.remove(date);
        let new = laid(setting.config, new, before.as_ref());
        let after = merge(before.as_ref(), new, Mode::Import);
        taken.count(&Stored { before, after }, &gathered.days);
    }
    Ok(taken)
}

async fn stored(
    book: Option<&Book>,
    gathered: &Gathered,
) -> Result<BTreeMap<NaiveDate, Entry>, BookError> {
    let mut days = gathered.days.keys();
    let (Some(book), Some(first)) = (book, days.next()) else {
        return Ok(BTreeMap::new());
    };
    let last = days.next_back().unwrap_or(first);
    let entries = book::entries(book, *first..=*last).await?;
    Ok(entries
        .into_iter()
        .map(|entry| (entry.date, entry))
        .collect())
}

/// What a day brings to the book: nothing that the book knows under a former name, and with what can be made of it
/// where that was lacking.
fn laid(config: &Config, new: &Entry, stored: Option<&Entry>) -> Entry {
    let mut new = new.clone();
    let Some(stored) = stored else { return new };
    yield_to_former_names(&config.catalog, &mut new, stored, Mode::Import);
    let mut whole = merge(Some(stored), new.clone(), Mode::Import);
    derive(&mut whole, &config.catalog);
    let is_derived = |metric: &&Metric| matches!(metric.shape, Shape::Derived(_));
    for metric in config.catalog.metrics.iter().filter(is_derived) {
        let made = whole.readings.remove(&metric.key);
        let made = made.filter(|made| made.is_known() && stored.readings.contains_key(&metric.key));
        if let Some(made) = made {
            new.readings.entry(metric.key.clone()).or_insert(made);
        }
    }
    new
}

impl Taken {
    fn count(&mut self, stored: &Stored, given: &BTreeMap<NaiveDate, Entry>) {
        let date = stored.after.date;
        match (&stored.before, stored.changed()) {
            (None, _) => self.new_days += 1,
            (Some(_), true) => self.filled_days += 1,
            (Some(_), false) => self.unchanged_days += 1,
        }
        if stored.changed() {
            let (first, last) = self.span.unwrap_or((date, date));
            self.span = Some((first.min(date), last.max(date)));
        }
        let Some(given) = given.get(&date) else {
            return;
        };
        let known = given
            .readings
            .iter()
            .filter(|(_, reading)| reading.is_known());
        for (key, _) in known {
            let before = stored.before.as_ref().and_then(|day| day.readings.get(key));
            match before.is_some() && before == stored.after.readings.get(key) {
                true => self.known += 1,
                false => self.values += 1,
            }
        }
    }

    pub fn changed_days(&self) -> usize {
        self.new_days + self.filled_days
    }
}
