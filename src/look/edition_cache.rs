//! The edition that a server shows, read anew when the book has changed.

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
    /// What was said last, so that a lasting trouble is told once.
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

    /// The book as it is now, not more than a second ago. None while it cannot be read: whoever runs the
    /// server is told why.
    pub async fn edition(&self) -> Option<Arc<Edition>> {
        let mut seen = self.seen.clone().lock_owned().await;
        let fresh = |looked: Instant| looked.elapsed() < POLL_INTERVAL;
        if !seen.looked.is_some_and(fresh) {
            let cache = self.clone();
            // In a task of its own: whoever asked may hang up, and years would be read again for the next one.
            let looking = tokio::spawn(async move {
                cache.look_again(&mut seen).await;
                seen
            });
            seen = looking.await.ok()?;
        }
        seen.held.as_ref().map(|held| held.edition.clone())
    }

    /// A page of that edition could not be built: reported once for each.
    pub async fn report_page_failure(&self, edition: &Edition, error: &BookError) {
        let mut seen = self.seen.lock().await;
        if seen.failure_reported < edition.number {
            seen.failure_reported = edition.number;
            tracing::warn!("{error}");
        }
    }

    async fn look_again(&self, seen: &mut Seen) {
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
