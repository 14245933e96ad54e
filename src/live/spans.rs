//! Spans that an application begins and ends by hand, perhaps in different processes. They are kept from the first moment
//! on, so that neither side loses one: begun twice they are one, ended twice they count once, and one that nobody ends counts
//! as failed.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value as Json, json};
use tokio::time::Instant;

use crate::kinds::{DURATION, Kinds};

use super::batch::{Batch, OpenSpan, SpanEnd, SpanKey};
use super::event::{self, Event, Refused};
use super::point::points;
use super::reader::Reader;
use super::record::{RecordError, Recorder};
use super::store::{SpanRow, StoreError};

/// More than so many do not stay open: who begins them seems never to end them.
pub const MOST_OPEN: u64 = 100_000;
/// Expired ones that are ended in one go.
const ENDED_AT_ONCE: u32 = 1000;

pub struct Spans {
    recorder: Recorder,
    reader: Reader,
    timeout: TimeDelta,
    /// Of those begun here: a clock that is set does not change how long they take.
    begun: Mutex<HashMap<SpanKey, Clocked>>,
}

/// When a span was begun, by both clocks.
struct Clocked {
    /// In microseconds.
    at: i64,
    since: Instant,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    pub kind: String,
    pub at: DateTime<Utc>,
    pub expires: DateTime<Utc>,
    /// It had been begun before.
    pub duplicate: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ended {
    pub at: DateTime<Utc>,
    /// In milliseconds.
    pub duration: f64,
    /// It had been ended before.
    pub duplicate: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum SpanError {
    #[error("{0}")]
    Refused(#[from] Refused),
    #[error("no span `{0}`: it was never begun, or ended more than a day ago")]
    Unknown(String),
    #[error("the span `{id}` expired at {at}: it counts as failed")]
    Expired { id: String, at: DateTime<Utc> },
    #[error("{MOST_OPEN} spans are open: end some, or wait until they expire")]
    TooMany,
    #[error("{0}")]
    Record(#[from] RecordError),
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl Spans {
    pub fn new(recorder: Recorder, reader: Reader, timeout: TimeDelta) -> Self {
        Self {
            recorder,
            reader,
            timeout,
            begun: Mutex::default(),
        }
    }

    pub async fn begin(&self, key: SpanKey, event: Event<'_>) -> Result<Begun, SpanError> {
        let kinds = self.recorder.kinds();
        let kind = event::kind_of(&event, kinds)?;
        let now = self.recorder.now();
        let columns = event::begin(&event, kind, now)?;
        let at = event.at.unwrap_or(now);
        let begun = Begun {
            kind: kind.name.clone(),
            at,
            expires: at + self.timeout,
            duplicate: false,
        };
        if !self.recorder.is_on() {
            return Ok(begun);
        }
        if let Some(row) = self.row(&key).await? {
            return Ok(begun_before(&row));
        }
        if self.open_count(None).await? >= MOST_OPEN {
            return Err(SpanError::TooMany);
        }
        let written = points(&columns, &kind.name).map(|point| serde_json::to_string(&point));
        let written: Result<String, _> = written.collect();
        let span = OpenSpan {
            key: key.clone(),
            event: written.map_err(|error| Refused {
                field: "details".to_owned(),
                error: error.to_string(),
            })?,
            begun: at.timestamp_micros(),
            expires: begun.expires.timestamp_micros(),
        };
        let clocked = Clocked {
            at: span.begun,
            since: Instant::now(),
        };
        let batch = Batch::of_begin(span, &kind.name, columns);
        if self.recorder.send(batch).await?.duplicate {
            // Somebody was faster.
            let row = self.row(&key).await?;
            return Ok(row.as_ref().map_or(begun, begun_before));
        }
        if event.at.is_none() {
            self.remember(key, clocked);
        }
        Ok(begun)
    }

    /// `more`: what the event has besides what it began with, and whether it went well. With an error it did not.
    pub async fn end(
        &self,
        key: &SpanKey,
        more: Event<'_>,
        error: Option<&str>,
    ) -> Result<Ended, SpanError> {
        let at = more.at.unwrap_or_else(|| self.recorder.now());
        if !self.recorder.is_on() {
            return Ok(Ended {
                at,
                duration: 0.0,
                duplicate: false,
            });
        }
        let unknown = || SpanError::Unknown(key.id.clone());
        let row = self.row(key).await?.ok_or_else(unknown)?;
        if let Some(end) = &row.end {
            self.forget(key);
            return ended_before(end);
        }
        if more
            .at
            .is_some_and(|at| at.timestamp_micros() < row.span.begun)
        {
            return Err(SpanError::Refused(Refused {
                field: "at".to_owned(),
                error: "before the span began".to_owned(),
            }));
        }
        let elapsed = self.elapsed(key, row.span.begun);
        let measured = match more.at {
            Some(at) => between(row.span.begun, at),
            None => elapsed.unwrap_or_else(|| between(row.span.begun, at)),
        };
        let given = more.values.iter().find(|(name, _)| name == DURATION);
        let duration = given.map_or(measured, |(_, number)| number.as_float());
        let kinds = self.recorder.kinds();
        let mut event = whole(&row.span, more.at(at), duration)?;
        if let Some(error) = error {
            event = failed(event, error, kinds);
        }
        let end = SpanEnd {
            key: key.clone(),
            at: at.timestamp_micros(),
            duration,
            is_expired: false,
        };
        let now = self.recorder.now();
        let batch = Batch::of(&event, kinds, now)?.ending(end);
        let duplicate = self.recorder.send(batch).await?.duplicate;
        self.forget(key);
        if duplicate {
            // Somebody was faster.
            let row = self.row(key).await?.ok_or_else(unknown)?;
            return row
                .end
                .as_ref()
                .map_or_else(|| Err(unknown()), ended_before);
        }
        Ok(Ended {
            at,
            duration,
            duplicate,
        })
    }

    /// Open ones, those that expire first before the others; of all organisations, or of one.
    pub async fn open(
        &self,
        organisation: Option<&str>,
        most: u32,
    ) -> Result<Vec<OpenSpan>, StoreError> {
        let Some(mut store) = self.reader.store().await? else {
            return Ok(Vec::new());
        };
        let rows = store.open_spans(i64::MAX, organisation, most).await?;
        Ok(rows.into_iter().map(|row| row.span).collect())
    }

    pub async fn open_count(&self, organisation: Option<&str>) -> Result<u64, StoreError> {
        match self.reader.store().await? {
            Some(mut store) => store.open_span_count(organisation).await,
            None => Ok(0),
        }
    }

    /// Ends what has expired, as failed.
    pub async fn expire(&self) -> Result<(), SpanError> {
        let now = self.recorder.now();
        let expired = match self.reader.store().await? {
            Some(mut store) => {
                let before = now.timestamp_micros();
                store.open_spans(before, None, ENDED_AT_ONCE).await?
            }
            None => Vec::new(),
        };
        for SpanRow { span, .. } in expired {
            let end = SpanEnd {
                key: span.key.clone(),
                at: span.expires,
                duration: (span.expires - span.begun) as f64 / 1000.0,
                is_expired: true,
            };
            let kinds = self.recorder.kinds();
            let event = expiry(&span, end.duration, kinds);
            let batch = event.and_then(|mut event| {
                Batch::of_unfinished(&event, kinds).or_else(|_| {
                    // It took longer than its kind takes for possible.
                    event.values.clear();
                    Batch::of_unfinished(&event, kinds)
                })
            });
            let batch = batch.unwrap_or_else(|refused| {
                tracing::warn!(
                    "the span `{}` expired and is not kept: {refused}",
                    span.key.id
                );
                Batch::default()
            });
            self.recorder.send_when_free(batch.ending(end)).await?;
            self.forget(&span.key);
        }
        self.forget_expired();
        Ok(())
    }

    async fn row(&self, key: &SpanKey) -> Result<Option<SpanRow>, StoreError> {
        match self.reader.store().await? {
            Some(mut store) => store.span(key).await,
            None => Ok(None),
        }
    }

    fn remember(&self, key: SpanKey, clocked: Clocked) {
        if let Ok(mut begun) = self.begun.lock() {
            begun.insert(key, clocked);
        }
    }

    /// Those that were ended elsewhere, too.
    fn forget_expired(&self) {
        if let Ok(mut begun) = self.begun.lock() {
            let timeout = self.timeout.to_std().unwrap_or(Duration::MAX);
            begun.retain(|_, clocked| clocked.since.elapsed() < timeout);
        }
    }

    fn forget(&self, key: &SpanKey) {
        if let Ok(mut begun) = self.begun.lock() {
            begun.remove(key);
        }
    }

    /// Milliseconds since it was begun, if that was here.
    fn elapsed(&self, key: &SpanKey, begun_at: i64) -> Option<f64> {
        let begun = self.begun.lock().ok()?;
        let clocked = begun.get(key).filter(|clocked| clocked.at == begun_at)?;
        Some(clocked.since.elapsed().as_micros() as f64 / 1000.0)
    }
}

fn begun_before(row: &SpanRow) -> Begun {
    let event = Event::from_json(row.span.event.as_bytes()).unwrap_or_default();
    Begun {
        kind: event.kind.into_owned(),
        at: instant(row.span.begun),
        expires: instant(row.span.expires),
        duplicate: true,
    }
}

fn ended_before(end: &SpanEnd) -> Result<Ended, SpanError> {
    let at = instant(end.at);
    match end.is_expired {
        true => Err(SpanError::Expired {
            id: end.key.id.clone(),
            at,
        }),
        false => Ok(Ended {
            at,
            duration: end.duration,
            duplicate: true,
        }),
    }
}

/// What it began with and what came with its end, which counts where both say something.
fn whole(span: &OpenSpan, more: Event<'_>, duration: f64) -> Result<Event<'static>, Refused> {
    let mut event = Event::from_json(span.event.as_bytes())?;
    for (name, text) in more.labels {
        event = event.label(name.into_owned(), text.into_owned());
    }
    for (name, number) in more.values {
        event = event.value(name.into_owned(), number);
    }
    event.details = match (event.details.take(), more.details) {
        (Some(Json::Object(mut first)), Some(Json::Object(then))) => {
            first.extend(then);
            Some(Json::Object(first))
        }
        (first, then) => then.or(first),
    };
    event.at = more.at;
    Ok(event.value(DURATION, duration).ok(more.ok.unwrap_or(true)))
}

fn expiry(span: &OpenSpan, duration: f64, kinds: &Kinds) -> Result<Event<'static>, Refused> {
    let more = Event::default().at(instant(span.expires));
    let event = whole(span, more, duration)?;
    Ok(failed(event, "expired: nobody ended it", kinds))
}

/// The message goes into the details, as far as the kind keeps any.
fn failed<'e>(mut event: Event<'e>, message: &str, kinds: &Kinds) -> Event<'e> {
    event.ok = Some(false);
    let room = kinds.get(&*event.kind).map_or(0, |kind| kind.details);
    let mut details = match &event.details {
        Some(Json::Object(details)) => details.clone(),
        _ => Map::new(),
    };
    details.insert("error".to_owned(), json!(message));
    let details = Json::Object(details);
    if details.to_string().len() <= room {
        event.details = Some(details);
    }
    event
}

/// Milliseconds; a clock that was set back makes no negative time.
fn between(begun: i64, at: DateTime<Utc>) -> f64 {
    (at.timestamp_micros() - begun).max(0) as f64 / 1000.0
}

fn instant(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}
