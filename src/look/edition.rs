//! The book between two changes: keeps what is slow to compute until the book changes.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};

use crate::book::{self, Book, BookError, Watch};
use crate::calendar::Day;
use crate::catalog::Catalog;
use crate::compare::{History, Judgement};
use crate::config::{Config, DatabaseUrl};
use crate::report::{self, Report};

/// How often the book is asked whether it changed.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub struct Edition {
    /// Counts the noticed changes.
    pub number: u64,
    pub book: Book,
    /// Every stored day up to the one on which it was read.
    pub history: History,
    /// Made when a monitoring system first asks.
    pub(super) exposition: OnceLock<Exposition>,
}

/// The part of the monitoring text that stays the same until the book changes.
#[derive(Debug)]
pub struct Exposition {
    pub(super) text: String,
    /// None while a night runs: if it is killed, the book does not change.
    pub(super) runs: Option<String>,
    pub(super) as_of: Option<DateTime<Utc>>,
}

/// An edition, with the watch that notices later changes.
#[derive(Debug)]
pub struct Watched {
    pub edition: Arc<Edition>,
    watch: Watch,
    version: String,
}

impl Watched {
    /// Opens the book anew: the writer may have been another version, or have replaced the file.
    pub async fn open(
        book: &DatabaseUrl,
        config: &Config,
        number: u64,
        now: DateTime<Utc>,
    ) -> Result<Self, BookError> {
        let watch = Watch::open(book).await?;
        // Before reading, so that the next check finds what is written meanwhile.
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

    /// None if nobody has written since.
    pub async fn newer(
        &self,
        book: &DatabaseUrl,
        config: &Config,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>, BookError> {
        // If the check fails, opening the book says why.
        if self.watch.is_still(&self.version).await.unwrap_or(false) {
            return Ok(None);
        }
        let number = self.edition.number + 1;
        Self::open(book, config, number, now).await.map(Some)
    }
}

impl Edition {
    /// Leaves out days after `today`: a wrong clock has stored them.
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

    pub fn holds(&self, date: NaiveDate) -> bool {
        let days = self.history.days();
        days.binary_search_by_key(&date, |day| day.date).is_ok()
    }

    /// The report of a stored day, as in its mail.
    pub async fn report(
        &self,
        date: NaiveDate,
        catalog: &Catalog,
    ) -> Result<Option<Report>, BookError> {
        let judgement = self.history.judge_day(date, catalog);
        self.report_of(date, &judgement, catalog).await
    }

    /// The same from a judgement that is there already.
    pub async fn report_of(
        &self,
        date: NaiveDate,
        judgement: &Judgement,
        catalog: &Catalog,
    ) -> Result<Option<Report>, BookError> {
        let entries = book::entries(&self.book, report::days_needed(date)).await?;
        Ok(report::of_day(date, &entries, judgement, catalog))
    }
}
