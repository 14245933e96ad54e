//! A day that is not stored, and a book in which none is.

use askama::Template;
use chrono::NaiveDate;

use crate::look::pages::asked::Asked;
use crate::look::pages::frame::{Page, Tab, written};
use crate::look::pages::words::Words;
use crate::look::pages::{Built, Scene};
use crate::render::phrases::fill;

use super::day_nav::DayNav;

/// How many stored days are offered on either side.
const OFFERED: usize = 3;

#[derive(Template)]
#[template(path = "web/absent.html")]
struct Absent {
    words: &'static Words,
    title: String,
    way: DayNav,
    /// The stored days around it, oldest first: words and address.
    around: Vec<(String, String)>,
    /// It is over, so it could be there.
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
    let link = |date: NaiveDate| {
        let words = scene.speech.short_date_with_year(date);
        (words, Asked::Day(Some(date)).address())
    };
    let said = scene.speech.long_date(date);
    let title = fill(scene.words.no_such_day, &[("date", said)]);
    let absent = Absent {
        words: scene.words,
        title: title.clone(),
        way: DayNav::from(scene, (date, Some(date))),
        around: around.iter().map(|day| link(day.date)).collect(),
        fetchable: date <= scene.expected,
    };
    scene.missing(page(title, written(&absent)))
}

/// The newest day of an empty book is asked for by everybody who begins; another one does not exist.
pub(super) fn empty_book(scene: &Scene<'_>, asked: Option<NaiveDate>) -> Built {
    let empty = Empty { words: scene.words };
    let page = page(scene.words.empty.to_owned(), written(&empty));
    match asked {
        None => scene.found(page),
        Some(_) => scene.missing(page),
    }
}

fn page(title: String, content: String) -> Page {
    Page {
        title,
        current: Tab::Day,
        date: None,
        content,
        stale: None,
    }
}
