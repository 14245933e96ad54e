//! Whatever came late or vanished, a refreshed day tells the rows as they stand, and what cannot be recounted as it stood.

use chrono::{Days, NaiveDate};
use daybook::nightly::Which;
use proptest::prelude::*;
use serde_json::json;

use super::{SETTINGS, refresh, stored};
use crate::world::{World, date};

const FIRST: &str = "2025-10-20";
const NIGHTS: u64 = 8;

/// Noon of a day after the first; before and on the day on which clocks change.
type Row = (u64, i64);

fn rows(most: usize) -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec((0..NIGHTS, 1_i64..9), 0..most)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_refreshed_day_tells_the_rows_as_they_stand_now(
        first in rows(20), late in rows(8), vanishing in prop::collection::vec(any::<bool>(), 20), days in 1_u32..10
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(async {
            let mut world = World::new("2025-10-28T06:00:00Z", SETTINGS);
            let app = world.sqlite("app.db").await;
            app.execute("CREATE TABLE orders (placed TEXT, pieces INTEGER, kind TEXT, kept BOOLEAN, waiting BOOLEAN);
                CREATE TABLE visits (at TEXT);").await;
            for day in 0..NIGHTS {
                for row in first.iter().filter(|row| row.0 == day) {
                    app.execute(&insert(*row)).await;
                }
                world.at(&format!("{}T06:00:00Z", on(day + 1)));
                world.night(Which::One(on(day))).await;
            }
            let mut before = Vec::new();
            for day in 0..NIGHTS {
                before.push(stored(&world, on(day)).await);
            }

            app.execute("DELETE FROM orders").await;
            let left = first.iter().zip(&vanishing).filter(|(_, gone)| !**gone);
            let present: Vec<Row> = left.map(|(row, _)| *row).chain(late).collect();
            for row in &present {
                app.execute(&insert(*row)).await;
            }
            world.night(refresh(days)).await;
            let again = world.night(refresh(days)).await;
            prop_assert!(again.days.iter().all(|day| day.entry.is_none()), "nothing is left to find");

            for day in 0..NIGHTS {
                let (was, is) = (&before[day as usize], stored(&world, on(day)).await);
                prop_assert_eq!(&was["kept"], &is["kept"]);
                prop_assert_eq!(&was["waiting"], &is["waiting"]);
                if day + u64::from(days) < NIGHTS {
                    prop_assert_eq!(was, &is, "{} is further back", on(day));
                    continue;
                }
                let then: Vec<i64> = present.iter().filter(|row| row.0 <= day).map(|row| row.1).collect();
                prop_assert_eq!(&is["orders"], &json!(then.len()), "{}", on(day));
                prop_assert_eq!(is["pieces"].as_i64().unwrap_or(0), then.iter().sum::<i64>(), "{}", on(day));
                let ratio = then.iter().sum::<i64>() as f64 / then.len() as f64;
                let told = is["pieces_per_order"].as_f64();
                prop_assert_eq!(told.is_some(), !then.is_empty());
                prop_assert!(told.is_none_or(|told| (told - ratio).abs() < 0.0051), "{:?} {}", told, ratio);
            }
            Ok(())
        })?;
    }
}

fn on(day: u64) -> NaiveDate {
    date(FIRST) + Days::new(day)
}

fn insert((day, pieces): Row) -> String {
    format!(
        "INSERT INTO orders VALUES ('{} 12:00:00', {pieces}, 'k{}', {}, 1)",
        on(day),
        pieces % 3,
        pieces % 2
    )
}
