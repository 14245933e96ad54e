//! Bytes on the server that are no points are told, and take no others with them.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Value as Json, json};
use support::checkouts::{Asking, Sent, assert_close};
use support::redis::Client;

use super::{KEPT, Scene, noon, sent};

const FRESH: &str = "daybook:live:checkout:fresh:web1";

/// What can become of a list's item.
fn damages(sound: &[u8]) -> Vec<Vec<u8>> {
    let mut flipped = sound.to_vec();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    vec![
        Vec::new(),
        b"no chunk".to_vec(),
        vec![0xff; 4096],
        sound[..sound.len() - 1].to_vec(),
        sound[..7].to_vec(),
        flipped,
    ]
}

fn items(client: &mut Client, list: &str) -> Vec<Vec<u8>> {
    let items = client.run(["LRANGE", list, "0", "-1"]).list().into_iter();
    items.map(support::redis::Reply::bytes).collect()
}

/// Three checkouts of 20 ms and one of 50 ms.
fn checkouts(at: DateTime<Utc>) -> Vec<Sent> {
    let long = Sent {
        duration: 50_000,
        ..sent(at + TimeDelta::minutes(3), "be")
    };
    let mut all: Vec<Sent> = (0..3)
        .map(|minute| sent(at + TimeDelta::minutes(minute), "zh"))
        .collect();
    all.push(long);
    all
}

/// Every question answers with what is left, and says that something is missing.
async fn assert_told(asking: &Asking<'_>, about: &str) {
    let only = ("ok", "true");
    let broken = |answer: &Json| {
        assert_eq!(answer["complete"], json!(false), "{about}: {answer}");
        let broken = answer["broken"].as_array().unwrap();
        let told = broken[0].as_str().unwrap();
        let is_told = told.starts_with("chunk ")
            && told.contains(" is corrupt: ")
            && told.ends_with("; its events are missing");
        assert!(is_told && broken.len() == 1, "{about}: {answer}");
    };
    let figures = ["count", "p50 of duration", "p95 of duration"].map(|figure| ("figure", figure));
    let pairs = [&figures[..], &[only]].concat();
    let answer = asking.ask("aggregate", &pairs).await;
    broken(&answer);
    let row = &answer["rows"][0];
    assert_close(&row["count"], Some(4.0), 0.0, about);
    assert_close(&row["p50 of duration"], Some(20.0), 0.0, about);
    assert_close(&row["p95 of duration"], Some(50.0), 0.0, about);
    for (question, count) in [("points", 4), ("range", 4), ("slowest", 4)] {
        let answer = asking.ask(question, &[]).await;
        broken(&answer);
        let points = answer["points"].as_array().unwrap();
        assert_eq!(points.len(), count, "{about}: {answer}");
    }
    let slowest = asking.ask("slowest", &[("limit", "1")]).await;
    assert_eq!(slowest["points"][0]["values"]["duration"], json!(50.0));
    let summary = asking.ask("summary", &[only]).await;
    broken(&summary);
    assert_eq!(summary["count"], json!(4));
    let top = asking
        .ask("top", &[("by", "shop"), ("figure", "count"), only])
        .await;
    broken(&top);
    assert_eq!(top["rows"][0]["labels"]["shop"], json!("zh"));
    let latest = asking.ask("latest", &[]).await;
    let shops = latest["points"].as_array().unwrap().iter();
    let shops: Vec<&Json> = shops.map(|point| &point["labels"]["shop"]).collect();
    assert_eq!(shops, ["be", "zh"], "{about}");
}

#[tokio::test]
async fn a_broken_item_among_fresh_points_is_told_and_the_others_count() {
    let scene = Scene::new(KEPT);
    let place = scene.place(Tz::UTC);
    place
        .record(&scene.live, &checkouts(noon() - TimeDelta::hours(2)))
        .await;
    let mut client = scene.server.client(0);
    let sound = items(&mut client, FRESH).remove(0);
    let asking = Asking {
        live: &scene.live,
        place: &place,
        zone: Tz::UTC,
        now: noon(),
    };
    for (number, damaged) in damages(&sound).into_iter().enumerate() {
        for push in ["LPUSH", "RPUSH"] {
            client.run([push.as_bytes(), FRESH.as_bytes(), &damaged]);
            assert_told(&asking, &format!("fresh, {push}, damage {number}")).await;
            client.run([b"LREM", FRESH.as_bytes(), b"0", &damaged]);
        }
    }
    let answer = asking.ask("aggregate", &[("figure", "count")]).await;
    assert_eq!(
        (&answer["complete"], &answer["rows"][0]["count"]),
        (&json!(true), &json!(4))
    );
}

#[tokio::test]
async fn a_broken_item_among_the_points_of_an_hour_is_told_and_the_others_count() {
    let scene = Scene::new(KEPT);
    let place = scene.place(Tz::UTC);
    let at = noon() - TimeDelta::hours(2);
    place.record(&scene.live, &checkouts(at)).await;
    place.keep(&scene.live, Tz::UTC, noon()).await;
    let mut client = scene.server.client(0);
    let hour = format!("daybook:live:checkout:points:{}", at.timestamp());
    let sound = items(&mut client, &hour).remove(0);
    let asking = Asking {
        live: &scene.live,
        place: &place,
        zone: Tz::UTC,
        now: noon(),
    };
    for (number, damaged) in damages(&sound).into_iter().enumerate() {
        for push in ["LPUSH", "RPUSH"] {
            client.run([push.as_bytes(), hour.as_bytes(), &damaged]);
            assert_told(&asking, &format!("an hour, {push}, damage {number}")).await;
            client.run([b"LREM", hour.as_bytes(), b"0", &damaged]);
        }
    }
    // What rollups answer needs no points.
    client.run(["LSET", &hour, "0", "no chunk"]);
    let answer = asking.ask("aggregate", &[("figure", "count")]).await;
    assert_eq!(
        (&answer["complete"], &answer["rows"][0]["count"]),
        (&json!(true), &json!(4))
    );
}

#[tokio::test]
async fn bounds_and_counts_that_somebody_has_spoilt_keep_no_question_busy() {
    let scene = Scene::new(KEPT);
    let place = scene.place(Tz::UTC);
    let at = noon() - TimeDelta::hours(2);
    place.record(&scene.live, &checkouts(at)).await;
    place.keep(&scene.live, Tz::UTC, noon()).await;
    let mut client = scene.server.client(0);
    let asking = Asking {
        live: &scene.live,
        place: &place,
        zone: Tz::UTC,
        now: noon(),
    };
    let kind = "daybook:live:checkout";
    let hour = format!("{kind}:hour:{}::", at.timestamp());
    for (key, field, spoilt) in [
        (kind, "zone:UTC:max", "1e400"),
        (kind, "zone:UTC:max", "inf"),
        (kind, "zone:UTC:max", "9223372036854775807"),
        (kind, "at:max", "1e300"),
        (&hour, "count", "9223372036854775807"),
        (&hour, "count", "-9223372036854775808"),
    ] {
        let sound = client.run(["HGET", key, field]).text();
        client.run(["HSET", key, field, spoilt]);
        let answer = asking.ask("points", &[]).await;
        let points = answer["points"].as_array().unwrap();
        assert_eq!(points.len(), 4, "{field} {spoilt}: {answer}");
        client.run(["HSET", key, field, &sound]);
    }
}
