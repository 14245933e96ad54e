//! The book keeps what it was given, whoever writes, reads or dies meanwhile.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod columns;
mod deliveries;
mod open;
mod runs;
mod store;

use std::path::Path;
use std::time::Duration;

use chrono::NaiveDate;
use daybook::book::Book;
use daybook::calendar::Day;
use daybook::entry::{Entry, Reading, Value};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Executor};
use tempfile::TempDir;

pub(crate) fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A complete day with one metric, `total_users`.
pub(crate) fn entry_on(date: NaiveDate) -> Entry {
    let day = Day::of(date, chrono_tz::Europe::Zurich).unwrap();
    let mut entry = Entry::empty(&day.close(), day.end, "c0ffee");
    entry.readings.insert("total_users".into(), whole(5012));
    entry
}

fn whole(number: i64) -> Reading {
    Reading::observed(Some(Value::Whole(number)))
}

async fn new_book() -> (TempDir, Book) {
    let folder = tempfile::tempdir().unwrap();
    let book = Book::open(&folder.path().join("daybook.db"), Duration::ZERO)
        .await
        .unwrap();
    (folder, book)
}

async fn connect(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path);
    options.connect().await.unwrap()
}

pub(crate) async fn execute(path: &Path, text: &'static str) {
    let mut connection = connect(path).await;
    connection.execute(text).await.unwrap();
    connection.close().await.unwrap();
}

pub(crate) async fn count(path: &Path, text: &'static str) -> i64 {
    let mut connection = connect(path).await;
    sqlx::query_scalar(text)
        .fetch_one(&mut connection)
        .await
        .unwrap()
}
