//! A stored day in words, ready to be drawn. All text from data passes [`plain`] here before it reaches the terminal.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};

use crate::config::Config;
use crate::look::edition::Edition;
use crate::render::axis::Extent;
use crate::render::phrases::speech::Scale;
use crate::render::phrases::{Speech, fill};
use crate::render::view::{self, CellView, HighlightView, PartView, RowView, SectionView, Tone};
use crate::report::{self, Around, Content, Letter, Report, Row};
use crate::text::plain::printable;

use super::words::Words;

/// The most days that the chart of the details shows.
const CHART_DAYS: u64 = 90;

#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    pub words: &'static Words,
    pub name: String,
    /// None while the book is empty.
    pub day: Option<Day>,
    /// Newer days should be there by now.
    pub stale: Option<String>,
    /// Why the book could not be read again.
    pub trouble: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Day {
    pub date: NaiveDate,
    pub before: Option<NaiveDate>,
    pub after: Option<NaiveDate>,
    pub newest: NaiveDate,
    /// `newest: Fri 3 Oct`, where that is another day.
    pub newer: Option<String>,
    /// `Friday 3 October 2025`
    pub title: String,
    /// `Fri 3 Oct 2025`
    pub short: String,
    pub tone: Tone,
    pub verdict: String,
    pub open: bool,
    pub span: String,
    /// When it was counted, and how long that took.
    pub counted: String,
    pub summary: String,
    pub metrics: Vec<Metric>,
    /// The places of the metrics that alert, the most severe first.
    pub alerts: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    pub section: String,
    pub description: String,
    /// Why there is no value, or how it was obtained.
    pub reason: Option<String>,
    /// As a letter's table has them: the metric, the day, the three days compared with, the trend.
    pub heads: [String; 6],
    pub row: RowView,
    pub alert: Option<HighlightView>,
    pub past: Past,
}

/// The last `CHART_DAYS` days, oldest first, from the first that is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Past {
    pub numbers: Vec<Option<f64>>,
    pub lowest: String,
    pub highest: String,
    /// The days' names, as many as there are numbers.
    pub days: Vec<String>,
}

impl Shown {
    /// `report` is of the day to show; none while the book is empty.
    pub fn new(
        report: Option<Report>,
        edition: &Edition,
        config: &Config,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            words: Words::in_language(config.report.locale.language),
            name: plain(&config.name),
            day: report.and_then(|report| day(report, edition, config)),
            stale: stale(edition, config, now),
            trouble: None,
        }
    }
}

/// A warning if the newest day that is due is missing.
pub fn stale(edition: &Edition, config: &Config, now: DateTime<Utc>) -> Option<String> {
    let words = Words::in_language(config.report.locale.language);
    let expected = report::expected(now, config.time_zone, config.report.due);
    edition.newest()?;
    match edition.newest_complete() {
        Some(newest) if newest >= expected => None,
        Some(newest) => {
            let date = Speech::new(config.report.locale).short_date_with_year(newest);
            Some(fill(words.stale, &[("date", plain(&date))]))
        }
        None => Some(words.stale_from_the_start.to_owned()),
    }
}

/// Text from data as it may reach a terminal, on one line, with spaces of one kind.
pub fn plain(text: &str) -> String {
    printable(text).replace('\u{a0}', " ")
}

fn day(report: Report, edition: &Edition, config: &Config) -> Option<Day> {
    let locale = config.report.locale;
    let speech = Speech::new(locale);
    let newest = edition.newest()?;
    let (before, after) = edition.neighbours(report.date);
    let newer = (newest != report.date).then(|| {
        let date = speech.short_date(newest);
        fill(
            Words::in_language(locale.language).newest,
            &[("date", date)],
        )
    });
    let letter = Letter {
        name: config.name.clone(),
        content: Content::Day(Box::new(report)),
        around: Around::default(),
    };
    let view = view::view(&letter, locale);
    let report = letter.report()?;
    let metrics = metrics(report, view.sections, edition, config);
    Some(Day {
        date: report.date,
        before,
        after,
        newest,
        newer: newer.as_deref().map(plain),
        title: plain(&view.date),
        short: plain(&speech.short_date_with_year(report.date)),
        tone: view.tone,
        verdict: plain(&view.verdict),
        open: report.partial,
        span: plain(&view.span),
        counted: plain(&counted(report, &speech)),
        summary: plain(&view.summary),
        alerts: alerts(report, &metrics),
        metrics,
    })
}

fn metrics(
    report: &Report,
    sections: Vec<SectionView>,
    edition: &Edition,
    config: &Config,
) -> Vec<Metric> {
    let rows: BTreeMap<&str, &Row> = report
        .rows
        .iter()
        .map(|row| (row.key.as_str(), row))
        .collect();
    let keys = report.highlights.iter();
    let keys = keys.filter_map(|highlight| Some(report.rows.get(highlight.row)?.key.as_str()));
    let highlights = view::highlights(report, &Speech::new(config.report.locale));
    let highlights: BTreeMap<&str, HighlightView> = keys.zip(highlights).collect();
    let metric = |section: &SectionView, row: &RowView| {
        let reported = rows.get(row.key.as_str());
        let description = reported.map(|row| plain(&row.description));
        let past = reported.map(|row| past(row, report.date, edition, config));
        Metric {
            section: plain(&section.name),
            description: description.unwrap_or_default(),
            reason: reported.and_then(|row| reason(row, config)),
            heads: section.heads.each_ref().map(|head| plain(head)),
            alert: highlights.get(row.key.as_str()).map(plain_highlight),
            past: past.unwrap_or_default(),
            row: plain_row(row),
        }
    };
    sections
        .iter()
        .flat_map(|section| section.rows.iter().map(move |row| (section, row)))
        .map(|(section, row)| metric(section, row))
        .collect()
}

fn reason(row: &Row, config: &Config) -> Option<String> {
    let reason = row.provenance.reason.as_deref()?;
    Some(plain(&Speech::new(config.report.locale).reason(reason)))
}

/// The order of the tables may differ from that of the report.
fn alerts(report: &Report, metrics: &[Metric]) -> Vec<usize> {
    let place = |key: &str| metrics.iter().position(|metric| metric.row.key == key);
    let rows = report.highlights.iter();
    rows.filter_map(|highlight| place(&report.rows.get(highlight.row)?.key))
        .collect()
}

fn counted(report: &Report, speech: &Speech) -> String {
    let zone = report.time_zone;
    let date = report.collected_at.with_timezone(&zone).date_naive();
    let words = [
        ("date", speech.short_date(date)),
        ("clock", speech.clock(report.collected_at, zone)),
        ("time", speech.duration(report.duration_ms)),
    ];
    fill(Words::in_language(speech.language).counted, &words)
}

fn past(row: &Row, last: NaiveDate, edition: &Edition, config: &Config) -> Past {
    let speech = Speech::new(config.report.locale);
    let first = last.checked_sub_days(Days::new(CHART_DAYS - 1));
    let first = first.unwrap_or(last);
    let stored = edition
        .history
        .numbers(&row.key, first..=last, &config.catalog);
    let known: BTreeMap<NaiveDate, f64> = stored
        .into_iter()
        .filter_map(|(day, number)| Some((day.date, number.ok()?)))
        .filter(|(_, number)| number.is_finite())
        .collect();
    let extent = Extent::spanning(known.values().copied());
    let (Some(first), Some(extent)) = (known.keys().next(), extent) else {
        return Past::default();
    };
    let days = first.iter_days().take_while(|date| *date <= last);
    let written = |number: f64| plain(&speech.number(number, Scale::of_row(row)));
    let names = days.clone().map(|date| plain(&speech.short_date(date)));
    Past {
        lowest: written(extent.lowest),
        highest: written(extent.highest),
        days: names.collect(),
        numbers: days.map(|date| known.get(&date).copied()).collect(),
    }
}

fn plain_row(row: &RowView) -> RowView {
    let changes = row.changes.as_ref();
    RowView {
        key: plain(&row.key),
        label: plain(&row.label),
        value: plain(&row.value),
        value_note: row.value_note.as_deref().map(plain),
        changes: changes.map(|cells| cells.each_ref().map(plain_cell)),
        usual: row.usual.as_deref().map(plain),
        trend_words: plain(&row.trend_words),
        parts: row.parts.iter().map(plain_part).collect(),
        ..row.clone()
    }
}

fn plain_cell(cell: &CellView) -> CellView {
    CellView {
        text: plain(&cell.text),
        note: cell.note.as_deref().map(plain),
        ..cell.clone()
    }
}

fn plain_part(part: &PartView) -> PartView {
    PartView {
        label: plain(&part.label),
        value: plain(&part.value),
        share: part.share,
    }
}

fn plain_highlight(highlight: &HighlightView) -> HighlightView {
    HighlightView {
        tone: highlight.tone,
        word: plain(&highlight.word),
        head: plain(&highlight.head),
        rest: plain(&highlight.rest),
    }
}
