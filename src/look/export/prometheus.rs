//! The newest day as Prometheus reads it.

mod live;
pub(super) mod numbers;
mod runs;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::book::{self, BookError};
use crate::catalog::series::{self, Own};
use crate::catalog::{Catalog, Metric};
use crate::compare::{JudgedDay, Severity, State, Usual, has_begun};
use crate::config::Config;
use crate::entry::{Entry, Reading};
use crate::look::edition::{Edition, Exposition};

pub use live::live_series;

use crate::text::exposition::{Form, family, labels, sample};

/// Every series with HELP and TYPE, in the text format 0.0.4. The slow part is made once for an edition.
pub async fn exposition(
    edition: &Edition,
    config: &Config,
    now: DateTime<Utc>,
) -> Result<String, BookError> {
    let prepared = match edition.exposition.get() {
        Some(prepared) => prepared,
        None => {
            let made = prepare(edition, config).await?;
            edition.exposition.get_or_init(|| made)
        }
    };
    let prefix = &config.prometheus.prefix;
    let mut all = prepared.text.clone();
    match &prepared.runs {
        Some(runs) => all.push_str(runs),
        None => all.push_str(&runs::series(&book::nights(&edition.book).await?, prefix)),
    }
    if let Some(as_of) = prepared.as_of {
        let age = Decimal::new((now - as_of).num_milliseconds(), 3).normalize();
        one(&mut all, Own::EntryAge, prefix, age);
    }
    Ok(all)
}

/// What can be said without a book.
pub fn build_series(prefix: &str) -> String {
    let mut text = String::new();
    let version = [(labels(&[("version", env!("CARGO_PKG_VERSION"))]), "1")];
    several(&mut text, Own::Build, prefix, version);
    text
}

async fn prepare(edition: &Edition, config: &Config) -> Result<Exposition, BookError> {
    let (catalog, prefix) = (&config.catalog, config.prometheus.prefix.as_str());
    let newest = match edition.newest() {
        Some(date) => book::entry(&edition.book, date).await?,
        None => None,
    };
    let mut text = build_series(prefix);
    if let Some(entry) = &newest {
        about_entry(&mut text, entry, prefix);
        available(&mut text, entry, config);
    }
    judgement(&mut text, edition, config);
    let lost = runs::undelivered(edition, config).await?;
    one(&mut text, Own::Undelivered, prefix, lost);
    if let Some(entry) = &newest {
        for metric in catalog.shown() {
            measured(&mut text, entry, metric, config);
        }
    }
    let nights = book::nights(&edition.book).await?;
    let runs = (!nights.one_goes_on).then(|| runs::series(&nights, prefix));
    Ok(Exposition {
        text,
        runs,
        as_of: newest.map(|entry| entry.as_of),
    })
}

/// The HELP text of a family.
pub(super) fn help_of(metric: &Metric) -> &str {
    match metric.description.trim() {
        "" => &metric.label,
        said => said,
    }
}

fn measured(out: &mut String, entry: &Entry, metric: &Metric, config: &Config) {
    let numbers = numbers::numbers(entry, metric, &config.catalog);
    if numbers.is_empty() {
        return;
    }
    let name = series::name(metric, &config.prometheus.prefix);
    family(out, &name, help_of(metric), Form::Prometheus);
    lines(out, &name, numbers);
}

fn about_entry(out: &mut String, entry: &Entry, prefix: &str) {
    one(out, Own::EntryTime, prefix, seconds(entry.as_of));
    one(out, Own::EntryPartial, prefix, u8::from(entry.partial));
    let took = milliseconds(entry.duration_ms);
    one(out, Own::CollectionDuration, prefix, took);
}

fn available(out: &mut String, entry: &Entry, config: &Config) {
    let catalog = &config.catalog;
    let begun = catalog.shown();
    let begun = begun.filter(|metric| has_begun(metric, entry.date, catalog));
    let flags = begun.map(|metric| {
        let known = entry.reading(metric).is_some_and(Reading::is_known);
        (of_metric(&metric.key), u8::from(known))
    });
    several(out, Own::Available, &config.prometheus.prefix, flags);
}

/// The judgement of the newest complete day, for metrics that were known.
fn judgement(out: &mut String, edition: &Edition, config: &Config) {
    let (catalog, prefix) = (&config.catalog, config.prometheus.prefix.as_str());
    let Some(date) = edition.newest_complete() else {
        return;
    };
    let judgement = edition.history.judge_day(date, catalog);
    let Some(day) = judgement.day(date) else {
        return;
    };
    let severities = severities(edition, day, catalog);
    several(out, Own::Severity, prefix, severities);
    let is_muted = |metric: &&Metric| edition.history.is_muted(metric, date);
    let muted = catalog.shown().filter(is_muted);
    let muted = muted.map(|metric| (of_metric(&metric.key), 1));
    several(out, Own::Muted, prefix, muted);
    let usual = |bound: fn(&Usual) -> f64| {
        let metrics = day.metrics.iter();
        metrics.filter_map(move |judged| {
            let usual = judged.usual.as_ref()?;
            Some((of_metric(&judged.key), bound(usual)))
        })
    };
    several(out, Own::UsualLow, prefix, usual(|usual| usual.low));
    several(out, Own::UsualHigh, prefix, usual(|usual| usual.high));
}

fn severities<'a>(
    edition: &'a Edition,
    day: &'a JudgedDay,
    catalog: &'a Catalog,
) -> impl Iterator<Item = (String, u8)> + 'a {
    day.metrics.iter().filter_map(move |judged| {
        let is_known = edition.history.is_known(&judged.key, day.date, catalog);
        let active = judged.alerts.iter();
        let active = active.filter(|alert| alert.state != State::Recovered && !alert.welcome);
        let severities = active.map(|alert| match alert.severity {
            Severity::Warning => 1,
            Severity::Critical => 2,
        });
        let severity = severities.max().unwrap_or(0);
        is_known.then(|| (of_metric(&judged.key), severity))
    })
}

fn of_metric(key: &str) -> String {
    labels(&[("metric", key)])
}

/// One of Daybook's own families, of a single series.
fn one(out: &mut String, own: Own, prefix: &str, value: impl std::fmt::Display) {
    several(out, own, prefix, [(String::new(), value)]);
}

/// One of Daybook's own families; nothing without a series.
fn several<V: std::fmt::Display>(
    out: &mut String,
    own: Own,
    prefix: &str,
    numbers: impl IntoIterator<Item = (String, V)>,
) {
    let mut numbers = numbers.into_iter().peekable();
    if numbers.peek().is_some() {
        let name = own.name(prefix);
        family(out, &name, own.help(), Form::Prometheus);
        lines(out, &name, numbers);
    }
}

fn lines<V: std::fmt::Display>(
    out: &mut String,
    name: &str,
    numbers: impl IntoIterator<Item = (String, V)>,
) {
    for (labels, value) in numbers {
        sample(out, name, &labels, value);
        out.push('\n');
    }
}

pub(super) fn seconds(instant: DateTime<Utc>) -> Decimal {
    Decimal::new(instant.timestamp_micros(), 6).normalize()
}

fn milliseconds(count: i64) -> Decimal {
    Decimal::new(count, 3).normalize()
}
