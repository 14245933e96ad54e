//! A small book to look at in the terminal: forty days, with trouble on the last.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::time::Duration;

use chrono::{Datelike, Days, NaiveDate, TimeDelta};
use chrono_tz::Europe::Zurich;
use daybook::book::{self, Book};
use daybook::calendar::Day;
use daybook::entry::merge::Mode;
use daybook::entry::{Entry, Part, PartKey, Reading, Value};

use crate::world::World;

pub const SETTINGS: &str = include_str!("top_book/daybook.toml");
pub const LAST: &str = "2025-10-03";
/// The morning after the last day, before any report of it is due.
pub const MORNING: &str = "2025-10-04T04:00:00Z";

/// Ordinary days up to this one. Of the second to last fortnight one day is missing.
pub fn days(last: NaiveDate, count: u64) -> Vec<Entry> {
    let first = last - Days::new(count - 1);
    let missing = last - Days::new(13);
    let days = first.iter_days().take_while(|date| *date <= last);
    let days = days.filter(|date| *date != missing);
    days.map(|date| ordinary(date, (date - first).num_days()))
        .collect()
}

/// The same, but on the last day few came, files are corrupt, and mail could not be counted.
pub fn troubled(last: NaiveDate) -> Vec<Entry> {
    let mut days = days(last, 40);
    let today = days.last_mut().unwrap();
    set(today, "active_users", 410);
    set(today, "corrupted_files", 3);
    today.readings.insert(
        "emails_failed".to_owned(),
        Reading::failed("no such table: post_office_email"),
    );
    days
}

pub async fn store(world: &World, days: Vec<Entry>) {
    let url = world.book_url();
    let book = Book::open(&url, Duration::from_secs(60)).await.unwrap();
    book::store_many(&book, days, Mode::Replace).await.unwrap();
    book.close().await;
}

fn set(entry: &mut Entry, key: &str, value: i64) {
    let reading = Reading::observed(Some(Value::Whole(value)));
    entry.readings.insert(key.to_owned(), reading);
}

fn ordinary(date: NaiveDate, at: i64) -> Entry {
    let day = Day::new(date, Zurich).unwrap();
    let mut entry = Entry::empty(&day.close(), day.end + TimeDelta::minutes(15), "hash");
    entry.duration_ms = 412;
    let weekend = i64::from(date.weekday().number_from_monday() > 5);
    set(&mut entry, "total_users", 12_000 + at * 11);
    set(
        &mut entry,
        "active_users",
        900 - weekend * 250 + at % 3 * 10,
    );
    set(&mut entry, "new_users", 20 + at * 7 % 11);
    set(&mut entry, "total_items", 51_000 + at * 97);
    set(
        &mut entry,
        "storage",
        2_400_000_000_000 + at * 1_000_000_000,
    );
    set(&mut entry, "corrupted_files", 0);
    set(&mut entry, "emails_failed", 4);
    let part = |key: &str, count: i64| Part {
        key: PartKey::Value(key.to_owned()),
        label: key.to_owned(),
        count: count.into(),
    };
    let parts = vec![
        part("Books", 29_000 + at * 60),
        part("Records", 15_000 + at * 30),
        part("Coins", 7_000 + at * 7),
    ];
    let parts = Reading::observed(Some(Value::Parts(parts)));
    entry.readings.insert("items_by_type".to_owned(), parts);
    entry
}
