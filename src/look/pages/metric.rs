//! A metric's page: its present value, its history as a chart and a table, its meaning and its SQL.

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

use super::frame::{Page, Tab, class};
use super::{Built, Link, Scene};

use about::About;
use days::Days;
use picture::Picture;
use table::Table;

pub(super) async fn page(
    scene: &Scene<'_>,
    key: &str,
    span: Span,
    until: Option<NaiveDate>,
) -> Result<Built, BookError> {
    let mut shown = scene.config.catalog.shown();
    let Some(metric) = shown.find(|metric| metric.key == key) else {
        return Ok(missing::no_such_metric(scene, key));
    };
    // An empty book has no newest day; any will do to say that it has no value.
    let last = until.or(scene.edition.newest()).unwrap_or(scene.expected);
    let days = Days::read(scene, metric, span, last).await?;
    let label = view::label(metric);
    let asked = |days: Span, until: Option<NaiveDate>| {
        let key = key.to_owned();
        Asked::Metric { key, days, until }
    };
    let [before, after] = scene.neighbours(last, |date| asked(span, Some(date)));
    let body = Body {
        words: scene.words,
        section: view::line(&metric.section),
        description: view::reason(&metric.description),
        spans: Span::ALL.map(|days| {
            let count = usize::try_from(days.days()).unwrap_or_default();
            let words = scene.speech.count(scene.speech.words.days, count);
            (words, asked(days, until).address(), days == span)
        }),
        before,
        after,
        newest: until.map(|_| asked(span, None).address()),
        now: Now::new(scene, &days),
        picture: picture::picture(&days, &label, scene),
        table: table::table(&days, scene),
        about: About::new(metric, scene),
        label: &label,
        critical: scene.speech.words.critical,
        warning: scene.speech.words.warning,
        welcome: scene.speech.words.welcome,
    };
    Ok(scene.found(&Page {
        date: until,
        ..Page::new(&label, Tab::Other, &body)
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
    before: Option<Link>,
    after: Option<Link>,
    newest: Option<String>,
    /// None where no day of the range is stored.
    now: Option<Now>,
    /// None where no day of the range has a value.
    picture: Option<Picture>,
    table: Table,
    about: About,
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
    fn new(scene: &Scene<'_>, days: &Days) -> Option<Self> {
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
