//! The days of a metric's page: entries and judgements.

use chrono::NaiveDate;

use crate::book::{self, BookError};
use crate::catalog::{Catalog, Metric};
use crate::compare::{JudgedDay, Judgement, has_begun};
use crate::entry::{Entry, Reading, Value};
use crate::look::pages::Scene;
use crate::look::pages::asked::Span;
use crate::look::pages::chart::dates;
use crate::look::pages::chart::stack::Stack;
use crate::render::phrases::Speech;
use crate::render::view::{self, HighlightView};
use crate::report::{self, Report, State, Usual, days_needed};

pub(super) struct Days {
    pub(super) metric: Metric,
    /// The last day that was asked for, stored or not.
    pub(super) last: NaiveDate,
    /// Every calendar day of the range, oldest first.
    pub(super) days: Vec<Day>,
    /// Of the last stored one, for this metric alone.
    pub(super) report: Option<Report>,
}

pub(super) struct Day {
    pub(super) date: NaiveDate,
    /// None where the day is not stored, or before the metric's history begins.
    pub(super) entry: Option<Entry>,
    pub(super) reading: Option<Reading>,
    pub(super) usual: Option<Usual>,
    pub(super) highlight: Option<Highlight>,
    pub(super) known: Option<String>,
    /// The end and reason of the mute, if alerts are muted.
    pub(super) muted: Option<String>,
}

pub(super) struct Highlight {
    pub(super) view: HighlightView,
    pub(super) state: State,
}

impl Days {
    pub(super) async fn read(
        scene: &Scene<'_>,
        metric: &Metric,
        span: Span,
        last: NaiveDate,
    ) -> Result<Self, BookError> {
        let dates = dates(last, span.days());
        let first = dates.first().copied().unwrap_or(last);
        let needed = *days_needed(first).start()..=last;
        let entries = book::entries_of(&scene.edition.book, metric, needed).await?;
        let catalog = &scene.config.catalog;
        let history = &scene.edition.history;
        let judgement = Judgement {
            days: history.judge_metric(&metric.key, first..=last, catalog),
        };
        let alone = alone(metric, catalog);
        let reports = Reports {
            scene,
            entries: &entries,
            judgement: &judgement,
            catalog: &alone,
        };
        let stored = judgement.days.last();
        let days = dates.into_iter().map(|date| reports.day(date, metric));
        Ok(Self {
            metric: metric.clone(),
            last,
            report: stored.and_then(|day| reports.report(day.date)),
            days: days.collect(),
        })
    }
}

impl Days {
    /// The parts of a distribution.
    pub(super) fn stack(&self, speech: &Speech) -> Stack {
        Stack::new(self.days.iter().map(Day::value), speech.words.no_part)
    }
}

impl Day {
    pub(super) fn value(&self) -> Option<&Value> {
        self.reading.as_ref()?.value.as_ref()
    }
}

/// The catalog with this metric alone, so that a report of it is cheap.
fn alone(metric: &Metric, catalog: &Catalog) -> Catalog {
    Catalog {
        tables: Vec::new(),
        metrics: vec![metric.clone()],
        known_days: catalog.known_days.clone(),
        ..*catalog
    }
}

/// The sources of the days' reports.
struct Reports<'a> {
    scene: &'a Scene<'a>,
    entries: &'a [Entry],
    judgement: &'a Judgement,
    catalog: &'a Catalog,
}

impl Reports<'_> {
    fn day(&self, date: NaiveDate, metric: &Metric) -> Day {
        let counts = has_begun(metric, date, self.catalog);
        let at = self.entries.binary_search_by_key(&date, |entry| entry.date);
        let entry = at.ok().map(|at| &self.entries[at]).filter(|_| counts);
        let judged = self.judgement.day(date);
        let own = judged.and_then(|day| day.metrics.first());
        let known = self.catalog.known_day(date);
        Day {
            date,
            reading: entry.and_then(|entry| entry.reading(metric)).cloned(),
            entry: entry.cloned(),
            usual: own.and_then(|judged| judged.usual),
            highlight: judged.and_then(|day| self.highlight(day)),
            muted: own.and_then(|judged| {
                let mute = judged.muted.as_ref()?;
                let mut alerts = judged.alerts.iter();
                let stands = alerts.any(|alert| alert.state != State::Recovered);
                stands.then(|| self.scene.speech.muted_until(mute))
            }),
            known: known.map(|known| self.scene.speech.known(known)),
        }
    }

    fn highlight(&self, day: &JudgedDay) -> Option<Highlight> {
        let own = day.metrics.first()?;
        let report = (!own.alerts.is_empty()).then(|| self.report(day.date))??;
        let view = view::highlights(&report, &self.scene.speech)
            .into_iter()
            .next()?;
        let state = report.highlights.first()?.state;
        Some(Highlight { view, state })
    }

    fn report(&self, date: NaiveDate) -> Option<Report> {
        let needed = days_needed(date);
        let before = |entry: &Entry| entry.date < *needed.start();
        let begin = self.entries.partition_point(before);
        let end = self.entries.partition_point(|entry| entry.date <= date);
        let entries = &self.entries[begin..end];
        report::of_day(date, entries, self.judgement, self.catalog)
    }
}
