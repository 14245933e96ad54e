//! A metric's page: what it is now, its history as a picture and as a table, what it means and how it is counted.

mod about;
mod days;
mod missing;
mod picture;
mod table;

use askama::Template;
use chrono::NaiveDate;

use crate::book::BookError;
use crate::look::pages::asked::{Asked, Span};
use crate::look::pages::words::Words;
use crate::render::phrases::fill;
use crate::render::view::{self, CellView, RowView, Tone};

use super::frame::{Page, Tab, class, written};
use super::{Built, Scene};

use about::About;
use days::Days;
use picture::Picture;
use table::Table;

pub(super) async fn page(
    scene: &Scene<'_>,
    key: &str,
    (span, until): (Span, Option<NaiveDate>),
) -> Result<Built, BookError> {
    let mut shown = scene.config.catalog.shown();
    let Some(metric) = shown.find(|metric| metric.key == key) else {
        return Ok(missing::no_such_metric(scene, key));
    };
    // An empty book has no newest day; any will do to say that it has no value.
    let last = until.or(scene.edition.newest()).unwrap_or(scene.expected);
    let days = Days::read(scene, metric, (span, last)).await?;
    let label = view::label(metric);
    let address = |days: Span, until: Option<NaiveDate>| {
        let key = key.to_owned();
        Asked::Metric { key, days, until }.address()
    };
    let body = Body {
        words: scene.words,
        section: view::line(&metric.section),
        description: view::reason(&metric.description),
        spans: Span::ALL.map(|days| {
            let count = usize::try_from(days.days()).unwrap_or_default();
            let words = scene.speech.count(scene.speech.words.days, count);
            (words, address(days, until), days == span)
        }),
        way: Neighbours::from(scene, &days, |date| address(span, Some(date))),
        newest: until.map(|_| address(span, None)),
        now: Now::of(scene, &days),
        picture: picture::picture(&days, &label, scene),
        table: table::table(&days, scene),
        about: About::of(metric, scene),
        label: &label,
        critical: scene.speech.words.critical,
        warning: scene.speech.words.warning,
        welcome: scene.speech.words.welcome,
    };
    Ok(scene.found(Page {
        title: label.clone(),
        current: Tab::Other,
        date: until,
        content: written(&body),
        stale: None,
    }))
}

#[derive(Template)]
#[template(path = "web/metric.html")]
struct Body<'a> {
    words: &'static Words,
    label: &'a str,
    critical: &'static str,
    warning: &'static str,
    welcome: &'static str,
    section: String,
    description: String,
    /// Words, address and whether it is the one shown.
    spans: [(String, String, bool); 3],
    way: Neighbours,
    newest: Option<String>,
    /// None where no day of the range is stored.
    now: Option<Now>,
    /// None where no day of the range has a value.
    picture: Option<Picture>,
    table: Table,
    about: About,
}

/// The days before and after the last one shown: words and address.
struct Neighbours {
    before: Option<(String, String)>,
    after: Option<(String, String)>,
}

impl Neighbours {
    fn from(scene: &Scene<'_>, days: &Days, address: impl Fn(NaiveDate) -> String) -> Self {
        let link = |date| (scene.speech.short_date_with_year(date), address(date));
        let (before, after) = scene.edition.neighbours(days.last);
        Self {
            before: before.map(link),
            after: after.map(link),
        }
    }
}

/// The last stored day of the range.
struct Now {
    date: String,
    /// Of the day's own page.
    address: String,
    open: bool,
    view: RowView,
    /// `vs 7 days`, with the day.
    changes: Vec<(String, String, CellView)>,
    /// Tone, word, and a sentence.
    highlight: Option<(Tone, String, String)>,
}

impl Now {
    fn of(scene: &Scene<'_>, days: &Days) -> Option<Self> {
        let report = days.report.as_ref()?;
        let row = report.rows.first()?;
        let speech = &scene.speech;
        let change = |change: &crate::report::Change| {
            let count = speech.count(speech.words.days, change.days as usize);
            let head = fill(scene.words.vs_days, &[("days", count)]);
            let cell = view::change(change, row, report, speech);
            (head, speech.short_date(change.date), cell)
        };
        let highlights = view::highlights(report, speech).into_iter();
        let highlight = highlights.chain(view::muted(report, speech)).next();
        Some(Self {
            date: speech.long_date(report.date),
            address: Asked::Day(Some(report.date)).address(),
            open: report.partial,
            view: view::row(row, report, speech),
            changes: row.changes.iter().map(change).collect(),
            highlight: highlight.map(|highlight| (highlight.tone, highlight.word, highlight.rest)),
        })
    }
}
