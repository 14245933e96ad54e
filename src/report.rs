//! What a reader sees of one day, before any number becomes text.

pub mod letter;
pub mod matter;

use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::catalog::{Catalog, Metric};
use crate::compare::{Judged, JudgedDay, Judgement};
use crate::entry::{Entry, Kind, Provenance, Reading, Value};

pub use crate::compare::{
    Alert, Calm, Change, Difference, Gap, Outcome, Rule, Severity, State, Usual, Way,
};
pub use letter::{Around, Content, Correction, Letter, NoNumbers, Undelivered};
pub use matter::{Matter, Mover, Verdict};

/// How many days a trend shows, the day itself the last of them.
pub const TREND_DAYS: u64 = 30;

#[derive(Debug, Clone)]
pub struct Report {
    pub date: NaiveDate,
    pub time_zone: Tz,
    /// How long the day was; 24 except where clocks changed.
    pub hours: f64,
    /// The day was still open when it was counted: nothing is judged.
    pub partial: bool,
    pub as_of: DateTime<Utc>,
    pub day_end: DateTime<Utc>,
    pub collected_at: DateTime<Utc>,
    pub duration_ms: i64,
    /// The name of a day that is known to be different.
    pub known_day: Option<String>,
    /// The shown metrics in the catalog's order.
    pub rows: Vec<Row>,
    /// The most severe first, the welcome after the unwelcome, the recovered last.
    pub alerts: Vec<Notice>,
    pub counts: Counts,
    /// What deserves attention, one for each metric with alerts, in the order of `alerts`.
    pub matters: Vec<Matter>,
}

#[derive(Debug, Clone)]
pub struct Row {
    pub key: String,
    pub label: String,
    pub section: String,
    pub description: String,
    pub unit: String,
    pub decimals: Option<u32>,
    /// A percentage: its changes are told in points.
    pub in_points: bool,
    pub value: Option<Value>,
    pub provenance: Provenance,
    /// Against 1, 7, 28 and 30 days before; none for a distribution.
    pub changes: Vec<Change>,
    pub usual: Option<Usual>,
    /// The last [`TREND_DAYS`] days, oldest first; empty for a distribution.
    pub trend: Vec<Option<f64>>,
}

/// An alert with what is needed to put it into words.
#[derive(Debug, Clone)]
pub struct Notice {
    pub alert: Alert,
    pub label: String,
    pub unit: String,
    pub decimals: Option<u32>,
    pub in_points: bool,
}

/// Standing alerts; the welcome ones are counted apart, the recovered ones not at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub critical: usize,
    pub warnings: usize,
    pub welcome: usize,
}

/// The report of one of the entries' days, with what was judged of it; `None` when that day is not among them.
pub fn of_day(
    date: NaiveDate,
    entries: &[Entry],
    judgement: &Judgement,
    catalog: &Catalog,
) -> Option<Report> {
    let entry = entries.iter().find(|entry| entry.date == date)?;
    let day = judgement.day(date);
    let alerts = alerts(day, catalog);
    let rows: Vec<Row> = catalog
        .shown()
        .map(|metric| {
            let judged = day.and_then(|day| day.metric(&metric.key));
            row(entry, metric, (judged, entries))
        })
        .collect();
    Some(Report {
        date: entry.date,
        time_zone: entry.time_zone,
        hours: entry.hours(),
        partial: entry.partial,
        as_of: entry.as_of,
        day_end: entry.day_end,
        collected_at: entry.collected_at,
        duration_ms: entry.duration_ms,
        known_day: catalog
            .known_days
            .iter()
            .find(|day| day.date == entry.date)
            .map(|day| day.name.clone()),
        counts: count(&alerts),
        matters: matter::of(&alerts, &rows, (entries, catalog)),
        rows,
        alerts,
    })
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

    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Row> {
        self.rows
            .iter()
            .filter(move |row| row.provenance.kind == kind)
    }
}

impl Row {
    pub fn change(&self, days: u32) -> Option<&Change> {
        self.changes.iter().find(|change| change.days == days)
    }
}

fn row(entry: &Entry, metric: &Metric, (judged, entries): (Option<&Judged>, &[Entry])) -> Row {
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
        trend: trend(entry.date, metric, entries),
    }
}

fn trend(date: NaiveDate, metric: &Metric, entries: &[Entry]) -> Vec<Option<f64>> {
    if metric.is_distribution() {
        return Vec::new();
    }
    let number = |back: u64| {
        let day = date - Days::new(back);
        let entry = entries.iter().find(|entry| entry.date == day)?;
        entry.reading(metric)?.number()
    };
    (0..TREND_DAYS).rev().map(number).collect()
}

fn alerts(day: Option<&JudgedDay>, catalog: &Catalog) -> Vec<Notice> {
    let judged = day.into_iter().flat_map(|day| &day.metrics);
    let notice = |alert: &Alert| {
        let metric = catalog.metric(&alert.key)?;
        Some(Notice {
            alert: alert.clone(),
            label: metric.label.clone(),
            unit: metric.unit.clone(),
            decimals: metric.decimals,
            in_points: metric.moves_in_points(),
        })
    };
    let mut notices: Vec<Notice> = judged
        .flat_map(|judged| &judged.alerts)
        .filter_map(notice)
        .collect();
    notices.sort_by_key(|notice| {
        let alert = &notice.alert;
        let recovered = alert.state == State::Recovered;
        (
            recovered,
            alert.welcome,
            alert.severity == Severity::Warning,
        )
    });
    notices
}

fn count(alerts: &[Notice]) -> Counts {
    let mut counts = Counts::default();
    for Notice { alert, .. } in alerts {
        match (alert.state, alert.welcome, alert.severity) {
            (State::Recovered, _, _) => {}
            (_, true, _) => counts.welcome += 1,
            (_, _, Severity::Critical) => counts.critical += 1,
            (_, _, Severity::Warning) => counts.warnings += 1,
        }
    }
    counts
}
