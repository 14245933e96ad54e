//! Whatever happened to an application's rows, a day recounted later is the day as it was counted.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod past;
mod reruns;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use daybook::book::{self, Book};
use daybook::entry::{Entry, Kind};
use daybook::nightly::Which;
use proptest::prelude::*;

use crate::world::{World, date};
use past::{Past, pasts};

const FIRST: &str = "2025-10-23";
const LAST: &str = "2025-10-29";

/// Long after everything; past every grace.
const LATER: &str = "2025-12-24T12:00:00Z";

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_day_recounted_later_is_the_day_as_it_was_counted(past in pasts()) {
        on_a_thread(async {
            let nightly = lived_through(&past).await;
            let (one_by_one, at_once) = (recounted_by_day(&past).await, recounted_at_once(&past).await);
            for (date, then) in &nightly {
                for (key, value) in past::truth(&past, *date) {
                    prop_assert_eq!(then.number(key), Some(value as f64), "the night of {} {}", date, key);
                }
                for (key, tenths) in past::ages(&past, *date) {
                    let hours = tenths.map(|tenths| tenths as f64 / 10.0);
                    prop_assert_eq!(then.number(key), hours, "the night of {} {}", date, key);
                }
                for (key, reading) in &then.readings {
                    let (day, range) = (&one_by_one[date].readings[key], &at_once[date].readings[key]);
                    prop_assert_eq!(&day.value, &range.value, "day and range of {} {}", date, key);
                    prop_assert_eq!(day.provenance.kind, range.provenance.kind, "{} {}", date, key);
                    prop_assert_eq!(&day.provenance.reason, &range.provenance.reason);
                    match key.trim_start_matches("rest_of_") {
                        key if key.starts_with("now_") => {
                            prop_assert_eq!(day.provenance.kind, Kind::Unavailable, "{}", key);
                            prop_assert_eq!(&day.value, &None);
                        }
                        key if key.starts_with("survivors_") => {
                            prop_assert_eq!(day.provenance.kind, Kind::Reconstructed, "{}", key);
                            prop_assert!(day.number() <= reading.number(), "{} {}", date, key);
                        }
                        _ => {
                            prop_assert_eq!(&reading.value, &day.value, "night and day of {} {}", date, key);
                            prop_assert_eq!(day.provenance.kind, Kind::Reconstructed);
                        }
                    }
                }
            }
            Ok(())
        })?;
    }
}

/// Collects every day at its end from the database as it was then.
async fn lived_through(past: &Past) -> BTreeMap<NaiveDate, Entry> {
    let mut world = World::new(LATER, &past.settings());
    for day in past.days() {
        drop(std::fs::remove_file(world.path("app.db")));
        past.write(&world.path("app.db"), Some(day.end)).await;
        world.at(&day.end.to_rfc3339());
        world.night(Which::One(day.date)).await;
    }
    entries(&world).await
}

async fn recounted_by_day(past: &Past) -> BTreeMap<NaiveDate, Entry> {
    let world = World::new(LATER, &past.settings());
    past.write(&world.path("app.db"), None).await;
    for day in past.days() {
        world.night(Which::One(day.date)).await;
    }
    entries(&world).await
}

async fn recounted_at_once(past: &Past) -> BTreeMap<NaiveDate, Entry> {
    let world = World::new(LATER, &past.settings());
    past.write(&world.path("app.db"), None).await;
    world.night(Which::Range(date(FIRST), date(LAST))).await;
    entries(&world).await
}

pub(crate) async fn entries(world: &World) -> BTreeMap<NaiveDate, Entry> {
    let url = world.book_url();
    if url.sqlite_path().is_some_and(|path| !path.exists()) {
        return BTreeMap::new();
    }
    let book = Book::open(&url, Duration::from_secs(10)).await.unwrap();
    let all = book::entries(&book, date("2000-01-01")..=date("2100-01-01"))
        .await
        .unwrap();
    book.close().await;
    all.into_iter().map(|entry| (entry.date, entry)).collect()
}

fn on_a_thread<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(future)
}

fn text_of(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}
