//! The pages for a day that is not stored, and for an empty book.

use askama::Template;
use chrono::NaiveDate;

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

/// The newest day of an empty book is where everybody begins; any other day does not exist.
pub(super) fn empty_book(scene: &Scene<'_>, asked: Option<NaiveDate>) -> Built {
    let empty = Empty { words: scene.words };
    let page = Page::new(scene.words.empty, Tab::Day, &empty);
    match asked {
        None => scene.found(&page),
        Some(_) => scene.missing(&page),
    }
}
