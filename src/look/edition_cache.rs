//! The edition that a server shows, read again when the book has changed.

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use tokio::sync::Mutex;

use crate::book::BookError;
use crate::config::{Config, DatabaseUrl};

use super::edition::{Edition, POLL_INTERVAL, Watched};

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

    /// The book of at most a second ago. None while it cannot be read; the log says why.
    pub async fn edition(&self) -> Option<Arc<Edition>> {
        let mut seen = self.seen.clone().lock_owned().await;
        let fresh = |looked: Instant| looked.elapsed() < POLL_INTERVAL;
        if !seen.looked.is_some_and(fresh) {
            let cache = self.clone();
            // In a task of its own: if the client hangs up, the years read are kept for the next one.
            let refreshing = tokio::spawn(async move {
                cache.refresh(&mut seen).await;
                seen
            });
            seen = refreshing.await.ok()?;
        }
        seen.held.as_ref().map(|held| held.edition.clone())
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
