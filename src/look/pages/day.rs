//! A day's page: the verdict, the highlights, then every metric by section, in the words of the mail.

mod absent;
mod day_nav;
mod facts;
mod table;

use askama::Template;
use chrono::NaiveDate;

use crate::book::BookError;
use crate::look::pages::asked::Asked;
use crate::look::pages::words::Words;
use crate::render::view::{self, HighlightView, Tone, View};
use crate::report::{Around, Content, Letter, Report};

use super::frame::{Page, Tab, class};
use super::{Built, Scene};

pub use absent::before_first_night;
use day_nav::DayNav;
use facts::Fact;
use table::Table;

pub(super) async fn page(scene: &Scene<'_>, asked: Option<NaiveDate>) -> Result<Built, BookError> {
    let Some(newest) = scene.edition.newest() else {
        return Ok(before_first_night(scene.config, &Asked::Day(asked)));
    };
    let shown = asked.unwrap_or(newest);
    if !scene.edition.holds(shown) {
        return Ok(absent::no_such_day(scene, shown));
    }
    // The entry may have been removed since.
    let report = scene.edition.report(shown, &scene.config.catalog).await?;
    Ok(match report {
        Some(report) => found(scene, asked, report),
        None => absent::no_such_day(scene, shown),
    })
}

/// Shows the report by the mail's view, so that both have the same numbers.
fn found(scene: &Scene<'_>, asked: Option<NaiveDate>, report: Report) -> Built {
    let letter = Letter {
        name: scene.config.name.clone(),
        content: Content::Day(Box::new(report)),
        around: Around::default(),
    };
    let view = view::view(&letter, scene.config.report.locale);
    let Content::Day(report) = &letter.content else {
        return absent::no_such_day(scene, letter.date());
    };
    let address = |key: &str| Asked::metric(key, asked).address();
    let day = Day {
        words: scene.words,
        nav: DayNav::new(scene, report.date, asked),
        facts: facts::facts(report, scene),
        highlights: highlights(report, &view, &address),
        tables: table::tables(report, &view, scene, &address),
        view: &view,
    };
    let date = scene.speech.short_date_with_year(report.date);
    let title = format!("{date}: {}", view.verdict);
    scene.found(&Page {
        date: asked,
        ..Page::new(&title, Tab::Day, &day)
    })
}

#[derive(Template)]
#[template(path = "web/day.html")]
struct Day<'a> {
    words: &'static Words,
    view: &'a View,
    nav: DayNav,
    facts: Vec<Fact>,
    /// With the address of the metric.
    highlights: Vec<(&'a HighlightView, String)>,
    tables: Vec<Table<'a>>,
}

fn highlights<'a>(
    report: &Report,
    view: &'a View,
    address: &impl Fn(&str) -> String,
) -> Vec<(&'a HighlightView, String)> {
    let highlights = report.highlights.iter().zip(&view.highlights);
    let addressed = highlights.filter_map(|(highlight, view)| {
        let row = report.rows.get(highlight.row)?;
        Some((view, address(&row.key)))
    });
    addressed.collect()
}

/// The verdict's sign, with the meaning of its colour.
fn sign(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "✓",
        Tone::Warning | Tone::Critical => "▲",
        Tone::Plain | Tone::Muted => "●",
    }
}
