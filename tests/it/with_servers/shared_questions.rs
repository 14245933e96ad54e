//! Questions are answered from the server where replicas meet, as from a file.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]
#![expect(clippy::disallowed_methods, reason = "Redis expires by the real time")]

mod broken;
mod forgetting;
mod hosts;
mod scans;
mod served;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use chrono::{DateTime, Days, TimeDelta, Utc};
use chrono_tz::Tz;
use daybook::config::LiveSettings;
use daybook::live::question::AskError;
use serde_json::{Value as Json, json};
use support::checkouts::{
    Asking, Cut, Meeting, PAGES, PLACES, Place, Sent, assert_aggregates, midnight,
    recount_aggregates, recount_pages, recount_rankings, some,
};
use support::dice::Dice;
use support::redis::{Reply, Server};
use support::world::World;

const CHECKOUT: &str = r#"
    shape = "span"
    labels = { shop = { most = 9, required = true }, method = { most = 3 }, order = { find = true } }
    values = { duration = { unit = "ms", min = 0 }, amount = { unit = "CHF", decimals = 2 } }
    by = [["shop"], ["shop", "method"]]
    cluster = "shop"
"#;
/// What Redis expires goes by the real time.
const KEPT: &str = r#"keep = { points = "forever", hourly = "forever", daily = "forever" }"#;
const METRICS: &str = r#"
[tables.users]
name = "users"
created_at = "joined"

[[metrics]]
key = "users"
table = "users"
count = "*"
"#;

/// A server, and what is declared there.
struct Scene {
    live: LiveSettings,
    world: World,
    server: Server,
}

impl Scene {
    fn new(keep: &str) -> Self {
        let server = Server::start(&[]);
        let settings = format!(
            "[live]\naccept = true\n[live.redis]\nurl = \"{}\"\nevery = \"20ms\"\n[live.kinds.checkout]\n{CHECKOUT}\n{keep}\n{METRICS}",
            server.url()
        );
        let world = World::new("2026-11-20T11:00:00Z", &settings);
        let live = world.config().live.unwrap();
        Self {
            live,
            world,
            server,
        }
    }

    fn place(&self, zone: Tz) -> Place {
        let settings = self.live.redis.as_ref().unwrap();
        let kind = &self.live.kinds["checkout"];
        Place::Meeting(Box::new(Meeting::new(settings, kind, zone)))
    }
}

fn sent(at: DateTime<Utc>, shop: &'static str) -> Sent {
    Sent {
        at,
        shop,
        method: None,
        order: "order-1".to_owned(),
        duration: 20_000,
        amount: Some(100),
        ok: Some(true),
    }
}

fn noon() -> DateTime<Utc> {
    "2026-11-20T11:00:00Z".parse().unwrap()
}

#[tokio::test]
async fn aggregates_are_a_recount_of_what_two_replicas_recorded() {
    for (seed, (zone, _)) in PLACES.into_iter().enumerate() {
        let scene = Scene::new(KEPT);
        recount_aggregates(&scene.live, &scene.place(zone), seed).await;
    }
}

#[tokio::test]
async fn pages_give_each_event_once_in_order_while_others_arrive_and_are_moved() {
    for question in PAGES {
        let scene = Scene::new(KEPT);
        recount_pages(&scene.live, &scene.place(Tz::UTC), question).await;
    }
}

#[tokio::test]
async fn rankings_summaries_and_comparisons_are_a_recount() {
    let scene = Scene::new(KEPT);
    recount_rankings(&scene.live, &scene.place(Tz::Europe__Zurich)).await;
}

#[tokio::test]
async fn hours_of_another_zone_are_counted_from_points() {
    let scene = Scene::new(KEPT);
    let place = scene.place(Tz::Asia__Kathmandu);
    let mut dice = Dice(3);
    let first = midnight("2026-10-20".parse().unwrap(), Tz::Europe__Zurich);
    let all = some(&mut dice, Tz::Europe__Zurich, first, 12, 300);
    let now = first + TimeDelta::days(13);
    place.record(&scene.live, &all[..200]).await;
    place.keep(&scene.live, Tz::Asia__Kathmandu, now).await;
    place.record(&scene.live, &all[200..]).await;
    for zone in [Tz::Europe__Zurich, Tz::Asia__Kathmandu, Tz::UTC] {
        let asking = Asking {
            live: &scene.live,
            place: &place,
            zone,
            now,
        };
        for _ in 0..20 {
            let cut = Cut::roll(&mut dice, first, 12);
            assert_aggregates(&asking, &all, &cut, false).await;
        }
    }
}

#[tokio::test]
async fn a_zone_that_was_changed_leaves_no_event_out() {
    let scene = Scene::new(KEPT);
    let (before, after) = (Tz::Asia__Kathmandu, Tz::Europe__Zurich);
    let mut dice = Dice(4);
    let first = midnight("2026-10-20".parse().unwrap(), after);
    let all = some(&mut dice, after, first, 12, 300);
    let now = first + TimeDelta::days(13);
    let mut place = scene.place(before);
    place.record(&scene.live, &all[..150]).await;
    place.keep(&scene.live, before, now).await;
    if let Place::Meeting(meeting) = &mut place {
        meeting.zone = after;
    }
    place.record(&scene.live, &all[150..]).await;
    place.keep(&scene.live, after, now).await;
    let asking = Asking {
        live: &scene.live,
        place: &place,
        zone: after,
        now,
    };
    for _ in 0..40 {
        let cut = Cut::roll(&mut dice, first, 12);
        assert_aggregates(&asking, &all, &cut, false).await;
    }
}

#[tokio::test]
async fn whole_hours_days_and_months_are_answered_once_their_events_have_expired() {
    let scene = Scene::new(r#"keep = { points = "2d", hourly = "6d", daily = "40d" }"#);
    let zone = Tz::Europe__Zurich;
    let now = Utc::now();
    let day = |days: u64| {
        let today = now.with_timezone(&zone).date_naive();
        midnight(today - Days::new(days), zone)
    };
    let mut dice = Dice(5);
    let all = some(&mut dice, zone, day(30), 29, 900);
    let place = scene.place(zone);
    place.record(&scene.live, &all).await;
    place.keep(&scene.live, zone, now).await;
    let mut client = scene.server.client(0);
    let hour = day(20).timestamp();
    let gone = format!("daybook:live:checkout:hour:{hour}::");
    assert_eq!(client.run(["EXISTS", &gone]).number(), 0);
    let asking = Asking {
        live: &scene.live,
        place: &place,
        zone,
        now,
    };
    for (from, every, by) in [
        (day(5), Some("hour"), &["shop"][..]),
        (day(18), Some("day"), &["shop", "method"]),
        (day(18), None, &[]),
        (day(18), None, &["method"]),
    ] {
        let cut = Cut {
            from,
            to: day(0),
            labels: Vec::new(),
            ok: None,
            every,
            by: by.to_vec(),
        };
        assert_aggregates(&asking, &all, &cut, true).await;
    }
    // What has gone is told, not left out: hours, an uneven beginning, and what was never rolled up.
    let (uneven, whole) = (
        (day(18) + TimeDelta::minutes(90)).to_rfc3339(),
        day(18).to_rfc3339(),
    );
    for pairs in [
        &[("every", "hour"), ("from", whole.as_str())][..],
        &[("from", &uneven)],
        &[("by", "order"), ("from", &whole)],
        &[("ok", "true"), ("from", &whole)],
    ] {
        let answer = asking.ask("aggregate", pairs).await;
        assert_eq!(answer["complete"], json!(false), "{pairs:?}");
        let missing = answer["missing"].as_array().unwrap();
        assert!(!missing.is_empty(), "{pairs:?}");
    }
}

#[tokio::test]
async fn words_with_commas_colons_and_percent_signs_are_told_apart() {
    let scene = Scene::new(KEPT);
    let place = scene.place(Tz::UTC);
    let words = ["a,b", "a", "b", "a:b", "%2C", "ü:,%", "a%2Cb"];
    let all: Vec<Sent> = words
        .iter()
        .enumerate()
        .flat_map(|(place, word)| vec![sent(noon() - TimeDelta::days(2), word); place + 1])
        .collect();
    place.record(&scene.live, &all).await;
    place.keep(&scene.live, Tz::UTC, noon()).await;
    let asking = Asking {
        live: &scene.live,
        place: &place,
        zone: Tz::UTC,
        now: noon(),
    };
    let answer = asking
        .ask("aggregate", &[("by", "shop"), ("figure", "count")])
        .await;
    assert_eq!(answer["read"], json!("rollups"));
    let row = |row: &Json| {
        let word = row["labels"]["shop"].as_str().unwrap().to_owned();
        (word, row["count"].as_u64().unwrap())
    };
    let rows = answer["rows"].as_array().unwrap().iter();
    let mut told: Vec<(String, u64)> = rows.map(row).collect();
    told.sort_by_key(|(_, count)| *count);
    let expected: Vec<(String, u64)> = (1..)
        .zip(words)
        .map(|(count, word)| (word.to_owned(), count))
        .collect();
    assert_eq!(told, expected);
    for (count, word) in (1..).zip(words) {
        let pairs = [("label.shop", word), ("figure", "count")];
        let one = asking.ask("aggregate", &pairs).await;
        assert_eq!(one["rows"][0]["count"], json!(count), "{word}");
    }
}

/// Where nobody knows how many points an hour has, there may be too many to hold: then percentiles are found in two looks.
#[tokio::test]
async fn percentiles_of_more_points_than_are_held_are_exact_as_in_the_own_file() {
    let zone = Tz::Europe__Zurich;
    let scene = Scene::new(KEPT);
    let mut dice = Dice(8);
    let first = midnight("2026-11-10".parse().unwrap(), zone);
    let all = some(&mut dice, zone, first, 2, 1500);
    let now = first + TimeDelta::days(3);
    for place in [Place::Own, scene.place(zone)] {
        place.record(&scene.live, &all[..1200]).await;
        place.keep(&scene.live, zone, now).await;
        place.record(&scene.live, &all[1200..]).await;
        let mut client = scene.server.client(0);
        let hours = client
            .run(["KEYS", "daybook:live:checkout:hour:*::"])
            .list();
        for hour in hours.into_iter().map(Reply::bytes) {
            client.run([b"DEL", &hour[..]]);
        }
        let asking = Asking {
            live: &scene.live,
            place: &place,
            zone,
            now,
        };
        for (ok, every, by) in [
            (true, None, &[][..]),
            (true, None, &["shop"]),
            (false, None, &["shop", "method"]),
            (true, Some("day"), &["method"]),
        ] {
            let cut = Cut {
                from: first,
                to: now,
                labels: Vec::new(),
                ok: Some(ok),
                every,
                by: by.to_vec(),
            };
            assert_aggregates(&asking, &all, &cut, false).await;
        }
    }
}

/// Rollups, fresh points and points of hours are what they were at one instant, however fast they move.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_is_torn_while_replicas_record_and_roll_up() {
    const ROUNDS: i64 = 200;
    let scene = Scene::new(KEPT);
    let place = scene.place(Tz::UTC);
    let has_ended = AtomicBool::new(false);
    let record = async {
        for round in 0..ROUNDS {
            let at = noon() - TimeDelta::hours(1 + round % 7);
            place.record(&scene.live, &vec![sent(at, "zh"); 50]).await;
            place.keep(&scene.live, Tz::UTC, noon()).await;
        }
        has_ended.store(true, Relaxed);
    };
    let asking = Asking {
        live: &scene.live,
        place: &place,
        zone: Tz::UTC,
        now: noon(),
    };
    let ask = async {
        let mut known = 0;
        let mut asked = 0;
        while !has_ended.load(Relaxed) {
            let figures = ["count", "sum of amount", "p50 of duration"];
            let figures = figures.map(|figure| ("figure", figure));
            let answer = match asking.try_ask("aggregate", &figures).await {
                // Here all moves a hundred times as often as it ever does.
                Err(AskError::Moved) => continue,
                answer => answer.unwrap(),
            };
            let row = &answer["rows"][0];
            let count = row["count"].as_i64().unwrap();
            assert_eq!(
                row["sum of amount"].as_i64().unwrap_or(0),
                count,
                "{answer}"
            );
            assert_eq!(count % 50, 0, "{answer}");
            assert!(count >= known, "{answer}");
            let page = asking.ask("points", &[("limit", "10000")]).await;
            let points = page["points"].as_array().unwrap().len() as i64;
            assert!(points % 50 == 0 && points >= count.min(10_000), "{points}");
            known = count;
            asked += 2;
        }
        asked
    };
    let ((), asked) = tokio::join!(record, ask);
    assert!(asked > 100, "{asked}");
    let answer = asking.ask("aggregate", &[("figure", "count")]).await;
    assert_eq!(answer["rows"][0]["count"], json!(ROUNDS * 50));
}
