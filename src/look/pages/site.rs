//! What all routes share: settings, the cached edition, and its pages.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Response, StatusCode};
use chrono::{DateTime, NaiveDate, Utc};

use crate::api::{Api, Questions};
use crate::config::{Config, DatabaseUrl};
use crate::look::edition_cache::{Current, EditionCache};
use crate::look::export::prometheus::{build_series, exposition, live_series};
use crate::report::expected;
use crate::web::answer::{self, Page, SERIES, TEXT};

use super::asked::Asked;
use super::page_cache::{PageCache, Stamp};
use super::reported::is_reported;
use super::{Built, before_first_night, build, live, problem};

pub struct Site {
    config: Arc<Config>,
    /// Of a server that takes events.
    intake: Option<Arc<Api>>,
    /// Of a server with live events.
    questions: Option<Arc<Questions>>,
    clock: fn() -> DateTime<Utc>,
    editions: EditionCache,
    pages: Mutex<PageCache>,
    /// By edition and second.
    series: Mutex<Option<((u64, i64), Bytes)>>,
    reported: Mutex<Option<(Stamp, bool)>>,
    /// Pages are built one at a time, which bounds time and memory.
    building: tokio::sync::Mutex<()>,
}

impl Site {
    pub fn new(config: Config, book: DatabaseUrl, clock: fn() -> DateTime<Utc>) -> Self {
        let config = Arc::new(config);
        Self {
            clock,
            editions: EditionCache::new(book, config.clone(), clock),
            config,
            intake: None,
            questions: None,
            pages: Mutex::default(),
            series: Mutex::default(),
            reported: Mutex::default(),
            building: tokio::sync::Mutex::default(),
        }
    }

    /// The pages for monitoring tell of it.
    #[must_use]
    pub fn with_intake(mut self, api: Option<Arc<Api>>) -> Self {
        self.intake = api;
        self
    }

    /// The page of what happens now asks it.
    #[must_use]
    pub fn with_questions(mut self, questions: Option<Arc<Questions>>) -> Self {
        self.questions = questions;
        self
    }

    pub(super) async fn live(&self, headers: &HeaderMap) -> Response<Body> {
        let (Some(questions), Some(live)) = (&self.questions, &self.config.live) else {
            return self.problem(StatusCode::NOT_FOUND);
        };
        match questions.now().await {
            Ok(now) => {
                let page = live::page(&self.config, live, &now, (self.clock)());
                Page::new(page).answer(headers)
            }
            Err(error) => {
                tracing::error!("live page: {error}");
                self.problem(StatusCode::SERVICE_UNAVAILABLE)
            }
        }
    }

    pub(super) async fn page(&self, asked: Asked, headers: &HeaderMap) -> Response<Body> {
        let edition = match self.editions.current().await {
            Current::Edition(edition) => edition,
            Current::NoBook => {
                return match before_first_night(&self.config, &asked) {
                    Built::Page(html) => Page::new(html).answer(headers),
                    Built::Missing(html) => answer::problem(StatusCode::NOT_FOUND, html),
                };
            }
            Current::Unreadable => return self.problem(StatusCode::SERVICE_UNAVAILABLE),
        };
        let stamp = (edition.number, self.expected());
        if let Some(page) = locked(&self.pages).get(&asked, stamp) {
            return page.answer(headers);
        }
        let _turn = self.building.lock().await;
        // Another request may have built the page meanwhile.
        if let Some(page) = locked(&self.pages).get(&asked, stamp) {
            return page.answer(headers);
        }
        match build(&edition, &self.config, &asked, stamp.1).await {
            Ok(Built::Page(html)) => {
                let page = Arc::new(Page::new(html));
                locked(&self.pages).put(asked, stamp, page.clone());
                page.answer(headers)
            }
            // Not cached: there are more wrong addresses than right ones.
            Ok(Built::Missing(html)) => answer::problem(StatusCode::NOT_FOUND, html),
            Err(error) => {
                self.editions.report_page_failure(&edition, &error).await;
                self.problem(StatusCode::SERVICE_UNAVAILABLE)
            }
        }
    }

    /// The newest numbers for Prometheus, built at most once a second.
    pub(super) async fn series(&self) -> Response<Body> {
        let unavailable = || {
            let words = "the book cannot be read\n".into();
            answer::text(StatusCode::SERVICE_UNAVAILABLE, TEXT, words)
        };
        let edition = match self.editions.current().await {
            Current::Edition(edition) => Some(edition),
            Current::NoBook => None,
            Current::Unreadable => return unavailable(),
        };
        let _turn = self.building.lock().await;
        let now = (self.clock)();
        let number = edition.as_ref().map_or(0, |edition| edition.number);
        let stamp = (number, now.timestamp());
        let cached = locked(&self.series).clone();
        if let Some((_, text)) = cached.filter(|(of, _)| *of == stamp) {
            return answer::text(StatusCode::OK, SERIES, text);
        }
        let prefix = &self.config.prometheus.prefix;
        let mut text = match &edition {
            Some(edition) => match exposition(edition, &self.config, now).await {
                Ok(text) => text,
                Err(error) => {
                    self.editions.report_page_failure(edition, &error).await;
                    return unavailable();
                }
            },
            None => build_series(prefix),
        };
        if let Some(intake) = &self.intake {
            text += &intake.series(prefix);
        }
        if let (Some(questions), Some(live)) = (&self.questions, &self.config.live) {
            match questions.now().await {
                Ok(now) => text += &live_series(live, &now, prefix),
                Err(error) => tracing::error!("live series: {error}"),
            }
        }
        let text = Bytes::from(text);
        *locked(&self.series) = Some((stamp, text.clone()));
        answer::text(StatusCode::OK, SERIES, text)
    }

    pub(super) async fn is_ready(&self) -> bool {
        let takes_events = self.intake.as_ref().is_none_or(|intake| intake.is_ready());
        takes_events && self.editions.edition().await.is_some()
    }

    /// What is to be said beside: the server goes on without it.
    pub(super) fn remark(&self) -> Option<String> {
        self.intake
            .as_ref()
            .and_then(|intake| intake.told_of_redis())
    }

    /// Whether the report that is due has arrived.
    pub(super) async fn is_reported(&self) -> bool {
        let Some(edition) = self.editions.edition().await else {
            return false;
        };
        let _turn = self.building.lock().await;
        let stamp = (edition.number, self.expected());
        let cached = *locked(&self.reported);
        if let Some((_, reported)) = cached.filter(|(of, _)| *of == stamp) {
            return reported;
        }
        match is_reported(&edition.book, stamp.1).await {
            Ok(reported) => {
                *locked(&self.reported) = Some((stamp, reported));
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
        let config = &self.config;
        expected((self.clock)(), config.time_zone, config.report.due)
    }
}

/// A panic elsewhere leaves nothing locked half changed, so a poisoned lock is safe.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
