//! The alerts page: active and recovered alerts, and the last month.

mod month;

use askama::Template;
use chrono::NaiveDate;

use crate::book::BookError;
use crate::look::pages::asked::Asked;
use crate::look::pages::words::Words;
use crate::render::phrases::fill;
use crate::render::view::{self, HighlightView};
use crate::report::{Report, State};

use super::frame::{Page, Tab, class};
use super::{Built, Link, Scene};

use month::{Cell, Strip};

/// How many days the page looks back on.
const MONTH: u64 = 30;

pub(super) async fn page(scene: &Scene<'_>, asked: Option<NaiveDate>) -> Result<Built, BookError> {
    let catalog = &scene.config.catalog;
    let last = asked.or(scene.edition.newest()).unwrap_or(scene.expected);
    let dates = super::chart::dates(last, MONTH);
    let first = dates.first().copied().unwrap_or(last);
    let judgement = scene.edition.history.judge_days(first..=last, catalog);
    let report = match judgement.days.last() {
        Some(day) => {
            let edition = scene.edition;
            edition.report_of(day.date, &judgement, catalog).await?
        }
        None => None,
    };
    let alerts_on = |date| Asked::Alerts(Some(date));
    let [before, after] = scene.neighbours(last, alerts_on);
    let complete = scene.edition.newest_complete();
    let shown = report.as_ref().map_or(last, |report| report.date);
    let groups = report.as_ref().map(|report| groups(report, asked, scene));
    let body = Body {
        words: scene.words,
        date: scene.speech.long_date(shown),
        before,
        after,
        newest: asked.map(|_| Asked::Alerts(None).address()),
        open: report.as_ref().is_some_and(|report| report.partial),
        complete: complete.map(|date| scene.link(date, &alerts_on(date))),
        groups: groups.unwrap_or_default(),
        nothing: match &report {
            None => scene.words.not_judged,
            Some(report) if report.partial => scene.words.open_unjudged,
            Some(_) => scene.words.nothing_alerts,
        },
        cells: month::cells(&judgement, &dates, scene),
        strips: month::strips(&judgement, &dates, asked, scene),
        view: format!("0 0 {} 16", dates.len() * month::DAY),
        grid: month::grid(dates.len()),
    };
    let title = fill(scene.words.alerts_of, &[("date", &body.date)]);
    Ok(scene.found(&Page {
        date: asked,
        ..Page::new(&title, Tab::Alerts, &body)
    }))
}

#[derive(Template)]
#[template(path = "web/alerts.html")]
struct Body {
    words: &'static Words,
    date: String,
    before: Option<Link>,
    after: Option<Link>,
    newest: Option<String>,
    open: bool,
    complete: Option<Link>,
    groups: Vec<Group>,
    /// Shown if there are no groups.
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

/// In the report's order: unwelcome before welcome, critical before warnings, then recovered, muted last.
fn groups(report: &Report, asked: Option<NaiveDate>, scene: &Scene<'_>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let views = view::highlights(report, &scene.speech);
    let muted = view::muted(report, &scene.speech);
    let all = report.highlights.iter().zip(views);
    for (highlight, view) in all.chain(report.muted.iter().zip(muted)) {
        let Some(row) = report.rows.get(highlight.row) else {
            continue;
        };
        let title = match highlight.state {
            State::Recovered => scene.words.over,
            _ => &view.word,
        };
        let title = title.to_owned();
        let highlight = (view, Asked::metric(&row.key, asked).address());
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
