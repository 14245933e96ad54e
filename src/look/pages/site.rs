//! What the addresses share: the cached edition, the settings, and the pages built of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Response, StatusCode};
use chrono::{DateTime, NaiveDate, Utc};

use crate::book::BookError;
use crate::config::{Config, DatabaseUrl};
use crate::look::edition_cache::EditionCache;
use crate::look::export::prometheus::exposition;
use crate::report::expected;
use crate::web::answer::{self, Page, SERIES, TEXT};

use super::asked::Asked;
use super::page_cache::{PageCache, Stamp};
use super::reported::is_reported;
use super::{Built, build, problem};

pub struct Site {
    config: Arc<Config>,
    clock: fn() -> DateTime<Utc>,
    editions: EditionCache,
    pages: Mutex<PageCache>,
    /// As of a second, and of an edition.
    series: Mutex<Option<((u64, i64), Bytes)>>,
    reported: Mutex<Option<(Stamp, bool)>>,
    /// One page at a time is built: they would only take each other's time and memory.
    building: tokio::sync::Mutex<()>,
}

impl Site {
    pub fn new(config: Config, book: DatabaseUrl, clock: fn() -> DateTime<Utc>) -> Self {
        let config = Arc::new(config);
        Self {
            clock,
            editions: EditionCache::new(book, config.clone(), clock),
            config,
            pages: Mutex::default(),
            series: Mutex::default(),
            reported: Mutex::default(),
            building: tokio::sync::Mutex::default(),
        }
    }

    pub(super) async fn page(&self, asked: Asked, headers: &HeaderMap) -> Response<Body> {
        let Some(edition) = self.editions.edition().await else {
            return self.problem(StatusCode::SERVICE_UNAVAILABLE);
        };
        let stamp = (edition.number, self.expected());
        if let Some(page) = held(&self.pages).get(&asked, stamp) {
            return page.answer(headers);
        }
        let _turn = self.building.lock().await;
        // Who waited for the turn may find the page built.
        if let Some(page) = held(&self.pages).get(&asked, stamp) {
            return page.answer(headers);
        }
        match build(&edition, &self.config, &asked, stamp.1).await {
            Ok(Built::Page(html)) => {
                let page = Arc::new(Page::new(html));
                held(&self.pages).put(asked, stamp, page.clone());
                page.answer(headers)
            }
            // Not kept: there are more wrong addresses than right ones.
            Ok(Built::Missing(html)) => answer::problem(StatusCode::NOT_FOUND, html),
            Err(error) => {
                self.editions.report_page_failure(&edition, &error).await;
                self.problem(StatusCode::SERVICE_UNAVAILABLE)
            }
        }
    }

    /// The newest numbers for Prometheus; asked more often than once a second, the same again.
    pub(super) async fn series(&self) -> Response<Body> {
        let away = || {
            let words = "the book cannot be read\n".into();
            answer::text(StatusCode::SERVICE_UNAVAILABLE, TEXT, words)
        };
        let Some(edition) = self.editions.edition().await else {
            return away();
        };
        let _turn = self.building.lock().await;
        let now = (self.clock)();
        let stamp = (edition.number, now.timestamp());
        let kept = held(&self.series).clone().filter(|(of, _)| *of == stamp);
        if let Some((_, text)) = kept {
            return answer::text(StatusCode::OK, SERIES, text);
        }
        match exposition(&edition, &self.config, now).await {
            Ok(text) => {
                let text = Bytes::from(text);
                *held(&self.series) = Some((stamp, text.clone()));
                answer::text(StatusCode::OK, SERIES, text)
            }
            Err(error) => {
                self.editions.report_page_failure(&edition, &error).await;
                away()
            }
        }
    }

    pub(super) async fn is_ready(&self) -> bool {
        self.editions.edition().await.is_some()
    }

    /// The report of the day that is due by now has arrived.
    pub(super) async fn is_reported(&self) -> bool {
        let Some(edition) = self.editions.edition().await else {
            return false;
        };
        let _turn = self.building.lock().await;
        let stamp = (edition.number, self.expected());
        let kept = held(&self.reported).filter(|(of, _)| *of == stamp);
        if let Some((_, reported)) = kept {
            return reported;
        }
        let asked: Result<bool, BookError> = is_reported(&edition.book, stamp.1).await;
        match asked {
            Ok(reported) => {
                *held(&self.reported) = Some((stamp, reported));
                reported
            }
            Err(error) => {
                self.editions.report_page_failure(&edition, &error).await;
                false
            }
        }
    }

    pub(super) fn problem(&self, code: StatusCode) -> Response<Body> {
        answer::problem(code, self.problem_page(code))
    }

    pub fn problem_page(&self, code: StatusCode) -> String {
        problem(&self.config, code.as_u16())
    }

    fn expected(&self) -> NaiveDate {
        expected(
            (self.clock)(),
            self.config.time_zone,
            self.config.report.due,
        )
    }
}

/// Nothing that is locked can be left half changed, so a panic elsewhere is no reason to stop.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
