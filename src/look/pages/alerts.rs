//! The alerts page: what stands, what is over, and how the last month was.

mod month;

use askama::Template;
use chrono::NaiveDate;

use crate::book::{self, BookError};
use crate::look::pages::asked::{Asked, Span};
use crate::look::pages::words::Words;
use crate::render::phrases::fill;
use crate::render::view::{self, HighlightView};
use crate::report::{self, Report, State, TREND_DAYS};

use super::frame::{Page, Tab, class, written};
use super::{Built, Scene};

use month::{Cell, Strip};

/// So many days are looked back on.
const MONTH: u64 = 30;

pub(super) async fn page(scene: &Scene<'_>, asked: Option<NaiveDate>) -> Result<Built, BookError> {
    let catalog = &scene.config.catalog;
    let last = asked.or(scene.edition.newest()).unwrap_or(scene.expected);
    let dates = super::chart::dates(last, MONTH);
    let first = dates.first().copied().unwrap_or(last);
    let judgement = scene.edition.history.judge_days(first..=last, catalog);
    let stored = judgement.days.last().map(|day| day.date);
    let report = match stored {
        Some(day) => {
            let from = day.checked_sub_days(chrono::Days::new(TREND_DAYS));
            let entries = book::entries(&scene.edition.book, from.unwrap_or(day)..=day).await?;
            report::of_day(day, &entries, &judgement, catalog)
        }
        None => None,
    };
    let link = |date: NaiveDate| {
        let words = scene.speech.short_date_with_year(date);
        (words, Asked::Alerts(Some(date)).address())
    };
    let (before, after) = scene.edition.neighbours(last);
    let body = Body {
        words: scene.words,
        date: scene
            .speech
            .long_date(report.as_ref().map_or(last, |report| report.date)),
        before: before.map(link),
        after: after.map(link),
        newest: asked.map(|_| Asked::Alerts(None).address()),
        open: report.as_ref().is_some_and(|report| report.partial),
        complete: scene.edition.newest_complete().map(link),
        groups: report
            .as_ref()
            .map_or_else(Vec::new, |report| groups(report, asked, scene)),
        nothing: match &report {
            None => scene.words.not_judged,
            Some(report) if report.partial => scene.words.open_unjudged,
            Some(_) => scene.words.nothing_alerts,
        },
        cells: month::cells(&judgement, &dates, scene),
        strips: month::strips(&judgement, (&dates, asked), scene),
        view: format!("0 0 {} 16", dates.len() * month::DAY),
        grid: month::grid(dates.len()),
    };
    let page = Page {
        title: fill(scene.words.alerts_of, &[("date", &body.date)]),
        current: Tab::Alerts,
        date: asked,
        content: written(&body),
        stale: None,
    };
    Ok(scene.found(page))
}

#[derive(Template)]
#[template(path = "web/alerts.html")]
struct Body {
    words: &'static Words,
    date: String,
    before: Option<(String, String)>,
    after: Option<(String, String)>,
    newest: Option<String>,
    open: bool,
    complete: Option<(String, String)>,
    groups: Vec<Group>,
    /// What to say where there are no groups.
    nothing: &'static str,
    cells: Vec<Cell>,
    strips: Vec<Strip>,
    /// Of every strip.
    view: String,
    grid: String,
}

struct Group {
    title: String,
    /// With the metric's address.
    highlights: Vec<(HighlightView, String)>,
}

/// The unwelcome before the welcome, the critical before warnings, what is over after those and the
/// muted last: in the report's own order.
fn groups(report: &Report, asked: Option<NaiveDate>, scene: &Scene<'_>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let standing = report.highlights.iter();
    let standing = standing.zip(view::highlights(report, &scene.speech));
    let muted = report.muted.iter();
    let muted = muted.zip(view::muted(report, &scene.speech));
    for (highlight, view) in standing.chain(muted) {
        let Some(row) = report.rows.get(highlight.row) else {
            continue;
        };
        let address = Asked::Metric {
            key: row.key.clone(),
            days: Span::Days90,
            until: asked,
        };
        let title = match highlight.state {
            State::Recovered => scene.words.over,
            _ => &view.word,
        };
        let title = title.to_owned();
        let highlight = (view, address.address());
        match groups.last_mut() {
            Some(group) if group.title == title => group.highlights.push(highlight),
            _ => groups.push(Group {
                title,
                highlights: vec![highlight],
            }),
        }
    }
    groups
}
