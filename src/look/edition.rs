//! The book as somebody looks at it again and again: what is slow to have is kept for as long as the book
//! stays the same.

use std::ops::RangeInclusive;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, Utc};

use crate::book::{self, Book, BookError, Watch};
use crate::calendar::Day;
use crate::catalog::Catalog;
use crate::compare::History;
use crate::config::{Config, DatabaseUrl};
use crate::report::{self, Report, TREND_DAYS};

/// How often the book is asked whether it changed.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The book between two changes.
#[derive(Debug)]
pub struct Edition {
    /// Counts the changes that were noticed.
    pub number: u64,
    pub book: Book,
    /// Every stored day up to the one on which it was read.
    pub history: History,
    /// Made when a monitoring system first asks.
    pub(super) exposition: OnceLock<Exposition>,
}

/// What monitoring systems read, as far as it stays the same until the book changes.
#[derive(Debug)]
pub struct Exposition {
    pub(super) text: String,
    /// Left out while a night goes on: if it is killed, the book does not change.
    pub(super) runs: Option<String>,
    pub(super) as_of: Option<DateTime<Utc>>,
}

/// An edition, and the eye on the book by which a later change is noticed.
#[derive(Debug)]
pub struct Watched {
    pub edition: Arc<Edition>,
    watch: Watch,
    version: String,
}

impl Watched {
    /// The book is opened anew, since who wrote may have been a program of another version, or have put another file
    /// in its place.
    pub async fn open(
        book: &DatabaseUrl,
        config: &Config,
        number: u64,
        now: DateTime<Utc>,
    ) -> Result<Self, BookError> {
        let watch = Watch::open(book).await?;
        // Before the book is read: what is written meanwhile is found by the next look.
        let version = watch.version().await?;
        let book = Book::open_to_read(book).await?;
        let today = Day::containing(now, config.time_zone).date;
        let edition = Arc::new(Edition::read(number, book, config, today).await?);
        Ok(Self {
            edition,
            watch,
            version,
        })
    }

    /// The book as it is now, unless nobody has written since.
    pub async fn newer(
        &self,
        book: &DatabaseUrl,
        config: &Config,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>, BookError> {
        // A book that cannot be asked is opened again, which says why.
        if self.watch.is_still(&self.version).await.unwrap_or(false) {
            return Ok(None);
        }
        let number = self.edition.number + 1;
        Self::open(book, config, number, now).await.map(Some)
    }
}

impl Edition {
    /// Days after `today` are left out: a clock that was wrong has stored them.
    pub async fn read(
        number: u64,
        book: Book,
        config: &Config,
        today: NaiveDate,
    ) -> Result<Self, BookError> {
        let catalog = &config.catalog;
        let mutes = book::mutes(&book, config.time_zone).await?;
        let mut history = History::new(catalog).muted(mutes);
        let all = NaiveDate::MIN..=today;
        book::scan(&book, all, |entry| history.add(&entry, catalog)).await?;
        Ok(Self {
            number,
            book,
            history,
            exposition: OnceLock::new(),
        })
    }

    /// The newest day, open or not.
    pub fn newest(&self) -> Option<NaiveDate> {
        self.history.days().last().map(|day| day.date)
    }

    /// The newest day that was over when it was counted.
    pub fn newest_complete(&self) -> Option<NaiveDate> {
        let mut complete = self.history.days().iter().rev().filter(|day| !day.partial);
        complete.next().map(|day| day.date)
    }

    /// The stored days before and after that one.
    pub fn neighbours(&self, date: NaiveDate) -> (Option<NaiveDate>, Option<NaiveDate>) {
        let days = self.history.days();
        let at = days.partition_point(|day| day.date < date);
        let before = at.checked_sub(1).map(|at| days[at].date);
        let after = days[at..].iter().find(|day| day.date > date);
        (before, after.map(|day| day.date))
    }

    /// The report of a stored day, as the mail would tell it.
    pub async fn report(
        &self,
        date: NaiveDate,
        catalog: &Catalog,
    ) -> Result<Option<Report>, BookError> {
        let entries = book::entries(&self.book, month(date)).await?;
        let judgement = self.history.judge_day(date, catalog);
        Ok(report::of_day(date, &entries, &judgement, catalog))
    }
}

/// The days that a report shows: those of its trends, and the one thirty days before.
fn month(date: NaiveDate) -> RangeInclusive<NaiveDate> {
    let first = date.checked_sub_days(Days::new(TREND_DAYS));
    first.unwrap_or(date)..=date
}
