//! What one request brought: checked points by kind, and what was refused.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::kinds::{Kind, Kinds};

use super::columns::Columns;
use super::event::{self, Event, Hash, Refused};

/// More refused events than this are counted and not listed.
const MOST_LISTED: usize = 100;

#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Said by the sender: the same key within a day is the same batch.
    pub key: Option<Hash>,
    /// A span that begins or ends; what the batch holds besides is that span's point.
    pub(super) span: Option<SpanChange>,
    pub(super) kinds: BTreeMap<String, Part>,
    refused: Vec<(usize, Refused)>,
    refused_count: usize,
    accepted: usize,
}

#[derive(Debug, Clone)]
pub(super) enum SpanChange {
    Begin {
        span: OpenSpan,
        kind: String,
        /// As it would be if it had ended.
        points: Box<Columns>,
    },
    End(SpanEnd),
}

/// Which span is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SpanKey {
    /// Whose it is; empty for nobody's in particular.
    pub organisation: String,
    pub id: String,
}

/// A span that somebody began and has not ended yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSpan {
    pub key: SpanKey,
    /// What it began with, as an event.
    pub event: String,
    /// In microseconds.
    pub begun: i64,
    /// When it counts as failed.
    pub expires: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SpanEnd {
    pub key: SpanKey,
    /// In microseconds.
    pub at: i64,
    /// In milliseconds.
    pub duration: f64,
    pub is_expired: bool,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Part {
    pub points: Columns,
    /// The ids that were given, with the places of their points.
    pub ids: Vec<(u32, Hash)>,
}

impl Part {
    fn add(
        &mut self,
        event: &Event<'_>,
        kind: &Kind,
        id: Option<Hash>,
        now: DateTime<Utc>,
    ) -> Result<(), Refused> {
        event::add(event, kind, now, &mut self.points)?;
        let place = self.points.len() as u32 - 1;
        self.ids.extend(id.map(|id| (place, id)));
        Ok(())
    }
}

/// The answer to a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reply {
    pub accepted: usize,
    pub rejected: Vec<Rejected>,
    /// Further ones that are not listed.
    #[serde(skip_serializing_if = "is_zero")]
    pub more_rejected: usize,
    /// Events whose id was there already; they count as accepted.
    #[serde(skip_serializing_if = "is_zero")]
    pub known: usize,
    /// The batch's key was there already, or its span had begun or ended already, and nothing of it was kept again.
    pub duplicate: bool,
    /// Keys and ids that came since then are known again; of batches that have any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remembered_since: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejected {
    pub line: usize,
    pub field: String,
    pub error: String,
}

/// What is remembered of a batch's key.
pub fn key(text: &str) -> Hash {
    event::hash("batch", text)
}

/// What the store made of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcome {
    pub duplicate: bool,
    pub known: usize,
    pub remembered_since: Option<DateTime<Utc>>,
}

impl Batch {
    pub fn with_key(key: &str) -> Self {
        Self {
            key: Some(self::key(key)),
            ..Self::default()
        }
    }

    /// Of one event.
    pub fn of(event: &Event<'_>, kinds: &Kinds, now: DateTime<Utc>) -> Result<Self, Refused> {
        let mut batch = Self::default();
        batch.try_add(event, kinds, now)?;
        Ok(batch)
    }

    /// Of a span that nobody ended, however long ago.
    pub fn of_unfinished(event: &Event<'_>, kinds: &Kinds) -> Result<Self, Refused> {
        let kind = event::kind_of(event, kinds)?;
        let mut points = Columns::new(kind);
        event::add_unfinished(event, kind, &mut points)?;
        let ids = Vec::new();
        Ok(Self {
            kinds: BTreeMap::from([(kind.name.clone(), Part { points, ids })]),
            accepted: 1,
            ..Self::default()
        })
    }

    /// Begins a span.
    pub fn of_begin(span: OpenSpan, kind: &str, points: Columns) -> Self {
        let change = SpanChange::Begin {
            span,
            kind: kind.to_owned(),
            points: Box::new(points),
        };
        Self {
            span: Some(change),
            ..Self::default()
        }
    }

    /// Ends a span, together with the point that it becomes.
    #[must_use]
    pub fn ending(mut self, end: SpanEnd) -> Self {
        self.span = Some(SpanChange::End(end));
        self
    }

    /// Takes the event in, or remembers why not; the others are as if it had not been there.
    pub fn add(&mut self, line: usize, event: &Event<'_>, kinds: &Kinds, now: DateTime<Utc>) {
        if let Err(refused) = self.try_add(event, kinds, now) {
            self.refuse(line, refused);
        }
    }

    pub fn add_line(&mut self, line: usize, text: &[u8], kinds: &Kinds, now: DateTime<Utc>) {
        self.add_read(line, Event::from_json(text), kinds, now);
    }

    /// Takes in what was read of a line, in whatever form it came.
    pub fn add_read(
        &mut self,
        line: usize,
        read: Result<Event<'_>, Refused>,
        kinds: &Kinds,
        now: DateTime<Utc>,
    ) {
        match read {
            Ok(event) => self.add(line, &event, kinds, now),
            Err(refused) => self.refuse(line, refused),
        }
    }

    fn try_add(
        &mut self,
        event: &Event<'_>,
        kinds: &Kinds,
        now: DateTime<Utc>,
    ) -> Result<(), Refused> {
        let kind = event::kind_of(event, kinds)?;
        let id = event
            .id
            .as_deref()
            .map(|id| event::id(&kind.name, id))
            .transpose()?;
        if let Some(part) = self.kinds.get_mut(&kind.name) {
            part.add(event, kind, id, now)?;
        } else {
            let mut part = Part {
                points: Columns::new(kind),
                ids: Vec::new(),
            };
            part.add(event, kind, id, now)?;
            self.kinds.insert(kind.name.clone(), part);
        }
        self.accepted += 1;
        Ok(())
    }

    fn refuse(&mut self, line: usize, refused: Refused) {
        self.refused_count += 1;
        if self.refused.len() < MOST_LISTED {
            self.refused.push((line, refused));
        }
    }

    /// How many points it holds.
    pub fn len(&self) -> usize {
        self.accepted
    }

    /// The different words that points of a kind have for a label.
    pub fn words(&self, kind: &str, label: &str) -> BTreeSet<&str> {
        let points = self.kinds.get(kind).map(|part| &part.points);
        let texts = points.and_then(|points| points.label(label));
        let texts = texts.into_iter();
        texts
            .flat_map(|texts| (0..texts.len()).filter_map(|place| texts.get(place)))
            .collect()
    }

    /// Bytes of its texts.
    pub fn text_bytes(&self) -> usize {
        self.kinds
            .values()
            .map(|part| part.points.text_bytes())
            .sum()
    }

    pub fn is_empty(&self) -> bool {
        self.accepted == 0 && self.span.is_none()
    }

    pub fn has_refused(&self) -> bool {
        self.refused_count > 0
    }

    /// The answer, if the store knows nothing of it yet.
    pub fn reply(&self) -> Reply {
        let rejected = self.refused.iter().map(|(line, refused)| Rejected {
            line: *line,
            field: refused.field.clone(),
            error: refused.error.clone(),
        });
        Reply {
            accepted: self.accepted,
            rejected: rejected.collect(),
            more_rejected: self.refused_count - self.refused.len(),
            known: 0,
            duplicate: false,
            remembered_since: None,
        }
    }
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}
