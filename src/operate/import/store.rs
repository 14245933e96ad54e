//! Merges the validated days into the book, or says what would change.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::book::{self, Book, BookError, Stored};
use crate::catalog::{Catalog, Metric, Shape};
use crate::entry::merge::Mode;
use crate::entry::{Entry, derive, keep_better_renamed_values, merge};

use super::{Setting, Span, Validated};

/// What an import changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
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
pub async fn import_into(
    book: &Book,
    validated: &Validated,
    setting: Setting<'_>,
) -> Result<Imported, BookError> {
    let mut imported = Imported::default();
    let catalog = &setting.config.catalog;
    let days = validated.days.values().cloned();
    let over = |stored: Option<&Entry>, new| laid_over(catalog, stored, new);
    book::store_at_once(book, days, over, |stored| {
        imported.count(stored, &validated.days);
    })
    .await?;
    book::columns::update(book, catalog).await?;
    Ok(imported)
}

/// Counts the same changes without writing; a missing book counts as empty.
pub async fn dry_run(
    book: Option<&Book>,
    validated: &Validated,
    setting: Setting<'_>,
) -> Result<Imported, BookError> {
    let mut imported = Imported::default();
    for (date, new) in &validated.days {
        let before = match book {
            Some(book) => book::entry(book, *date).await?,
            None => None,
        };
        let after = laid_over(&setting.config.catalog, before.as_ref(), new.clone());
        imported.count(&Stored { before, after }, &validated.days);
    }
    Ok(imported)
}

/// The merged day: values that the book has under a former name stay, and ratios are derived where now possible.
fn laid_over(catalog: &Catalog, stored: Option<&Entry>, mut new: Entry) -> Entry {
    let Some(stored) = stored else { return new };
    keep_better_renamed_values(catalog, &mut new, stored, Mode::Import);
    let mut whole = merge(Some(stored), new.clone(), Mode::Import);
    derive(&mut whole, catalog);
    let is_derived = |metric: &&Metric| matches!(metric.shape, Shape::Derived(_));
    for metric in catalog.metrics.iter().filter(is_derived) {
        let made = whole.readings.remove(&metric.key);
        let made = made.filter(|made| made.is_known() && stored.readings.contains_key(&metric.key));
        if let Some(made) = made {
            new.readings.entry(metric.key.clone()).or_insert(made);
        }
    }
    merge(Some(stored), new, Mode::Import)
}

impl Imported {
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
        let given = given.get(&date).into_iter().flat_map(|day| &day.readings);
        for (key, _) in given.filter(|(_, reading)| reading.is_known()) {
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
