//! A book of days written by hand, and its pages read back.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::time::Duration;

use chrono::NaiveDate;
use daybook::book::{self, Book};
use daybook::config::Config;
use daybook::entry::merge::Mode;
use daybook::entry::{Entry, Reading, Value};
use daybook::look::edition::Edition;
use daybook::look::pages::asked::Asked;
use daybook::look::pages::{Built, build};

use crate::read_page::{Element, read};
use crate::stored_days::{date, number};
use crate::world::World;

pub(crate) struct Shelf {
    pub(crate) config: Config,
    pub(crate) edition: Edition,
    pub(crate) world: World,
}

impl Shelf {
    pub(crate) async fn new(settings: &str, entries: Vec<Entry>) -> Self {
        let world = World::new("2025-10-04T06:00:00Z", settings);
        let url = world.book_url();
        let book = Book::open(&url, Duration::ZERO).await.unwrap();
        let stored = book::store_many(&book, entries, Mode::Replace).await;
        stored.unwrap();
        Self::of(world).await
    }

    /// The book that stands in that world.
    pub(crate) async fn of(world: World) -> Self {
        let config = world.config();
        let url = world.book_url();
        let book = Book::open(&url, Duration::ZERO).await.unwrap();
        let edition = Edition::read(1, book, &config, NaiveDate::MAX)
            .await
            .unwrap();
        Self {
            config,
            edition,
            world,
        }
    }

    /// The page as it is when every day is there that should be.
    pub(crate) async fn html(&self, asked: &Asked) -> String {
        let expected = self.edition.newest_complete().unwrap_or(NaiveDate::MIN);
        match self.built(asked, expected).await {
            Built::Page(html) => html,
            Built::Missing(html) => panic!("{asked:?} is missing: {html}"),
        }
    }

    pub(crate) async fn built(&self, asked: &Asked, expected: NaiveDate) -> Built {
        build(&self.edition, &self.config, asked, expected)
            .await
            .unwrap()
    }

    pub(crate) async fn newest(&self) -> Element {
        read(&self.html(&Asked::Day(None)).await)
    }

    pub(crate) async fn day(&self, on: &str) -> Element {
        read(&self.html(&Asked::Day(Some(date(on)))).await)
    }
}

/// The cells of the row of that metric, without the trend.
pub(crate) fn cells(page: &Element, label: &str) -> Vec<String> {
    let row = row(page, label);
    let cells = row.children().filter(|cell| !cell.has_class("trend"));
    cells.skip(1).map(spoken).collect()
}

pub(crate) fn row<'a>(page: &'a Element, label: &str) -> &'a Element {
    let mut rows = page.all("tr").into_iter();
    let row = rows.find(|row| {
        let links = row.first("th").map(|head| head.all("a"));
        links.is_some_and(|links| links.iter().any(|link| link.text() == label))
    });
    row.unwrap_or_else(|| panic!("no row `{label}`"))
}

/// Spaces that do not break are spaces.
pub(crate) fn spoken(element: &Element) -> String {
    element.text().replace('\u{a0}', " ")
}

pub(crate) fn section_of<'a>(page: &'a Element, class: &str) -> &'a Element {
    let mut sections = page.all("section").into_iter();
    sections
        .find(|section| section.has_class(class))
        .unwrap_or_else(|| panic!("no section `{class}`"))
}

/// A day with these numbers; a word that is no number is why there is none.
pub(crate) fn with_numbers(mut entry: Entry, numbers: &[(&str, &str)]) -> Entry {
    for (key, text) in numbers {
        let reading = match *text {
            "failed" => Reading::failed("no such column: fee"),
            "unavailable" => Reading::unavailable("no credentials"),
            text => number(text),
        };
        entry.readings.insert((*key).to_owned(), reading);
    }
    entry
}

pub(crate) fn parts(counts: &[(&str, &str)]) -> Reading {
    let parts = counts.iter().map(|(label, count)| daybook::entry::Part {
        key: daybook::entry::PartKey::Value((*label).to_owned()),
        label: (*label).to_owned(),
        count: count.parse().unwrap(),
    });
    Reading::observed(Some(Value::Parts(parts.collect())))
}
