//! Laying the gathered days into the book, or seeing what would come of it.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::book::{self, Book, BookError, Stored};
use crate::entry::Entry;
use crate::entry::merge::{Mode, merge};

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
    let days = gathered.days.values().cloned();
    book::store_at_once(book, days, Mode::Import, |stored| {
        taken.count(stored, &gathered.days);
    })
    .await?;
    book::columns::update(book, &setting.config.catalog).await?;
    Ok(taken)
}

/// The same, without a trace; a book that is not there is an empty one.
pub async fn rehearse(book: Option<&Book>, gathered: &Gathered) -> Result<Taken, BookError> {
    let mut taken = Taken::default();
    for (date, new) in &gathered.days {
        let before = match book {
            Some(book) => book::entry(book, *date).await?,
            None => None,
        };
        let after = merge(before.as_ref(), new.clone(), Mode::Import);
        taken.count(&Stored { before, after }, &gathered.days);
    }
    Ok(taken)
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
