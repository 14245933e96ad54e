//! What dashboards read: in the documented order of checks, and from the store.

use serde_json::json;

use super::super::{Intake, json as parsed};
use super::{NOON, beat, beat_for, cpu, error, hosts, metrics, series};

#[tokio::test]
async fn reading_is_refused_in_the_documented_order() {
    let world = hosts();
    let intake = Intake::of(&world).await;
    series(&intake, 1).await;
    let time = format!("startTime={NOON}");
    let long = format!(
        "startTime={}&endTime={}",
        NOON - 1,
        NOON - 1 + 7_776_000_001
    );
    for (address, status, expected) in [
        ("none/metrics/range", 400, "Organization ID required"),
        ("none/metrics/range?orgId=", 400, "Organization ID required"),
        (
            "none/metrics/range?orgId=a",
            400,
            "Valid startTime required (milliseconds)",
        ),
        (
            "none/metrics/range?orgId=a&startTime=abc",
            400,
            "Valid startTime required (milliseconds)",
        ),
        (
            &format!("none/metrics/range?orgId=a&{long}"),
            404,
            "Host not found",
        ),
        (
            &format!("web-1/metrics/range?orgId=a&{long}"),
            403,
            "Access denied",
        ),
        (
            &format!("web-1/metrics/range?orgId=acme&{long}&limit=abc"),
            400,
            "Time range too large (max 90 days)",
        ),
        (
            &format!("web-1/metrics/range?orgId=acme&{time}&limit=abc"),
            400,
            "`abc` is not a number from 1 to 10000",
        ),
        (
            "none/metrics/recent?count=abc",
            400,
            "Organization ID required",
        ),
        (
            "none/metrics/recent?orgId=acme&count=abc",
            404,
            "Host not found",
        ),
        (
            "web-1/metrics/recent?orgId=a&count=abc",
            403,
            "Access denied",
        ),
        (
            "web-1/metrics/recent?orgId=acme&count=abc",
            400,
            "`abc` is not a number from 1 to 1000",
        ),
        ("none", 400, "Organization ID required"),
        ("none?orgId=acme", 404, "Host not found"),
        ("web-1?orgId=a", 403, "Access denied"),
        ("none/metrics/count?orgId=acme", 404, "Host not found"),
        ("web-1/metrics/count?orgId=a", 403, "Access denied"),
        ("web-1?orgId=acme&orgid=a", 400, "expected `orgId`"),
        ("web-1?orgId=acme&orgId=acme", 400, "given twice"),
        (
            "web-1/metrics/recent?orgId=acme&limit=3",
            400,
            "expected `count` or `orgId`",
        ),
    ] {
        let answer = intake.get(&format!("/api/hosts/{address}")).await;
        assert_eq!(error(&answer), (status, expected.to_owned()), "{address}");
    }
    for address in ["/api/hosts", "/api/dashboard"] {
        let answer = intake.get(address).await;
        assert_eq!(error(&answer), (400, "Organization ID required".to_owned()));
        let nobody = parsed(&intake.get(&format!("{address}?orgId=nobody")).await);
        assert_eq!(nobody["count"], 0);
    }
    let exactly_90_days = format!("startTime={NOON}&endTime={}", NOON + 7_776_000_000);
    let address = format!("/api/hosts/web-1/metrics/range?orgId=acme&{exactly_90_days}");
    assert_eq!(cpu(&intake.get(&address).await), [0]);
    intake.end().await;
}

#[tokio::test]
async fn a_range_has_both_its_ends_and_as_many_samples_as_are_asked_for() {
    let world = hosts();
    let intake = Intake::of(&world).await;
    series(&intake, 2880).await;
    let first = NOON - 2_879_000;
    let range = async |parameters: &str| {
        let address = format!("/api/hosts/web-1/metrics/range?orgId=acme&{parameters}");
        cpu(&intake.get(&address).await)
    };
    let all: Vec<i64> = (0..2880).collect();
    assert_eq!(range("startTime=0&endTime=1").await, [0; 0]);
    let days = format!("startTime={first}");
    assert_eq!(range(&days).await, all[..1000]);
    for (limit, count) in [
        ("5", 5),
        ("5000", 2880),
        ("1001", 1001),
        ("12abc", 12),
        ("0", 1),
        ("-1", 1),
        ("99999999999999999999", 2880),
    ] {
        assert_eq!(range(&format!("{days}&limit={limit}")).await, all[..count]);
    }
    for (start, end, expected) in [
        (first.to_string(), (first + 2000).to_string(), 0..3),
        ((first + 1).to_string(), (first + 1999).to_string(), 1..2),
        ((first + 3000).to_string(), (first + 3000).to_string(), 3..4),
        (format!("{}abc", NOON - 1000), "0".to_owned(), 2878..2880),
        (format!("%20{NOON}.9"), "later".to_owned(), 2879..2880),
        (format!("{NOON}"), (NOON - 1000).to_string(), 0..0),
    ] {
        let found = range(&format!("startTime={start}&endTime={end}")).await;
        assert_eq!(found, all[expected], "{start} {end}");
    }
    intake.end().await;
}

#[tokio::test]
async fn recent_samples_are_the_newest_and_the_newest_comes_first() {
    let world = hosts();
    let intake = Intake::of(&world).await;
    series(&intake, 2880).await;
    let newest_first: Vec<i64> = (0..2880).rev().collect();
    for (parameters, count) in [
        ("", 100),
        ("&count=5", 5),
        ("&count=5abc", 5),
        ("&count=0", 1),
        ("&count=-3", 1),
        ("&count=4000", 1000),
    ] {
        let address = format!("/api/hosts/web-1/metrics/recent?orgId=acme{parameters}");
        let found = cpu(&intake.get(&address).await);
        assert_eq!(found, newest_first[..count], "{parameters}");
    }
    // Of a host 60 are shown, the oldest of them first.
    let shown = parsed(&intake.get("/api/hosts/web-1?orgId=acme").await);
    let metrics = shown["metrics"].as_array().unwrap().iter();
    let shown_cpu: Vec<i64> = metrics
        .map(|sample| sample["cpu"]["usage"].as_i64().unwrap())
        .collect();
    assert_eq!(shown_cpu, (2820..2880).collect::<Vec<i64>>());
    assert_eq!(shown["currentMetrics"]["cpu"]["usage"], 2879);
    // What such events leave out is 0, and one core.
    assert_eq!(
        shown["currentMetrics"]["cpu"],
        json!({"usage": 2879, "cores": 1, "loadAvg": [0, 0, 0]})
    );
    let count = intake
        .get("/api/hosts/web-1/metrics/count?orgId=acme")
        .await;
    assert_eq!(count.body, r#"{"count":2880}"#);
    intake.end().await;
}

#[tokio::test]
async fn after_a_restart_nothing_is_missing_and_each_host_stays_whose_it_was() {
    let world = hosts();
    let addresses = [
        "/api/hosts?orgId=acme",
        "/api/dashboard?orgId=acme",
        "/api/hosts/web-1?orgId=acme",
        "/api/hosts/web-1/metrics/recent?orgId=acme",
    ];
    let intake = Intake::of(&world).await;
    series(&intake, 70).await;
    for (organisation, host) in [("acme", "web-2"), ("umbrella", "db-1")] {
        let answer = beat_for(&intake.browser(), organisation, &beat(host, 3.0)).await;
        assert_eq!(answer.status, 200);
    }
    let before = asked(&intake, addresses).await;
    intake.end().await;
    let intake = Intake::of(&world).await;
    assert_eq!(asked(&intake, addresses).await, before);
    assert!(before[0].contains(r#""hostname":"web-2""#), "{}", before[0]);
    let foreign = beat_for(&intake.browser(), "umbrella", &beat("web-1", 9.0)).await;
    assert_eq!(error(&foreign), (403, "Access denied".to_owned()));
    // Known from before, it needs no introduction.
    let bare = json!({"hostId": "web-2", "metrics": metrics(4.0)}).to_string();
    assert_eq!(beat_for(&intake.browser(), "acme", &bare).await.status, 200);
    let shown = parsed(&intake.get("/api/hosts/web-2?orgId=acme").await);
    assert_eq!(shown["host"]["os"], "linux");
    intake.end().await;
}

async fn asked(intake: &Intake, addresses: [&str; 4]) -> Vec<String> {
    let mut bodies = Vec::new();
    for address in addresses {
        bodies.push(intake.get(address).await.body);
    }
    bodies
}
