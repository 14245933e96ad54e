//! The pages for a day that is not stored, and for the time before the first night.

use askama::Template;
use chrono::NaiveDate;

use crate::config::Config;
use crate::look::pages::address::LIVE;
use crate::look::pages::asked::Asked;
use crate::look::pages::frame::{Page, Tab};
use crate::look::pages::words::Words;
use crate::look::pages::{Built, Link, Scene};
use crate::render::phrases::fill;

use super::day_nav::DayNav;

/// How many stored days are offered on either side.
const OFFERED: usize = 3;

#[derive(Template)]
#[template(path = "web/absent.html")]
struct Absent {
    words: &'static Words,
    title: String,
    nav: DayNav,
    /// The stored days around it, oldest first.
    around: Vec<Link>,
    /// It is over, so it can be collected.
    fetchable: bool,
}

#[derive(Template)]
#[template(path = "web/empty.html")]
struct Empty {
    words: &'static Words,
    /// The address of the page of live events.
    live: Option<&'static str>,
}

pub(super) fn no_such_day(scene: &Scene<'_>, date: NaiveDate) -> Built {
    let days = scene.edition.history.days();
    let at = days.partition_point(|day| day.date < date);
    let around = &days[at.saturating_sub(OFFERED)..days.len().min(at + OFFERED)];
    let link = |date| scene.link(date, &Asked::Day(Some(date)));
    let long_date = scene.speech.long_date(date);
    let title = fill(scene.words.no_such_day, &[("date", long_date)]);
    let absent = Absent {
        words: scene.words,
        title: title.clone(),
        nav: DayNav::new(scene, date, Some(date)),
        around: around.iter().map(|day| link(day.date)).collect(),
        fetchable: date <= scene.expected,
    };
    scene.missing(&Page::new(&title, Tab::Day, &absent))
}

/// Every page says how to begin until a day is counted; any single day does not exist.
pub fn before_first_night(config: &Config, asked: &Asked) -> Built {
    let words = Words::in_language(config.report.locale.language);
    let (tab, exists) = match asked {
        Asked::Day(date) => (Tab::Day, date.is_none()),
        Asked::Alerts(_) => (Tab::Alerts, true),
        Asked::Runs => (Tab::Runs, true),
        Asked::Metric { key, .. } => {
            let mut shown = config.catalog.shown();
            (Tab::Other, shown.any(|metric| metric.key == *key))
        }
    };
    let live = config.live.as_ref().map(|_| LIVE);
    let html = Page::new(words.empty, tab, &Empty { words, live }).html(config, None);
    match exists {
        true => Built::Page(html),
        false => Built::Missing(html),
    }
}
