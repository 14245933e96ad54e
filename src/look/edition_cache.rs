//! The edition that a server shows, read again when the book has changed.

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use tokio::sync::Mutex;

use crate::book::BookError;
use crate::config::{Config, DatabaseUrl};

use super::edition::{Edition, POLL_INTERVAL, Watched};

/// What can be known of the book now.
#[derive(Clone)]
pub enum Current {
    Edition(Arc<Edition>),
    /// There is none before the first night.
    NoBook,
    /// It cannot be read; the log says why.
    Unreadable,
}

#[derive(Clone)]
pub struct EditionCache {
    book: DatabaseUrl,
    config: Arc<Config>,
    clock: fn() -> DateTime<Utc>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    looked: Option<Instant>,
    held: Option<Watched>,
    is_missing: bool,
    editions: u64,
    /// The last error, so that a lasting one is logged once.
    trouble: Option<String>,
    /// The last edition of which a page failure was reported.
    failure_reported: u64,
}

impl EditionCache {
    pub fn new(book: DatabaseUrl, config: Arc<Config>, clock: fn() -> DateTime<Utc>) -> Self {
        Self {
            book,
            config,
            clock,
            seen: Arc::default(),
        }
    }

    /// The book of at most a second ago, if there is one that can be read.
    pub async fn edition(&self) -> Option<Arc<Edition>> {
        match self.current().await {
            Current::Edition(edition) => Some(edition),
            Current::NoBook | Current::Unreadable => None,
        }
    }

    /// What was known at most a second ago.
    pub async fn current(&self) -> Current {
        let mut seen = self.seen.clone().lock_owned().await;
        let fresh = |looked: Instant| looked.elapsed() < POLL_INTERVAL;
        if !seen.looked.is_some_and(fresh) {
            let cache = self.clone();
            // In a task of its own: if the client hangs up, the years read are kept for the next one.
            let refreshing = tokio::spawn(async move {
                cache.refresh(&mut seen).await;
                seen
            });
            seen = match refreshing.await {
                Ok(seen) => seen,
                Err(_) => return Current::Unreadable,
            };
        }
        match &seen.held {
            Some(held) => Current::Edition(held.edition.clone()),
            // A book that was there and is gone has been lost.
            None if seen.is_missing && seen.editions == 0 => Current::NoBook,
            None => Current::Unreadable,
        }
    }

    /// Logs that a page could not be built, once for each edition.
    pub async fn report_page_failure(&self, edition: &Edition, error: &BookError) {
        let mut seen = self.seen.lock().await;
        if seen.failure_reported < edition.number {
            seen.failure_reported = edition.number;
            tracing::warn!("{error}");
        }
    }

    async fn refresh(&self, seen: &mut Seen) {
        let looked = self.look(seen).await;
        if let Err(error) = &looked {
            self.complain(seen, error);
        } else if seen.trouble.take().is_some() {
            tracing::info!("the book can be read again");
        }
        seen.is_missing = matches!(looked, Err(BookError::NoBook { .. }));
        seen.looked = Some(Instant::now());
    }

    async fn look(&self, seen: &mut Seen) -> Result<(), BookError> {
        let (book, config, now) = (&self.book, &self.config, (self.clock)());
        let held = seen.held.take();
        let newer = match &held {
            Some(held) => held.newer(book, config, now).await?,
            None => Some(Watched::open(book, config, seen.editions + 1, now).await?),
        };
        if let Some(newer) = &newer {
            seen.editions = newer.edition.number;
        }
        seen.held = newer.or(held);
        Ok(())
    }

    fn complain(&self, seen: &mut Seen, error: &BookError) {
        let trouble = error.to_string();
        if seen.trouble.as_ref() != Some(&trouble) {
            tracing::warn!("{trouble}");
            seen.trouble = Some(trouble);
        }
    }
}
