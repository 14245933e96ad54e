//! The report of one day, before numbers become text.

pub mod backtest;
pub mod highlight;
pub mod letter;
mod mover;
mod past;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;

use crate::catalog::{Catalog, KnownDay, Metric, Mute, Parts, Shape};
use crate::compare::{Judged, Judgement};
use crate::entry::value::agree;
use crate::entry::{Entry, Kind, Provenance, Reading, Value};

use past::{Month, Past};

pub use crate::compare::{
    Alert, AlertedPart, Change, Difference, Direction, Gap, Held, Outcome, Rule, RuleKind,
    Severity, State, Suppression, Usual, Week,
};
pub use highlight::{Highlight, Mover, Verdict};
pub use letter::{
    Around, Content, Correction, Letter, LiveAlert, NoNumbers, STOPPED_AFTER, Undelivered,
    due_after, expected, next_due,
};

/// How many days a trend shows, the day itself the last of them.
pub const TREND_DAYS: u64 = 30;

/// The days whose entries a day's report needs: those of its trends, and the one thirty days before.
pub fn days_needed(date: NaiveDate) -> RangeInclusive<NaiveDate> {
    let first = date.checked_sub_days(Days::new(TREND_DAYS));
    first.unwrap_or(date)..=date
}

#[derive(Debug, Clone)]
pub struct Report {
    pub date: NaiveDate,
    pub time_zone: Tz,
    /// How long the day was; 24 except where clocks changed.
    pub hours: f64,
    /// The day was still open when it was counted: nothing is judged.
    pub partial: bool,
    /// No complete day was stored before: there is nothing to compare with yet.
    pub first: bool,
    pub as_of: DateTime<Utc>,
    pub day_start: DateTime<Utc>,
    pub day_end: DateTime<Utc>,
    pub collected_at: DateTime<Utc>,
    pub duration_ms: i64,
    /// Why the day is known to be different.
    pub known_day: Option<KnownDay>,
    /// The shown metrics in the catalog's order.
    pub rows: Vec<Row>,
    /// The most severe first, then improvements, recovered and muted ones.
    pub alerts: Vec<Notice>,
    pub counts: Counts,
    /// One for each metric with alerts: unwelcome before welcome, critical before warnings, new before ongoing, the
    /// largest move first, recovered last.
    pub highlights: Vec<Highlight>,
    /// Active but muted alerts, in the same order; they count nowhere.
    pub muted: Vec<Highlight>,
    /// How many metrics are known and do not alert; zero on an open day, which is not judged.
    pub as_usual: usize,
    /// A complete day without alerts and failures.
    pub calm_day: bool,
    /// Rows that splits count in none of their metrics, without saying that they mean it.
    pub unlisted: Vec<Unlisted>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlisted {
    /// The key in the catalog, with the window.
    pub split: String,
    pub column: String,
    pub rows: i64,
    /// `paid` 12000, NULL 4, … 7; none if not looked up.
    pub values: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Row {
    pub key: String,
    pub label: String,
    pub section: String,
    pub description: String,
    pub unit: String,
    pub decimals: Option<u32>,
    /// A percentage, whose changes are in points.
    pub in_points: bool,
    pub value: Option<Value>,
    pub provenance: Provenance,
    /// Against 1, 7, 28 and 30 days before; none for a distribution.
    pub changes: Vec<Change>,
    pub usual: Option<Usual>,
    /// Until this day, too few days are known for a usual range.
    pub learning_until: Option<NaiveDate>,
    /// The last [`TREND_DAYS`] days, oldest first; empty for a distribution.
    pub trend: Vec<Option<f64>>,
    pub muted: Option<Mute>,
    pub twin: Option<Twin>,
}

/// The metric that should have the same number as a row, if both are known.
#[derive(Debug, Clone, PartialEq)]
pub struct Twin {
    pub key: String,
    pub label: String,
    pub unit: String,
    pub decimals: Option<u32>,
    pub value: Value,
    /// How much larger the row's number is.
    pub difference: Value,
    /// It counts rows of a database, and the row's own number events that were sent.
    pub is_stored: bool,
}

/// An alert with its metric's label and unit.
#[derive(Debug, Clone)]
pub struct Notice {
    pub alert: Alert,
    pub label: String,
    pub unit: String,
    pub decimals: Option<u32>,
    pub in_points: bool,
    pub muted: Option<Mute>,
}

/// How many metrics alert, however many of their rules do. Improvements are counted apart, recovered ones not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub critical: usize,
    pub warnings: usize,
    pub welcome: usize,
}

/// The report of one of the entries' days, with its judgement; none if that day is not among them.
pub fn of_day(
    date: NaiveDate,
    entries: &[Entry],
    judgement: &Judgement,
    catalog: &Catalog,
) -> Option<Report> {
    let past = Past::new(entries, catalog.since);
    let entry = past.entry(date)?;
    let month = past.month(date);
    let judged = by_key(judgement, date);
    let rows: Vec<Row> = catalog
        .shown()
        .map(|metric| {
            let judged = judged.get(metric.key.as_str()).copied();
            Row {
                twin: twin(entry, metric, catalog),
                ..row(entry, metric, judged, &past, &month)
            }
        })
        .collect();
    let alerts = alerts(&judged, catalog);
    let (muted, highlights) = highlight::highlights(&alerts, &rows, &past, catalog)
        .into_iter()
        .partition::<Vec<Highlight>, _>(|highlight| rows[highlight.row].muted.is_some());
    let counts = highlight::count(&highlights);
    Some(Report {
        date: entry.date,
        time_zone: entry.time_zone,
        hours: entry.hours(),
        partial: entry.partial,
        first: judgement.day(date).is_none_or(|day| day.first),
        as_of: entry.as_of,
        day_start: entry.day_start,
        day_end: entry.day_end,
        collected_at: entry.collected_at,
        duration_ms: entry.duration_ms,
        known_day: catalog.known_day(entry.date).cloned(),
        as_usual: as_usual(entry, &rows, highlights.iter().chain(&muted)),
        calm_day: is_calm(entry, &rows, counts),
        counts,
        highlights,
        unlisted: unlisted(entry, catalog),
        muted: muted
            .into_iter()
            .filter(|highlight| highlight.state != State::Recovered)
            .collect(),
        rows,
        alerts,
    })
}

/// An alert on the value itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrokenLimit {
    pub severity: Severity,
    /// The value is back within the limit, but not yet clear of it.
    pub is_held: bool,
}

fn unlisted(entry: &Entry, catalog: &Catalog) -> Vec<Unlisted> {
    let unlisted = catalog.undeclared_rests().filter_map(|metric| {
        let (Shape::Counted(counted), Some(reading)) = (&metric.shape, entry.reading(metric))
        else {
            return None;
        };
        let (Parts::Rest { column, .. }, Some(Value::Whole(rows @ 1..))) =
            (&counted.parts, &reading.value)
        else {
            return None;
        };
        let window = counted.window.as_ref();
        let window = window.map(|window| format!(", {} d", window.days));
        Some(Unlisted {
            split: format!("{}{}", metric.family, window.unwrap_or_default()),
            column: column.clone(),
            rows: *rows,
            values: reading.provenance.reason.clone(),
        })
    });
    unlisted.collect()
}

impl Report {
    /// Each section with its rows, in the order in which the catalog first names them.
    pub fn sections(&self) -> Vec<(&str, Vec<&Row>)> {
        let mut sections: Vec<(&str, Vec<&Row>)> = Vec::new();
        for row in &self.rows {
            match sections.iter_mut().find(|(name, _)| *name == row.section) {
                Some((_, rows)) => rows.push(row),
                None => sections.push((&row.section, vec![row])),
            }
        }
        sections
    }

    pub fn failed(&self) -> impl Iterator<Item = &Row> {
        self.of_kind(Kind::Failed)
    }

    pub fn unavailable(&self) -> impl Iterator<Item = &Row> {
        self.of_kind(Kind::Unavailable)
    }

    /// Values read after the day's end, but soon enough to hold for it.
    pub fn counted_later(&self) -> impl Iterator<Item = &Row> {
        self.of_kind(Kind::Observed)
            .filter(|row| row.provenance.observed_at.is_some())
    }

    /// The limit that the row's value itself breaks; none where that is muted.
    pub fn broken_limit(&self, row: &Row) -> Option<BrokenLimit> {
        let Notice { alert, muted, .. } = self.limit(row)?;
        let is_held = matches!(alert.rule, Rule::Absolute(limit) if !limit.reached(alert.value));
        muted.is_none().then_some(BrokenLimit {
            severity: alert.severity,
            is_held,
        })
    }

    /// The row's value itself breaks a limit, but that is muted.
    pub fn has_muted_limit(&self, row: &Row) -> bool {
        let broken = self.limit(row);
        broken.is_some_and(|broken| broken.muted.is_some())
    }

    fn limit(&self, row: &Row) -> Option<&Notice> {
        self.alerts.iter().find(|Notice { alert, .. }| {
            alert.key == row.key
                && matches!(alert.rule, Rule::Absolute(_))
                && alert.state != State::Recovered
        })
    }

    /// Rows with a number that should be another's and is not.
    pub fn differing(&self) -> impl Iterator<Item = (&Row, &Twin)> {
        let twins = self
            .rows
            .iter()
            .filter_map(|row| Some((row, row.twin.as_ref()?)));
        twins.filter(|(_, twin)| twin.difference != Value::Whole(0))
    }

    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Row> {
        self.rows
            .iter()
            .filter(move |row| row.provenance.kind == kind)
    }
}

impl Row {
    /// The value was counted, even if there was nothing to measure.
    pub fn is_known(&self) -> bool {
        !matches!(self.provenance.kind, Kind::Unavailable | Kind::Failed)
    }

    pub fn change(&self, days: u32) -> Option<&Change> {
        self.changes.iter().find(|change| change.days == days)
    }
}

fn by_key(judgement: &Judgement, date: NaiveDate) -> BTreeMap<&str, &Judged> {
    let judged = judgement.day(date).into_iter().flat_map(|day| &day.metrics);
    judged.map(|judged| (judged.key.as_str(), judged)).collect()
}

fn row(
    entry: &Entry,
    metric: &Metric,
    judged: Option<&Judged>,
    past: &Past<'_>,
    month: &Month<'_>,
) -> Row {
    let reading = entry
        .reading(metric)
        .cloned()
        .unwrap_or_else(|| Reading::unavailable("not in this day's entry"));
    Row {
        key: metric.key.clone(),
        label: metric.label.clone(),
        section: metric.section.clone(),
        description: metric.description.clone(),
        unit: metric.unit.clone(),
        decimals: metric.decimals,
        in_points: metric.moves_in_points(),
        value: reading.value,
        provenance: reading.provenance,
        changes: judged.map_or_else(Vec::new, |judged| judged.changes.clone()),
        usual: judged.and_then(|judged| judged.usual),
        learning_until: judged.and_then(|judged| judged.learning_until),
        trend: past.trend(month, metric),
        muted: judged.and_then(|judged| judged.muted.clone()),
        twin: None,
    }
}

fn twin(entry: &Entry, metric: &Metric, catalog: &Catalog) -> Option<Twin> {
    let twin = catalog.metric(metric.same_as.as_ref()?)?;
    let own = entry.reading(metric)?.value.as_ref()?;
    let value = entry.reading(twin)?.value.as_ref()?;
    // Sums of floats differ in their last digits.
    let difference = match agree(Some(own), Some(value)) {
        true => Decimal::ZERO,
        false => own.decimal()? - value.decimal()?,
    };
    Some(Twin {
        key: twin.key.clone(),
        label: twin.label.clone(),
        unit: twin.unit.clone(),
        decimals: twin.decimals,
        value: value.clone(),
        difference: Value::from_decimal(difference),
        is_stored: metric.is_live() && !twin.is_live(),
    })
}

fn alerts(judged: &BTreeMap<&str, &Judged>, catalog: &Catalog) -> Vec<Notice> {
    let notices = |metric: &Metric| {
        let judged = judged.get(metric.key.as_str());
        let alerts = judged.into_iter().flat_map(|judged| &judged.alerts);
        let notice = |alert: &Alert| Notice {
            muted: judged.and_then(|judged| judged.muted.clone()),
            alert: alert.clone(),
            label: metric.label.clone(),
            unit: metric.unit.clone(),
            decimals: metric.decimals,
            in_points: metric.moves_in_points(),
        };
        alerts.map(notice).collect::<Vec<_>>()
    };
    let mut notices: Vec<Notice> = catalog.shown().flat_map(notices).collect();
    notices.sort_by_key(|notice| {
        let alert = &notice.alert;
        let is_over = alert.state == State::Recovered;
        let severity = Reverse(alert.severity);
        (notice.muted.is_some(), is_over, alert.welcome, severity)
    });
    notices
}

fn as_usual<'a>(
    entry: &Entry,
    rows: &[Row],
    highlights: impl Iterator<Item = &'a Highlight>,
) -> usize {
    if entry.partial {
        return 0;
    }
    let standing = highlights.filter(|highlight| highlight.state != State::Recovered);
    let alerting: BTreeSet<usize> = standing.map(|highlight| highlight.row).collect();
    let usual = |(at, row): &(usize, &Row)| row.is_known() && !alerting.contains(at);
    rows.iter().enumerate().filter(usual).count()
}

fn is_calm(entry: &Entry, rows: &[Row], counts: Counts) -> bool {
    let failed = rows.iter().any(|row| row.provenance.kind == Kind::Failed);
    !entry.partial && counts == Counts::default() && !failed
}
