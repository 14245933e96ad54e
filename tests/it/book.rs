//! The book keeps what it was given, whoever writes, reads or dies meanwhile.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod columns;
mod deliveries;
mod foreign;
mod full_disk;
mod locks;
mod open;
mod runs;
mod store;

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::NaiveDate;
use daybook::book::Book;
use daybook::calendar::Day;
use daybook::config::DatabaseUrl;
use daybook::entry::{Entry, Reading, Value};
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use tempfile::TempDir;

use crate::books::for_the_book;
use crate::world::{App, book_url};

pub(crate) fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A complete day with one metric, `total_users`.
pub(crate) fn entry_on(date: NaiveDate) -> Entry {
    let day = Day::new(date, chrono_tz::Europe::Zurich).unwrap();
    let mut entry = Entry::empty(&day.close(), day.end, "c0ffee");
    entry.readings.insert("total_users".into(), whole(5012));
    entry
}

fn whole(number: i64) -> Reading {
    Reading::observed(Some(Value::Whole(number)))
}

async fn new_book() -> (TempDir, Book) {
    let folder = tempfile::tempdir().unwrap();
    let url = book_url(&folder.path().join("daybook.db"));
    let book = Book::open(&url, Duration::ZERO).await.unwrap();
    (folder, book)
}

/// The file of a book that is kept in one.
fn file_of(book: &Book) -> PathBuf {
    book.url().sqlite_path().unwrap()
}

async fn connect(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path);
    options.connect().await.unwrap()
}

pub(crate) async fn execute(book: &DatabaseUrl, text: &str) {
    App::new(book).execute(&for_the_book(text)).await;
}

pub(crate) async fn count(book: &DatabaseUrl, text: &str) -> i64 {
    let number = App::new(book).number(text).await.unwrap();
    number.try_into().unwrap()
}
