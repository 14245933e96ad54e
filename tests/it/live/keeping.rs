//! The keeper changes how points are held, never which there are; rollups are what a recount gives.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use daybook::config::live::Durable;
use daybook::kinds::{Aggregate, Percentile, Summary};
use daybook::live::batch::Batch;
use daybook::live::event::Event;
use daybook::live::grain::Grain;
use daybook::live::keep::{self, prune_all};
use daybook::live::number::{Number, number};
use daybook::live::record::Settings;
use daybook::live::rollup::{Rollup, Sketch, Stats, bucket};
use daybook::live::store::Store;
use proptest::prelude::*;
use serde_json::Value as Json;
use support::world::App;
use tempfile::TempDir;

use super::{kinds, noon, points, recorder_in, rules};

/// Checkouts every `step` seconds before noon, in batches.
async fn filled(count: i64, step: i64) -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let (recorder, writer) = recorder_in(&folder.path().join("live.db"), Settings::default()).await;
    let mut batch = Batch::default();
    for at in 0..count {
        let shop = if at % 3 == 0 { "zh" } else { "be" };
        let method = ["card", "cash", "twint"][(at % 7 % 3) as usize];
        let event = Event::new("checkout")
            .at(noon() - TimeDelta::seconds(at * step))
            .label("shop", shop)
            .label("method", method)
            .label("order", format!("order-{at:06}"))
            .value("duration", (at * 37 % 1000) as f64 / 4.0)
            .value("amount", at % 50)
            .ok(at % 11 != 0);
        batch.add(at as usize, &event, &kinds(), noon());
        if batch.len() == 97 {
            recorder.send(std::mem::take(&mut batch)).await.unwrap();
        }
    }
    recorder.send(batch).await.unwrap();
    (folder, writer.stop().await.unwrap())
}

#[tokio::test]
async fn sealed_points_are_those_that_were_recorded() {
    let (_folder, mut store) = filled(3000, 7).await;
    let before = points(&mut store, "checkout").await;
    assert_eq!(before.len(), 3000);
    let fresh = store.fill().await.unwrap();
    let broken = keep::round(&mut store, &rules(&kinds(), Tz::Europe__Zurich), noon())
        .await
        .unwrap();
    assert_eq!(broken, 0);
    let sealed = store.fill().await.unwrap();
    let checkout = |fill: &[daybook::live::store::Fill]| {
        fill.iter()
            .find(|fill| fill.kind == "checkout")
            .unwrap()
            .clone()
    };
    let (fresh, sealed) = (checkout(&fresh), checkout(&sealed));
    assert!(sealed.chunks < fresh.chunks / 5, "{fresh:?} {sealed:?}");
    assert!(sealed.bytes < fresh.bytes, "{fresh:?} {sealed:?}");
    assert_eq!(points(&mut store, "checkout").await, before);
    // An hour later nothing is fresh any more, and all is as it was.
    let later = noon() + TimeDelta::hours(2);
    keep::round(&mut store, &rules(&kinds(), Tz::Europe__Zurich), later)
        .await
        .unwrap();
    assert_eq!(checkout(&store.fill().await.unwrap()).fresh_points, 0);
    assert_eq!(points(&mut store, "checkout").await, before);
}

/// Points, those that went well, the sum of durations, the largest amount: by hour and words.
type Counts = BTreeMap<(i64, Vec<String>), (u64, u64, f64, f64)>;

/// Counted from the points one by one, with nothing of the program but the calendar of its zone.
fn recount(points: &[Json], zone: Tz, by: &[&str]) -> Counts {
    let mut all = Counts::new();
    for point in points {
        let at: DateTime<Utc> = point["at"].as_str().unwrap().parse().unwrap();
        let local = at.with_timezone(&zone);
        let into = TimeDelta::seconds(i64::from(local.minute() * 60 + local.second()));
        let hour = (at - into).timestamp();
        let word = |label: &&str| point["labels"][*label].as_str().unwrap().to_owned();
        let counts = all
            .entry((hour, by.iter().map(word).collect()))
            .or_default();
        counts.0 += 1;
        counts.1 += u64::from(point["ok"] == true);
        counts.2 += point["values"]["duration"].as_f64().unwrap();
        counts.3 = counts.3.max(point["values"]["amount"].as_f64().unwrap());
    }
    all
}

#[tokio::test]
async fn rollups_are_what_a_recount_gives_also_where_clocks_are_at_45_minutes_past() {
    for zone in [Tz::Europe__Zurich, Tz::Asia__Kathmandu] {
        let (_folder, mut store) = filled(2000, 31).await;
        let all = points(&mut store, "checkout").await;
        let later = noon() + TimeDelta::hours(2);
        // In several rounds, so that rollups are added to.
        for minutes in [-600, -300, 0] {
            let now = noon() + TimeDelta::minutes(minutes);
            keep::round(&mut store, &rules(&kinds(), zone), now)
                .await
                .unwrap();
        }
        keep::round(&mut store, &rules(&kinds(), zone), later)
            .await
            .unwrap();
        let id = store.kind("checkout").await.unwrap().unwrap();
        for by in [&[][..], &["shop"], &["shop", "method"]] {
            let names: Vec<String> = by.iter().map(|label| (*label).to_owned()).collect();
            let hours = store
                .rollups(id, Grain::Hour, &names, i64::MIN..i64::MAX)
                .await
                .unwrap();
            let found: Counts = hours
                .iter()
                .map(|(key, rollup)| {
                    let (duration, amount) = (&rollup.values["duration"], &rollup.values["amount"]);
                    assert_eq!(duration.count, rollup.points);
                    assert_eq!(duration.sketch.count(), rollup.points);
                    let counts = (rollup.points, rollup.succeeded, duration.sum(), amount.max);
                    ((key.start, key.words.clone()), counts)
                })
                .collect();
            assert_eq!(found, recount(&all, zone, by), "{zone} {by:?}");
            for grain in [Grain::Day, Grain::Month] {
                let wider = store
                    .rollups(id, grain, &names, i64::MIN..i64::MAX)
                    .await
                    .unwrap();
                let total: u64 = wider.iter().map(|(_, rollup)| rollup.points).sum();
                assert_eq!(total, 2000);
            }
        }
        // 62,000 seconds before noon in Zurich reach into the day before.
        let days = store
            .rollups(id, Grain::Day, &[], i64::MIN..i64::MAX)
            .await
            .unwrap();
        let dates: Vec<u32> = days
            .iter()
            .map(|(key, _)| {
                DateTime::from_timestamp(key.start, 0)
                    .unwrap()
                    .with_timezone(&zone)
                    .day()
            })
            .collect();
        assert_eq!(dates, [19, 20], "{zone}");
    }
}

#[tokio::test]
async fn a_quantile_of_a_rollup_is_right_to_one_percent() {
    let (_folder, mut store) = filled(2000, 1).await;
    let mut durations: Vec<f64> = points(&mut store, "checkout")
        .await
        .iter()
        .map(|point| point["values"]["duration"].as_f64().unwrap())
        .collect();
    durations.sort_by(f64::total_cmp);
    keep::round(
        &mut store,
        &rules(&kinds(), Tz::UTC),
        noon() + TimeDelta::hours(2),
    )
    .await
    .unwrap();
    let id = store.kind("checkout").await.unwrap().unwrap();
    let month = store
        .rollups(id, Grain::Month, &[], i64::MIN..i64::MAX)
        .await
        .unwrap();
    let sketch = &month[0].1.values["duration"].sketch;
    for (text, rank) in [
        ("p0.01", 0),
        ("p50", 999),
        ("p95", 1899),
        ("p99", 1979),
        ("p99.99", 1999),
    ] {
        let percentile = Percentile::parse(text).unwrap();
        let (found, exact) = (sketch.percentile(percentile).unwrap(), durations[rank]);
        assert!(
            (found - exact).abs() <= 0.01 * exact,
            "{text}: {found} for {exact}"
        );
    }
}

proptest! {
    #[test]
    fn an_estimate_lies_between_the_extremes_and_is_right_to_within_0_8_percent(
        mut numbers in prop::collection::vec(prop_oneof![-1e9..1e9, 0.0..10.0, Just(44_072_960.0)], 1..200),
        hundredths in 1_u32..10_000,
    ) {
        numbers.sort_by(f64::total_cmp);
        let (min, max) = (numbers[0], numbers[numbers.len() - 1]);
        let mut stats = Stats::default();
        (stats.count, stats.min, stats.max) = (numbers.len() as u64, min, max);
        stats.sketch = Sketch::from_sorted(numbers.iter().map(|number| bucket(*number)));
        let mut rollup = Rollup::default();
        rollup.values.insert("v".to_owned(), stats);
        let word = format!("p{}.{:02}", hundredths / 100, hundredths % 100);
        let percentile = Percentile::parse(&word).unwrap();
        let figure = Aggregate::Of(Summary::Percentile(percentile), "v".to_owned());
        let Some(Number::Binary(found)) = number(&rollup, &figure) else {
            panic!("{word} is known");
        };
        let exact = numbers[percentile.rank(numbers.len() as u64).unwrap() as usize];
        prop_assert!((min..=max).contains(&found), "{word}: {found} of {min} to {max}");
        prop_assert!((found - exact).abs() <= 0.008 * exact.abs(), "{word}: {found} for {exact}");
    }
}

#[tokio::test]
async fn two_keepers_of_one_file_count_each_point_once() {
    let (folder, mut store) = filled(3000, 7).await;
    let path = folder.path().join("live.db");
    let before = points(&mut store, "checkout").await;
    let mut other = Store::open(&path, Durable::Commit).await.unwrap();
    let later = noon() + TimeDelta::hours(2);
    let rules = rules(&kinds(), Tz::Europe__Zurich);
    let (one, two) = tokio::join!(
        keep::round(&mut store, &rules, later),
        keep::round(&mut other, &rules, later),
    );
    one.unwrap();
    two.unwrap();
    assert_eq!(points(&mut store, "checkout").await, before);
    let id = store.kind("checkout").await.unwrap().unwrap();
    let month = store
        .rollups(id, Grain::Month, &[], i64::MIN..i64::MAX)
        .await
        .unwrap();
    assert_eq!(month[0].1.points, 3000);
}

#[tokio::test]
async fn a_chunk_that_cannot_be_read_is_named_skipped_and_kept() {
    let (folder, mut store) = filled(970, 1).await;
    let app = App::Sqlite(folder.path().join("live.db"));
    app.execute(
        "UPDATE chunks SET data = substr(data, 1, 40) || x'00' || substr(data, 42) WHERE id = 3",
    )
    .await;
    let later = noon() + TimeDelta::hours(2);
    let broken = keep::round(&mut store, &rules(&kinds(), Tz::UTC), later)
        .await
        .unwrap();
    assert_eq!(broken, 1);
    let question = super::everything();
    let found = daybook::live::question::points(&mut store, &kinds()["checkout"], &question)
        .await
        .unwrap();
    assert_eq!(found.points.len(), 970 - 97);
    assert_eq!(
        found.broken,
        [(3, "corrupt: its checksum is wrong".to_owned())]
    );
    assert_eq!(
        app.rows("SELECT count(*) FROM chunks WHERE id = 3").await[0][0].as_deref(),
        Some("1")
    );
    // It is not stumbled over again.
    let broken = keep::round(&mut store, &rules(&kinds(), Tz::UTC), later)
        .await
        .unwrap();
    assert_eq!(broken, 0);
}

#[tokio::test]
async fn what_is_older_than_its_tier_goes_and_a_dry_run_only_counts_it() {
    let (_folder, mut store) = filled(700, 600).await;
    let (all, zone) = (kinds(), Tz::Europe__Zurich);
    keep::round(&mut store, &rules(&all, zone), noon() + TimeDelta::hours(2))
        .await
        .unwrap();
    // Points of 4.9 days; ten days later all are older than 7, rollups of hours are kept for 30 days, of days for 90.
    let total = |pruned: &[keep::Pruned]| {
        let checkout = pruned
            .iter()
            .find(|pruned| pruned.kind == "checkout")
            .unwrap();
        (
            checkout.points,
            checkout.hourly > 0,
            checkout.daily > 0,
            checkout.monthly,
        )
    };
    let later = noon() + TimeDelta::days(13);
    for dry_run in [true, true, false] {
        let pruned = prune_all(&mut store, &rules(&all, zone), later, dry_run)
            .await
            .unwrap();
        assert_eq!(total(&pruned), (700, false, false, 0), "{dry_run}");
    }
    assert_eq!(points(&mut store, "checkout").await, [] as [Json; 0]);
    for (days, expected) in [(36, (0, true, false, 0)), (97, (0, false, true, 0))] {
        let later = noon() + TimeDelta::days(days);
        let pruned = prune_all(&mut store, &rules(&all, zone), later, false)
            .await
            .unwrap();
        assert_eq!(total(&pruned), expected, "{days}");
    }
    let id = store.kind("checkout").await.unwrap().unwrap();
    let month = store
        .rollups(id, Grain::Month, &[], i64::MIN..i64::MAX)
        .await
        .unwrap();
    assert_eq!(month[0].1.points, 700);
}
