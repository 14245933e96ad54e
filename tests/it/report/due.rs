//! When the next report is due, over clock changes too.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use daybook::report::{due_after, next_due};
use proptest::prelude::*;

fn due(after: &str, zone: Tz, local: &str) -> String {
    let after: DateTime<Utc> = after.parse().unwrap();
    let local: NaiveTime = local.parse().unwrap();
    let due = next_due(after, zone, local);
    due.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[test]
fn the_next_report_is_due_at_the_next_local_time() {
    let zurich = chrono_tz::Europe::Zurich;
    let cases = [
        ("2025-10-03T22:15:00Z", "06:30:00", "2025-10-04T04:30:00Z"),
        ("2025-10-04T04:29:59Z", "06:30:00", "2025-10-04T04:30:00Z"),
        ("2025-10-04T04:30:00Z", "06:30:00", "2025-10-05T04:30:00Z"),
        ("2025-10-03T21:59:00Z", "00:00:00", "2025-10-03T22:00:00Z"),
        // Clocks go back in that night.
        ("2025-10-25T22:00:00Z", "06:30:00", "2025-10-26T05:30:00Z"),
    ];
    for (after, local, expected) in cases {
        assert_eq!(due(after, zurich, local), expected);
    }
}

#[test]
fn a_report_that_comes_before_its_time_does_not_promise_itself() {
    let zurich = chrono_tz::Europe::Zurich;
    let cases = [
        // In the night, before half past six; after it; two days late; over a clock change.
        ("2025-10-03", "2025-10-03T22:15:00Z", "2025-10-05T04:30:00Z"),
        ("2025-10-03", "2025-10-04T06:00:00Z", "2025-10-05T04:30:00Z"),
        ("2025-10-03", "2025-10-06T04:00:00Z", "2025-10-06T04:30:00Z"),
        ("2025-10-25", "2025-10-25T22:15:00Z", "2025-10-27T05:30:00Z"),
    ];
    for (date, now, expected) in cases {
        let due = NaiveTime::from_hms_opt(6, 30, 0).unwrap();
        let next = due_after(date.parse().unwrap(), now.parse().unwrap(), zurich, due);
        assert_eq!(next, expected.parse::<DateTime<Utc>>().unwrap(), "{now}");
    }
}

#[test]
fn a_due_time_that_clocks_skip_is_the_first_instant_after_it() {
    let zurich = chrono_tz::Europe::Zurich;
    let due = |after| due(after, zurich, "02:30:00");
    assert_eq!(due("2026-03-28T12:00:00Z"), "2026-03-29T01:00:00Z");
    assert_eq!(due("2026-03-29T01:00:00Z"), "2026-03-30T00:30:00Z");
}

#[test]
fn a_due_time_that_comes_twice_is_the_earlier_one() {
    let zurich = chrono_tz::Europe::Zurich;
    let due = |after| due(after, zurich, "02:30:00");
    assert_eq!(due("2025-10-25T12:00:00Z"), "2025-10-26T00:30:00Z");
    assert_eq!(due("2025-10-26T00:30:00Z"), "2025-10-27T01:30:00Z");
}

#[test]
fn nothing_is_due_on_a_day_that_does_not_exist() {
    // Samoa had no 30 December 2011.
    let apia = chrono_tz::Pacific::Apia;
    let due = due("2011-12-29T17:00:00Z", apia, "06:30:00");
    assert_eq!(due, "2011-12-30T16:30:00Z");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_every_zone_the_next_report_is_due_within_two_days_and_strictly_later(
        zone in 0..TZ_VARIANTS.len(),
        after in 0_i64..4_000_000_000,
        minute in 0_u32..1440,
    ) {
        let zone = TZ_VARIANTS[zone];
        let after = DateTime::from_timestamp(after, 0).unwrap();
        let local = NaiveTime::from_hms_opt(minute / 60, minute % 60, 0).unwrap();
        let due = next_due(after, zone, local);
        prop_assert!(due > after && due - after <= TimeDelta::hours(50));
        prop_assert_eq!(next_due(due - TimeDelta::seconds(1), zone, local), due);
        prop_assert!(next_due(due, zone, local) > due);
        prop_assert!(due.with_timezone(&zone).time() >= local);
    }
}
