//! Days in, days out: nothing known is lost.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use daybook::book::{self, Book, BookError};
use daybook::calendar::Day;
use daybook::entry::merge::Mode;
use daybook::entry::{Entry, Kind, Part, PartKey, Provenance, Reading, Value};
use proptest::prelude::*;
use rust_decimal::Decimal;
use sqlx::Executor;

use super::{connect, count, date, entry_on, execute, file_of, new_book, whole};
use crate::world::{book_url, in_a_file};

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn with_provenance(value: Option<Value>, provenance: Provenance) -> Reading {
    Reading { value, provenance }
}

fn part(key: Option<&str>, label: &str, count: &str) -> Part {
    Part {
        key: key.map_or(PartKey::Other, |key| PartKey::Value(key.to_owned())),
        label: label.into(),
        count: decimal(count),
    }
}

fn every_kind() -> Entry {
    let mut entry = entry_on(date("2025-10-03"));
    let seen: DateTime<Utc> = "2025-10-03T22:15:00.123456Z".parse().unwrap();
    let reasoned = |kind, reason: &str| Provenance {
        kind,
        reason: Some(reason.into()),
        ..Provenance::default()
    };
    let parts = vec![
        part(Some("1"), "Bücher \u{2028} \"quoted\" <b>", "29439"),
        part(Some("other"), "other", "12.5"),
        part(Some(""), &"x".repeat(100_000), "3"),
        part(None, "", "20645"),
    ];
    let readings = [
        ("negative", whole(-42)),
        ("largest", whole(i64::MAX)),
        ("smallest", whole(i64::MIN)),
        (
            "decimal",
            Reading::observed(Some(Value::Decimal(decimal("61.25")))),
        ),
        (
            "tiny",
            Reading::observed(Some(Value::Decimal(decimal("-0.000001")))),
        ),
        ("nothing_to_average", Reading::observed(None)),
        ("parts", Reading::observed(Some(Value::Parts(parts)))),
        ("no_parts", Reading::observed(Some(Value::Parts(vec![])))),
        ("unavailable", Reading::unavailable("not kept")),
        ("failed", Reading::failed("no such column: \"état\"")),
        (
            "reconstructed",
            with_provenance(
                Some(Value::Whole(7)),
                reasoned(Kind::Reconstructed, "rows deleted since are missing"),
            ),
        ),
        (
            "imported",
            with_provenance(
                Some(Value::Whole(8)),
                reasoned(Kind::Imported, "from daily_metrics.csv"),
            ),
        ),
        (
            "late",
            with_provenance(
                Some(Value::Whole(9)),
                Provenance {
                    observed_at: Some(seen),
                    nulls: Some(3),
                    ..Provenance::default()
                },
            ),
        ),
    ];
    for (key, reading) in readings {
        entry.readings.insert(key.into(), reading);
    }
    entry.duration_ms = 1840;
    entry
}

#[tokio::test]
async fn every_kind_of_value_and_provenance_comes_back_as_it_was_stored() {
    let (_folder, book) = new_book().await;
    let entry = every_kind();
    let stored = book::store(&book, entry.clone(), Mode::Replace)
        .await
        .unwrap();
    assert_eq!(stored.before, None);
    assert_eq!(stored.after, entry);
    let read = book::entry(&book, entry.date).await.unwrap();
    assert_eq!(read, Some(entry));
}

#[tokio::test]
async fn a_day_in_a_zone_with_half_hours_and_a_clock_change_keeps_its_bounds() {
    let (_folder, book) = new_book().await;
    let day = Day::new(date("2025-10-05"), chrono_tz::Australia::Lord_Howe).unwrap();
    let entry = Entry::empty(&day.close(), day.end + TimeDelta::microseconds(1), "c0ffee");
    book::store(&book, entry.clone(), Mode::Replace)
        .await
        .unwrap();
    let read = book::entry(&book, day.date).await.unwrap().unwrap();
    assert_eq!(read.hours(), 23.5);
    assert_eq!(read, entry);
}

#[tokio::test]
async fn the_row_itself_is_plain_to_read() {
    if !in_a_file() {
        return;
    }
    let (_folder, book) = new_book().await;
    let mut entry = entry_on(date("2025-10-03"));
    entry
        .readings
        .insert("gone".into(), Reading::unavailable("not kept"));
    book::store(&book, entry, Mode::Replace).await.unwrap();
    let row: (String, String, String, String, i64) =
        sqlx::query_as("SELECT day_start, as_of, metrics, provenance, revision FROM daily_metrics")
            .fetch_one(&mut connect(&file_of(&book)).await)
            .await
            .unwrap();
    assert_eq!(row.0, "2025-10-02T22:00:00.000000Z");
    assert_eq!(row.1, "2025-10-03T22:00:00.000000Z");
    assert_eq!(row.2, r#"{"gone":null,"total_users":5012}"#);
    assert_eq!(
        row.3,
        r#"{"gone":{"kind":"unavailable","reason":"not kept"}}"#
    );
    assert_eq!(row.4, 1);
}

#[tokio::test]
async fn a_later_count_replaces_a_partial_day_but_not_by_what_it_could_not_know() {
    let (_folder, book) = new_book().await;
    let day = Day::new(date("2025-10-03"), chrono_tz::Europe::Zurich).unwrap();
    let noon = day.start + TimeDelta::hours(12);
    let mut open = Entry::empty(&day.as_of(noon), noon, "c0ffee");
    open.readings.insert("total_users".into(), whole(5000));
    open.readings.insert("active_users_24h".into(), whole(431));
    book::store(&book, open.clone(), Mode::Replace)
        .await
        .unwrap();

    let mut closed = entry_on(day.date);
    closed
        .readings
        .insert("active_users_24h".into(), Reading::failed("timeout"));
    let stored = book::store(&book, closed, Mode::Replace).await.unwrap();

    assert_eq!(stored.before, Some(open));
    assert!(!stored.after.partial);
    assert_eq!(stored.after.readings["total_users"], whole(5012));
    let mut kept = whole(431);
    kept.provenance.observed_at = Some(noon);
    assert_eq!(stored.after.readings["active_users_24h"], kept);
    let read = book::entry(&book, day.date).await.unwrap();
    assert_eq!(read, Some(stored.after));
    assert_eq!(
        count(book.url(), "SELECT revision FROM daily_metrics").await,
        2
    );
}

#[tokio::test]
async fn a_refill_fills_what_failed_and_leaves_the_rest() {
    let (_folder, book) = new_book().await;
    let mut first = entry_on(date("2025-10-03"));
    first
        .readings
        .insert("items".into(), Reading::failed("timeout"));
    book::store(&book, first, Mode::Replace).await.unwrap();

    let mut second = entry_on(date("2025-10-03"));
    second.readings.insert("total_users".into(), whole(9999));
    second.readings.insert("items".into(), whole(50_000));
    let stored = book::store(&book, second, Mode::Refill).await.unwrap();
    assert!(stored.changed());
    assert_eq!(stored.after.readings["total_users"], whole(5012));
    assert_eq!(stored.after.readings["items"], whole(50_000));
}

#[tokio::test]
async fn storing_what_is_already_there_writes_nothing() {
    let (_folder, book) = new_book().await;
    for _ in 0..3 {
        let stored = book::store(&book, every_kind(), Mode::Replace).await;
        stored.unwrap();
    }
    assert_eq!(
        count(book.url(), "SELECT revision FROM daily_metrics").await,
        1
    );
}

#[test]
fn two_writers_at_once_both_leave_their_values() {
    let folder = tempfile::tempdir().unwrap();
    let url = book_url(&folder.path().join("daybook.db"));
    let write = |writer: usize| {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async {
            let book = Book::open(&url, Duration::from_secs(60)).await.unwrap();
            for round in 0..40 {
                let mut entry = entry_on(date("2025-10-03"));
                let key = format!("by_{writer}_{round}");
                entry.readings = BTreeMap::from([(key, whole(1))]);
                book::store(&book, entry, Mode::Refill).await.unwrap();
            }
        });
    };
    std::thread::scope(|scope| {
        scope.spawn(|| write(1));
        scope.spawn(|| write(2));
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let entry = runtime.block_on(async {
        let book = Book::open_to_read(&url).await.unwrap();
        book::newest(&book, NaiveDate::MAX).await.unwrap().unwrap()
    });
    assert_eq!(entry.readings.len(), 80);
}

#[tokio::test]
async fn days_are_found_by_date_range_and_age() {
    let (_folder, book) = new_book().await;
    assert_eq!(book::newest(&book, NaiveDate::MAX).await.unwrap(), None);
    assert_eq!(
        book::newest_complete(&book, NaiveDate::MAX).await.unwrap(),
        None
    );
    assert_eq!(book::first_date(&book).await.unwrap(), None);

    let days = ["2025-10-01", "2025-10-02", "2025-10-04", "2025-10-05"].map(date);
    let mut entries: Vec<Entry> = days.iter().map(|day| entry_on(*day)).collect();
    entries[3].partial = true;
    book::store_many(&book, entries.clone(), Mode::Replace)
        .await
        .unwrap();

    assert_eq!(book::all_dates(&book).await.unwrap(), days);
    assert_eq!(book::first_date(&book).await.unwrap(), Some(days[0]));
    let newest = book::newest(&book, NaiveDate::MAX).await.unwrap();
    assert_eq!(newest.as_ref(), Some(&entries[3]));
    let complete = book::newest_complete(&book, NaiveDate::MAX).await.unwrap();
    assert_eq!(complete.as_ref(), Some(&entries[2]));
    let range = book::entries(&book, days[1]..=date("2025-10-04")).await;
    assert_eq!(range.unwrap(), entries[1..3]);
    assert_eq!(book::entry(&book, date("2025-10-03")).await.unwrap(), None);
}

#[tokio::test]
async fn four_hundred_days_go_in_and_come_out_in_order() {
    let (_folder, book) = new_book().await;
    let days: Vec<NaiveDate> = date("2024-02-01").iter_days().take(400).collect();
    let newest_first: Vec<Entry> = days.iter().rev().map(|day| entry_on(*day)).collect();
    let stored = book::store_many(&book, newest_first, Mode::Refill)
        .await
        .unwrap();
    assert_eq!(stored.len(), 400);
    assert_eq!(book::all_dates(&book).await.unwrap(), days);
    let all = book::entries(&book, days[0]..=days[399]).await.unwrap();
    assert_eq!(all.len(), 400);
}

#[tokio::test]
async fn an_unreadable_row_is_named_by_its_day_and_column() {
    if !in_a_file() {
        return;
    }
    let cases = [
        (
            "UPDATE daily_metrics SET metrics = '{\"total_users\":'",
            "metrics",
        ),
        ("UPDATE daily_metrics SET metrics = '[1]'", "metrics"),
        (
            "UPDATE daily_metrics SET metrics = '{\"total_users\":\"many\"}'",
            "metrics",
        ),
        (
            "UPDATE daily_metrics SET provenance = '{\"total_users\":{\"kind\":\"guessed\"}}'",
            "provenance",
        ),
        (
            "UPDATE daily_metrics SET provenance = '{\"gone\":{\"kind\":\"failed\"}}'",
            "provenance",
        ),
        (
            "UPDATE daily_metrics SET time_zone = 'Mars/Olympus'",
            "time_zone",
        ),
        ("UPDATE daily_metrics SET day_end = 'midnight'", "day_end"),
    ];
    for (damage, at) in cases {
        let (_folder, book) = new_book().await;
        let entry = entry_on(date("2025-10-03"));
        book::store(&book, entry.clone(), Mode::Replace)
            .await
            .unwrap();
        let mut connection = connect(&file_of(&book)).await;
        connection
            .execute("PRAGMA ignore_check_constraints = ON")
            .await
            .unwrap();
        connection.execute(damage).await.unwrap();

        let error = book::entry(&book, entry.date).await.unwrap_err();
        assert!(matches!(&error, BookError::BadRow { column, .. } if *column == at));
        assert!(!error.is_unavailable());
        let told = error.to_string();
        assert!(told.contains("entry of 2025-10-03"), "{told}");
        assert!(told.contains(&format!("column `{at}`")), "{told}");
        // What cannot be read is not written over either.
        let refused = book::store(&book, entry, Mode::Replace).await;
        assert!(matches!(refused, Err(BookError::BadRow { .. })));
    }
}

#[tokio::test]
async fn a_date_that_is_none_is_an_error_that_names_it() {
    if !in_a_file() {
        return;
    }
    let (_folder, book) = new_book().await;
    book::store(&book, entry_on(date("2025-10-03")), Mode::Replace)
        .await
        .unwrap();
    execute(
        book.url(),
        "UPDATE daily_metrics SET collection_date = 'Friday'",
    )
    .await;
    let error = book::all_dates(&book).await.unwrap_err().to_string();
    assert!(error.contains("entry of Friday"), "{error}");
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn some_reading() -> impl Strategy<Value = Reading> {
    let kind = prop_oneof![
        Just(Kind::Observed),
        Just(Kind::Reconstructed),
        Just(Kind::Unavailable),
        Just(Kind::Failed),
        Just(Kind::Imported),
    ];
    (kind, any::<i64>(), any::<bool>()).prop_map(|(kind, number, reasoned)| {
        let known = !matches!(kind, Kind::Unavailable | Kind::Failed);
        let provenance = Provenance {
            kind,
            reason: (reasoned || !known).then(|| "because".to_owned()),
            ..Provenance::default()
        };
        with_provenance(known.then_some(Value::Whole(number)), provenance)
    })
}

fn some_entry() -> impl Strategy<Value = (Entry, Mode)> {
    let readings = prop::collection::btree_map("[abc]", some_reading(), 0..4);
    let mode = prop_oneof![Just(Mode::Replace), Just(Mode::Refill), Just(Mode::Refresh)];
    (readings, any::<bool>(), mode).prop_map(|(readings, partial, mode)| {
        let mut entry = entry_on(date("2025-10-03"));
        entry.readings = readings;
        entry.partial = partial;
        (entry, mode)
    })
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn no_sequence_of_stores_turns_a_known_value_into_an_unknown_one(
        stores in prop::collection::vec(some_entry(), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let lost = runtime.block_on(async {
            let (_folder, book) = new_book().await;
            let mut known: Vec<String> = Vec::new();
            for (entry, mode) in stores {
                book::store(&book, entry, mode).await.unwrap();
                let read = book::newest(&book, NaiveDate::MAX).await.unwrap().unwrap();
                let kept = |key: &String| read.readings.get(key).is_some_and(Reading::is_known);
                if let Some(lost) = known.iter().find(|key| !kept(key)) {
                    return Some(lost.clone());
                }
                known = read.readings.keys().filter(|key| kept(key)).cloned().collect();
            }
            None
        });
        prop_assert_eq!(lost, None);
    }
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a_decimal_of_up_to_fifteen_digits_is_read_as_it_was_written(
        digits in -999_999_999_999_999_i64..=999_999_999_999_999,
        scale in 0_u32..=28,
    ) {
        let value = Value::from_decimal(Decimal::new(digits, scale));
        let text = value.to_json().to_string();
        let read = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(Value::from_json(&read), Some(value));
    }
}
