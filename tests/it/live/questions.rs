//! Every answer is what a recount of the events gives, wherever they lie and in whichever zone it is asked.

use chrono::TimeDelta;
use chrono_tz::Tz;
use serde_json::json;
use support::checkouts::{
    Asking, Cut, PAGES, PLACES, Place, assert_aggregates, keep, midnight, record,
    recount_aggregates, recount_pages, recount_rankings, some,
};
use support::dice::Dice;
use support::world::World;

use super::{CHECKOUT, METRICS};

fn world(keep: &str) -> World {
    let settings = format!("[live]\n[live.kinds.checkout]\n{CHECKOUT}\n{keep}\n{METRICS}");
    World::new("2026-11-20T11:00:00Z", &settings)
}

#[tokio::test]
async fn aggregates_are_a_recount_over_fresh_sealed_and_rolled_up_events() {
    for seed in 0..PLACES.len() {
        let world =
            world(r#"keep = { points = "forever", hourly = "forever", daily = "forever" }"#);
        let live = world.config().live.unwrap();
        recount_aggregates(&live, &Place::Own, seed).await;
    }
}

#[tokio::test]
async fn whole_hours_days_and_months_are_answered_once_their_events_are_gone() {
    let zone = Tz::Europe__Zurich;
    let mut dice = Dice(5);
    let world = world(r#"keep = { points = "2d", hourly = "6d", daily = "20d" }"#);
    let live = world.config().live.unwrap();
    let first = midnight("2026-10-20".parse().unwrap(), zone);
    let sent = some(&mut dice, zone, first, 30, 900);
    record(&live, &sent).await;
    let now = first + TimeDelta::days(30);
    keep(&live, zone, now).await;
    let asking = Asking {
        live: &live,
        place: &Place::Own,
        zone,
        now,
    };
    let day = |days: u64| {
        midnight(
            first.with_timezone(&zone).date_naive() + chrono::Days::new(days),
            zone,
        )
    };
    let cut = |from, every, by: &[&'static str]| Cut {
        from,
        to: day(31),
        labels: Vec::new(),
        ok: None,
        every,
        by: by.to_vec(),
    };
    for (from, every, by) in [
        (day(25), Some("hour"), &["shop"][..]),
        (day(12), Some("day"), &["shop", "method"]),
        (day(12), None, &[]),
        (day(12), None, &["method"]),
    ] {
        assert_aggregates(&asking, &sent, &cut(from, every, by), true).await;
    }
    // November is whole, October began before its days are gone.
    let november = midnight("2026-11-01".parse().unwrap(), zone);
    assert_aggregates(
        &asking,
        &sent,
        &cut(november, Some("month"), &["shop"]),
        true,
    )
    .await;

    // What is gone is said, not left out: hours, an uneven beginning, and what was never rolled up.
    for pairs in [
        &[("every", "hour"), ("from", "2026-10-22")][..],
        &[("from", "2026-10-22T10:30:00+02:00")],
        &[("by", "order"), ("from", "2026-11-02")],
        &[("ok", "true"), ("from", "2026-11-02")],
    ] {
        let answer = asking.ask("aggregate", pairs).await;
        assert_eq!(answer["complete"], json!(false), "{pairs:?}");
        assert!(
            !answer["missing"].as_array().unwrap().is_empty(),
            "{pairs:?}"
        );
    }
}

#[tokio::test]
async fn pages_give_each_event_once_in_order_while_others_arrive_and_are_moved() {
    for question in PAGES {
        let world = world("");
        let live = world.config().live.unwrap();
        recount_pages(&live, &Place::Own, question).await;
    }
}

#[tokio::test]
async fn rankings_summaries_and_comparisons_are_a_recount() {
    let world = world("");
    let live = world.config().live.unwrap();
    recount_rankings(&live, &Place::Own).await;
}
